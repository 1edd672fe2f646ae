// The tracker: what it hears of a real backend, against counts by hand and the wasm module's own count of its bytes; and
// that a backend is as before when it ends, however it ends.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { watchBuffers } from '../../src/backends/buffers';
import { loadCandidate } from '../../src/backends/choose';
import type { Ledger } from '../../src/backends/ledger';
import { scope } from '../../src/backends/scope';
import { track, trackStep } from '../../src/backends/tracker';
import { flattenTree } from '../../src/backends/training-step';
import { givenToStep, watchedStep } from '../../src/backends/watched-step';
import { tf } from '../../src/backends/tf';
import { hasPeer } from '../setup/peers';
import { withoutLeak } from '../setup/leaks';
import { freeNet, randomConvNet, randomVit } from './ledger/random-nets';

const open = async (name: 'cpu' | 'wasm' | 'tensorflow'): Promise<Backend> =>
  (await loadCandidate(name)).open({ asked: true });

/** One allocation a line. */
const rows = (ledger: Ledger, kernelTemporaries = false): string[] =>
  ledger
    .allocations({ kernelTemporaries })
    .map(({ op, shape, dtype, bytes, scope: part, category, freed, kernelTemporary }) =>
      [
        op,
        `[${shape.join(', ')}]`,
        dtype,
        bytes,
        part,
        kernelTemporary ? 'kernel temporary' : category,
        freed === null ? 'kept' : 'freed',
      ].join(' '),
    );

describe.each(['cpu', 'wasm', 'tensorflow'] as const)('on %s', (name) => {
  const test = name !== 'tensorflow' || hasPeer('native-tensorflow') ? it : it.skip;
  let backend: Backend;
  beforeAll(async () => {
    if (name !== 'tensorflow' || hasPeer('native-tensorflow')) backend = await open(name);
  });

  test('a small computation is what it is by hand: aliases have no bytes, scalars of code have', async () => {
    const x = tf.ones([3, 4]);
    const { returned, ledger, notes } = await track(backend, 'by hand', { inputs: [x] }, () =>
      scope('part', () => {
        const doubled = tf.mul(tf.reshape(x, [4, 3]), 2);
        const same = tf.cast(tf.reshape(doubled, [2, 6]).clone(), 'float32');
        return tf.addN([tf.sqrt(tf.expandDims(same, 0))]);
      }),
    );
    expect(rows(ledger)).toEqual([
      'given [3, 4] float32 48  inputs kept',
      'host [] float32 4 part temporary freed',
      'Multiply [4, 3] float32 48 part temporary freed',
      'Sqrt [1, 2, 6] float32 48 part activations kept',
    ]);
    // The scalar lives as long as its operation.
    expect(ledger.peak()).toMatchObject({ bytes: 3 * 48, beyondGiven: 2 * 48 });
    expect(ledger.left() - ledger.given()).toBe(48);
    expect(ledger.backend).toBe(name);
    expect(notes.join()).toContain('not');
    tf.dispose([x, returned]);
  });

  test('types are counted as the backend keeps them', async () => {
    const { returned, ledger } = await track(backend, 'types', {}, () => [
      tf.tensor([1, 2, 3], [3], 'int32'),
      tf.greater(tf.ones([5]), 0),
      tf.tensor(['a', 'bc']),
    ]);
    const kept = ledger.allocations().filter(({ freed }) => freed === null);
    expect(kept.map(({ dtype, bytes }) => `${dtype} ${bytes}`)).toEqual(['int32 12', 'bool 5', 'string 0']);
    tf.dispose(returned);
  });

  test('a gradient: what is kept for it, and where each part of it belongs', async () => {
    const [x, w] = [tf.ones([2, 3]), tf.ones([3, 5])];
    const { returned, ledger } = await track(backend, 'a gradient', { inputs: [x], weights: [w] }, () =>
      tf.grad((v: tf.Tensor) => scope('net', () => tf.sum(tf.square(tf.matMul(x, v)))))(w),
    );
    expect(rows(ledger).filter((row) => /activations|kept/.test(row))).toEqual([
      'given [2, 3] float32 24  inputs kept',
      'given [3, 5] float32 60  weights kept',
      'BatchMatMul [2, 5] float32 40 net activations freed',
      'Square [2, 5] float32 40 net activations freed',
      'Sum [] float32 4 net activations freed',
      'BatchMatMul [3, 5] float32 60 net temporary kept',
    ]);
    tf.dispose([x, w, returned]);
  });

  test('the backend is as before, when the computation throws too, and nobody is left to hear of it', async () => {
    const kernels = tf.backend() as unknown as Record<string, object>;
    const tables = ['dataIdMap', 'tensorMap', 'data'].filter((key) => key in kernels);
    const owned = (): string[] =>
      [kernels, ...tables.map((key) => kernels[key])].flatMap((object) => Object.keys(object));
    const before = owned();
    const x = tf.ones([2]);
    tf.dispose((await track(backend, 'first', {}, () => tf.neg(x))).returned);
    expect(owned()).toEqual(before);
    await withoutLeak('a failure', async () => {
      const failing = track(backend, 'the planted step', {}, () => {
        tf.exp(tf.neg(x));
        throw new Error('planted');
      });
      await expect(failing).rejects.toThrow('the planted step: planted');
    });
    expect(owned()).toEqual(before);
    const { ledger } = await track(backend, 'later', {}, () => undefined);
    expect(ledger.length).toBe(0);
    x.dispose();
  });

  test('a step leaves what it was given', async () => {
    await withoutLeak('trackStep', async () => {
      const net = randomVit(3).build();
      const { returned, ledger } = await trackStep(backend, net.definition, net.inputs);
      const { loss, ...rest } = returned;
      expect((await loss.data())[0]).toBeGreaterThan(0);
      const kept = ledger.allocations().filter(({ freed }) => freed === null);
      const given = kept.filter(({ phase }) => phase === 'given');
      expect(ledger.given()).toBe(given.reduce((sum, { bytes }) => sum + bytes, 0));
      // What takes the place of what was given is as large.
      const bytesOf = (category: string, phase: 'given' | 'update'): number =>
        kept
          .filter((a) => a.category === category && (phase === 'given') === (a.phase === 'given'))
          .reduce((sum, { bytes }) => sum + bytes, 0);
      for (const category of ['adapters', 'optimiser'])
        expect(bytesOf(category, 'update')).toBe(bytesOf(category, 'given'));
      tf.dispose([loss, rest]);
      freeNet(net);
    });
  });
});

