// Seeded random numbers, the same on every machine (xoroshiro128+ from pure-rand).
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { sha256 } from './hash';

/** A seeded stream of random numbers. Streams forked by different labels are independent of each other. */
export class Random {
  private readonly generator: RandomGenerator;
  private spare: number | undefined;

  constructor(readonly seed: number | string) {
    this.generator = xoroshiro128plus(parseInt(sha256(`${seed}`).slice(0, 8), 16) | 0);
  }

  /** A stream of its own for one purpose, so that drawing more in one place does not shift another. */
  fork(label: string): Random {
    return new Random(`${this.seed}/${label}`);
  }

  /** Uniform in [0, 1), 32 bits. */
  uniform(): number {
    return (this.generator.next() >>> 0) / 2 ** 32;
  }

  /** A whole number, uniform in 0 .. n-1. */
  below(n: number): number {
    return uniformInt(this.generator, 0, n - 1);
  }

  /** Standard normal (polar method, both values used). */
  normal(): number {
    if (this.spare !== undefined) {
      const value = this.spare;
      this.spare = undefined;
      return value;
    }
    for (;;) {
      const u = 2 * this.uniform() - 1;
      const v = 2 * this.uniform() - 1;
      const s = u * u + v * v;
      if (s === 0 || s >= 1) continue;
      const f = Math.sqrt((-2 * Math.log(s)) / s);
      this.spare = v * f;
      return u * f;
    }
  }
}

/** A copy of a list in random order (Fisher-Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
