// Processes under a limit of memory: what is said of one that ends well, runs out of memory, or dies of something else.
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { AllocatorAccount } from '../../../src/profilers/vram/allocator-account';
import type { LimitedRun } from '../../../src/profilers/vram/limited-process';
import { runLimited } from '../../../src/profilers/vram/limited-process';
import { describeWith } from '../../setup/peers';

const MiB = 2 ** 20;
const planted = (end: string, limitMiB = 100): Promise<LimitedRun> =>
  runLimited(path.join(__dirname, 'planted.cjs'), { end }, { limitBytes: limitMiB * MiB });

describe('the account of an allocator', () => {
  const line = (source: number, text: string): string =>
    `I0000 00:00:1795404521.694660    3789 bfc_allocator.cc:${source}] ${text}`;
  const name = 'bfc_cpu_allocator_for_gpu';
  // Lines of a real log: 64 MiB made, a request of 128 MiB under a limit of 200 MiB that fails, pieces of 64 and 72 MiB free.
  const log = [
    line(281, `AllocateRaw ${name}  67108864`),
    line(186, 'Allocated memory at 0x7fb2c3ffe040 to 0x7fb2c7ffe040'),
    line(616, `New Peak memory usage of 67108864 bytes for ${name}`),
    line(328, `AllocateRaw ${name}  67108864 0x7fb2c3ffe040`),
    line(328, `AllocateRaw ${name}  67108860 0x7fb2bf7fd040`),
    line(616, `New Peak memory usage of 142606336 bytes for ${name}`),
    line(693, `DeallocateRaw ${name} 67108860`),
    'limited process uploads 134217728',
    line(281, `AllocateRaw ${name}  134217728`),
    line(1049, `BFCAllocator dump for ${name}`),
    line(1085, 'Next region of size 75497472'),
    line(1105, 'Free  at 7fb2bf7fd040 of size 75497472 next 18446744073709551615'),
    line(1085, 'Next region of size 67108864'),
    line(1105, 'InUse at 7fb2c3ffe040 of size 67108864 next 18446744073709551615'),
    line(1085, 'Next region of size 67108864'),
    line(1105, 'Free  at 7fb2c7fff040 of size 67108864 next 18446744073709551615'),
    line(328, `AllocateRaw ${name}  134217728 0`),
  ];
  const accountOf = (lines: readonly string[]): AllocatorAccount => {
    const account = new AllocatorAccount(200 * MiB);
    for (const text of lines) account.line(text);
    return account;
  };

  it('tells what was asked for, what was in use, and in what pieces the rest lay', () => {
    expect(accountOf(log).result()).toEqual({
      peakBytes: 142606336,
      requestedBytes: 67108864 + 67108860,
      reservedBytes: 64 * MiB,
      allocations: 2,
      failure: { bytes: 128 * MiB, leftBytes: 136 * MiB, largestBytes: 72 * MiB },
    });
    expect(accountOf(log).deadlyUpload()).toBe(128 * MiB);
  });

  it('knows no deadly upload where it came to its end, where nothing failed, or where there was a place', () => {
    expect(accountOf([...log, 'limited process uploaded']).deadlyUpload()).toBeNull();
    expect(accountOf(log.slice(0, 9)).deadlyUpload()).toBeNull();
    expect(accountOf([...log.slice(7), log[7]]).deadlyUpload()).toBeNull();
    const small = log.map((text) => text.replace('uploads 134217728', 'uploads 65536'));
    expect(accountOf(small).deadlyUpload()).toBeNull();
  });

  it('is none where no allocator said anything', () => {
    expect(accountOf(['a line', 'limited process uploads 4']).result()).toBeNull();
  });
});

describeWith('native-tensorflow', 'a process under a limit of 100 MiB', () => {
  // An allocator that has nothing left waits ten seconds for somebody to give something back.
  it('fits, does not fit, or neither', { timeout: 60_000 }, async () => {
    const ends = [
      'fits',
      'operation',
      'upload',
      'words',
      'error',
      'crash',
      'crash in an upload',
      'killed',
      'crash after a failure',
    ];
    const runs = Object.fromEntries(
      await Promise.all(ends.map(async (end) => [end, await planted(end)] as const)),
    );
    expect(Object.entries(runs).map(([end, { fits }]) => [end, fits])).toEqual([
      ['fits', true],
      ['operation', false],
      ['upload', false],
      ['words', null],
      ['error', null],
      ['crash', null],
      ['crash in an upload', null],
      ['killed', null],
      ['crash after a failure', null],
    ]);

    const { fits, operation, upload, error, killed } = runs;
    expect(fits).toMatchObject({ result: { first: 2 }, error: null });
    expect(fits.allocator!.requestedBytes).toBeGreaterThanOrEqual(64 * MiB);
    expect(fits.allocator!.requestedBytes).toBeLessThan(65 * MiB);
    expect(fits.allocator!.peakBytes).toBeGreaterThanOrEqual(fits.allocator!.requestedBytes);
    expect(fits.allocator!.peakBytes).toBeLessThanOrEqual(100 * MiB);
    expect(operation.error).toMatch(/^RESOURCE_EXHAUSTED: OOM when allocating tensor with shape\[33554432\]/);
    expect(operation.allocator!.failure!.bytes).toBe(128 * MiB);
    expect(operation.allocator!.failure!.leftBytes).toBeLessThanOrEqual(100 * MiB);
    expect(upload.error).toMatch(
      /ended by SIGSEGV during an upload of 101 MB, for which the allocator had no place/,
    );
    expect(error.error).toMatch(/^TypeError: planted/);
    expect(killed.error).toMatch(/ended by SIGKILL/);
  });
});

describe('a limit', () => {
  it('must be one', async () => {
    await expect(planted('fits', 0.5)).rejects.toThrow(
      'cannot run under a limit of memory: given a limit of 524288 bytes, expected at least 1 MiB',
    );
  });
});
