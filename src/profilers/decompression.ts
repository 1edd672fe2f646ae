// What it costs to open the file anew for every sample, beside a volume that stays in memory.
//
// Opening takes long enough for other programs to come between, which stretches the clock's time, while the processor
// time of this process holds what its other threads do as well. Both are too long, so the lesser of the two is taken.
// Reading the planes alone is timed by the clock.
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip as gunzipCallback } from 'node:zlib';
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import { layoutOf } from '../sampling/layout';
import { planeNames } from '../sampling/plane';
import type { Triple } from '../volume/volume';
import { readNifti } from '../volume/nifti';
import { bufferFor, timeGather } from './gather-times';

const gunzip = promisify(gunzipCallback);

/** Single times in us; the n-th of each belongs to the same voxel. */
export interface DecompressionTimes {
  /** Read the file (it is in the system's cache), decompress and decode it, take the three planes. */
  anew: number[];
  /** Time of the three planes out of a volume in memory, in file order. */
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
  // Room for all of it in one piece: small pieces would be copied together afterwards.
  const chunkSize = (await gunzip(compressed)).length + 64;
  const volume = layoutOf(await readNifti(file, long), 'file');
  const buffers = planeNames.map((plane) => bufferFor(volume, plane));
  const planesOf = (layout: typeof volume, voxel: Triple): number =>
    planeNames.reduce((sum, plane, p) => sum + timeGather(layout, plane, voxel, buffers[p]), 0);
  for (let i = 0; i < 20; i++) planesOf(volume, voxels[0]);
  const meter = new Meter('opening the file for every sample', 'voxels', voxels.length, long);
  for (const voxel of voxels) {
    const opening = stopwatch();
    const opened = layoutOf(await readNifti(file), 'file');
    planesOf(opened, voxel);
    times.anew.push(opening());
    times.kept.push(planesOf(volume, voxel));
    const decompressing = stopwatch();
    await gunzip(compressed, { chunkSize });
    times.gunzip.push(decompressing());
    meter.add(1);
  }
  meter.finish();
  return times;
}

/** Starts now; gives the lesser of clock and processor time since then, in us. */
function stopwatch(): () => number {
  const clock = process.hrtime.bigint();
  const processor = process.cpuUsage();
  return () => {
    const passed = Number(process.hrtime.bigint() - clock) / 1000;
    const { user, system } = process.cpuUsage(processor);
    return Math.min(passed, user + system);
  };
}
