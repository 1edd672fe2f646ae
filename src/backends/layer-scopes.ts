// Layers of tf.layers as parts of a model in a ledger, by their own names.
import type { SymbolicTensor, Tensor } from '@tensorflow/tfjs';
import { replacing } from '../base/replacing';
import { scope } from './scope';
import { tf } from './tf';

type Applied = Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[];

/** Call a function; what a layer of tf.layers computes in it belongs to the part of that layer's name (scope.ts). */
export function namingLayers<T>(f: () => T): T {
  const { prototype } = tf.layers.Layer;
  const apply = Reflect.get(prototype, 'apply') as (...given: unknown[]) => Applied;
  const restore = replacing(prototype, {
    apply(this: tf.layers.Layer, ...given: unknown[]): Applied {
      return scope(this.name.replaceAll('/', '.'), () => apply.apply(this, given));
    },
  });
  try {
    return f();
  } finally {
    restore();
  }
}
