// The least limit under which a step fits, by tries that are made up.
import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../../src/profilers/vram/least-limit';
import { leastLimit } from '../../../src/profilers/vram/least-limit';

const MiB = 2 ** 20;

/** A step that has so much in use, and needs more by what is lost to pieces. */
const step =
  (inUse: number, need: number, dies = 0) =>
  (limitBytes: number): Promise<Attempt> => {
    const limit = limitBytes / MiB;
    const fits = limit < dies ? null : limit >= need;
    const peakBytes = Math.min(inUse, limit) * MiB;
    return Promise.resolve({ limitBytes, fits, peakBytes, requestedBytes: 0.99 * peakBytes });
  };

describe('the least limit', () => {
  const search = async (dryRun: number, inUse: number, need: number, limit = 16384, resolution?: number) => {
    const found = await leastLimit(
      {
        dryRunBytes: dryRun * MiB,
        limitBytes: limit * MiB,
        ...(resolution && { resolutionBytes: resolution * MiB }),
      },
      step(inUse, need),
    );
    const tried = found.tries.map(({ limitBytes }) => limitBytes / MiB);
    return { ...found, tried, least: found.least && found.least.limitBytes / MiB };
  };

  it('begins with the dry run, goes to what is in use, and is there where nothing is lost to pieces', async () => {
    const { tried, least } = await search(1000, 1005, 1005);
    expect(tried).toEqual([1125, 1005]);
    expect(least).toBe(1005);
  });

  it('is found to within what is asked, in few tries', async () => {
    for (const [dryRun, inUse, need] of [
      [100, 102, 107],
      [1000, 1010, 1090],
      [2600, 2600, 2790],
      [4000, 5500, 5900],
      [333, 900, 901],
    ]) {
      const { tried, least, resolutionBytes } = await search(dryRun, inUse, need);
      expect(resolutionBytes).toBe(Math.max(MiB, (inUse * MiB) / 100));
      expect(least!).toBeGreaterThanOrEqual(need);
      expect(least! - need).toBeLessThanOrEqual(resolutionBytes / MiB);
      expect(new Set(tried).size).toBe(tried.length);
      expect(tried.length, `${need} of ${dryRun}`).toBeLessThanOrEqual(10);
    }
    const { least } = await search(2600, 2600, 2790, 16384, 2);
    expect(least! - 2790).toBeLessThanOrEqual(2);
  });

  it('tries no more than the largest limit, and says where that is too little', async () => {
    const near = await search(1000, 1005, 1040, 1050);
    expect(near.tried[0]).toBe(1050);
    expect(near.least! - 1040).toBeLessThanOrEqual(near.resolutionBytes / MiB);
    const little = await search(1000, 1005, 1300, 1200);
    expect(little).toMatchObject({ least: null, tried: [1125, 1200] });
    // The dry run's figure is no bound: a need below it is found.
    const below = await search(1000, 800, 800);
    expect(below.tried).toEqual([1125, 800]);
    // And below it a limit is tried all the same: evidence is a run.
    expect(await search(1000, 1005, 1005, 500)).toMatchObject({ least: null, tried: [500] });
  });

  it('is none where a try ends for another reason', async () => {
    for (const [dies, tries] of [
      [1200, 1],
      [1010, 2],
    ]) {
      const found = await leastLimit(
        { dryRunBytes: 1000 * MiB, limitBytes: 16384 * MiB },
        step(1005, 1005, dies),
      );
      expect(found.least).toBeNull();
      expect(found.tries).toHaveLength(tries);
      expect(found.tries.at(-1)!.fits).toBeNull();
    }
  });
});
