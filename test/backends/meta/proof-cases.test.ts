// Every case of the proof, run on shapes: outputs and gradients have the shapes and types that they have on cpu.
import { beforeAll, describe, expect, it } from 'vitest';
import { candidate as cpu } from '../../../src/backends/cpu';
import { dryRun } from '../../../src/backends/meta/dry-run';
import { type Check, type OpCase, drawInputs } from '../../../src/backends/proof/case';
import { cases } from '../../../src/backends/proof/cases';
import { tf } from '../../../src/backends/tf';
import { withoutLeak } from '../../setup/leaks';

beforeAll(async () => {
  await cpu.open();
});

/** Cases that cannot be run on shapes, and why. None. */
const refused: Readonly<Record<string, RegExp>> = {};

const said = (tensors: readonly tf.Tensor[]): string =>
  tensors.map(({ shape, dtype }) => `[${shape.join(', ')}] ${dtype}`).join('; ');

/** Outputs and gradients in words. */
function shapes(check: Check, inputs: readonly tf.Tensor[]): string {
  return tf.tidy(() => {
    const which = check.inputs.flatMap(({ differentiable }, k) => (differentiable ? [k] : []));
    const run = (...moved: tf.Tensor[]): tf.Tensor[] =>
      [check.run(tf, inputs.map((x, k) => (which.includes(k) ? moved[which.indexOf(k)] : x)))].flat(); // prettier-ignore
    const xs = which.map((k) => inputs[k]);
    const values = said(run(...xs));
    if (which.length === 0) return values;
    const total = (...moved: tf.Tensor[]): tf.Tensor =>
      tf.addN(run(...moved).map((y) => tf.sum(tf.cast(y, 'float32'))));
    return `${values}, gradients ${said(tf.grads(total)(xs))}`;
  });
}

async function compare(opCase: OpCase): Promise<void> {
  for (const check of opCase.checks) {
    const inputs = drawInputs(opCase, check).map(({ data, shape }, k) =>
      tf.tensor(Array.from(data), [...shape], check.inputs[k].dtype),
    );
    try {
      const expected = shapes(check, inputs);
      let found = '';
      await withoutLeak(check.setting, () => {
        dryRun(opCase.name, { inputs }, (given) => {
          found = shapes(check, given.inputs as tf.Tensor[]);
        });
      });
      expect(`${check.setting}: ${found}`).toBe(`${check.setting}: ${expected}`);
    } finally {
      tf.dispose(inputs);
    }
  }
}

describe('on shapes as on cpu', () => {
  it.each(cases.map((opCase) => [opCase.name, opCase] as const))('%s', async (name, opCase) => {
    if (Object.hasOwn(refused, name)) await expect(compare(opCase)).rejects.toThrow(refused[name]);
    else await compare(opCase);
  });
});
