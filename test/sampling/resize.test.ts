import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AxisMatrix, Interpolation } from '../../src/sampling/resize';
import { axisMatrix, resize, resizeAdjoint, transposed } from '../../src/sampling/resize';
import { describeWith, python } from '../setup/peers';

const oracles = path.join(__dirname, '..', 'oracles');

interface Picture {
  width: number;
  height: number;
  pixels: number[];
}
interface Case extends Interpolation {
  picture: string;
  width: number;
  height: number;
  /** The pixels that are in the file; all where absent. */
  at?: number[];
  values: number[];
}
const oracle = JSON.parse(readFileSync(path.join(oracles, 'resize.json'), 'utf8')) as {
  pictures: Record<string, Picture>;
  cases: Case[];
};

/** Every way that at least one of the libraries has. */
const ways: Interpolation[] = [
  { convention: 'pil', kernel: 'nearest', antialias: false },
  { convention: 'torch', kernel: 'nearest', antialias: false },
  { convention: 'torch', kernel: 'nearest-exact', antialias: false },
  ...(['pil', 'torch'] as const).flatMap((convention) =>
    (['bilinear', 'bicubic'] as const).flatMap((kernel) =>
      [false, true].map((antialias) => ({ convention, kernel, antialias })),
    ),
  ),
];
const nameOf = (w: Interpolation): string =>
  `${w.convention} ${w.kernel}${w.antialias ? ' with antialias' : ''}`;

function resized({ width, height, pixels }: Picture, to: [number, number], way: Interpolation): Float32Array {
  return resize(Float64Array.from(pixels), axisMatrix(width, to[0], way), axisMatrix(height, to[1], way));
}

/** Row i of a matrix, written out. */
function rowOf(m: AxisMatrix, i: number): number[] {
  const row = new Array<number>(m.from).fill(0);
  for (let t = 0; t < m.taps; t++) row[m.starts[i] + t] += m.weights[i * m.taps + t];
  return row;
}

function worst(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(found.length).toBe(expected.length);
  return Array.from(found).reduce((w, v, i) => Math.max(w, Math.abs(v - expected[i])), 0);
}

const size = fc.integer({ min: 1, max: 40 });
const way = fc.constantFrom(...ways);

describe('resizing equals PIL and torch to 1e-6 (recorded)', () => {
  for (const w of ways) {
    it(nameOf(w), () => {
      const cases = oracle.cases.filter(
        (c) => c.convention === w.convention && c.kernel === w.kernel && c.antialias === w.antialias,
      );
      expect(cases.length).toBeGreaterThan(20);
      for (const c of cases) {
        const all = resized(oracle.pictures[c.picture], [c.width, c.height], w);
        const found = c.at ? c.at.map((i) => all[i]) : all;
        expect(worst(found, c.values), `${c.picture} to ${c.width}x${c.height}`).toBeLessThan(1e-6);
      }
    });
  }
});

describeWith(['torch', 'pillow'], 'resizing equals PIL and torch to 1e-6 (live)', () => {
  it('for random sizes, in every way', { timeout: 60_000 }, () => {
    const sizes = fc.sample(fc.tuple(size, size, size, size), { numRuns: 12, seed: 5 });
    const asks = ways.flatMap((w) =>
      sizes.map(([width, height, newWidth, newHeight], k) => ({
        ...w,
        ...{ width, height, newWidth, newHeight },
        pixels: fc.sample(fc.double({ min: 0, max: 1, noNaN: true }), { numRuns: width * height, seed: k }),
      })),
    );
    // A centre that falls on an edge between samples is a tie, and torch's nearest-exact breaks it by code path.
    const tie = (from: number, to: number): boolean =>
      Array.from({ length: to }, (_, i) => ((2 * i + 1) * from) % (2 * to)).includes(0);
    const answers = askPeers(asks);
    let compared = 0;
    for (const [k, ask] of asks.entries()) {
      if (ask.kernel === 'nearest-exact' && (tie(ask.width, ask.newWidth) || tie(ask.height, ask.newHeight)))
        continue;
      compared++;
      const found = resized(ask, [ask.newWidth, ask.newHeight], ask);
      const what = `${nameOf(ask)} ${ask.width}x${ask.height} to ${ask.newWidth}x${ask.newHeight}`;
      expect(worst(found, answers[k] as number[]), what).toBeLessThan(1e-6);
    }
    expect(compared).toBeGreaterThan(asks.length - sizes.length);
  });

  it('refuses what torch refuses', () => {
    const torch = { convention: 'torch', kernel: 'nearest', antialias: true } as const;
    const [answer] = askPeers([{ ...torch, width: 2, height: 1, newWidth: 3, newHeight: 1, pixels: [0, 1] }]);
    expect(answer).toHaveProperty('error');
    expect(() => axisMatrix(2, 3, torch)).toThrow(/cannot resize/);
  });
});

