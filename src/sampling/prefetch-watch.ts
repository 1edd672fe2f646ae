// The thread that watches the one that gathers. The main thread may be blocked for long and learns of a thread's end by its
// event loop alone; this one is always free to hear of it, and writes what happened into the shared memory.
import { Worker, workerData } from 'node:worker_threads';
import { inRepo } from '../base/paths';
import type { GatherData } from './prefetch-thread';
import { gatherFile } from './prefetch-thread';
import { Ring, beatMilliseconds } from './ring';

/** What the thread is given. */
export interface WatchData {
  task: 'watch the gathering';
  gather: GatherData;
}

/** This file as Node runs it; see `gatherFile`. */
export const watchFile: string = inRepo('dist', 'sampling', 'prefetch-watch.js');

function watch({ gather }: WatchData): void {
  const ring = new Ring(gather.memory);
  const batches = Math.ceil(gather.voxels.length / 3 / gather.size);
  const beat = setInterval(() => ring.beat(), beatMilliseconds);
  const thread = new Worker(gatherFile, { workerData: gather, execArgv: [] });
  thread.on('error', (error) => ring.fail(error));
  thread.on('exit', (code) => {
    clearInterval(beat);
    if (ring.ready < batches) {
      ring.fail(new Error(`the thread that gathers planes ended early, with code ${code}`));
    }
  });
}

const given = workerData as Partial<WatchData> | null;
if (given?.task === 'watch the gathering') watch(given as WatchData);
