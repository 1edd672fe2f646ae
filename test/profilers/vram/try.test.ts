// A step that is really run under a limit, as the library gives it: what is said of it, and what it needs.
import { describe, expect, it } from 'vitest';
import { tape } from '../../../src/memory/policy';
import type { Setting } from '../../../src/profilers/vram/setting';
import { studySetting } from '../../../src/profilers/vram/setting';
import type { Tried } from '../../../src/profilers/vram/try';
import { needOf } from '../../../src/profilers/vram/try';
import { findNeed, trySetting } from '../../../src/index';
import { bytesOf } from '../../../src/cli/vram-try';
import { describeWith } from '../../setup/peers';

const MiB = 2 ** 20;
const setting: Setting = { ...studySetting('tiny-64'), policy: ['per-plane', 'recompute'] };

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
    await expect(findNeed({ ...setting, views: 4 as never }, limit)).rejects.toThrow('given 4 views');
  });
});

describe('the need', () => {
  const tried = (limitBytes: number, fits: boolean | null): Tried => ({
    fits,
    limitBytes,
    peakBytes: 110e6,
    requestedBytes: 105e6,
    processBytes: null,
    seconds: 1,
    policy: 'tape',
    error: fits ? null : 'planted',
    notes: ['a note'],
  });

  it('says what comes to the dry run: memory inside kernels, rounding, fragmentation', () => {
    const tries = [tried(130e6, true), tried(110e6, false), tried(120e6, true)];
    const found = needOf({ least: tries[2], tries, resolutionBytes: MiB }, 100e6);
    expect(found).toMatchObject({ needBytes: 120e6, fits: true, dryRunBytes: 100e6, resolutionBytes: MiB });
    expect(found.tries.map(({ fits }) => fits)).toEqual([true, false, true]);
    expect(found.notes).toEqual([
      'a note',
      'the dry run says 100 MB; 105 MB were asked of the allocator at one time; rounding adds 5.00 MB, fragmentation 10.0 MB at most',
    ]);
  });

  it('is null where nothing fits or a try ended for another reason, and the last try says why', () => {
    for (const fits of [false, null])
      expect(needOf({ least: null, tries: [tried(90e6, fits)], resolutionBytes: MiB }, 100e6)).toMatchObject({
        needBytes: null,
        fits,
        error: 'planted',
        notes: ['a note'],
      });
  });
});

describeWith('native-tensorflow', 'the need of a step', () => {
  it(
    'is what it fits under, at least what was asked for, and more than what fails',
    { timeout: 180_000 },
    async () => {
      const found = await findNeed(setting, { limitBytes: 256 * MiB, resolutionBytes: 4 * MiB });
      const { needBytes, dryRunBytes, tries } = found;
      expect(found).toMatchObject({ fits: true, error: null, policy: 'per-plane+recompute' });
      expect(needBytes!).toBeGreaterThanOrEqual(found.requestedBytes!);
      expect(needBytes! - dryRunBytes).toBeLessThan(dryRunBytes);
      expect(tries[0].limitBytes).toBe(Math.ceil(((9 / 8) * dryRunBytes) / MiB) * MiB);
      expect(tries.length).toBeLessThan(8);
      for (const { limitBytes, fits } of tries) expect(fits).toBe(limitBytes >= needBytes!);
      expect(found.notes.join()).toContain('the dry run says');
    },
  );
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