function askPeers(asks: unknown[]): (number[] | { error: string })[] {
  const peer = spawnSync(python, [path.join(oracles, 'resize_peer.py')], {
    input: asks.map((a) => JSON.stringify(a)).join('\n'),
    encoding: 'utf8',
    maxBuffer: 1e8,
  });
  expect(peer.status, peer.stderr).toBe(0);
  return peer.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as number[]);
}

describe('interpolation matrices', () => {
  it('have the weights of Keys’ kernel, by hand', () => {
    // Doubling a row: new samples lie a quarter between old ones. a = -0.5 and -0.75: facts worked out by hand.
    const at = (way: Interpolation): number[] => rowOf(axisMatrix(8, 16, way), 6).slice(1, 5);
    const bicubic = { kernel: 'bicubic' } as const;
    expect(at({ ...bicubic, convention: 'pil', antialias: true })).toEqual([
      -0.0234375, 0.2265625, 0.8671875, -0.0703125,
    ]);
    expect(at({ ...bicubic, convention: 'torch', antialias: false })).toEqual([
      -0.03515625, 0.26171875, 0.87890625, -0.10546875,
    ]);
    // a = -1: x = 0.25 is 1 - 2/16 + 1/64; 0.75 is 1 - 18/16 + 27/64; 1.25 and 1.75 are -x^3 + 5x^2 - 8x + 4.
    expect(at({ ...bicubic, convention: 'pil', antialias: false })).toEqual([
      -0.046875, 0.296875, 0.890625, -0.140625,
    ]);
  });

  it('overshoot a step by 7.0 % in PIL’s resize and by 10.5 % in torch’s', () => {
    const step = { width: 6, height: 1, pixels: [0, 0, 0, 1, 1, 1] };
    const peak = (convention: 'pil' | 'torch', antialias: boolean): number =>
      Math.max(...resized(step, [12, 1], { kernel: 'bicubic', convention, antialias }));
    expect(peak('pil', true)).toBeCloseTo(1.0703125, 7);
    expect(peak('torch', false)).toBeCloseTo(1.10546875, 7);
  });

  it('have rows that sum to 1 and change nothing where the size stays', () => {
    fc.assert(
      fc.property(way, size, size, (w, from, to) => {
        const m = axisMatrix(from, to, w);
        for (let i = 0; i < to; i++) {
          const sum = rowOf(m, i).reduce((a, b) => a + b, 0);
          expect(Math.abs(sum - 1)).toBeLessThan(1e-12);
        }
        const same = axisMatrix(from, from, w);
        expect(same.taps).toBe(1);
        for (let i = 0; i < from; i++)
          expect(rowOf(same, i)).toEqual(Array.from({ length: from }, (_, k) => Number(i === k)));
      }),
    );
  });

  it('keep a ramp a ramp away from the borders with a = -0.5 only: other cubics ripple', () => {
    const ripple = (w: Interpolation): number => {
      const m = axisMatrix(20, 53, w);
      return Array.from({ length: 37 }, (_, k) => k + 8).reduce((most, i) => {
        const value = rowOf(m, i).reduce((sum, weight, k) => sum + weight * k, 0);
        return Math.max(most, Math.abs(value - (((i + 0.5) * 20) / 53 - 0.5)));
      }, 0);
    };
    for (const w of ways.filter((way) => !way.kernel.startsWith('nearest'))) {
      if (w.kernel === 'bilinear' || w.antialias) expect(ripple(w), nameOf(w)).toBeLessThan(1e-9);
      else expect(ripple(w), nameOf(w)).toBeGreaterThan(0.04);
    }
  });

  it('say what is wrong with sizes and combinations', () => {
    const pil = { kernel: 'nearest', convention: 'pil', antialias: false } as const;
    expect(() => axisMatrix(0, 4, pil)).toThrow(/given 0 to 4 samples, expected two whole numbers/);
    expect(() => axisMatrix(3, 2.5, pil)).toThrow(/3 to 2.5 samples/);
    expect(() => axisMatrix(3, 4, { ...pil, antialias: true })).toThrow(
      /given nearest with antialiasing.*pil takes one sample.*leave antialias off/,
    );
    expect(() => axisMatrix(3, 4, { ...pil, kernel: 'nearest-exact' })).toThrow(/use nearest/);
  });
});

