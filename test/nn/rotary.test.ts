// Rotary positions on a grid: products of turned queries and keys depend on how far apart they are and on nothing else.
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCandidate } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import { uniform } from '../../src/nn/parameters';
import { rotate } from '../../src/backends/fused';
import { gridRotation } from '../../src/nn/rotary';
import { valuesOf } from '../bench/nets/values';
import { withoutLeak } from '../setup/leaks';

beforeAll(async () => {
  await (await loadCandidate('cpu')).open();
  await tf.setBackend('cpu');
});

/** The same vector at every token, turned: [tokens, width], row by row. */
const everywhere = (name: string, grid: Parameters<typeof gridRotation>[0]): number[][] =>
  tf.tidy(() => {
    const { rows, columns, width } = grid;
    const one = tf.tensor2d(valuesOf(width, uniform(-1, 1), name), [1, width]);
    const turned = rotate(tf.tile(one, [rows * columns, 1]), gridRotation(grid));
    return turned.arraySync();
  });
const dot = (a: number[], b: number[]): number => a.reduce((sum, x, k) => sum + x * b[k], 0);

const grids = fc.record({
  rows: fc.integer({ min: 1, max: 6 }),
  columns: fc.integer({ min: 1, max: 6 }),
  width: fc.constantFrom(4, 8, 12),
  base: fc.constantFrom(2, 100, 10_000),
  step: fc.constantFrom(1, 1 / 3, 2.5),
});

describe('rotation on a grid', () => {
  it('makes products that depend on the shift alone', () => {
    fc.assert(
      fc.property(grids, fc.nat(), (grid, seed) => {
        const { rows, columns } = grid;
        const [q, k] = ['q', 'k'].map((name) => everywhere(`${name}${seed}`, grid));
        const seen = new Map<string, number>();
        q.forEach((query, from) =>
          k.forEach((key, to) => {
            const down = Math.floor(to / columns) - Math.floor(from / columns);
            const shift = `${down},${(to % columns) - (from % columns)}`;
            const value = dot(query, key);
            expect(value).toBeCloseTo(seen.get(shift) ?? value, 4);
            seen.set(shift, value);
          }),
        );
        expect(seen.size).toBe((2 * rows - 1) * (2 * columns - 1));
      }),
      { numRuns: 40 },
    );
  });

  it('tells rows from columns and every shift from another', () => {
    const grid = { rows: 3, columns: 3, width: 8, base: 100, step: 1 };
    const [q, k] = ['q', 'k'].map((name) => everywhere(name, grid));
    const products = k.map((key) => dot(q[0], key).toFixed(3));
    expect(new Set(products).size).toBe(9);
  });

  it('turns pairs by the angles that the paper gives: by column, then by row', () => {
    tf.tidy(() => {
      const turned = rotate(
        tf.ones([6, 8]),
        gridRotation({ rows: 2, columns: 3, width: 8, base: 16, step: 0.5 }),
      );
      const last = (turned.arraySync() as number[][])[5]; // column 2, row 1; the second pair is 4 times slower
      const angles = [2 * 0.5, (2 * 0.5) / 4, 0.5, 0.5 / 4];
      const expected = angles.flatMap((a) => [Math.cos(a) - Math.sin(a), Math.cos(a) + Math.sin(a)]);
      expected.forEach((value, k) => expect(last[k]).toBeCloseTo(value, 5));
    });
  });

  it.each(['cpu', 'wasm'] as const)('changes no length, and its gradient turns back: %s', async (name) => {
    const backend = await (await loadCandidate(name)).open();
    await tf.setBackend(name);
    await withoutLeak(
      'rotate',
      () =>
        tf.tidy(() => {
          const [heads, tokens, width] = [3, 4, 8];
          const rotation = gridRotation({ rows: 2, columns: 2, width, base: 10, step: 1 });
          const of = (name: string): tf.Tensor =>
            tf.tensor(valuesOf(heads * tokens * width, uniform(-1, 1), name), [heads, tokens, width]);
          const [x, cotangent] = [of('x'), of('cotangent')];
          const squares = (t: tf.Tensor): number[] => [...tf.sum(tf.square(t), -1).dataSync()];
          squares(rotate(x, rotation)).forEach((value, k) => expect(value).toBeCloseTo(squares(x)[k], 5));
          // A rotation is linear, and its transpose its inverse: the gradient turned again is the cotangent.
          const gradient = tf.grad((t: tf.Tensor) => tf.sum(tf.mul(rotate(t, rotation), cotangent)))(x);
          const again = rotate(gradient, rotation).dataSync();
          cotangent.dataSync().forEach((value, k) => expect(again[k]).toBeCloseTo(value, 5));
        }),
      backend,
    );
  });
});
