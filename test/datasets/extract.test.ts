// Hostile archives: whatever they hold, nothing lands outside the target and nothing is left behind.
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ArchiveLimits } from '../../src/datasets/extract';
import { extractTar, extractedBefore } from '../../src/datasets/extract';
import type { Member } from './archives';
import { packed } from './archives';

let root: string;
beforeEach(() => (root = mkdtempSync(path.join(os.tmpdir(), 'coc-tar-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));
const inRoot = (name: string) => path.join(root, name);

async function unpack(bytes: Buffer, limits?: ArchiveLimits) {
  writeFileSync(inRoot('a.tar'), bytes);
  return extractTar(inRoot('a.tar'), inRoot('out'), limits ? { limits } : {});
}

async function refused(bytes: Buffer, message: RegExp, limits?: ArchiveLimits) {
  await expect(unpack(bytes, limits)).rejects.toThrow(message);
  expect(readdirSync(root)).toEqual(['a.tar']);
}

describe('sound archives', () => {
  test.each([false, true])('files and folders are unpacked (gzip: %s)', async (gzip) => {
    const big = 'x'.repeat(200_000);
    const bytes = await packed(
      [
        { name: './', type: 'directory' },
        { name: 'T/', type: 'directory' },
        { name: 'T/images/a.nii.gz', data: 'a', mode: 0o4777 },
        { name: './T/b.txt', data: big },
        { name: `${'long/'.repeat(40)}name.txt`, data: 'deep' },
      ],
      gzip,
    );
    expect(await unpack(bytes)).toEqual({ files: 3, bytes: 200_005 });
    expect(readFileSync(inRoot('out/T/b.txt'), 'utf8')).toBe(big);
    expect(statSync(inRoot('out/T/images/a.nii.gz')).mode & 0o7133).toBe(0);
    expect(readFileSync(inRoot(`out/${'long/'.repeat(40)}name.txt`), 'utf8')).toBe('deep');
  });

  test('an older folder is replaced whole, and the mark tells which archive it is', async () => {
    writeFileSync(inRoot('a.tar'), await packed([{ name: 'old', data: '1' }]));
    await extractTar(inRoot('a.tar'), inRoot('out'), { mark: 'first' });
    expect(extractedBefore(inRoot('out'), 'first')).toBe(1);
    writeFileSync(inRoot('a.tar'), await packed([{ name: 'new', data: '1' }]));
    await extractTar(inRoot('a.tar'), inRoot('out'), { mark: 'second' });
    expect(readdirSync(inRoot('out'))).toEqual(['new']);
    expect(extractedBefore(inRoot('out'), 'first')).toBeUndefined();
    expect(extractedBefore(inRoot('out'), 'second')).toBe(1);
  });
});

describe('hostile archives', () => {
  const good: Member = { name: 'good.txt', data: 'good' };
  test.each<[string, Member, RegExp]>([
    ['parent folder', { name: '../out.txt', data: 'x' }, /the member "..\/out.txt", expected paths inside/],
    ['parent folder inside', { name: 'a/../../b', data: 'x' }, /paths inside the target folder/],
    ['absolute path', { name: '/etc/x', data: 'x' }, /the member "\/etc\/x", expected paths inside/],
    ['drive letter', { name: 'C:/x', data: 'x' }, /paths inside the target folder/],
    ['backslashes', { name: '..\\x', data: 'x' }, /paths inside the target folder/],
    ['symbolic link', { name: 'l', type: 'symlink', linkname: '/etc/passwd' }, /"l" of type symlink/],
    ['hard link', { name: 'l', type: 'link', linkname: '/etc/passwd' }, /"l" of type link/],
    ['device', { name: 'd', type: 'character-device', devmajor: 1, devminor: 3 }, /of type character-device/],
    ['block device', { name: 'd', type: 'block-device' }, /of type block-device/],
    ['pipe', { name: 'p', type: 'fifo' }, /of type fifo/],
    ['a name twice', { name: 'GOOD.txt', data: 'evil' }, /"GOOD.txt" twice/],
    ['a file as a folder', { name: 'good.txt/x', data: 'x' }, /EEXIST|ENOTDIR/],
  ])('%s', async (_, member, message) => {
    await refused(await packed([good, member]), message);
    await refused(await packed([good, member, good], true), message);
  });

  test('too many members, too much content', async () => {
    const many = await packed(Array.from({ length: 30 }, (_, i) => ({ name: `f${i}`, data: 'x' })));
    await refused(many, /more than 20 members/, { entries: 20, bytes: 1e6, ratio: 100 });
    await refused(await packed([{ name: 'f', data: 'x'.repeat(2000) }]), /more than 1.00 kB of content/, {
      entries: 20,
      bytes: 1000,
      ratio: 100,
    });
  });

  test('a bomb is stopped long before its end', async () => {
    const bomb = gzipSync(Buffer.alloc(300_000_000));
    const tar = await packed([{ name: 'zeros', data: Buffer.alloc(60_000_000) }], true);
    await refused(tar, /content more than 100 times as long as the archive/);
    const began = performance.now();
    await refused(bomb, /was not unpacked/);
    expect(performance.now() - began).toBeLessThan(2000);
  });

  test('truncated, damaged, empty, not an archive', async () => {
    const tar = await packed([good, { name: 'b', data: 'y'.repeat(5000) }]);
    await refused(tar.subarray(0, 2000), /was not unpacked/);
    const gz = await packed([good, { name: 'b', data: 'y'.repeat(5000) }], true);
    await refused(gz.subarray(0, gz.length - 20), /unexpected end of file/);
    await refused(Buffer.concat([Buffer.from([0x1f, 0x8b]), Buffer.alloc(50, 7)]), /was not unpacked/);
    await refused(Buffer.from('no archive at all '.repeat(100)), /was not unpacked/);
    await refused(Buffer.alloc(0), /an archive without files/);
    await refused(await packed([]), /an archive without files/);
  });

  test('an abort leaves nothing', async () => {
    writeFileSync(inRoot('a.tar'), await packed([good]));
    const signal = AbortSignal.abort();
    await expect(extractTar(inRoot('a.tar'), inRoot('out'), { signal })).rejects.toThrow(/interrupted/);
    expect(readdirSync(root)).toEqual(['a.tar']);
  });

  test('any names at all stay inside or are refused', async () => {
    const part = fc.constantFrom('a', 'b', '..', '.', '', '/', '\\', 'C:', '...', '~', ' ', 'é', '..\u0000');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(part, { minLength: 1, maxLength: 5 }), { maxLength: 4 }),
        async (names) => {
          const members = names.map((parts, i) => ({ name: parts.join('/') + i, data: 'x' }));
          writeFileSync(inRoot('a.tar'), await packed(members));
          const outside = path.join(root, 'out');
          await extractTar(inRoot('a.tar'), outside).catch(() => undefined);
          expect(readdirSync(root).filter((n) => n !== 'out')).toEqual(['a.tar']);
          if (existsSync(outside)) rmSync(outside, { recursive: true });
        },
      ),
      { numRuns: 60 },
    );
  });
});