describe('resize', () => {
  const randomPicture = (n: number, seed: number): Float32Array =>
    Float32Array.from(fc.sample(fc.double({ min: -1, max: 1, noNaN: true }), { numRuns: n, seed }));

  it('is the product with both matrices, written out', () => {
    fc.assert(
      fc.property(way, size, size, size, size, (w, width, height, newWidth, newHeight) => {
        const [c, r] = [axisMatrix(width, newWidth, w), axisMatrix(height, newHeight, w)];
        const x = randomPicture(width * height, width);
        const found = resize(x, c, r);
        const [column, row] = [newWidth >> 1, newHeight >> 1];
        let sum = 0;
        rowOf(r, row).forEach((b, j) =>
          rowOf(c, column).forEach((a, i) => (sum += a * b * x[i + width * j])),
        );
        expect(found[column + newWidth * row]).toBeCloseTo(sum, 5);
      }),
    );
  });

  it('has its adjoint: <Ax, y> = <x, A’y>', () => {
    fc.assert(
      fc.property(way, size, size, size, size, (w, width, height, newWidth, newHeight) => {
        const [c, r] = [axisMatrix(width, newWidth, w), axisMatrix(height, newHeight, w)];
        const x = randomPicture(width * height, 1);
        const y = randomPicture(newWidth * newHeight, 2);
        const dot = (a: Float32Array, b: Float32Array): number => a.reduce((s, v, i) => s + v * b[i], 0);
        const scale = Math.sqrt(dot(x, x) * dot(y, y)) + 1;
        expect(Math.abs(dot(resize(x, c, r), y) - dot(x, resizeAdjoint(y, c, r))) / scale).toBeLessThan(1e-5);
        expect(transposed(transposed(c))).toEqual(c);
      }),
    );
  });

  it('returns the same samples, bit for bit, where the size stays', () => {
    for (const w of ways) {
      const x = randomPicture(35, 7);
      expect(resize(x, axisMatrix(7, 7, w), axisMatrix(5, 5, w))).toEqual(x);
    }
  });

  it('writes into the buffer it is given, whatever was there and whatever ran before', () => {
    const w = { kernel: 'bicubic', convention: 'torch', antialias: false } as const;
    const [c, r] = [axisMatrix(9, 31, w), axisMatrix(7, 20, w)];
    const x = randomPicture(63, 3);
    const expected = resize(x, c, r);
    resize(randomPicture(40 * 40, 4), axisMatrix(40, 50, w), axisMatrix(40, 3, { ...w, antialias: true }));
    const into = new Float32Array(31 * 20).fill(NaN);
    expect(resize(x, c, r, into)).toBe(into);
    expect(into).toEqual(expected);
    // Other types of sample are read as float32.
    expect(resize(Float64Array.from(x), c, r)).toEqual(expected);
  });

  it('refuses pictures and buffers of other sizes', () => {
    const w = { kernel: 'bilinear', convention: 'torch', antialias: false } as const;
    const [c, r] = [axisMatrix(3, 6, w), axisMatrix(2, 4, w)];
    expect(() => resize(new Float32Array(7), c, r)).toThrow(
      /the picture: given 7 samples, expected 3 x 2 = 6/,
    );
    expect(() => resize(new Float32Array(6), c, r, new Float32Array(23))).toThrow(
      /the buffer: given 23 samples/,
    );
  });
});
