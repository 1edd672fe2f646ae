// What our product reaches on a card by tiling, and with the features that its adapter may have. Each is checked before it is
// timed. Half precision runs nowhere else; subgroup matrices need an unsafe option of Dawn, which our device does not set.
import { tf } from '../tf';
import { productOf, productProgram, tilings, type Tiling } from './matrix-product';
import type { WebgpuBackend } from './open';
import type { GuardedBackend } from './tfjs-backend';

export interface FeatureProduct {
  tiling: Tiling;
  numbers: 'float32' | 'float16';
  /** The largest difference of its last rows from TensorFlow.js's own product, relative to its largest number; null where it did not run. */
  error: number | null;
  /** On the device, the best of three; null where it is not timed. */
  milliseconds: number | null;
  /** Why there is no number, or no time. */
  why?: string;
}

/** Largest right error: k terms in float32, and in half precision. */
const tolerance = { float32: 1e-5, float16: 1e-2 };

/** Rows that are compared: the last, of two tiles. */
const checked = 40;

/** Products of `size` (40 or more) cubed by every tiling, in float32 and, where the adapter has it, half precision. */
export async function featureProducts(backend: WebgpuBackend, size = 2048): Promise<FeatureProduct[]> {
  const device = tf.backend() as GuardedBackend;
  const { features, limits } = device.device;
  const run = (half: boolean, tiling: Tiling): tf.Tensor => {
    const product = { ...productOf(a, b, { transposeA: false, transposeB: false }), half };
    return tf
      .engine()
      .makeTensorFromTensorInfo(device.runOwnProgram(productProgram(product, tiling), [a, b])[0]);
  };
  const a: tf.Tensor = tf.randomNormal([1, size, size]);
  const b: tf.Tensor = tf.randomNormal([1, size, size]);
  const rows: FeatureProduct[] = [];
  try {
    for (const numbers of ['float32', 'float16'] as const)
      for (const tiling of tilings) {
        const row = { tiling, numbers, error: null, milliseconds: null };
        const half = numbers === 'float16';
        const bytes = (half ? 8 : 16) * tiling.tileK * (tiling.tileM / 4 + tiling.tileN / 4 + 2);
        if (half && !features.has('shader-f16')) rows.push({ ...row, why: 'the adapter has no shader-f16' });
        else if (bytes > limits.maxComputeWorkgroupStorageSize)
          rows.push({ ...row, why: `it needs ${bytes} bytes of workgroup memory` });
        else {
          // So few rows of it that TensorFlow.js's own program computes them.
          const difference = await backend.step('a product against the own one', () => {
            const some = <T extends tf.Tensor>(x: T): T =>
              tf.slice(x, [0, size - checked, 0], [1, checked, size]);
            const own = tf.matMul(some(a), b);
            return tf.div(tf.max(tf.abs(tf.sub(some(run(half, tiling)), own))), tf.max(tf.abs(own)));
          });
          const [error] = await difference.data();
          difference.dispose();
          if (!(error <= tolerance[numbers])) {
            rows.push({ ...row, error, why: 'wrong, so not timed' });
            continue;
          }
          const times: number[] = [];
          for (let i = 0; i < 3; i++) {
            const time = await backend.timeOnDevice('a product', () => void run(half, tiling));
            if (time.milliseconds !== null) times.push(time.milliseconds);
          }
          if (times.length > 0) rows.push({ ...row, error, milliseconds: Math.min(...times) });
          else rows.push({ ...row, error, why: 'the adapter has no timestamp-query' });
        }
      }
    return rows;
  } finally {
    tf.dispose([a, b]);
  }
}
