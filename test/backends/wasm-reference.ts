// Seeded values and comparisons for the tests of the wasm backend.
import { expect } from 'vitest';

/** Numbers in (-1, 1) that depend on the seed alone (mulberry32). */
export function values(shape: readonly number[], seed: number): Float32Array {
  let a = seed;
  return Float32Array.from({ length: shape.reduce((x, y) => x * y, 1) }, () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  });
}

/** Equal to float32's precision, times `scale` where sums are long; NaN and infinities exactly. */
export function expectClose(given: ArrayLike<number>, expected: ArrayLike<number>, scale = 1): void {
  expect(given.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const [x, y] = [given[i], expected[i]];
    if (Number.isFinite(y) && Math.abs(x - y) <= 2e-6 * (scale + Math.abs(y))) continue;
    if (!Object.is(x + 0, Math.fround(y) + 0)) expect.fail(`element ${i} is ${x}, expected ${y}`);
  }
}
