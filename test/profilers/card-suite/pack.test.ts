// The pack for a bare machine: its parts and their hashes, what start.sh refuses, and which machine code stays.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepMachineCode } from '../../../src/profilers/card-suite/machine-code';
import { requireTools } from '../../../src/profilers/card-suite/pack';
import { cutIntoParts } from '../../../src/profilers/card-suite/pack-parts';

let dir: string;
beforeEach(() => (dir = mkdtempSync(path.join(os.tmpdir(), 'coc-pack-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

// eslint-disable-next-line @typescript-eslint/require-await
async function* pieces(...sizes: number[]): AsyncGenerator<Buffer> {
  let next = 0;
  for (const size of sizes) yield Buffer.from(Array.from({ length: size }, () => next++ % 251));
}

describe('parts', () => {
  it.each([
    [[10], 10, [10]],
    [[7, 7, 7], 10, [10, 10, 1]],
    [[35], 10, [10, 10, 10, 5]],
    [[5, 5, 10], 10, [10, 10]],
    [[], 10, []],
  ])('of %j, at most %i', async (sizes, most, expected) => {
    const parts = await cutIntoParts(pieces(...sizes), dir, 'webgpu', most);
    expect(parts.map(({ bytes }) => bytes)).toEqual(expected);
    const whole = Buffer.concat(parts.map(({ file }) => readFileSync(path.join(dir, file))));
    const all: Buffer[] = [];
    for await (const piece of pieces(...sizes)) all.push(piece);
    expect(whole.equals(Buffer.concat(all))).toBe(true);
    for (const { file, sha256 } of parts)
      expect(
        createHash('sha256')
          .update(readFileSync(path.join(dir, file)))
          .digest('hex'),
      ).toBe(sha256);
  });

  it('what lay there of an earlier, larger archive goes', async () => {
    await cutIntoParts(pieces(35), dir, 'webgpu', 10);
    await cutIntoParts(pieces(8), dir, 'tensorflow', 10);
    await cutIntoParts(pieces(12), dir, 'webgpu', 10);
    expect(readdirSync(dir).sort()).toEqual([
      'tensorflow.part.000',
      'tensorflow.sha256',
      'webgpu.part.000',
      'webgpu.part.001',
      'webgpu.sha256',
    ]);
  });
});

const start = path.resolve('src/profilers/card-suite/start.sh');

/** An archive of one small file, cut into parts. */
async function smallPack(): Promise<string> {
  const from = path.join(dir, 'from');
  mkdirSync(from);
  writeFileSync(path.join(from, 'node'), '#!/bin/sh\necho the packed Node\n', { mode: 0o755 });
  const { stdout, status } = spawnSync('bash', ['-c', 'tar -C "$0" -cf - . | xz -c', from]);
  expect(status).toBe(0);
  const parts = path.join(dir, 'parts');
  mkdirSync(parts);
  // eslint-disable-next-line @typescript-eslint/require-await
  const stream = (async function* (): AsyncGenerator<Buffer> {
    yield stdout;
  })();
  await cutIntoParts(stream, parts, 'webgpu', 100);
  copyFileSync(start, path.join(parts, 'start.sh'));
  return parts;
}

describe.runIf(process.platform === 'linux')('start.sh', () => {
  const run = (parts: string, ...args: string[]) =>
    spawnSync(
      'bash',
      [path.join(parts, 'start.sh'), '--unpack-to', path.join(dir, 'to'), '--only-unpack', ...args],
      {
        encoding: 'utf8',
        env: { PATH: process.env.PATH },
      },
    );

  it('unpacks once, into a clean folder', async () => {
    const parts = await smallPack();
    expect(run(parts)).toMatchObject({ status: 0 });
    expect(readFileSync(path.join(dir, 'to', 'node'), 'utf8')).toContain('the packed Node');
    rmSync(path.join(parts, 'webgpu.part.000'));
    const again = run(parts);
    expect(again.stderr).not.toContain('unpacking');
    expect(again.status).toBe(0);
  });

  it.each<[string, (parts: string) => void]>([
    ['damaged', (parts) => writeFileSync(path.join(parts, 'webgpu.part.000'), 'x'.repeat(100))],
    ['missing', (parts) => rmSync(path.join(parts, 'webgpu.part.001'))],
  ])('refuses a part that is %s, and unpacks nothing', async (_, spoil) => {
    const parts = await smallPack();
    spoil(parts);
    const { status, stderr } = run(parts);
    expect(stderr).toContain('start.sh: a part of webgpu is missing or damaged: send it again');
    expect(status).toBe(1);
    expect(existsSync(path.join(dir, 'to', 'node'))).toBe(false);
  });

  it('says what to do where there are no parts', () => {
    mkdirSync(path.join(dir, 'empty'));
    copyFileSync(start, path.join(dir, 'empty', 'start.sh'));
    expect(run(path.join(dir, 'empty')).stderr).toContain('no webgpu.sha256 in');
  });
});

/** A CUDA image: its kind, size and card in a header of 40 bytes, then a pattern. */
function image(kind: number, arch: number, size: number): Buffer {
  const header = Buffer.alloc(40);
  header.writeUInt16LE(kind, 0);
  header.writeUInt32LE(header.length, 4);
  header.writeBigUInt64LE(BigInt(size), 8);
  header.writeUInt32LE(arch, 28);
  return Buffer.concat([header, Buffer.alloc(size, arch)]);
}

function container(...images: Buffer[]): Buffer {
  const body = Buffer.concat(images);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(0xba55ed50, 0);
  header.writeUInt16LE(1, 4);
  header.writeUInt16LE(16, 6);
  header.writeBigUInt64LE(BigInt(body.length), 8);
  return Buffer.concat([header, body]);
}

describe('machine code', () => {
  it('of the cards that are named stays; other cards and text are zeroed, and nothing moves', () => {
    const library = Buffer.concat([
      Buffer.from('code before'),
      container(image(2, 80, 24), image(2, 90, 32), image(1, 90, 16)),
      Buffer.from('between'),
      container(image(2, 90, 8)),
      Buffer.from('after'),
    ]);
    const before = Buffer.from(library);
    expect(keepMachineCode(library, new Set([90]))).toEqual({ kept: 40, cleared: 40 });
    const changed = [...library.keys()].filter((i) => library[i] !== before[i]);
    const first = 'code before'.length + 16 + 40;
    const text = first + 24 + 40 + 32 + 40;
    expect(changed).toEqual([
      ...Array.from({ length: 24 }, (_, i) => first + i),
      ...Array.from({ length: 16 }, (_, i) => text + i),
    ]);
  });

  it('bytes that only look like the begin of a container are left alone', () => {
    const library = Buffer.concat([container(image(2, 80, 8)).subarray(0, 30), Buffer.alloc(4, 7)]);
    const before = Buffer.from(library);
    expect(keepMachineCode(library, new Set([90]))).toEqual({ kept: 0, cleared: 0 });
    expect(library.equals(before)).toBe(true);
  });
});

it.runIf(process.platform === 'linux')('programs that are missing are named with what has them', async () => {
  await expect(requireTools(true, { 'coc-no-such': 'coc-package', tar: 'tar' })).rejects.toThrow(
    'cannot make the archives: given no coc-no-such, expected these programs. What to do: install them (Debian, Ubuntu: `sudo apt install coc-package`)',
  );
  await expect(requireTools(false)).resolves.toBeUndefined();
});
