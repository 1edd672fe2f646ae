// What a graph cannot hold is refused by name and with the line that did it, and nothing of it stays; or it runs eagerly.
import { beforeAll, expect, it, vi } from 'vitest';
import { InputError } from '../../../src/base/errors';
import type { Backend } from '../../../src/backends/backend';
import { captureStep, type CaptureOptions } from '../../../src/backends/capture/capture';
import { captureFunction } from '../../../src/backends/capture/function';
import type * as shapeRules from '../../../src/backends/meta/shapes';
import { loadCandidate } from '../../../src/backends/choose';
import { eagerStep } from '../../../src/backends/eager-step';
import { adam } from '../../../src/backends/optimisers';
import { tf } from '../../../src/backends/tf';
import type { StepDefinition, Tensors } from '../../../src/backends/training-step';
import { withoutLeak } from '../../setup/leaks';
import { describeWith } from '../../setup/peers';
import { numbers } from './steps';

// Every proven kernel has a rule for its shapes: one is taken away.
vi.mock('../../../src/backends/meta/shapes', async (original) => {
  const shapes = await original<typeof shapeRules>();
  return {
    ...shapes,
    outputsOf: (name: string, ...rest: never[]): unknown =>
      (shapes.outputsOf as (name: string, ...rest: never[]) => unknown)(
        name === 'Softplus' ? 'NoSuchKernel' : name,
        ...rest,
      ),
  };
});

let backend: Backend;
interface Inputs {
  [name: string]: tf.Tensor;
  x: tf.Tensor;
}
type Loss = (w: tf.Tensor, x: tf.Tensor) => unknown;

/** A step of one parameter `w` and one input `x`, of three numbers each; `w` is the caller's to free. */
const stepOf = (loss: Loss): StepDefinition<{ trained: { w: tf.Tensor }; frozen: Tensors }, Inputs> => ({
  name: 'the step',
  parameters: { trained: { w: tf.tensor([1, 2, 3]) }, frozen: {} },
  optimiser: adam(),
  loss: ({ trained }, inputs) => loss(trained.w, inputs.x) as tf.Tensor,
});
const x = { shape: [3], dtype: 'float32' as const };

/** The refusal of a step, in both ways of recording, without a tensor left over. */
async function refusalOf(loss: Loss, options: Partial<CaptureOptions> = {}): Promise<InputError> {
  const seen: InputError[] = [];
  for (const recordBy of ['shapes', 'execution'] as const) {
    await withoutLeak('a refusal', async () => {
      const definition = stepOf(loss);
      const error: unknown = await captureStep(backend, definition, {
        inputs: { x },
        recordBy,
        ...options,
      }).catch((thrown: unknown) => thrown);
      tf.dispose(definition.parameters.trained);
      expect(error).toBeInstanceOf(InputError);
      seen.push(error as InputError);
    });
  }
  const [one, other] = seen.map(({ message }) => message.replace(/-?\d+(\.\d+)?(e-?\d+)?/g, 'N'));
  expect(one).toBe(other);
  return seen[0];
}
const sum = (tensor: tf.Tensor): tf.Tensor => tf.sum(tensor);

