// Gradients of resizing: it multiplies each axis by a matrix, so its gradient multiplies by the transpose.
import type * as TF from '@tensorflow/tfjs';

/** Where sample i lies in the source. */
type Source = (i: number) => number;

/** The matrix [to, from] of linear interpolation; samples beyond an edge take its value. */
function linear(from: number, to: number, sourceOf: Source): Float32Array {
  const weights = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const x = Math.min(from - 1, Math.max(0, sourceOf(i)));
    const low = Math.floor(x);
    weights[i * from + low] += 1 - (x - low);
    weights[i * from + Math.min(from - 1, low + 1)] += x - low;
  }
  return weights;
}

/** The matrix that takes the nearest element. The kernels place samples in float32: so does this, or a tie goes elsewhere. */
function nearest(from: number, to: number, sourceOf: Source, shift: number): Float32Array {
  const weights = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const low = Math.floor(Math.fround(Math.fround(sourceOf(i)) + shift));
    weights[i * from + Math.max(0, Math.min(from - 1, low))] = 1;
  }
  return weights;
}

/**
 * Registers them in place of TensorFlow.js's, which leave the half of a pixel out on every backend (silently wrong), and of
 * which those of the cpu backend turn height and width round, and never end on an axis of length 1 with aligned corners.
 */
export function registerResizing(tf: typeof TF): void {
  for (const kernelName of ['ResizeBilinear', 'ResizeNearestNeighbor']) {
    tf.registerGradient({
      kernelName,
      inputsToSave: ['images'],
      gradFunc: (dy, [images], attributes) => {
        const [b, h, w, c] = images.shape;
        const [, tall, wide] = (dy as TF.Tensor).shape;
        const { alignCorners, halfPixelCenters } = attributes as Record<string, unknown>;
        const matrix = (from: number, to: number): TF.Tensor3D => {
          const scale = alignCorners ? (to > 1 ? (from - 1) / (to - 1) : 0) : from / to;
          const source = (i: number): number => (halfPixelCenters ? (i + 0.5) * scale - 0.5 : i * scale);
          const weights =
            kernelName === 'ResizeBilinear'
              ? linear(from, to, source)
              : nearest(from, to, source, alignCorners || halfPixelCenters ? 0.5 : 0);
          return tf.tensor3d(weights, [1, to, from]);
        };
        return {
          images: () => {
            const rows = tf.tile(matrix(h, tall), [b, 1, 1]);
            const columns = tf.tile(matrix(w, wide), [b * h, 1, 1]);
            const lower = tf.matMul(rows, tf.reshape(dy as TF.Tensor, [b, tall, wide * c]), true);
            return tf.reshape(tf.matMul(columns, tf.reshape(lower, [b * h, wide, c]), true), [b, h, w, c]);
          },
        };
      },
    });
  }
}
