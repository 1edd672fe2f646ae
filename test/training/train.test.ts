// The loop of training: that it learns, goes on where it was stopped, stops cleanly, and ends early where nothing gets better.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { eagerStep } from '../../src/backends/eager-step';
import { sgd } from '../../src/backends/optimisers';
import { tf } from '../../src/backends/tf';
import type { StepDefinition } from '../../src/backends/training-step';
import { Interrupted } from '../../src/base/errors';
import type { Curves } from '../../src/training/curves';
import type { Batches, TrainingOptions } from '../../src/training/train';
import { train } from '../../src/training/train';
import { describeWith } from '../setup/peers';

let backend: Backend;
let folder: string;
beforeAll(async () => {
  backend = await (await loadCandidate('cpu')).open();
  folder = mkdtempSync(path.join(os.tmpdir(), 'coc-train-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

type Inputs = Record<'x', tf.Tensor>;
/** The loss is (w - x)²: w moves towards what the batches say. */
const definition = (w = 0): StepDefinition<never, Inputs> =>
  ({
    name: 'a weight',
    parameters: { trained: { w: tf.scalar(w) }, frozen: {} },
    optimiser: sgd({ learningRate: 0.1 }),
    loss: ({ trained }: { trained: { w: tf.Tensor } }, { x }: Inputs) => tf.square(tf.sub(trained.w, x)),
  }) as unknown as StepDefinition<never, Inputs>;

/** Batch k says f(k). */
const batches =
  (f: (k: number) => number) =>
  (from: number, to: number): Batches<Inputs> => {
    let k = from;
    return { next: () => (k < to ? { x: tf.scalar(f(k++)) } : undefined), close: () => Promise.resolve() };
  };

const options = (over: Partial<TrainingOptions<Inputs>> = {}): TrainingOptions<Inputs> => ({
  name: 'a weight',
  step: eagerStep(backend, definition()),
  batches: batches(() => 1),
  schedule: { peak: 0.2, warmUp: 0, steps: 10, power: 1 },
  ...over,
});
const weight = async ({ trained }: { trained: Record<string, tf.Tensor> }): Promise<number> =>
  (await trained.w.data())[0];

describe('a training', () => {
  it('follows its schedule to the end, step by step as by hand', async () => {
    const done = await train(options());
    let [w, rates] = [0, Array.from({ length: 10 }, (_, k) => 0.2 * (1 - k / 10))];
    const losses = rates.map((rate) => {
      const loss = (w - 1) ** 2;
      w -= rate * 2 * (w - 1);
      return loss;
    });
    rates = [];
    done.curves.steps.forEach(({ step, values }, k) => {
      expect(step).toBe(k + 1);
      expect(values.loss).toBeCloseTo(losses[k], 5);
    });
    expect(await weight(done)).toBeCloseTo(w, 5);
    expect([done.steps, done.ended, done.of]).toEqual([10, 'all steps', 10]);
  });

  it('looks every so often and at its end, with the parameters of that step and its batch', async () => {
    const looks: [number, number][] = [];
    const done = await train(
      options({
        batches: batches((k) => k),
        watch: {
          every: 4,
          measure: async ({ w }, { x }) => {
            looks.push([(await w.data())[0], (await x.data())[0]]);
            return { weight: looks.at(-1)![0], odd: NaN };
          },
        },
      }),
    );
    expect(looks.map(([, x]) => x)).toEqual([3, 7, 9]);
    expect(looks[2][0]).toBe(await weight(done));
    expect(done.curves.watched.map(({ step, values }) => [step, values.weight, values.odd])).toEqual(
      [4, 8, 10].map((step, k) => [step, looks[k][0], null]),
    );
  });

  it('ends early where looks get no better, with the best of them', async () => {
    const values = [1, 3, 2, 3, 2.5, 9];
    const weights: number[] = [];
    const done = await train(
      options({
        watch: {
          every: 1,
          measure: async ({ w }) => {
            weights.push((await w.data())[0]);
            return { dice: values[weights.length - 1] };
          },
        },
        early: { by: 'dice', patience: 3 },
      }),
    );
    expect([done.steps, done.ended, done.of]).toEqual([5, 'no better', 2]);
    expect(await weight(done)).toBe(weights[1]);
  });

  it('does not end early by what nobody measures', async () => {
    const early = { by: 'dice', patience: 3 };
    await expect(train(options({ early }))).rejects.toThrow(/cannot end .* early: given `early` by dice, and no watch/); // prettier-ignore
    const watch = { every: 1, measure: () => Promise.resolve({ ratio: 1 }) };
    await expect(train(options({ early, watch }))).rejects.toThrow('a watch that measures ratio, expected a watch that measures dice'); // prettier-ignore
  });

  it('frees all that it makes', async () => {
    const file = path.join(folder, 'freed');
    const once = async (): Promise<void> => {
      const given = options({
        watch: { every: 2, measure: () => Promise.resolve({ dice: 1 }) },
        early: { by: 'dice', patience: 100 },
        save: { file, every: 3, identity: 'freed' },
      });
      tf.dispose((await train(given)).trained);
      given.step.dispose();
    };
    await once();
    const before = tf.memory().numTensors;
    rmSync(file);
    await once();
    // The start of the test's own definition.
    expect(tf.memory().numTensors).toBe(before + 1);
  });

  it('saves its state when it is interrupted, and goes on from there to the same numbers', async () => {
    const whole = await train(options({ batches: batches((k) => Math.sin(k)) }));
    const file = path.join(folder, 'interrupted');
    const save = { file, every: 100, identity: 'interrupted' };
    const stopping = new AbortController();
    const watch = {
      every: 4,
      measure: () => {
        stopping.abort();
        return Promise.resolve({});
      },
    };
    const stopped = train(options({ batches: batches((k) => Math.sin(k)), save, watch }), {
      signal: stopping.signal,
    });
    await expect(stopped).rejects.toThrow(Interrupted);
    const done = await train(options({ batches: batches((k) => Math.sin(k)), save }));
    expect(done.curves.steps).toEqual(whole.curves.steps);
    expect(await weight(done)).toBe(await weight(whole));
    // Done already: nothing is learnt twice.
    const again = await train(options({ batches: batches(() => NaN), save }));
    expect(await weight(again)).toBe(await weight(whole));
  });

  it('refuses the state of another training, and one that is none', async () => {
    const file = path.join(folder, 'another');
    await train(options({ save: { file, every: 5, identity: 'one' } }));
    await expect(train(options({ save: { file, every: 5, identity: 'two' } }))).rejects.toThrow(
      /^cannot go on with the training in .*: given a training of one, where this one is two, .* delete the file to begin anew/,
    );
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.subarray(0, bytes.length - 1));
    await expect(train(options({ save: { file, every: 5, identity: 'one' } }))).rejects.toThrow('given');
  });

  it('ends with the step and the learning rate where a loss is no number', async () => {
    await expect(train(options({ batches: batches((k) => (k === 2 ? NaN : 1)) }))).rejects.toThrow(
      'a weight: the loss of step 3 is NaN, at a learning rate of 0.16',
    );
    await expect(train(options({ schedule: { peak: -1, warmUp: 0, steps: 10, power: 1 } }))).rejects.toThrow(
      'cannot follow a schedule of the learning rate: given a peak of -1',
    );
  });
});

/** What a child said. */
interface Said {
  parameters: string;
  curves: Curves;
  steps: number;
}

/** Run the child; with `killAt`, kill it with the hardest signal once it has done so many steps. */
function child(name: string, file: string, killAt?: number): Promise<{ said?: Said; looks: number }> {
  const running = spawn(process.execPath, [path.resolve('test/training/train-child.cjs'), name, file], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  running.stdout.on('data', (text: Buffer) => {
    out += text.toString();
    const step = Number([...out.matchAll(/^step (\d+)$/gm)].at(-1)?.[1] ?? 0);
    if (killAt !== undefined && step >= killAt) running.kill('SIGKILL');
  });
  running.stderr.on('data', (text: Buffer) => (err += text.toString()));
  return new Promise((resolve, reject) =>
    running.on('close', (code, signal) => {
      const looks = out.split('\n').filter((line) => line === 'looked').length;
      if (signal === 'SIGKILL') resolve({ looks });
      else if (code === 0) resolve({ said: JSON.parse(out.trim().split('\n').at(-1)!) as Said, looks });
      else reject(new Error(err));
    }),
  );
}

/** `gap`: how far numbers of two runs may lie apart. */
const killed = (name: 'cpu' | 'tensorflow', gap: number): (() => void) => {
  return () =>
    it('goes on to the same parameters and curves', async () => {
      const file = (which: string): string => path.join(folder, `${name}-${which}`);
      const whole = await child(name, file('whole'));
      const first = await child(name, file('killed'), 8);
      expect(first.said).toBeUndefined();
      expect(existsSync(file('killed'))).toBe(true);
      const second = await child(name, file('killed'));
      // It did not begin anew.
      expect(second.looks).toBeLessThan(whole.looks);
      expect(whole.said!.steps).toBe(16);
      if (gap === 0) expect(second.said).toEqual(whole.said);
      else
        for (const which of ['steps', 'watched'] as const)
          second.said!.curves[which].forEach(({ step, values }, k) => {
            const wanted = whole.said!.curves[which][k];
            expect(step).toBe(wanted.step);
            for (const [key, value] of Object.entries(values))
              expect(Math.abs(value! - wanted.values[key]!)).toBeLessThan(gap);
          });
    });
};
describe('a training that is killed, on cpu', killed('cpu', 0));
// As a graph TensorFlow's threads add in an order of their own: two runs that nobody stopped differ in their last bits as well.
describeWith('native-tensorflow', 'a training that is killed, on TensorFlow', killed('tensorflow', 1e-4));
