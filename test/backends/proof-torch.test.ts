// The proof's float64 references and their differences against PyTorch's float64 values and gradients of the same inputs:
// a stored oracle always, PyTorch itself where it is. COC_WRITE_ORACLE=1 writes the oracle anew.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { inRepo } from '../../src/base/paths';
import { cases } from '../../src/backends/proof/cases';
import { relativeError } from '../../src/backends/proof/compare';
import { projected, type Truth, truthOf } from '../../src/backends/proof/finite-differences';
import { describeWith, python } from '../setup/peers';

const oracleSchema = z.object({
  torch: z.string(),
  cases: z.record(
    z.string(),
    z.object({ outputs: z.array(z.array(z.number())), gradients: z.array(z.array(z.number())) }),
  ),
});
type Oracle = z.infer<typeof oracleSchema>;

const file = inRepo('test', 'oracles', 'ops.json');
const checks = cases.flatMap((opCase) =>
  opCase.checks.flatMap((check) =>
    check.torch === undefined
      ? []
      : [{ key: `${opCase.name}: ${check.setting}`, opCase, check, expression: check.torch }],
  ),
);

/** What the references say, in the oracle's form. */
function ours(truth: Truth): { outputs: Float64Array[]; gradients: Float64Array[] } {
  return {
    outputs: truth.outputs.map(({ data }) => projected(data)),
    gradients: truth.gradients.map(({ numbers }) => numbers),
  };
}

/** The keys where values differ by 1e-12 of themselves, or gradients by 1e-7: the differences' own error. */
function differences(oracle: Oracle): string[] {
  return checks.flatMap(({ key, opCase, check }) => {
    const theirs = oracle.cases[key];
    if (!theirs) return [`${key}: not in the oracle`];
    const { outputs, gradients } = ours(truthOf(opCase, check));
    if (outputs.length !== theirs.outputs.length || gradients.length !== theirs.gradients.length)
      return [`${key}: another number of outputs or gradients`];
    const value = Math.max(...outputs.map((x, k) => relativeError(x, theirs.outputs[k])));
    const gradient = Math.max(0, ...gradients.map((x, k) => relativeError(x, theirs.gradients[k])));
    return value <= 1e-11 && gradient <= 1e-7
      ? []
      : [`${key}: values ${value.toExponential(1)}, gradients ${gradient.toExponential(1)}`];
  });
}

const rounded = (oracle: Oracle): string =>
  JSON.stringify(oracle, (_, value: unknown) =>
    typeof value === 'number' ? Number(value.toPrecision(13)) : value,
  ).replaceAll('},"', '},\n"') + '\n';

function askTorch(): Oracle {
  const input = checks.map(({ key, opCase, check, expression }) => {
    const truth = truthOf(opCase, check);
    return {
      key,
      expression,
      inputs: check.inputs.map(({ shape, differentiable }, k) => ({
        shape,
        differentiable,
        values: [...truth.inputs[k].data],
      })),
      weights: truth.weights.map(({ data }) => [...data]),
    };
  });
  const { stdout, stderr, status } = spawnSync(python, [inRepo('test', 'oracles', 'ops_peer.py')], {
    input: JSON.stringify(input),
    encoding: 'utf8',
    maxBuffer: 1e9,
  });
  if (status !== 0) throw new Error(stderr);
  return oracleSchema.parse(JSON.parse(stdout));
}

describeWith('torch', 'PyTorch', () => {
  it('agrees with the references, live', () => {
    const oracle = askTorch();
    if (process.env.COC_WRITE_ORACLE) writeFileSync(file, rounded(oracle));
    expect(differences(oracle)).toEqual([]);
  }, 120_000);
});

it('the stored oracle agrees with the references', () => {
  const oracle = oracleSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  expect(differences(oracle)).toEqual([]);
  expect(Object.keys(oracle.cases)).toEqual(checks.map(({ key }) => key));
}, 60_000);

it('most cases have a peer', () => {
  const without = cases
    .filter((one) => one.checks.every(({ torch }) => torch === undefined))
    .map(({ name }) => name);
  expect(without.length).toBeLessThan(cases.length / 4);
});
