// Sessions on steps that are written by hand: against values computed by hand.
import { readdirSync } from 'node:fs';
import os from 'node:os';
import { beforeAll, expect, it } from 'vitest';
import type { Attribute, GraphNode, RecordedStep } from '../../src/backends/capture/graph';
import { openSession } from '../../src/backends/capture/session';
import type { Compiler } from '../../src/backends/capture/session';
import { loadCandidate } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import { withoutLeak } from '../setup/leaks';
import { describeWith } from '../setup/peers';

const float: Attribute = { kind: 'type', value: 1 };
const node = (name: string, op: string, ...inputs: string[]): GraphNode => ({
  name,
  op,
  inputs,
  attributes: { T: float },
});
const slot = (name: string, ...shape: number[]) => ({ name, dtype: 1 as const, shape });
const numbers = (tensor: tf.Tensor): number[] => [...tensor.dataSync()];

/** y = x w; then w and its copy u change places, and the count goes up by the rate: all read before any is written. */
const step = (rows: number): RecordedStep => ({
  nodes: [
    {
      ...node('product', 'MatMul', 'x:0', 'w:0'),
      attributes: {
        T: float,
        transpose_a: { kind: 'bool', value: false },
        transpose_b: { kind: 'bool', value: false },
      },
    },
    node('counted', 'AddV2', 'count:0', 'rate:0'),
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
const feeds = (rows = 1) => ({ x: tf.tensor(Array.from({ length: rows * 2 }, (_, i) => i + 1), [rows, 2]), rate: tf.scalar(0.5) }); // prettier-ignore
const leftOver = () => readdirSync(os.tmpdir()).filter((name) => name.startsWith('coc-captured-'));

describeWith('native-tensorflow', 'a session', () => {
  beforeAll(async () => {
    await (await loadCandidate('tensorflow')).open();
  });

  for (const compiler of ['graph'] as const satisfies Compiler[]) {
    it(`computes and updates as by hand (${compiler})`, async () => {
      await withoutLeak('a session', () => {
        const start = initial();
        const session = openSession(step(1), start, { compiler });
        tf.dispose(start);
        const x = feeds();
        const first = session.run(x);
        // [1 2] [[1 2][3 4]]
        expect(numbers(first.y)).toEqual([7, 10]);
        expect(numbers(first.again)).toEqual([7, 10]);
        expect(numbers(first.before)).toEqual([5]);
        expect(numbers(first.rate)).toEqual([0.5]);
        const second = session.run(x);
        expect(numbers(second.y)).toEqual([70, 100]);
        const state = session.read();
        expect(Object.keys(state)).toEqual(['w', 'u', 'count', 'frozen']);
        expect(numbers(state.w)).toEqual([1, 2, 3, 4]);
        expect(numbers(state.u)).toEqual([10, 20, 30, 40]);
        expect(numbers(state.count)).toEqual([6]);
        expect(numbers(state.frozen)).toEqual([7, 8, 9]);
        tf.dispose([first, second, state, x]);
        session.dispose();
      });
      expect(leftOver()).toEqual([]);
    });
  }
});
