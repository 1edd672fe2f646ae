// Small nets drawn at random: vision transformers with low-rank adapters over one to three views, and convolutional nets in
// two and three dimensions, each with a loss and an optimiser. What they compute is of no use; that they allocate in every
// way that models here do is.
import type { Tensor, Tensor4D, Tensor5D } from '@tensorflow/tfjs';
import { Random } from '../../../src/base/random';
import { adam, sgd } from '../../../src/backends/optimisers';
import { scope } from '../../../src/backends/scope';
import type { Optimiser, StepDefinition, TensorTree } from '../../../src/backends/training-step';
import { flattenTree } from '../../../src/backends/training-step';
import { tf } from '../../../src/backends/tf';
import { gelu, leakyRelu } from '../../../src/nn/activations';
import { multiHeadAttention } from '../../../src/nn/attention';
import { convolutionSpec, upConvolutionSpec, upConvolve3d } from '../../../src/nn/convolution';
import {
  adaptedLinear,
  adapterSpec,
  linear,
  linearSpec,
  perceptron,
  perceptronSpec,
} from '../../../src/nn/linear';
import { instanceNorm, layerNorm, normSpec } from '../../../src/nn/norm';
import type { ParameterTree, TensorsOf } from '../../../src/nn/parameters';
import { constant, drawn, normal, Parameter } from '../../../src/nn/parameters';
import { embedPatches, fromPatches } from '../../../src/nn/patches';

/** A net that was drawn, and the data of a step of it. Its tensors are the caller's to free. */
export interface RandomNet {
  definition: StepDefinition;
  inputs: TensorTree;
}

/** A net as data: its choices in words, and how it is made on the current backend. */
export interface NetPlan {
  name: string;
  build(): RandomNet;
}

/** Free a net's tensors. */
export function freeNet({ definition, inputs }: RandomNet): void {
  const { trained, frozen } = definition.parameters;
  tf.dispose(Object.values(flattenTree([trained, frozen, inputs])));
}

const values = (shape: number[], random: Random): Tensor =>
  tf.keep(
    tf.tensor(
      Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.normal()),
      shape,
    ),
  );

const pick = <T>(random: Random, ...choices: T[]): T => choices[random.below(choices.length)];

