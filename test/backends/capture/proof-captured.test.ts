// Every case of the proof, all its settings in one graph: the same graph whether it is recorded by shapes or by running it,
// and the numbers of the eager run, values and gradients, as a graph and compiled by XLA.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../../src/backends/backend';
import { captureFunction } from '../../../src/backends/capture/function';
import { record, type Recordable, type Recorded } from '../../../src/backends/capture/record';
import { CaptureRefusal } from '../../../src/backends/capture/refusal';
import { specsOf } from '../../../src/backends/capture/specs';
import { loadCandidate } from '../../../src/backends/choose';
import { type Check, drawInputs, type OpCase } from '../../../src/backends/proof/case';
import { cases } from '../../../src/backends/proof/cases';
import { isRefusal } from '../../../src/backends/refuse';
import { tf } from '../../../src/backends/tf';
import type { Tensors } from '../../../src/backends/training-step';
import { describeWith } from '../../setup/peers';
import { numbers } from './steps';

let backend: Backend;
const listOf = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

function upload(opCase: OpCase, check: Check): tf.Tensor[] {
  return drawInputs(opCase, check).map(({ data, shape }, k) => {
    const { dtype } = check.inputs[k];
    const typed = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[dtype];
    return tf.tensor(typed.from(data), shape, dtype);
  });
}

/** Values of a check, and gradients of a sum of them that weighs every element differently. */
function compute(check: Check, inputs: tf.Tensor[]): tf.Tensor[] {
  const values = listOf(check.run(tf, inputs));
  const which = check.inputs.flatMap(({ differentiable }, k) => (differentiable ? [k] : []));
  if (which.length === 0) return values;
  const weighted = (...moved: tf.Tensor[]): tf.Tensor =>
    tf.addN(
      listOf(check.run(tf, inputs.map((x, k) => (which.includes(k) ? moved[which.indexOf(k)] : x)))).map((y) => {
        const weights = Float32Array.from({ length: y.size }, (_, i) => Math.cos(i + 1));
        return tf.sum(tf.mul(y, tf.tensor(weights, y.shape)));
      }),
    ); // prettier-ignore
  return [...values, ...tf.grads(weighted)(which.map((k) => inputs[k]))];
}

/** The settings that tensorflow runs at all. */
async function settingsOf(
  opCase: OpCase,
): Promise<{ checks: Check[]; inputs: tf.Tensor[][]; eager: Tensors }> {
  const found: { checks: Check[]; inputs: tf.Tensor[][]; eager: Tensors } = {
    checks: [],
    inputs: [],
    eager: {},
  };
  for (const check of opCase.checks) {
    const inputs = upload(opCase, check);
    try {
      const outputs = await backend.step(opCase.name, () => compute(check, inputs).map((y) => y.clone()));
      outputs.forEach((y, k) => (found.eager[`${found.checks.length}/${k}`] = y));
      found.checks.push(check);
      found.inputs.push(inputs);
    } catch (error) {
      tf.dispose(inputs);
      if (!isRefusal(error)) throw error;
    }
  }
  return found;
}

/** Cases that are refused: optimisers of TensorFlow.js write into variables. */
const refused: Readonly<Record<string, RegExp>> = {
  'SGD, momentum': /a variable that is assigned inside/,
  Adam: /a variable that is assigned inside/,
};

const difference = (a: tf.Tensor, b: tf.Tensor): number => {
  const [x, y] = [numbers(a), numbers(b)];
  const size = (values: number[]): number => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  // NaN equals NaN here.
  return size(x.map((value, k) => (Object.is(value, y[k]) ? 0 : value - y[k]))) / (size(y) || 1);
};

function expectSame(found: Tensors, expected: Tensors): void {
  expect(Object.keys(found)).toEqual(Object.keys(expected));
  for (const [key, tensor] of Object.entries(found)) {
    expect(tensor.dtype).toBe(expected[key].dtype);
    expect(tensor.shape).toEqual(expected[key].shape);
    expect(difference(tensor, expected[key])).toBeLessThan(1e-5);
  }
}

/** Cases that XLA is not given, or does not take. */
const notCompiled: readonly [RegExp, RegExp][] = [
  [/^resizeBilinear/, /ResizeBilinear, which XLA has wrong/],
  [/^cropAndResize/, /No registered 'CropAndResize' OpKernel for XLA_CPU_JIT/],
];

/** The same by XLA. */
async function compiled(
  definition: Parameters<typeof captureFunction>[1],
  inputs: tf.Tensor[][],
  eager: Tensors,
): Promise<void> {
  const run = async (): Promise<Tensors> => {
    const captured = await captureFunction(backend, definition, { inputs, compiler: 'xla' });
    try {
      return await captured.run(inputs);
    } finally {
      captured.dispose();
    }
  };
  const refusal = notCompiled.find(([cases]) => cases.test(definition.name));
  if (refusal) return expect(run()).rejects.toThrow(refusal[1]);
  const outputs = await run();
  expectSame(outputs, eager);
  tf.dispose(outputs);
}

/** What nodes give, without the last two of a batch norm's gradient: empty or not as the processor has it, and of no use. */
const lookedAt = ({ step, results }: Recorded): Recorded['results'] =>
  results.map((own, k) => (step.nodes[k].op === 'FusedBatchNormGrad' ? own.slice(0, 3) : own));

describeWith('native-tensorflow', 'cases of the proof, captured', () => {
  beforeAll(async () => {
    backend = await (await loadCandidate('tensorflow')).open();
  });

  describe.each([...new Set(cases.map(({ family }) => family))])('%s', (family) => {
    it.each(cases.filter((one) => one.family === family).map((one) => [one.name, one] as const))(
      '%s',
      async (name, opCase) => {
        const { checks, inputs, eager } = await settingsOf(opCase);
        const definition = {
          name,
          parameters: {},
          compute: (_: object, given: tf.Tensor[][]): Tensors =>
            Object.fromEntries(
              checks.flatMap((check, n) => compute(check, given[n]).map((y, k) => [`${n}/${k}`, y])),
            ),
        };
        try {
          const captured = await captureFunction(backend, definition, { inputs });
          const { recordedBy, why } = captured.provenance;
          expect(`${recordedBy}: ${why}`).toMatch(/^shapes:/);
          expect(refused[name]).toBe(undefined);
          const outputs = await captured.run(inputs);
          expectSame(outputs, eager);
          captured.dispose();
          tf.dispose(outputs);
          await compiled(definition, inputs, eager);
          if (recordedBy === 'shapes') {
            const specs = specsOf(inputs, 'inputs');
            const recordable: Recordable = {
              name,
              inputs: specs,
              variables: {},
              compute: (slots) => {
                const given = inputs.map((list, n) => list.map((_, k) => slots[`inputs/${n}/${k}`]));
                return { outputs: definition.compute({}, given), updates: {} };
              },
            };
            const [byShapes, byExecution] = [
              await record(recordable, 'shapes'),
              await record(recordable, 'execution'),
            ];
            expect(byShapes.step).toEqual(byExecution.step);
            expect(lookedAt(byShapes)).toEqual(lookedAt(byExecution));
          }
        } catch (error) {
          if (!(error instanceof CaptureRefusal)) throw error;
          expect(error.message).toMatch(refused[name] ?? /nothing/);
        } finally {
          tf.dispose([inputs, eager]);
        }
      },
    );
  });
});
