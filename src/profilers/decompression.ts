// What it costs to open the file anew for every sample, beside a volume that stays in memory.
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import { layoutOf } from '../sampling/layout';
import { planeNames } from '../sampling/plane';
import type { Triple } from '../volume/volume';
import { readNifti } from '../volume/nifti';
import { bufferFor, timeGather } from './gather-times';

/** Single times in us; the n-th of each belongs to the same voxel. */
export interface DecompressionTimes {
  /** Read the file (it is in the system's cache), decompress and decode it, take the three planes. */
  anew: number[];
  /** The three planes out of a volume in memory, in file order. */
  kept: number[];
  /** Decompression alone, by zlib: what any reader of the file pays. */
  gunzip: number[];
}

/** Time both ways for some voxels of a `.nii.gz` file, in turns. */
export async function timeDecompression(
  file: string,
  voxels: readonly Triple[],
  long: Long = {},
): Promise<DecompressionTimes> {
  const times: DecompressionTimes = { anew: [], kept: [], gunzip: [] };
  const compressed = await readFile(file);
  const volume = layoutOf(await readNifti(file, long), 'file');
  const buffers = planeNames.map((plane) => bufferFor(volume, plane));
  const planesOf = (layout: typeof volume, voxel: Triple): number =>
    planeNames.reduce((sum, plane, p) => sum + timeGather(layout, plane, voxel, buffers[p]), 0);
  const since = (begin: bigint): number => Number(process.hrtime.bigint() - begin) / 1000;
  for (let i = 0; i < 20; i++) planesOf(volume, voxels[0]);
  const meter = new Meter('opening the file for every sample', 'voxels', voxels.length, long);
  for (const voxel of voxels) {
    const begin = process.hrtime.bigint();
    const opened = layoutOf(await readNifti(file), 'file');
    planesOf(opened, voxel);
    times.anew.push(since(begin));
    times.kept.push(planesOf(volume, voxel));
    const alone = process.hrtime.bigint();
    gunzipSync(compressed);
    times.gunzip.push(since(alone));
    meter.add(1);
  }
  meter.finish();
  return times;
}
