// What it costs to open the file anew for every sample, beside a volume that stays in memory.
//
// Opening takes long enough for other programs to come between, so its processor time is taken (all threads of this
// process): what one thread of a loader needs if it is left alone. Reading the planes alone is timed by the clock.
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
  /** Processor time to read the file (it is in the system's cache), decompress and decode it, take the three planes. */
  anew: number[];
  /** Time of the three planes out of a volume in memory, in file order. */
  kept: number[];
  /** Processor time of decompression alone, by zlib: what any reader of the file pays. */
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
  const since = (begin: NodeJS.CpuUsage): number => {
    const { user, system } = process.cpuUsage(begin);
    return user + system;
  };
  for (let i = 0; i < 20; i++) planesOf(volume, voxels[0]);
  const meter = new Meter('opening the file for every sample', 'voxels', voxels.length, long);
  for (const voxel of voxels) {
    const begin = process.cpuUsage();
    const opened = layoutOf(await readNifti(file), 'file');
    planesOf(opened, voxel);
    times.anew.push(since(begin));
    times.kept.push(planesOf(volume, voxel));
    const alone = process.cpuUsage();
    gunzipSync(compressed);
    times.gunzip.push(since(alone));
    meter.add(1);
  }
  meter.finish();
  return times;
}
