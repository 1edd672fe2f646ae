// Writing a volume as NIfTI-1 or NIfTI-2, whole or not at all, the same bytes for the same volume.
import os from 'node:os';
import path from 'node:path';
import { createGzip } from 'node:zlib';
import { InputError } from '../base/errors';
import { writePiecesAtomic } from '../base/files';
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import { niftiHeaderBytes } from './nifti-encode';
import type { NiftiSpace } from './nifti-types';
import type { Volume } from './volume';

export interface WriteOptions extends Long {
  /** NIfTI-1 (the default, which every program reads) or NIfTI-2 (float64 affine, more than 32,767 voxels an axis). */
  version?: 1 | 2;
  /** The space that the affine leads to; `aligned` unless told, as nibabel writes. */
  space?: NiftiSpace;
  /** Up to 79 bytes of text for the header. */
  description?: string;
  /** gzip level for `.nii.gz`, 1 (fast) to 9 (small). */
  level?: number;
}

const pieceBytes = 1 << 22;

/**
 * Write a volume to `.nii` or `.nii.gz`: little-endian, the type of its array, sform and (where the affine has no
 * shear) an equal qform, units of mm. Equal volumes give equal bytes with one version of Node: the gzip header holds
 * neither time, name nor system. NIfTI-1 stores the affine in 32-bit floats.
 * @throws InputError for another suffix, an affine that is not finite, more than 32,767 voxels along an axis in
 *   NIfTI-1; Interrupted. The old file is then untouched.
 */
export async function writeNifti(
  file: string,
  volume: Volume,
  { version = 1, space = 'aligned', description = '', level = 6, ...long }: WriteOptions = {},
): Promise<void> {
  const gzipped = /\.nii\.gz$/i.test(file);
  if (!gzipped && !/\.nii$/i.test(file)) {
    throw new InputError({
      what: `cannot write ${file}`,
      given: `the suffix ${JSON.stringify(path.extname(file))}`,
      expected: '.nii or .nii.gz',
      fix: 'give the file one of these suffixes',
    });
  }
  const head = niftiHeaderBytes(file, volume, { version, space, description });
  const { data } = volume;
  let voxels = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (os.endianness() === 'BE') voxels = swapped(voxels, data.BYTES_PER_ELEMENT);

  const meter = new Meter(`write ${path.basename(file)}`, 'B', head.length + voxels.length, long);
  const pieces = inPieces([head, voxels], meter);
  await writePiecesAtomic(file, gzipped ? compress(pieces, level) : pieces, long.signal);
  meter.finish();
}

function* inPieces(parts: Uint8Array[], meter: Meter): Generator<Uint8Array> {
  for (const part of parts) {
    for (let at = 0; at < part.length; at += pieceBytes) {
      const piece = part.subarray(at, at + pieceBytes);
      yield piece;
      meter.add(piece.length);
    }
  }
}

async function* compress(pieces: Iterable<Uint8Array>, level: number): AsyncGenerator<Uint8Array> {
  const gzip = createGzip({ level, chunkSize: 1 << 18 });
  const feed = (async () => {
    try {
      for (const piece of pieces) {
        if (!gzip.write(piece)) await new Promise((resolve) => gzip.once('drain', resolve));
        if (gzip.destroyed) return;
      }
      gzip.end();
    } catch (error) {
      gzip.destroy(error as Error);
    }
  })();
  let first = true;
  for await (const piece of gzip as AsyncIterable<Buffer>) {
    // Byte 9 names the operating system; 255 is 'unknown'.
    if (first) piece[9] = 255;
    first = false;
    yield piece;
  }
  await feed;
}

function swapped(bytes: Uint8Array, size: number): Uint8Array {
  const copy = Buffer.from(bytes);
  if (size === 2) copy.swap16();
  else if (size === 4) copy.swap32();
  else if (size === 8) copy.swap64();
  return copy;
}
