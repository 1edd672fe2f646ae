// Sessions on steps that are written by hand: against values computed by hand, by both compilers.
import { readdirSync } from 'node:fs';
import os from 'node:os';
import { afterEach, beforeAll, expect, it } from 'vitest';
import type { Attribute, GraphNode, GraphSlot, RecordedStep } from '../../src/backends/capture/graph';
import { openSession } from '../../src/backends/capture/session';
import type { Compiler } from '../../src/backends/capture/session-graph';
import { loadCandidate } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import { withoutLeak } from '../setup/leaks';
import { describeWith } from '../setup/peers';

const float: Attribute = { kind: 'type', value: 1 };
const int: Attribute = { kind: 'type', value: 3 };
const no: Attribute = { kind: 'bool', value: false };
const node = (name: string, op: string, ...inputs: string[]): GraphNode => ({
  name,
  op,
  inputs,
  attributes: { T: float },
});
const slot = (name: string, ...shape: number[]): GraphSlot => ({ name, dtype: 1, shape });
const numbers = (tensor: tf.Tensor): number[] => [...tensor.dataSync()];

/** y = x w; then w and u change places, and the count goes up by the rate: all is read before any is written. */
const step = (rows: number): RecordedStep => ({
  nodes: [
    {
      ...node('product', 'MatMul', 'x:0', 'w:0'),
      attributes: { T: float, transpose_a: no, transpose_b: no },
    },
    node('counted', 'AddV2', 'count:0', 'rate:0', '^product'),
  ],
  inputs: [slot('x', rows, 2), slot('rate')],
  variables: [slot('w', 2, 2), slot('u', 2, 2), slot('count'), slot('frozen', 3)],
  outputs: { y: 'product:0', before: 'count:0', rate: 'rate:0', again: 'product:0' },
  updates: { w: 'u:0', u: 'w:0', count: 'counted:0' },
});
const initial = () => ({
  w: tf.tensor([1, 2, 3, 4], [2, 2]),
  u: tf.tensor([10, 20, 30, 40], [2, 2]),
  count: tf.scalar(5),
  frozen: tf.tensor([7, 8, 9]),
});
const feeds = (rows = 1) => ({
  x: tf.tensor(
    Array.from({ length: rows * 2 }, (_, i) => i + 1),
    [rows, 2],
  ),
  rate: tf.scalar(0.5),
});
const open = (compiler: Compiler, rows = 1) => {
  const start = initial();
  const session = openSession(step(rows), start, { compiler, name: 'by hand' });
  tf.dispose(start);
  return session;
};
/** What the binding counts: sessions and tensors that it holds. */
const held = () => {
  const { binding } = tf.backend() as unknown as {
    binding: { getNumOfSavedModels(): number; getNumOfTensors(): number };
  };
  return { sessions: binding.getNumOfSavedModels(), tensors: binding.getNumOfTensors() };
};

