// Windows of a grid, and decomposed relative positions against plain loops.
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCandidate } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import { uniform } from '../../src/nn/parameters';
import { splitHeads } from '../../src/nn/attention';
import { relativeTerms } from '../../src/nn/relative-positions';
import { fromWindows, toWindows } from '../../src/nn/windows';
import { valuesOf } from '../bench/nets/values';

const tensorOf = (shape: number[], name: string): tf.Tensor =>
  tf.tensor(valuesOf(shape.reduce((a, b) => a * b, 1), uniform(-1, 1), name), shape); // prettier-ignore

beforeAll(async () => {
  await (await loadCandidate('cpu')).open();
  await tf.setBackend('cpu');
});

describe('windows', () => {
  it('of a grid of 3 x 4 and size 2 are filled up with zeros below', () => {
    tf.tidy(() => {
      const grid = tf.reshape(tf.range(1, 13), [1, 3, 4, 1]);
      const windows = toWindows(grid, 2);
      expect(windows.shape).toEqual([4, 4, 1]);
      expect([...windows.dataSync()]).toEqual([1, 2, 5, 6, 3, 4, 7, 8, 9, 10, 0, 0, 11, 12, 0, 0]);
    });
  });

  it('hold every token once, and zeros; the way back is exact', () => {
    const side = fc.integer({ min: 1, max: 7 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), side, side, side, (batch, rows, columns, size) => {
        tf.tidy(() => {
          const x = tensorOf([batch, rows, columns, 2], 'grid');
          const windows = toWindows(x, size);
          const count = batch * Math.ceil(rows / size) * Math.ceil(columns / size);
          expect(windows.shape).toEqual([count, size * size, 2]);
          const sorted = (t: tf.Tensor): number[] => [...t.dataSync()].filter((v) => v !== 0).sort((a, b) => a - b); // prettier-ignore
          expect(sorted(windows)).toEqual(sorted(x));
          const back = fromWindows(windows, size, [batch, rows, columns]);
          expect(back.shape).toEqual(x.shape);
          expect([...back.dataSync()]).toEqual([...x.dataSync()]);
        });
      }),
      { numRuns: 60 },
    );
  });
});

describe('windows of heads', () => {
  it.each([
    [1, 4, 4, 4, 2],
    [2, 5, 4, 2, 3],
    [1, 3, 7, 3, 2],
  ])(
    'of a batch of %d, %d x %d tokens, size %d, are windows cut into %d heads',
    (batch, rows, columns, size, heads) => {
      tf.tidy(() => {
        const x = tensorOf([batch, rows, columns, 4 * heads], 'grid');
        const found = toWindows(x, size, heads);
        const expected = splitHeads(toWindows(x, size), heads);
        expect(found.shape).toEqual(expected.shape);
        expect([...found.dataSync()]).toEqual([...expected.dataSync()]);
        const back = fromWindows(found, size, [batch, rows, columns], heads);
        expect(back.shape).toEqual(x.shape);
        expect([...back.dataSync()]).toEqual([...x.dataSync()]);
      });
    },
  );
});

describe('decomposed relative positions', () => {
  it.each([
    [1, 1, 3],
    [2, 3, 4],
    [3, 4, 2],
  ])('of %d heads on a grid of %d x %d channels are those of plain loops', (heads, span, each) => {
    tf.tidy(() => {
      const q = tensorOf([heads, span * span, each], 'q');
      const tables = [tensorOf([2 * span - 1, each], 'rows'), tensorOf([2 * span - 1, each], 'columns')];
      const found = relativeTerms(q, { rows: tables[0], columns: tables[1] });
      const values = [found.rows, found.columns].map((t) => t.dataSync());
      const [ofQ, ...ofTables] = [q, ...tables].map((t) => t.dataSync());
      for (let head = 0; head < heads; head++)
        for (let row = 0; row < span; row++)
          for (let column = 0; column < span; column++)
            for (let key = 0; key < span; key++) {
              const token = (head * span + row) * span + column;
              [row, column].forEach((place, axis) => {
                let expected = 0;
                for (let c = 0; c < each; c++)
                  expected += ofQ[token * each + c] * ofTables[axis][(place - key + span - 1) * each + c];
                expect(values[axis][token * span + key]).toBeCloseTo(expected, 5);
              });
            }
    });
  });
});