describe('on wasm', () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await open('wasm');
  });

  it('what kernels make for themselves is told apart', async () => {
    const x = tf.ones<tf.Rank.R4>([1, 3, 4, 2]);
    const filter = tf.ones<tf.Rank.R4>([3, 3, 2, 1]);
    const { returned, ledger } = await track(backend, 'temporaries', { inputs: [x, filter] }, () => [
      // Reduced along an axis that is not the last: turned round first.
      tf.sum(x, 1),
      // A border of zeros: a copy with them around.
      tf.conv2d(x, filter, 1, 'same'),
    ]);
    expect(rows(ledger, true).slice(2)).toEqual([
      'Sum [1, 4, 2, 3] float32 96  kernel temporary freed',
      'Sum [1, 4, 2] float32 32  activations kept',
      'Conv2D [1, 3, 4, 1] float32 48  activations kept',
      'Conv2D [1, 5, 6, 2] float32 240  kernel temporary freed',
    ]);
    expect(ledger.peak().beyondGiven).toBe(80);
    expect(ledger.peak({ kernelTemporaries: true }).beyondGiven).toBe(320);
    tf.dispose([x, filter, returned]);
  });

  it.each([1, 2, 3, 4, 5, 6])(
    "net %i: after every event, the total is the module's own count",
    async (seed) => {
      for (const plan of [randomVit(seed), randomConvNet(seed)]) {
        const net = plan.build();
        const { definition, inputs } = net;
        const trained = flattenTree(definition.parameters.trained);
        const state = tf.tidy(() => definition.optimiser.start(trained));
        const tensors = { trained, frozen: definition.parameters.frozen, state, inputs };
        const kernels = tf.backend() as unknown as { liveBytes: number };
        // The module counts after the table: each event shows what was counted before it.
        const before: number[] = [];
        const sample = (): void => void before.push(kernels.liveBytes);
        const watch = watchBuffers('wasm', kernels, { made: sample, freed: sample });
        const { returned, ledger } = await track(backend, plan.name, givenToStep(tensors), (own) =>
          watchedStep(own, definition, tensors),
        );
        watch.stop();
        const counted = [...before.slice(1), kernels.liveBytes];
        const total = ledger.timeline({ kernelTemporaries: true }).slice(-counted.length);
        const others = before[0] - ledger.given();
        expect(total.map(({ bytes }) => bytes)).toEqual(counted.map((bytes) => bytes - others));
        expect(total.length).toBeGreaterThan(100);
        expect(ledger.peak({ kernelTemporaries: true }).bytes).toBe(Math.max(...counted) - others);
        expect(ledger.left({ kernelTemporaries: true })).toBe(kernels.liveBytes - others);
        tf.dispose([returned.outputs, returned.trained, returned.state, state]);
        freeNet(net);
      }
    },
  );
});