const optimisers: Record<string, () => Optimiser> = {
  sgd: () => sgd(),
  momentum: () => sgd({ momentum: 0.9 }),
  nesterov: () => sgd({ momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  adam: () => adam(),
  adamw: () => adam({ weightDecay: 0.01 }),
};

// The type of a tree that is drawn is too deep for the compiler to follow.
const tensorsOf = drawn as (tree: ParameterTree, random: Random) => TensorTree;

function planOf(
  kind: string,
  choices: Record<string, unknown>,
  random: Random,
  parts: {
    trained: ParameterTree;
    frozen: ParameterTree;
    inputs: () => TensorTree;
    loss: (trained: never, frozen: never, inputs: never, scalars: Record<string, Tensor>) => Tensor;
  },
): NetPlan {
  const optimiser = pick(random, ...Object.keys(optimisers));
  const said = Object.entries({ ...choices, optimiser }).map(([key, value]) => `${key} ${String(value)}`);
  const name = `${kind}: ${said.join(', ')}`;
  return {
    name,
    build: () => ({
      definition: {
        name,
        parameters: {
          trained: tensorsOf(parts.trained, random.fork('trained')),
          frozen: tensorsOf(parts.frozen, random.fork('frozen')),
        },
        optimiser: optimisers[optimiser](),
        scalars: { weight: 0.5 },
        loss: ({ trained, frozen }, inputs, scalars) =>
          parts.loss(trained as never, frozen as never, inputs as never, scalars),
      },
      inputs: parts.inputs(),
    }),
  };
}

/** A vision transformer that draws masks, frozen but for adapters and its head; views are asked to agree. */
export function randomVit(seed: number): NetPlan {
  const random = new Random(`vit ${seed}`);
  const heads = 1 + random.below(3);
  const width = heads * (4 + 2 * random.below(3));
  const patch = pick(random, 2, 4);
  const [down, across] = [2 + random.below(3), 2 + random.below(3)];
  const depth = 1 + random.below(3);
  const rank = 1 + random.below(3);
  const views = 1 + random.below(3);
  const channels = pick(random, 1, 3);
  const batched = pick(random, true, false);
  const adapted = pick(random, 'q v', 'all', 'none');
  const tokens = down * across;

  const block = {
    before: normSpec(width),
    q: linearSpec(width, width),
    k: linearSpec(width, width),
    v: linearSpec(width, width),
    out: linearSpec(width, width),
    after: normSpec(width),
    mlp: perceptronSpec(width, pick(random, 2, 4) * width),
  };
  const low = adapterSpec(width, width, rank);
  const adapters: Record<string, typeof low> =
    adapted === 'none' ? {} : adapted === 'all' ? { q: low, k: low, v: low } : { q: low, v: low };
  const trained = {
    blocks: Array.from({ length: depth }, () => adapters),
    head: linearSpec(width, patch * patch),
  };
  const frozen = {
    embed: linearSpec(patch * patch * channels, width),
    position: new Parameter([tokens, width], normal(0.02)),
    blocks: Array.from({ length: depth }, () => block),
    norm: normSpec(width),
  };
  type Trained = TensorsOf<typeof trained>;
  type Frozen = TensorsOf<typeof frozen>;

  const mask = (p: Trained, f: Frozen, image: Tensor): Tensor => {
    let x = tf.add(embedPatches(image, f.embed, patch), f.position); // [tokens, width]
    if (batched) x = tf.expandDims(x, 0);
    f.blocks.forEach((b, i) => {
      x = scope(`block ${i}`, () => {
        const own = p.blocks[i] as Record<string, TensorsOf<typeof low> | undefined>;
        const y = layerNorm(x, b.before);
        const to = (name: 'q' | 'k' | 'v'): Tensor =>
          name in own ? adaptedLinear(y, b[name], own[name]!, 0.5) : linear(y, b[name]);
        const mixed = linear(multiHeadAttention(to('q'), to('k'), to('v'), heads), b.out);
        const z = tf.add(x, mixed);
        return tf.add(z, perceptron(layerNorm(z, b.after), b.mlp));
      });
    });
    const rows = linear(layerNorm(batched ? tf.squeeze(x, [0]) : x, f.norm), p.head);
    return tf.sigmoid(fromPatches(rows, patch, [down, across]));
  };
  const size = [down * patch, across * patch];
  return planOf(
    'ViT',
    { width, depth, heads, patch, grid: `${down}x${across}`, views, rank, adapted, batched },
    random,
    {
      trained,
      frozen,
      inputs: () => ({
        images: Array.from({ length: views }, (_, k) =>
          values([...size, channels], random.fork(`image ${k}`)),
        ),
        target: values([...size, 1], random.fork('target')),
      }),
      loss: (p: Trained, f: Frozen, { images, target }: { images: Tensor[]; target: Tensor }, { weight }) => {
        const masks = images.map((image, k) => scope(`view ${k}`, () => mask(p, f, image)));
        const fits = masks.map((m) => tf.mean(tf.squaredDifference(m, target)));
        const agree = masks.slice(1).map((m, k) => tf.mul(tf.mean(tf.square(tf.sub(m, masks[k]))), weight));
        return tf.addN([...fits, ...agree]);
      },
    },
  );
}

const activations: Record<string, (x: Tensor) => Tensor> = {
  relu: (x) => tf.relu(x),
  'leaky relu': (x) => leakyRelu(x),
  gelu,
  silu: (x) => tf.mul(x, tf.sigmoid(x)),
  elu: (x) => tf.elu(x),
  tanh: (x) => tf.tanh(x),
  softplus: (x) => tf.softplus(x),
  // Its gradient asks which of two is larger, and casts the answers to numbers.
  maximum: (x) => tf.maximum(x, tf.mul(x, 0.1)),
};

/** A convolutional encoder and decoder in two or three dimensions; the way down and up and everything between is drawn. */
export function randomConvNet(seed: number): NetPlan {
  const random = new Random(`conv ${seed}`);
  const dimensions = pick(random, 2, 3);
  const levels = 1 + random.below(dimensions === 2 ? 3 : 2);
  const base = 2 + random.below(3);
  const batch = 1 + random.below(2);
  // In turn, so that a row of seeds has all of them.
  const activation = Object.keys(activations)[seed % Object.keys(activations).length];
  const normalise = pick(random, 'instance', 'none', 'batch');
  const down = pick(random, 'stride', 'max', 'average');
  // Blocks of 2 x 2 x 2 are brought to their places one image at a time.
  const ways = ['transposed', 'nearest', ...(dimensions === 3 && batch === 1 ? ['product'] : [])];
  const up = ways[seed % ways.length];
  const skip = pick(random, 'concat', 'add', 'none');
  const kernel = pick(random, 1, 3);
  const twice = pick(random, true, false);
  const residual = pick(random, true, false);
  const loss = pick(random, 'square', 'dice', 'cross entropy');
  const size = Array.from({ length: dimensions }, () => 2 ** levels * (1 + random.below(2)));
  const channels = pick(random, 1, 2);

  const kernels = new Array<number>(dimensions).fill(kernel);
  const twos = new Array<number>(dimensions).fill(2);
  const widths = Array.from({ length: levels + 1 }, (_, k) => base * 2 ** k);
  const stage = (from: number, to: number) => ({
    first: convolutionSpec(kernels, from, to),
    firstNorm: normSpec(to),
    second: convolutionSpec(kernels, to, to),
    secondNorm: normSpec(to),
  });
  const trained = {
    encoder: widths.map((to, k) => stage(k === 0 ? channels : widths[k - 1], to)),
    decoder: widths.slice(0, -1).map((to, k) => ({
      up: new Parameter([...twos, to, widths[k + 1]], normal(0.3)),
      product: upConvolutionSpec(widths[k + 1], to),
      one: convolutionSpec(
        twos.map(() => 1),
        widths[k + 1],
        to,
      ),
      stage: stage(skip === 'concat' ? 2 * to : to, to),
    })),
    head: convolutionSpec(
      twos.map(() => 1),
      base,
      2,
    ),
  };
  const frozen = { offset: new Parameter([channels], constant(0.1)) };
  type Trained = TensorsOf<typeof trained>;
  type Frozen = TensorsOf<typeof frozen>;
  type Stage = Trained['encoder'][number];

  const convolve = (x: Tensor, { filter, bias }: Stage['first'], stride = 1): Tensor =>
    tf.add(
      dimensions === 2
        ? tf.conv2d(x as Tensor4D, filter as Tensor4D, stride, 'same')
        : tf.conv3d(x as Tensor5D, filter as Tensor5D, stride, 'same'),
      bias,
    );
  const norm = (x: Tensor, p: Stage['firstNorm']): Tensor => {
    if (normalise === 'none') return x;
    if (normalise === 'instance') return instanceNorm(x, p);
    const { mean, variance } = tf.moments(x, tf.util.parseAxisParam([0, -2], x.shape), true);
    return tf.add(tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-5))), p.gain), p.bias);
  };
  const run = (x: Tensor, p: Stage, stride: number): Tensor => {
    const act = activations[activation];
    const y = act(norm(convolve(x, p.first, stride), p.firstNorm));
    if (!twice) return y;
    const z = norm(convolve(y, p.second), p.secondNorm);
    return act(residual ? tf.add(y, z) : z);
  };
  const pool = (x: Tensor): Tensor => {
    if (dimensions === 2)
      return down === 'max'
        ? tf.maxPool(x as Tensor4D, 2, 2, 'same')
        : tf.avgPool(x as Tensor4D, 2, 2, 'same');
    return down === 'max'
      ? tf.maxPool3d(x as Tensor5D, 2, 2, 'same')
      : tf.avgPool3d(x as Tensor5D, 2, 2, 'same');
  };
  const nearest = (x: Tensor): Tensor => {
    if (dimensions === 2)
      return tf.image.resizeNearestNeighbor(x as Tensor4D, [2 * x.shape[1]!, 2 * x.shape[2]!]);
    // Each axis by itself: repeated beside itself.
    return [1, 2, 3].reduce((y, axis) => {
      const apart = [...y.shape.slice(0, axis + 1).reduce((n, k) => [n[0] * k], [1]), 1, y.size];
      const rows = tf.reshape(y, [apart[0], 1, y.size / apart[0]]);
      const shape = y.shape.map((n, k) => (k === axis ? 2 * n : n));
      return tf.reshape(tf.concat([rows, rows], 1), shape);
    }, x);
  };
  const upwards = (x: Tensor, p: Trained['decoder'][number]): Tensor => {
    if (up === 'product') return upConvolve3d(x, p.product);
    if (up === 'nearest') return convolve(nearest(x), p.one);
    const shape = [x.shape[0], ...x.shape.slice(1, -1).map((n) => 2 * n), p.up.shape.at(-2)!];
    return dimensions === 2
      ? tf.conv2dTranspose(x as Tensor4D, p.up as Tensor4D, shape as never, 2, 'same')
      : tf.conv3dTranspose(x as Tensor5D, p.up as Tensor5D, shape as never, 2, 'same');
  };
  const forward = (p: Trained, image: Tensor): Tensor => {
    let x = image;
    const skips: Tensor[] = [];
    p.encoder.forEach((s, k) => {
      x = scope(`encoder ${k}`, () =>
        run(k > 0 && down !== 'stride' ? pool(x) : x, s, k > 0 && down === 'stride' ? 2 : 1),
      );
      skips.push(x);
    });
    for (let k = levels - 1; k >= 0; k--)
      x = scope(`decoder ${k}`, () => {
        const y = upwards(x, p.decoder[k]);
        const joined =
          skip === 'concat' ? tf.concat([skips[k], y], -1) : skip === 'add' ? tf.add(skips[k], y) : y;
        return run(joined, p.decoder[k].stage, 1);
      });
    return convolve(x, p.head);
  };
  return planOf(
    `${dimensions}-D conv net`,
    {
      size: size.join('x'),
      batch,
      base,
      levels,
      kernel,
      activation,
      normalise,
      down,
      up,
      skip,
      twice,
      residual,
      loss,
    },
    random,
    {
      trained: used(trained),
      frozen,
      inputs: () => ({
        image: values([batch, ...size, channels], random.fork('image')),
        target: values([batch, ...size, 2], random.fork('target')),
      }),
      loss: (p: Trained, f: Frozen, { image, target }: { image: Tensor; target: Tensor }, { weight }) => {
        const y = forward(p, tf.add(image, f.offset));
        if (loss === 'square') return tf.mul(tf.mean(tf.squaredDifference(y, target)), weight);
        const share = tf.softmax(y);
        if (loss === 'cross entropy') return tf.neg(tf.mean(tf.mul(tf.logSoftmax(y), tf.softmax(target))));
        const both = tf.sum(tf.mul(share, target));
        return tf.sub(
          weight,
          tf.div(tf.mul(both, 2), tf.add(tf.sum(tf.square(share)), tf.sum(tf.square(target)))),
        );
      },
    },
  );

  /** The parameters that the drawn choices use: a step wants each to have a gradient. */
  function used(all: typeof trained): ParameterTree {
    const ofStage = (s: ReturnType<typeof stage>): ParameterTree => {
      const { first, firstNorm, second, secondNorm } = s;
      const parts: Record<string, ParameterTree> = { first };
      if (twice) parts.second = second;
      if (normalise === 'none') return parts;
      return twice ? { ...parts, firstNorm, secondNorm } : { ...parts, firstNorm };
    };
    return {
      encoder: all.encoder.map(ofStage),
      decoder: all.decoder.map((d) => ({
        ...(up === 'product' ? { product: d.product } : up === 'nearest' ? { one: d.one } : { up: d.up }),
        stage: ofStage(d.stage),
      })),
      head: all.head,
    };
  }
}
