// A backend is used only after it got twenty ops and their gradients right. The table of all ops is in proof/.
import { InputError, messageOf } from '../base/errors';
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import { Random } from '../base/random';
import type { Backend } from './backend';
import { isRefusal } from './refuse';
import type { SelfTestOp } from './self-test-ops';
import { selfTestOps } from './self-test-ops';
import { gradient } from './self-test-plain';
import { tf } from './tf';

/** What float32 may be off, of the largest number of an array. */
const tolerance = 1e-4;

/** What the self-test found; a backend that has an op wrong throws. */
export interface SelfTest {
  seconds: number;
  /** Ops that the backend refuses, rather than getting them wrong. */
  refused: string[];
}

/**
 * Run twenty small ops on a backend and compare values and gradients with plain float64 JavaScript.
 * @throws InputError naming each op that is wrong or fails, and by how much
 */
export async function selfTest(
  backend: Backend,
  long: Long = {},
  ops: readonly SelfTestOp[] = selfTestOps,
): Promise<SelfTest> {
  const began = performance.now();
  const meter = new Meter(`self-test of ${backend.name}`, 'ops', ops.length, long);
  const wrong: string[] = [];
  const refused: string[] = [];
  for (const op of ops) {
    try {
      const problem = await check(backend, op);
      if (problem) wrong.push(`${op.name}: ${problem}`);
    } catch (error) {
      if (isRefusal(error)) refused.push(op.name);
      else wrong.push(messageOf(error));
    }
    meter.add(1, op.name);
  }
  meter.finish();
  if (wrong.length > 0) {
    throw new InputError({
      what: `cannot use the backend ${backend.name}`,
      given: `${wrong.length} of ${ops.length} ops of the self-test that are wrong on ${backend.device}: ${wrong.join('; ')}`,
      expected: 'values and gradients as plain JavaScript computes them',
      fix: 'choose another backend (`coc doctor` lists them), or bring its driver up to date',
    });
  }
  return { seconds: (performance.now() - began) / 1000, refused };
}

/** @returns what is wrong, undefined when nothing is */
async function check(backend: Backend, op: SelfTestOp): Promise<string | undefined> {
  const random = new Random(`self-test/${op.name}`);
  const draw = (n: number): number[] => Array.from({ length: n }, () => Math.fround(random.normal()));
  const inputs = op.shapes.map((shape) => draw(shape.reduce((a, b) => a * b, 1)));
  const expected = [op.plain(...inputs)];
  const weights = draw(expected[0].length);
  if (op.differentiable !== false)
    inputs.forEach((input, i) => {
      const at = (x: readonly number[]): number[] => op.plain(...inputs.map((v, j) => (i === j ? x : v)));
      expected.push(gradient(at, input, weights));
    });
  const outputs = await backend.step(op.name, () => {
    const tensors = inputs.map((input, i) => tf.tensor(input, op.shapes[i]));
    const value = op.run(...tensors);
    if (op.differentiable === false) return [value];
    return [value, ...tf.grads(op.run)(tensors, tf.tensor(weights, value.shape))];
  });
  try {
    for (const [i, output] of outputs.entries()) {
      const what = i === 0 ? 'its value' : `its gradient by input ${i - 1}`;
      const problem = difference(await output.data(), expected[i]);
      if (problem) return `${what} ${problem}`;
    }
    return undefined;
  } finally {
    tf.dispose(outputs);
  }
}

function difference(found: ArrayLike<number>, expected: readonly number[]): string | undefined {
  if (found.length !== expected.length) return `has ${found.length} numbers, not ${expected.length}`;
  const scale = Math.max(...expected.map(Math.abs));
  const off = Math.max(...expected.map((value, i) => Math.abs(found[i] - value)));
  // Not `>`: a NaN is no small difference.
  return off <= tolerance * scale ? undefined : `is off by ${(off / scale).toExponential(1)}`;
}
