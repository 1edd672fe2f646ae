// A step that is really run under a limit: what is said of it, and the least limit by halving.
import { describe, expect, it } from 'vitest';
import { tape } from '../../../src/memory/policy';
import type { Setting } from '../../../src/profilers/vram/setting';
import type { Tried } from '../../../src/profilers/vram/try';
import { findNeed, trySetting } from '../../../src/profilers/vram/try';
import { bytesOf } from '../../../src/cli/vram-try';
import { describeWith } from '../../setup/peers';

const MiB = 2 ** 20;
const setting: Setting = {
  model: 'tiny-64',
  size: 64,
  views: 3,
  batch: 1,
  precision: 'fp32',
  trained: { kind: 'lora', rank: 4, first: 0 },
  optimiser: 'adam',
  policy: ['per-plane', 'recompute'],
};

describeWith('native-tensorflow', 'a tried step', () => {
  // An allocator that has nothing left waits ten seconds for somebody to give something back.
  it(
    'fits under much, and fails for memory under little, with a policy and without',
    { timeout: 60_000 },
    async () => {
      const [fits, plain, little] = await Promise.all([
        trySetting(setting, { limitBytes: 64 * MiB }),
        trySetting({ ...setting, policy: tape }, { limitBytes: 24 * MiB }),
        trySetting(setting, { limitBytes: 4 * MiB }),
      ]);
      expect(fits).toMatchObject({
        fits: true,
        error: null,
        policy: 'per-plane+recompute',
        limitBytes: 64 * MiB,
      });
      expect(fits.peakBytes).toBeGreaterThanOrEqual(fits.requestedBytes!);
      expect(fits.peakBytes).toBeLessThan(64 * MiB);
      expect(fits.seconds).toBeGreaterThan(0);
      expect(fits.notes.join()).toMatch(/of 67.1 MB the allocator took .* that tensors asked for/);
      expect(plain).toMatchObject({ fits: false, policy: 'tape' });
      expect(plain.error).toMatch(
        /^RESOURCE_EXHAUSTED: OOM when allocating tensor|for which the allocator had no place$/,
      );
      // 11 MiB of weights do not fit: they are uploads, and TensorFlow ends the process without a word.
      expect(little).toMatchObject({ fits: false });
      expect(little.error).toMatch(
        /ended by SIG\w+ during an upload of .*, for which the allocator had no place/,
      );
      expect(little.notes.join()).toMatch(/were asked for; .* were left, the largest piece/);
    },
  );
});

describe('what cannot be tried', () => {
  it('is refused before a process is started', async () => {
    const limit = { limitBytes: 64 * MiB };
    await expect(trySetting({ ...setting, precision: 'amp' }, limit)).rejects.toThrow(
      'TensorFlow.js has no tensors of 16 bits',
    );
    await expect(trySetting({ ...setting, size: 65 }, limit)).rejects.toThrow('a multiple of 8');
    await expect(trySetting(setting, { limitBytes: 1000 })).rejects.toThrow('expected at least 1 MiB');
    await expect(findNeed(setting, { ...limit, resolutionBytes: 5 })).rejects.toThrow(
      'a resolution of 5 bytes',
    );
  });
});

describe('the least limit', () => {
  /** An allocator that loses a tenth to pieces: it needs more than is in use. */
  const attempt =
    (needMiB: number, tried: number[], dies = 0) =>
    (limitBytes: number): Promise<Tried> => {
      tried.push(limitBytes / MiB);
      const fits = limitBytes < dies * MiB ? null : limitBytes >= needMiB * MiB;
      const peakBytes = Math.min(0.9 * needMiB * MiB, limitBytes);
      const error = fits ? null : 'planted';
      return Promise.resolve({ fits, limitBytes, peakBytes, requestedBytes: 0.8 * peakBytes, processBytes: null, seconds: 1, policy: 'tape', error, notes: [] }); // prettier-ignore
    };

  it('is found to within what is asked', async () => {
    for (const need of [100, 333, 4000]) {
      const tried: number[] = [];
      const found = await findNeed(
        setting,
        { limitBytes: 16384 * MiB, resolutionBytes: 2 * MiB },
        attempt(need, tried),
      );
      expect(found.needBytes! / MiB).toBeGreaterThanOrEqual(need);
      expect(found.needBytes! / MiB).toBeLessThanOrEqual(need + 2);
      expect(found.fits).toBe(true);
      expect(found.tries.map((one) => one.limitBytes / MiB)).toEqual(tried);
      // The first guess is what is in use, so that halving begins near the answer.
      expect(tried[0]).toBe(16384);
      expect(tried[1]).toBe(Math.ceil(0.9 * need));
      expect(tried.length).toBeLessThan(18);
    }
  });

  it('is none where even the most is too little, or a try ends for another reason', async () => {
    const little = await findNeed(setting, { limitBytes: 50 * MiB }, attempt(100, []));
    expect(little).toMatchObject({ needBytes: null, fits: false, error: 'planted' });
    expect(little.tries).toHaveLength(1);
    const dead = await findNeed(setting, { limitBytes: 16384 * MiB }, attempt(100, [], 120));
    expect(dead).toMatchObject({ needBytes: null, fits: null, error: 'planted' });
  });
});

describe('a size', () => {
  it('has a unit', () => {
    expect(['16GiB', '15360MiB', '6GB', '0.5 GiB'].map(bytesOf)).toEqual([
      2 ** 34,
      15360 * MiB,
      6e9,
      2 ** 29,
    ]);
    for (const text of ['16', '16gib', '-1GiB', 'GiB', ''])
      expect(() => bytesOf(text)).toThrow('cannot take --limit');
  });
});
