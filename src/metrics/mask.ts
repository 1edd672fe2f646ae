// A binary mask in a grid of voxels, and the pair of masks that a score compares.
import { InputError } from '../base/errors';
import type { Triple, Volume } from '../volume/volume';

/** Which voxels belong to a class. Voxel (i, j, k) is `data[i + dims[0] * (j + dims[1] * k)]`. */
export interface Mask {
  /** 1 for foreground, 0 for background. */
  data: Uint8Array;
  dims: Readonly<Triple>;
  /** mm between voxels along each axis. */
  spacing: Readonly<Triple>;
}

/** A block of voxels: its first voxel and its size. */
export interface Block {
  first: Triple;
  dims: Triple;
}

/** The voxels of a label map that hold one of some labels. */
export function maskOf(labels: Volume, wanted: readonly number[]): Mask {
  const { data, dims, spacing } = labels;
  const mask = new Uint8Array(data.length);
  for (const label of wanted) {
    for (let i = 0; i < data.length; i++) if (data[i] === label) mask[i] = 1;
  }
  return { data: mask, dims, spacing };
}

/** How many voxels are foreground. */
export function foregroundCount({ data }: Pick<Mask, 'data'>): number {
  let count = 0;
  for (let i = 0; i < data.length; i++) count += data[i];
  return count;
}

/** @throws InputError when masks are not on one grid */
export function checkOneGrid(masks: readonly Mask[], what: string): void {
  const [first, ...others] = masks;
  const grid = ({ dims, spacing }: Mask): string => `${dims.join(' x ')} voxels of ${spacing.join(' x ')} mm`;
  for (const other of others) {
    const same = other.dims.every((d, a) => d === first.dims[a]);
    const near = other.spacing.every((s, a) => Math.abs(s - first.spacing[a]) <= 1e-3 * first.spacing[a]);
    if (same && near) continue;
    throw new InputError({
      what,
      given: `masks of ${grid(first)} and of ${grid(other)}`,
      expected: 'masks on one grid',
      fix: 'resample the one to the grid of the other first, with nearest neighbours',
    });
  }
}

/** The smallest block that holds the foreground of all masks; undefined when there is none. */
export function boxAround(masks: readonly Mask[]): Block | undefined {
  const { dims } = masks[0];
  const low: Triple = [...dims];
  const high: Triple = [-1, -1, -1];
  for (const { data } of masks) {
    let row = 0;
    for (let k = 0; k < dims[2]; k++) {
      for (let j = 0; j < dims[1]; j++, row += dims[0]) {
        let from = row;
        const end = row + dims[0];
        while (from < end && data[from] === 0) from++;
        if (from === end) continue;
        let to = end - 1;
        while (data[to] === 0) to--;
        low[0] = Math.min(low[0], from - row);
        high[0] = Math.max(high[0], to - row);
        low[1] = Math.min(low[1], j);
        high[1] = Math.max(high[1], j);
        low[2] = Math.min(low[2], k);
        high[2] = Math.max(high[2], k);
      }
    }
  }
  if (high[0] < 0) return undefined;
  return { first: low, dims: [0, 1, 2].map((a) => high[a] - low[a] + 1) as Triple };
}

/** The part of a mask in a block. */
export function cropTo({ data, dims, spacing }: Mask, { first, dims: size }: Block): Mask {
  const part = new Uint8Array(size[0] * size[1] * size[2]);
  let to = 0;
  for (let k = 0; k < size[2]; k++) {
    for (let j = 0; j < size[1]; j++, to += size[0]) {
      const from = first[0] + dims[0] * (first[1] + j + dims[1] * (first[2] + k));
      part.set(data.subarray(from, from + size[0]), to);
    }
  }
  return { data: part, dims: size, spacing };
}