describeWith('native-tensorflow', 'what cannot be captured', () => {
  beforeAll(async () => {
    backend = await (await loadCandidate('tensorflow')).open();
  });

  let counter = 0;
  const outside: { tensor?: tf.Tensor; variable?: tf.Variable } = {};
  const cases: { what: string; loss: Loss; given: RegExp; line: string }[] = [
    {
      what: 'a number drawn on the host',
      loss: (w, x) => sum(tf.mul(tf.mul(w, x), Math.random())), // drawn
      given: /^a constant that changes: 0\.\d+ the first time and 0\.\d+ the second, at/,
      line: '// drawn',
    },
    {
      what: 'random tensors without a seed',
      loss: (w, x) => sum(tf.mul(tf.mul(w, x), tf.randomNormal([3]))), // normal
      given: /^a constant that changes: .* \(element 0 of 3\), at/,
      line: '// normal',
    },
    {
      what: 'dropout without a seed',
      loss: (w, x) => sum(tf.dropout(tf.mul(w, x), 0.5)), // dropout
      given: /^a constant that changes: /,
      line: '// dropout',
    },
    {
      what: 'a counter',
      loss: (w, x) => sum(tf.mul(tf.mul(w, x), counter++)), // counted
      given: /^a constant that changes: \d+ the first time and \d+ the second, at/,
      line: '// counted',
    },
    {
      what: 'a clock',
      loss: (w, x) => sum(tf.mul(tf.mul(w, x), performance.now())), // clock
      given: /^a constant that changes: /,
      line: '// clock',
    },
    {
      what: 'an attribute that changes',
      loss: (w, x) => sum(tf.leakyRelu(tf.mul(w, x), 1 / ++counter)), // alpha
      given: /^LeakyRelu with alpha .* the first time and .* the second, at/,
      line: '// alpha',
    },
    {
      what: 'another operation the second time',
      loss: (w, x) => sum(counter++ % 2 ? tf.exp(tf.mul(w, x)) : tf.sin(tf.mul(w, x))), // other
      given: /^(Exp|Sin) the first time and (Exp|Sin) the second, at/,
      line: '// other',
    },
    {
      what: 'dataSync',
      loss: (w, x) => sum(tf.mul(w, x.dataSync()[0])), // dataSync
      given: /^a tensor read by the host \(dataSync/,
      line: '// dataSync',
    },
    {
      what: 'arraySync of a result',
      loss: (w, x) => sum(tf.mul(w, tf.mul(x, 2).arraySync())), // arraySync
      given: /^a tensor read by the host/,
      line: '// arraySync',
    },
    {
      what: 'data, waited for by nobody',
      loss: (w, x) => {
        void x.data(); // later
        return sum(tf.mul(w, x));
      },
      given: /^a tensor read by the host later/,
      line: '// later',
    },
    {
      what: 'print',
      loss: (w, x) => {
        x.print(); // print
        return sum(tf.mul(w, x));
      },
      given: /^a tensor read by the host/,
      line: '// print',
    },
    {
      what: 'where by values',
      loss: (w, x) => {
        void tf.whereAsync(tf.greater(x, 0)); // whereAsync
        return sum(tf.mul(w, x));
      },
      given: /^a tensor read by the host later/,
      line: '// whereAsync',
    },
    {
      what: 'a mask by values',
      loss: (w, x) => {
        void tf.booleanMaskAsync(x, tf.greater(x, 0)); // mask
        return sum(tf.mul(w, x));
      },
      given: /^a tensor read by the host later/,
      line: '// mask',
    },
    {
      what: 'a shape that depends on values',
      loss: (w, x) => sum(tf.mul(w, tf.unique(x).values.sum())), // unique
      given: /^UniqueV2, whose shape depends on values, at/,
      line: '// unique',
    },
    {
      what: 'numbers drawn on the device',
      loss: (w, x) => sum(tf.mul(w, tf.multinomial(x as tf.Tensor1D, 3, 7).toFloat())), // multinomial
      given: /^Multinomial, which draws random numbers on the device, at/,
      line: '// multinomial',
    },
    {
      what: 'a tensor from outside',
      loss: (w, x) => sum(tf.mul(tf.mul(w, x), (outside.tensor ??= tf.tensor([1, 2, 3])))), // outside
      given: /^a tensor \[3\] from outside that is neither input nor parameter, at/,
      line: '// outside',
    },
    {
      what: 'a variable assigned inside',
      loss: (w, x) => {
        outside.variable!.assign(x); // assign
        return sum(tf.mul(w, x));
      },
      given: /^a variable that is assigned inside, at/,
      line: '// assign',
    },
    {
      what: 'a tensor that is kept',
      loss: (w, x) => sum(tf.keep(tf.mul(w, x))), // kept
      given: /^a tensor \[3\] that it keeps, at/,
      line: '// kept',
    },
    {
      what: 'strings',
      loss: (w, x) => {
        tf.engine().runKernel('StaticRegexReplace', { x: tf.tensor(['a']) }, { pattern: 'a', rewrite: 'b', replaceGlobal: true }); // prettier-ignore
        return sum(tf.mul(w, x));
      },
      given: /^a constant of type string, at/,
      line: "tf.tensor(['a'])",
    },
  ];

  it.each(cases)('$what', async ({ loss, given, line }) => {
    outside.variable = tf.variable(tf.tensor([0, 0, 0]));
    if (line === '// outside') outside.tensor = tf.tensor([1, 2, 3]);
    try {
      const { problem } = await refusalOf(loss);
      expect(problem.what).toBe('cannot capture the step');
      expect(problem.given).toMatch(given);
      expect(problem.given).toMatch(/at test\/backends\/capture\/refusals\.test\.ts:\d+ \(/);
      expect(problem.given).toContain(line);
      expect(problem.fix).not.toBe('');
    } finally {
      tf.dispose([outside.variable, outside.tensor ?? []]);
      outside.tensor = undefined;
    }
  });

  it('an async loss, an output that is no tensor, and no loss', async () => {
    expect((await refusalOf((w) => Promise.resolve(sum(w)))).message).toContain(
      'a loss function that is async',
    );
    expect((await refusalOf((w) => ({ loss: sum(w), n: 3 }))).message).toContain(
      'an output `n` that is no tensor',
    );
    expect((await refusalOf((w) => ({ value: sum(w) }))).message).toContain('returns no loss');
    expect((await refusalOf((w) => w)).message).toContain('a loss of shape [3], float32');
  });

  it('an attribute of a kind that is not known', async () => {
    const { message } = await refusalOf((w) => {
      const { binding } = tf.backend() as unknown as {
        binding: { executeOp: (op: string, attributes: object[], ids: number[], outputs: number) => void };
      };
      binding.executeOp('NoOp', [{ name: 'f', type: 9, value: 'function' }], [], 0);
      return sum(w);
    });
    expect(message).toContain('NoOp with an attribute `f` of an unknown kind (9, "function")');
  });

  it('the binding called by hand, and tensors that did not come through the recorder', async () => {
    const { message } = await refusalOf((w) => {
      (
        tf.backend() as unknown as { binding: { tensorDataSync: (id: number) => void } }
      ).binding.tensorDataSync(0);
      return sum(w);
    });
    expect(message).toContain("a call of `tensorDataSync` of TensorFlow's binding");
    const other = await refusalOf((w) => {
      const { binding } = tf.backend() as unknown as {
        binding: { executeOp: (op: string, attributes: object[], ids: number[], outputs: number) => void };
      };
      binding.executeOp('Identity', [], [123456789], 1);
      return sum(w);
    });
    expect(other.message).toContain('an input of Identity that did not come through the recorder');
  });

  it('types that cannot be fed', async () => {
    const { message } = await refusalOf((w) => sum(w), { inputs: { x: { shape: [1], dtype: 'string' } } });
    expect(message).toContain('inputs/x of type string, expected float32, int32 or bool');
  });

  it('another backend, also for functions', async () => {
    const cpu = { ...backend, name: 'cpu' as const };
    const definition = stepOf((w) => sum(w));
    await expect(captureStep(cpu, definition, { inputs: { x } })).rejects.toThrow(
      'given the backend cpu, expected tensorflow',
    );
    await expect(
      captureFunction(cpu, { name: 'f', parameters: {}, compute: () => tf.scalar(1) }, { inputs: { x } }),
    ).rejects.toThrow('cannot capture f: given the backend cpu');
    tf.dispose(definition.parameters.trained);
  });

  it('a shape without a rule, when recording by shapes was asked for; else the step runs once', async () => {
    const definition = stepOf((w, x) => sum(tf.mul(w, tf.softplus(x))));
    const options = { inputs: { x } };
    await expect(captureStep(backend, definition, { ...options, recordBy: 'shapes' })).rejects.toThrow(
      'expected operations whose shapes are known',
    );
    const step = await captureStep(backend, definition, options);
    expect(step.provenance).toMatchObject({ recordedBy: 'execution', runs: 'captured' });
    expect(step.provenance.why).toMatch(/^shapes alone do not do: no shape without numbers for /);
    step.dispose();
    tf.dispose(definition.parameters.trained);
  });

  it('runs eagerly where that was asked for, and says why', async () => {
    await withoutLeak('an eager step', async () => {
      const definition = stepOf((w, x) => sum(tf.mul(tf.mul(w, x), counter++)));
      const step = await captureStep(backend, definition, { inputs: { x }, onRefusal: 'eager' });
      expect(step.provenance.runs).toBe('eager');
      expect(step.provenance.refusal).toContain('a constant that changes');
      counter = 5;
      const inputs = { x: tf.tensor([1, 1, 1]) };
      const { loss } = await step.run(inputs);
      expect(numbers(loss)).toEqual([30]);
      step.dispose();
      tf.dispose([loss, inputs, definition.parameters.trained]);
    });
  });

  it('a number that the host changes later is found at the next recheck; eagerly the step goes on from there', async () => {
    await withoutLeak('a change found later', async () => {
      let rate = 1;
      const definition = stepOf((w, x) => sum(tf.mul(tf.mul(w, x), rate))); // rate
      const inputs = { x: tf.tensor([1, 1, 1]) };
      const [throws, goesOn, eager] = [
        await captureStep(backend, definition, { inputs }),
        await captureStep(backend, definition, { inputs, onRefusal: 'eager' }),
        eagerStep(backend, definition),
      ];
      const outputs: Tensors[] = [];
      for (const step of [throws, goesOn, eager]) outputs.push(await step.run(inputs));
      rate = 0.5;
      await expect(throws.run(inputs)).rejects.toThrow(
        /a constant that changes: 1 the first time and 0.5 the second.*\/\/ rate/,
      );
      expect(goesOn.provenance.runs).toBe('captured');
      const [a, b] = [await goesOn.run(inputs), await eager.run(inputs)];
      expect(goesOn.provenance).toMatchObject({ runs: 'eager', compiler: null });
      expect(numbers(a.loss)[0]).toBeCloseTo(numbers(b.loss)[0], 5);
      for (const step of [throws, goesOn, eager]) step.dispose();
      await expect(throws.run(inputs)).rejects.toThrow('a step that was disposed of');
      tf.dispose([outputs, a, b, inputs, definition.parameters.trained] as never);
    });
  });

  it('what is allowed: constants, numbers read back that the host made, a fixed seed', async () => {
    await withoutLeak('constants', async () => {
      const definition = stepOf((w, x) => {
        const table = tf.tensor([1, 2, 3]);
        const [, second] = table.dataSync();
        return sum(tf.mul(tf.mul(tf.mul(w, x), second), tf.randomUniform([3], 0, 1, 'float32', 5)));
      });
      const inputs = { x: tf.tensor([1, 1, 1]) };
      const [step, eager] = [
        await captureStep(backend, definition, { inputs }),
        eagerStep(backend, definition),
      ];
      for (let k = 0; k < 3; k++) {
        const [a, b] = [await step.run(inputs), await eager.run(inputs)];
        expect(numbers(a.loss)[0]).toBeCloseTo(numbers(b.loss)[0], 5);
        tf.dispose([a, b]);
      }
      step.dispose();
      eager.dispose();
      tf.dispose([inputs, definition.parameters.trained] as never);
    });
  });
});
