// Times of one unit on a backend: calls back to back, then a wait until the device is done; torch_card.py does the same.
import { z } from 'zod';
import type { Backend } from '../../backends/backend';
import { tf } from '../../backends/tf';
import { median } from '../../base/interval';
import type { Convolution, Product, Sampling, TimedUnit } from './units';
import { inputNumbers, rehearsedUnits, timedUnits } from './units';

/** What timing a unit gives. */
export const timedSchema = z.strictObject({
  /** Milliseconds of a call, in each sample. */
  samples: z.array(z.number().positive()).min(1),
  /** Calls back to back in a sample. */
  calls: z.number().int().positive(),
  /** Milliseconds of a call that is waited for by itself. */
  aloneMs: z.number().positive(),
  /** Mean square of each output: what all engines must agree on. */
  value: z.array(z.number()),
});
export type Timed = z.infer<typeof timedSchema>;

type Run = () => tf.Tensor[];

function product({ batch, m, k, n, transposeA, transposeB }: Product): { inputs: tf.Tensor[]; run: Run } {
  const shape = (rows: number, columns: number): number[] =>
    batch === 1 ? [rows, columns] : [batch, rows, columns];
  const a = tf.tensor(inputNumbers(batch * m * k, 1), transposeA ? shape(k, m) : shape(m, k));
  const b = tf.tensor(inputNumbers(batch * k * n, 2), transposeB ? shape(n, k) : shape(k, n));
  return { inputs: [a, b], run: () => [tf.matMul(a, b, transposeA, transposeB)] };
}

function convolution({ batch, extents, from, to, gradients }: Convolution): {
  inputs: tf.Tensor[];
  run: Run;
} {
  const points = extents.reduce((a, b) => a * b, batch);
  const kernel = extents.map(() => 3);
  const x = tf.tensor(inputNumbers(points * from, 1), [batch, ...extents, from]);
  const w = tf.tensor(inputNumbers(3 ** extents.length * from * to, 2), [...kernel, from, to]);
  const conv = (x: tf.Tensor, w: tf.Tensor): tf.Tensor =>
    extents.length === 2
      ? tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same')
      : tf.conv3d(x as tf.Tensor5D, w as tf.Tensor5D, 1, 'same');
  if (!gradients) return { inputs: [x, w], run: () => [conv(x, w)] };
  const ones = tf.ones([batch, ...extents, to]);
  const both = tf.grads((x, w) => conv(x, w));
  return { inputs: [x, w, ones], run: () => both([x, w], ones) };
}

/** Time a unit. @throws as `timeCalls` */
function timeUnit(backend: Backend, unit: TimedUnit, plan: Sampling): Promise<Timed> {
  return timeCalls(backend, unit.id, unit.op === 'product' ? product(unit) : convolution(unit), plan);
}

/**
 * Time calls. What they make is freed, and their inputs too.
 * @param inputs  on the device, or on their way there
 * @param run     one call
 * @throws Error when the device fails, or has no memory for it
 */
export async function timeCalls(
  backend: Backend,
  id: string,
  { inputs, run }: { inputs: tf.Tensor[]; run: Run },
  plan: Sampling,
): Promise<Timed> {
  const sample = async (calls: number): Promise<number> => {
    const began = performance.now();
    await backend.step(id, () => {
      for (let call = 0; call < calls; call++) tf.tidy(() => void run());
    });
    return (performance.now() - began) / calls;
  };
  try {
    const squares = await backend.step(id, () => run().map((out) => tf.mean(tf.square(out))));
    const value: number[] = [];
    for (const square of squares) value.push((await square.data())[0]);
    tf.dispose(squares);
    await sample(1);
    const alone: number[] = [];
    for (let k = 0; k < 3; k++) alone.push(await sample(1));
    const aloneMs = median(alone);
    const calls = Math.max(1, Math.min(plan.mostCalls, Math.round(plan.sampleMs / aloneMs)));
    await sample(calls);
    const samples: number[] = [];
    for (let k = 0; k < plan.samples; k++) samples.push(await sample(calls));
    return { samples, calls, aloneMs, value };
  } finally {
    tf.dispose(inputs);
    backend.flush();
  }
}

/** Runs units by their id. */
export function timesRunner({
  rehearse,
  sampling,
}: {
  rehearse: boolean;
  sampling: Sampling;
}): (backend: Backend, id: string) => Promise<Timed> {
  const units = rehearse ? rehearsedUnits : timedUnits;
  return (backend, id) =>
    timeUnit(
      backend,
      units.find((unit) => unit.id === id)!,
      sampling,
    );
}
