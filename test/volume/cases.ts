// The oracle cases of test/oracles/nifti_cases.py: small NIfTI files and what nibabel reads in them.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inflateSync } from 'node:zlib';
import { expect } from 'vitest';
import type { Affine } from '../../src/volume/affine';
import { spacingOf } from '../../src/volume/affine';
import type { NiftiImage } from '../../src/volume/nifti';
import { niftiVoxelHash, readNiftiImage } from '../../src/volume/nifti';
import { axisCodes } from '../../src/volume/orientation';
import type { VoxelArray } from '../../src/volume/volume';
import { python } from '../setup/peers';

/** nibabel's reading of one file; NaN and infinities are text. */
export interface Expected {
  error?: undefined;
  shape: number[];
  dtype: string;
  affine: (number | string)[][];
  axisCodes: string | null;
  spacing: (number | string)[];
  rawSha256: string;
  float64Sha256: string;
  sum: number | string;
  nan: number;
  infinite: number;
  extensions: [number, string][];
}

export interface Case {
  name: string;
  files: Record<string, string>;
  open: string;
  expect: Expected | { error: string };
  /** Given where the peer cannot read the type. */
  values?: string[];
}

export interface Oracle {
  versions: Record<string, string>;
  cases: Case[];
}

export const oracleFolder = path.resolve(__dirname, '..', 'oracles');

export function readOracle(): Oracle {
  return JSON.parse(readFileSync(path.join(oracleFolder, 'nifti.json'), 'utf8')) as Oracle;
}

/** Fresh odd cases from the peer that is here. */
export function oddCases(count: number, seed: number): Oracle {
  const script = path.join(oracleFolder, 'nifti_cases.py');
  const args = [script, '--random', String(count), '--seed', String(seed)];
  return JSON.parse(execFileSync(python, args, { encoding: 'utf8', maxBuffer: 1 << 28 })) as Oracle;
}

/** What nibabel reads in these files. */
export function nibabelReads(files: string[]): (Expected | { error: string })[] {
  const script = path.join(oracleFolder, 'nifti_peer.py');
  const input = files.map((f) => `${f}\n`).join('');
  return JSON.parse(execFileSync(python, [script], { input, encoding: 'utf8', maxBuffer: 1 << 28 })) as (
    Expected | { error: string }
  )[];
}

/** The bytes of a case's file. */
export function bytesOf(packed: string): Buffer {
  return inflateSync(Buffer.from(packed, 'base64'));
}

/** Write the files of a case into a folder of its own and return the path of the one to open. */
export function unpack(folder: string, { files, open }: Case, n: number): string {
  const home = path.join(folder, String(n));
  mkdirSync(home);
  for (const [name, packed] of Object.entries(files)) writeFileSync(path.join(home, name), bytesOf(packed));
  return path.join(home, open);
}

/** SHA-256 of the values as little-endian float64: equal exactly when every value is. */
export function float64Sha256(data: VoxelArray): string {
  const values = data instanceof Float64Array ? data : Float64Array.from(data);
  return createHash('sha256')
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest('hex');
}

/** Our reading of a file must be the peer's. Returns ours. */
export async function expectAgreement(file: string, peer: Expected): Promise<NiftiImage> {
  const image = await readNiftiImage(file);
  const { affine } = image.header;
  const value = (x: number | string): number => Number(String(x).replace('inf', 'Infinity'));
  expect(image.dims).toEqual(peer.shape);
  expect(image.nonFinite).toEqual({ nan: peer.nan, infinite: peer.infinite });
  expect(await niftiVoxelHash(file)).toBe(peer.rawSha256);
  // NaN has many bit patterns, and which one survives arithmetic is the processor's affair.
  // The sign of a zero in a complex image is numpy's affair too.
  const values = image.components === 2 ? image.data.map((x) => x + 0) : image.data;
  if (peer.nan === 0) expect(float64Sha256(values)).toBe(peer.float64Sha256);
  let sum = 0;
  let size = 0;
  for (const x of image.data) {
    if (!Number.isFinite(x)) continue;
    sum += x;
    size += Math.abs(x);
  }
  expect(Math.abs(sum - value(peer.sum))).toBeLessThanOrEqual(1e-12 * size);
  expectAffine(affine, peer.affine.map((row) => row.map(value)) as Affine);
  if (peer.axisCodes !== null) {
    expect(axisCodes(affine)).toBe(peer.axisCodes);
    spacingOf(affine).forEach((s, i) => {
      const theirs = value(peer.spacing[i]);
      expect(Math.abs(s - theirs)).toBeLessThanOrEqual(1e-12 * theirs);
    });
  }
  const hash = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');
  expect(image.extensions.map((e) => [e.code, hash(e.data)])).toEqual(peer.extensions);
  return image;
}

/** Equal but for the last bits: nibabel turns quaternions into matrices in extended precision. */
export function expectAffine(ours: Affine, theirs: Affine): void {
  ours.forEach((row, r) =>
    row.forEach((x, c) => {
      const y = theirs[r][c];
      if (Number.isFinite(y)) expect(Math.abs(x - y)).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(y)));
      else expect(x).toBe(y);
    }),
  );
}