describeWith('native-tensorflow', 'a session', () => {
  beforeAll(async () => {
    await (await loadCandidate('tensorflow')).open();
  });
  afterEach(() => {
    expect(readdirSync(os.tmpdir()).filter((name) => name.startsWith('coc-captured-'))).toEqual([]);
    expect(held()).toEqual({ sessions: 0, tensors: 0 });
  });

  for (const compiler of ['graph', 'xla'] as const) {
    it(`computes and updates as by hand (${compiler})`, async () => {
      await withoutLeak('a session', () => {
        const session = open(compiler);
        const x = feeds();
        const first = session.run(x);
        // [1 2] [[1 2][3 4]]
        expect(numbers(first.y)).toEqual([7, 10]);
        expect(numbers(first.again)).toEqual([7, 10]);
        expect(numbers(first.before)).toEqual([5]);
        expect(numbers(first.rate)).toEqual([0.5]);
        const second = session.run({ ...x, x: x.x });
        expect(numbers(second.y)).toEqual([70, 100]);
        const state = session.read();
        expect(Object.keys(state)).toEqual(['w', 'u', 'count', 'frozen']);
        expect(numbers(state.w)).toEqual([1, 2, 3, 4]);
        expect(numbers(state.u)).toEqual([10, 20, 30, 40]);
        expect(numbers(state.count)).toEqual([6]);
        expect(numbers(state.frozen)).toEqual([7, 8, 9]);
        // What was handed over stays what it was.
        tf.dispose(session.run(x));
        expect(numbers(state.w)).toEqual([1, 2, 3, 4]);
        expect(numbers(second.before)).toEqual([5.5]);
        tf.dispose([first, second, state, x]);
        session.dispose();
      });
    });
  }

  it('gives and takes some variables: those that are not named stay', async () => {
    await withoutLeak('reading and writing', () => {
      const session = open('graph');
      const some = { u: tf.tensor([0, 1, 1, 0], [2, 2]), frozen: tf.tensor([3, 2, 1]) };
      session.write(some);
      tf.dispose(some);
      const count = tf.scalar(11);
      session.write({ count });
      count.dispose();
      const state = session.read(['frozen', 'u']);
      expect(Object.keys(state)).toEqual(['frozen', 'u']);
      expect(numbers(state.frozen)).toEqual([3, 2, 1]);
      expect(numbers(state.u)).toEqual([0, 1, 1, 0]);
      const rest = session.read(['count', 'w']);
      expect(numbers(rest.count)).toEqual([11]);
      expect(numbers(rest.w)).toEqual([1, 2, 3, 4]);
      tf.dispose([state, rest]);
      session.dispose();
    });
  });

  it('refuses what does not fit, by name and shape', () => {
    const session = open('graph');
    const { x, rate } = feeds(3);
    const wrong = { x: tf.cast(x, 'int32'), other: rate };
    expect(() => session.run(wrong)).toThrow(
      'by hand: given rate is missing; other is not an input of it; x is [3, 2] int32 instead of [1, 2] float32, ' +
        'expected x [1, 2] float32, rate [] float32. What to do: give inputs as recorded, or record the step for these',
    );
    expect(() => session.write({ w: x })).toThrow('w is [3, 2] float32 instead of [2, 2] float32');
    expect(() => session.write({ weights: x })).toThrow(
      'by hand: given weights, which it has no variables for',
    );
    expect(() => session.read(['z'])).toThrow('expected variables of the recorded step: w, u, count, frozen');
    expect(() => openSession(step(1), { w: x }, { compiler: 'graph' })).toThrow(
      'given u is missing; count is missing; frozen is missing; w is [3, 2] float32 instead of [2, 2] float32',
    );
    session.dispose();
    tf.dispose([x, rate, wrong]);
  });

  it('takes recordings for several shapes over the same variables, known at the start or later', () => {
    const start = initial();
    const session = openSession([step(1), step(2)], start, { compiler: 'graph', name: 'by hand' });
    const [one, two, three] = [feeds(1), feeds(2), feeds(3)];
    const results = [session.run(one), session.run(two)];
    expect(results.map(({ y }) => numbers(y))).toEqual([
      [7, 10],
      // [[1 2][3 4]] [[10 20][30 40]]
      [70, 100, 150, 220],
    ]);
    expect(() => session.run(three)).toThrow(
      'given x is [3, 2] float32 instead of [1, 2] float32, expected x [1, 2] float32, rate [] float32; or x [2, 2] float32, rate [] float32',
    );
    session.add(step(3));
    const later = session.run(three);
    expect(numbers(later.y)).toEqual([7, 10, 15, 22, 23, 34]);
    expect(numbers(later.before)).toEqual([6]);
    expect(() => session.add(step(3))).toThrow(
      'two recordings for the inputs x [3, 2] float32, rate [] float32',
    );
    const other = { ...step(4), variables: [slot('w', 2, 2)] };
    expect(() => session.add(other)).toThrow('given a recording with the variables w [2, 2] float32');
    const after = session.read(['count']);
    expect(numbers(after.count)).toEqual([6.5]);
    session.dispose();
    tf.dispose([start, one, two, three, results, later, after]);
  });

  it('keeps its variables when a step fails inside, and goes on', () => {
    const shape: GraphSlot = { name: 'shape', dtype: 3, shape: [1] };
    const failing: RecordedStep = {
      nodes: [
        { ...node('shaped', 'Reshape', 'w:0', 'shape:0'), attributes: { T: float, Tshape: int } },
        node('more', 'AddV2', 'count:0', 'count:0'),
      ],
      inputs: [shape],
      variables: [slot('w', 2, 2), slot('count')],
      outputs: { y: 'shaped:0' },
      updates: { count: 'more:0' },
    };
    const { w, count, ...rest } = initial();
    const session = openSession(failing, { w, count }, { compiler: 'graph', name: 'by hand' });
    const [bad, good] = [{ shape: tf.tensor1d([5], 'int32') }, { shape: tf.tensor1d([4], 'int32') }];
    expect(() => session.run(bad)).toThrow(
      /^by hand: TensorFlow: .*Input to reshape is a tensor with 4 values/,
    );
    const before = session.read(['count']);
    expect(numbers(before.count)).toEqual([5]);
    const { y } = session.run(good);
    expect(y.shape).toEqual([4]);
    session.dispose();
    tf.dispose([w, count, rest, bad, good, before, y]);
  });

  it('leaves nothing behind when TensorFlow refuses the graph', () => {
    const start = initial();
    const unknown = { ...step(1), nodes: [node('product', 'NoSuchOperation', 'x:0'), step(1).nodes[1]] };
    expect(() => openSession(unknown, start, { compiler: 'graph', name: 'by hand' })).toThrow(
      /^by hand: TensorFlow: Op type not registered 'NoSuchOperation'/,
    );
    expect(() => openSession(unknown, start, { compiler: 'xla', name: 'by hand' })).toThrow(
      'by hand: given operations that this project does not hand to XLA: NoSuchOperation',
    );
    tf.dispose(start);
  });

  it('compiles session by session: an operation that XLA lacks runs in one and is refused in the other', () => {
    const cut: RecordedStep = {
      nodes: [
        {
          name: 'cut',
          op: 'CropAndResize',
          inputs: ['image:0', 'boxes:0', 'which:0', 'size:0'],
          attributes: { T: float, method: { kind: 'string', value: 'bilinear' } },
        },
      ],
      inputs: [
        slot('image', 1, 2, 2, 1),
        slot('boxes', 1, 4),
        { name: 'which', dtype: 3, shape: [1] },
        { name: 'size', dtype: 3, shape: [2] },
      ],
      variables: [],
      outputs: { y: 'cut:0' },
      updates: {},
    };
    const given = {
      image: tf.tensor([1, 2, 3, 4], [1, 2, 2, 1]),
      boxes: tf.tensor([0, 0, 1, 1], [1, 4]),
      which: tf.tensor1d([0], 'int32'),
      size: tf.tensor1d([1, 1], 'int32'),
    };
    const [plain, compiled] = (['graph', 'xla'] as const).map((compiler) =>
      openSession(cut, {}, { compiler }),
    );
    const { y } = plain.run(given);
    expect(numbers(y)).toEqual([2.5]);
    expect(() => compiled.run(given)).toThrow(
      /CropAndResize.*No registered 'CropAndResize' OpKernel for XLA_CPU_JIT/s,
    );
    plain.dispose();
    compiled.dispose();
    tf.dispose([given, y]);
  });

  it('refuses to be used once it is disposed of', () => {
    const session = open('graph');
    session.dispose();
    session.dispose();
    const x = feeds();
    for (const use of [
      () => session.run(x),
      () => session.read(),
      () => session.write({}),
      () => session.add(step(2)),
    ])
      expect(use).toThrow('by hand: given a session that was disposed of');
    tf.dispose(x);
  });

  it('gives its memory back: 20 sessions, one after another', async () => {
    await withoutLeak('20 sessions', () => {
      const x = feeds();
      for (let k = 0; k < 20; k++) {
        const session = open('graph');
        tf.dispose(session.run(x));
        expect(held().sessions).toBe(1);
        session.dispose();
      }
      tf.dispose(x);
    });
  });
});
