// References: one step of an optimiser, from the papers' formulas.
import { type Array64, filled } from './array';
import { map, zip } from './elementwise';
import { squareSum } from './reduce';

/** The settings of Adam. */
export interface Adam {
  rate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Decoupled weight decay (AdamW, Loshchilov and Hutter 2019), as a share of the rate. */
  decay: number;
}

/** `steps` steps of Adam (Kingma and Ba 2015) with bias correction; `gradientOf` is asked at each place. */
export function adam(start: Array64, gradientOf: (p: Array64) => Array64, steps: number, s: Adam): Array64 {
  let [p, m, v] = [start, filled(start.shape, 0), filled(start.shape, 0)];
  for (let t = 1; t <= steps; t++) {
    const g = gradientOf(p);
    m = zip(m, g, (old, x) => s.beta1 * old + (1 - s.beta1) * x);
    v = zip(v, g, (old, x) => s.beta2 * old + (1 - s.beta2) * x * x);
    const step = zip(
      m,
      v,
      (a, b) => a / (1 - s.beta1 ** t) / (Math.sqrt(b / (1 - s.beta2 ** t)) + s.epsilon),
    );
    p = zip(p, step, (x, d) => x - s.rate * s.decay * x - s.rate * d);
  }
  return p;
}

/** `steps` steps of gradient descent with momentum as PyTorch and TensorFlow.js have it: v = momentum * v + g; p -= rate * v. */
export function momentum(
  start: Array64,
  gradientOf: (p: Array64) => Array64,
  steps: number,
  rate: number,
  share: number,
): Array64 {
  let [p, v] = [start, filled(start.shape, 0)];
  for (let t = 0; t < steps; t++) {
    v = zip(v, gradientOf(p), (old, x) => share * old + x);
    p = zip(p, v, (x, d) => x - rate * d);
  }
  return p;
}

/** All gradients scaled so that their common length is at most `limit`. */
export function clipByGlobalNorm(gradients: readonly Array64[], limit: number): Array64[] {
  const norm = Math.sqrt(gradients.reduce((s, g) => s + squareSum(g), 0));
  const factor = Math.min(1, limit / norm);
  return gradients.map((g) => map(g, (x) => x * factor));
}
