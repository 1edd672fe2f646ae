// A model of tf.layers as a pure function of its weights: so that it can be trained by our steps, captured, and dry-run.
import type { LayersModel, Tensor } from '@tensorflow/tfjs';
import { InputError } from '../base/errors';
import type { Tensors } from './training-step';

/** The part of a layer's weight that is private there (4.22; a test watches it). */
interface Weight {
  name: string;
  trainable: boolean;
  val: Tensor;
}

export interface LayersFunction {
  /** The model's own weights by name, trained and not. */
  parameters: { trained: Tensors; frozen: Tensors };
  /**
   * The model with these weights in the place of its own. What a layer writes into its weights while it trains (the moving
   * means of a batch normalisation) is refused: call it without `training`.
   */
  apply: (
    parameters: { trained: Tensors; frozen: Tensors },
    x: Tensor,
    options?: { training?: boolean },
  ) => Tensor;
}

/** @param model  built, with one input and one output; it stays as it is */
export function layersFunction(model: LayersModel): LayersFunction {
  const weights = model.weights as unknown as Weight[];
  const named = (trainable: boolean): Tensors =>
    Object.fromEntries(weights.filter((w) => w.trainable === trainable).map((w) => [w.name, w.val]));
  return {
    parameters: { trained: named(true), frozen: named(false) },
    apply({ trained, frozen }, x, { training = false } = {}) {
      if (training && weights.some(({ trainable, name }) => !trainable && name.includes('moving_')))
        throw new InputError({
          what: `cannot train ${model.name} as a function`,
          given: 'a batch normalisation, which writes its moving means while it trains',
          expected: 'layers that write nothing',
          fix: 'call it without `training`, so that it uses the means it has, or use another normalisation',
        });
      const own = weights.map((weight) => weight.val);
      const given: Tensors = { ...frozen, ...trained };
      try {
        for (const weight of weights) weight.val = given[weight.name];
        return model.apply(x, { training }) as Tensor;
      } finally {
        weights.forEach((weight, k) => (weight.val = own[k]));
      }
    },
  };
}
