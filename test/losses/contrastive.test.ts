// Values from other implementations and from closed forms; src/losses/contrastive.ts names the rules.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cvaConsistency,
  cvaContrast,
  gramDifference,
  ntXent,
  simclrLoss,
} from '../../src/losses/contrastive';

const at = (degrees: number): number[] => [
  Math.cos((degrees * Math.PI) / 180),
  Math.sin((degrees * Math.PI) / 180),
];
const axis = (n: number, i: number): number[] => Array.from({ length: n }, (_, k) => (k === i ? 1 : 0));
const times = <T>(n: number, of: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => of(i));

describe('the loss of SimCLR', () => {
  it('is ln(2N - 1) where all views are alike (lightly)', () => {
    for (const n of [1, 2, 8, 16]) {
      const same = times(n, () => [0.3, -0.4]);
      expect(simclrLoss(same, same, 0.5)).toBeCloseTo(Math.log(2 * n - 1), 12);
    }
  });

  it('is ln(1 + (2N - 2) exp(-1/t)) for matched pairs at right angles', () => {
    const four = times(4, (i) => axis(4, i));
    expect(simclrLoss(four, four, 0.5)).toBeCloseTo(0.594437664, 9);
    expect(simclrLoss(four, four, 0.1)).toBeCloseTo(2.7236e-4, 8);
  });

  it('does not ask which view is first, nor how long a vector is', () => {
    const vector = fc.array(fc.double({ min: 0.1, max: 3, noNaN: true }), { minLength: 3, maxLength: 3 });
    const view = fc.array(vector, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(view, view, fc.double({ min: 0.1, max: 2, noNaN: true }), (a, b, scale) => {
        const loss = simclrLoss(a, b, 0.5);
        expect(simclrLoss(b, a, 0.5)).toBeCloseTo(loss, 9);
        expect(
          simclrLoss(
            a,
            b.map((v) => v.map((x) => x * scale)),
            0.5,
          ),
        ).toBeCloseTo(loss, 9);
      }),
    );
  });

  it('stays a number where exponentials would overflow', () => {
    expect(simclrLoss([axis(2, 0), axis(2, 1)], [axis(2, 1), axis(2, 0)], 1e-4)).toBeCloseTo(1e4, 6);
  });
});

describe('NT-Xent with any pairing', () => {
  it('agrees with pytorch-metric-learning on points of the circle: each anchor with one positive and its negatives', () => {
    const points = [0, 10, 20, 50, 60, 80].map(at);
    const label = [0, 0, 0, 1, 1, 2];
    const pairs = points.flatMap((_, i) =>
      points.flatMap((_, j) => (i !== j && label[i] === label[j] ? [[i, j]] : [])),
    );
    const negatives = (row: number): number => label.filter((l) => l !== label[row]).length;
    // Rows of one loss: an anchor, its positive, the anchor's negatives. Rows without a negative add nothing.
    const losses = pairs.map(([i, j]) => {
      const rows = [points[i], points[j], ...points.filter((_, k) => label[k] !== label[i])];
      const loss = ntXent(rows, 0.1, {
        positive: (row) => (row === 0 ? 1 : row),
        negative: (row, other) => row === 0 && other > 1,
      });
      return loss * (2 + negatives(i));
    });
    expect(losses.reduce((a, b) => a + b, 0) / losses.length).toBeCloseTo(0.2981431006, 9);
  });
});

describe('the contrast of view alignment', () => {
  it('is ln(1 + 12 exp(-2)) for four images at right angles, ln 13 where all are alike', () => {
    const images = [...times(4, (i) => axis(4, i)), ...times(4, (i) => axis(4, i))];
    expect(cvaContrast(images, images)).toBeCloseTo(0.964708788, 9);
    const same = times(8, () => [1, 2]);
    expect(cvaContrast(same, same)).toBeCloseTo(2.564949357, 9);
  });

  it('and its local term have the values of the released code on eight vectors', () => {
    const student = [0, 40, 10, 70].map(at);
    const teacher = [5, 50, 20, 80].map(at);
    expect(cvaContrast(student, teacher)).toBeCloseTo(1.1916718136, 9);
    expect(cvaConsistency(student, teacher)).toBeCloseTo(0.1791878086, 9);
  });

  it('compares a view with the other view of its image', () => {
    const student = [axis(2, 0), axis(2, 1)];
    expect(cvaConsistency(student, [axis(2, 1), axis(2, 0)])).toBeCloseTo(0, 12);
    expect(cvaConsistency(student, student)).toBeCloseTo(2, 12);
    expect(
      cvaConsistency(student, [
        [0, -1],
        [-1, 0],
      ]),
    ).toBeCloseTo(4, 12);
  });
});

describe('the Gram form of the local term', () => {
  it('does not see in which cell a feature stands; the cosine form does', () => {
    const cells = [0, 30, 75, 110].map(at);
    const moved = [cells[2], cells[0], cells[3], cells[1]];
    expect(gramDifference(cells, moved)).toBeCloseTo(0, 12);
    expect(gramDifference(cells, cells.slice().fill(at(0)))).toBeGreaterThan(0.1);
  });

  it('has the value found by hand: [[1, 0]] against [[0, 2]]', () => {
    // Gram matrices [[1,0],[0,0]] and [[0,0],[0,4]]: (1 + 16) / 4.
    expect(gramDifference([[1, 0]], [[0, 2]])).toBe(4.25);
  });
});

describe('bad input', () => {
  it('is named', () => {
    expect(() => simclrLoss([[1]], [[1], [2]], 0.5)).toThrow(/1 and 2 vectors/);
    expect(() => simclrLoss([[1]], [[1]], 0)).toThrow(/temperature of 0/);
    expect(() => cvaContrast([[1], [1], [1]], [[1], [1], [1]])).toThrow(/3 rows/);
    expect(() => gramDifference([], [])).toThrow(/0 and 0 vectors/);
  });
});
