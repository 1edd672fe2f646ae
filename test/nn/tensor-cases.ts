// The files of test/oracles/tensors.json on disk, and what they hold.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import oracle from '../oracles/tensors.json';

interface TensorCase {
  name: string;
  type: string;
  shape: number[];
  values: (number | string)[];
}

/** The oracle as its script says it. */
export const cases = oracle as {
  safetensors: { name: string; file: string; metadata: Record<string, string>; tensors: TensorCase[] }[];
  checkpoints: { name: string; file: string; key: string | null; tensors: TensorCase[] }[];
  npy: { name: string; file: string; shape: number[]; values: number[] }[];
};

/** JSON has no NaN and no infinities: they are texts there. */
export const numbersOf = (values: readonly (number | string)[]): Float32Array =>
  Float32Array.from(values, (value) =>
    value === 'inf' ? Infinity : value === '-inf' ? -Infinity : Number(value),
  );

/** A folder for one test file, gone after it. @returns writes bytes to a name in it and gives the path */
export function scratch(): (name: string, bytes?: Uint8Array | string) => string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'coc-nn-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  return (name, bytes) => {
    const file = path.join(folder, name);
    if (bytes !== undefined) writeFileSync(file, bytes);
    return file;
  };
}
