// Shape rules against the cpu backend: every kernel that any case of the proof runs, forward and backward.
import { beforeAll, describe, expect, it } from 'vitest';
import { candidate as cpu } from '../../../src/backends/cpu';
import { watchEngine } from '../../../src/backends/engine-events';
import { outputsOf, shapedKernels } from '../../../src/backends/meta/shapes';
import { type Check, type OpCase, drawInputs } from '../../../src/backends/proof/case';
import { cases } from '../../../src/backends/proof/cases';
import { provenLines } from '../../../src/backends/proof/proven';
import { tf } from '../../../src/backends/tf';

beforeAll(async () => {
  await cpu.open();
});

const ran = new Set<string>();
const said = ({ shape, dtype }: { shape: readonly number[]; dtype: string }): string =>
  `[${shape.join(', ')}] ${dtype}`;

/** What the rules say otherwise than the backend, while a check runs with its gradients. */
function mistakes(opCase: OpCase, check: Check): string[] {
  const found: string[] = [];
  const stop = watchEngine({
    kernel({ name, inputs, attrs, outputs }) {
      ran.add(name);
      const expected = outputs.map(said).join('; ');
      const given = outputsOf(name, { inputs, attrs }).map(said).join('; ');
      if (given !== expected) found.push(`${name}: the rule says ${given}, the backend gives ${expected}`);
    },
  });
  try {
    tf.tidy(() => {
      const inputs = drawInputs(opCase, check).map(({ data, shape }, k) =>
        tf.tensor(Array.from(data), [...shape], check.inputs[k].dtype),
      );
      const which = check.inputs.flatMap(({ differentiable }, k) => (differentiable ? [k] : []));
      const total = (...moved: tf.Tensor[]): tf.Tensor => {
        const outputs = [check.run(tf, inputs.map((x, k) => (which.includes(k) ? moved[which.indexOf(k)] : x)))].flat(); // prettier-ignore
        return tf.addN(outputs.map((y) => tf.sum(tf.cast(y, 'float32'))));
      };
      // Fused kernels run where no tape is.
      total(...which.map((k) => inputs[k]));
      if (which.length > 0) tf.grads(total)(which.map((k) => inputs[k]));
    });
  } finally {
    stop();
  }
  return found;
}

describe('the shape rules', () => {
  it.each(cases.map((opCase) => [opCase.name, opCase] as const))('%s', (_, opCase) => {
    expect(opCase.checks.flatMap((check) => mistakes(opCase, check))).toEqual([]);
  });

  it('hold for every kernel that is proven', () => {
    const proven = [...provenLines()].flatMap((line) => /^cpu kernel (.+)$/.exec(line)?.[1] ?? []);
    expect(proven.filter((name) => !shapedKernels.includes(name))).toEqual([]);
    expect(proven.filter((name) => !ran.has(name))).toEqual([]);
  });

  it('refuse what the numbers decide, and what has no rule, by name', () => {
    const x = { shape: [3], dtype: 'float32' } as const;
    expect(() => outputsOf('Unique', { inputs: { x } })).toThrow(/Unique.*tf.unique.*numbers decide/);
    expect(() => outputsOf('Bogus', { inputs: { x } })).toThrow(/Bogus.*without a rule.*src\/backends\/meta/);
    const two = { shape: [2, 2], dtype: 'float32' } as const;
    expect(() =>
      outputsOf('BatchMatMul', { inputs: { a: { ...two, shape: [2, 3] }, b: two }, attrs: {} }),
    ).toThrow(/inner sizes/);
  });
});
