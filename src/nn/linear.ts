// Products with weights: a linear layer, one with an adapter of low rank, and the two-layer perceptron of transformers.
import { tf } from '../backends/tf';
import { gelu } from './activations';
import type { TensorsOf } from './parameters';
import { constant, normal, Parameter } from './parameters';

type LinearSpec = Record<'weight' | 'bias', Parameter>;
export type Linear = TensorsOf<LinearSpec>;

/** Weight [from, to] and bias [to]. Starts so that outputs vary as inputs do. */
export function linearSpec(from: number, to: number): LinearSpec {
  return { weight: new Parameter([from, to], normal(from ** -0.5)), bias: new Parameter([to], constant(0)) };
}

/** x [..., from] by a matrix [from, to]: [..., to]. One product, whatever the axes before the last. */
export function product(x: tf.Tensor, weight: tf.Tensor): tf.Tensor {
  if (x.rank === 2) return tf.matMul(x, weight);
  const rows = tf.reshape(x, [-1, x.shape.at(-1)!]); // [rows, from]
  return tf.reshape(tf.matMul(rows, weight), [...x.shape.slice(0, -1), weight.shape[1]!]);
}

/** x weight + bias: [..., from] to [..., to]. */
export function linear(x: tf.Tensor, { weight, bias }: Linear): tf.Tensor {
  return tf.add(product(x, weight), bias);
}

type AdapterSpec = Record<'a' | 'b', Parameter>;
/** What LoRA adds to a frozen weight: the product of a [from, rank] and b [rank, to]. */
export type Adapter = TensorsOf<AdapterSpec>;

/** Starts as nothing added: b is zero (Hu et al. 2022). */
export function adapterSpec(from: number, to: number, rank: number): AdapterSpec {
  return {
    a: new Parameter([from, rank], normal(from ** -0.5)),
    b: new Parameter([rank, to], constant(0)),
  };
}

/**
 * What an adapter adds to a linear layer's output: (x a) b, [..., from] to [..., to].
 * @param scale  alpha / rank of the paper
 */
export function adapter(x: tf.Tensor, { a, b }: Adapter, scale = 1): tf.Tensor {
  const added = product(product(x, a), b);
  return scale === 1 ? added : tf.mul(added, scale);
}

/** A linear layer with an adapter (LoRA): x weight + bias + scale (x a) b. */
export function adaptedLinear(x: tf.Tensor, layer: Linear, low: Adapter, scale = 1): tf.Tensor {
  return tf.add(linear(x, layer), adapter(x, low, scale));
}

type PerceptronSpec = Record<'up' | 'down', LinearSpec>;
export type Perceptron = TensorsOf<PerceptronSpec>;

/** The perceptron of a transformer's block. @param hidden  its width between, 4 times `width` mostly */
export function perceptronSpec(width: number, hidden: number): PerceptronSpec {
  return { up: linearSpec(width, hidden), down: linearSpec(hidden, width) };
}

/** Linear, GELU, linear: [..., width] to [..., width]. */
export function perceptron(x: tf.Tensor, { up, down }: Perceptron): tf.Tensor {
  return linear(gelu(linear(x, up)), down);
}
