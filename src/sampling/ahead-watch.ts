// The thread that watches the one that works ahead. The main thread may be blocked for long and learns of a thread's end by its
// event loop alone; this one is always free to hear of it, and writes what happened into the shared memory.
import { Worker, workerData } from 'node:worker_threads';
import { inRepo } from '../base/paths';
import type { RingMemory } from './ring';
import { Ring, beatMilliseconds } from './ring';

/** What the working thread is given, with whatever it needs beside. */
export interface WorkData {
  /** What it does, by a name that no other thread's file answers to: `gather planes`. */
  task: string;
  /** Its slots. */
  memory: RingMemory;
}

/** What the watching thread is given. */
export interface WatchData {
  task: 'watch a thread';
  /** The built file that works. */
  file: string;
  work: WorkData;
  /** How many slots it fills in all. */
  fillings: number;
}

/**
 * This file as Node runs it. Who starts the thread imports this name, so that the thread's code is part of what it imports
 * and of the identity of its runs.
 */
export const watchFile: string = inRepo('dist', 'sampling', 'ahead-watch.js');

function watch({ file, work, fillings }: WatchData): void {
  const ring = new Ring(work.memory);
  const beat = setInterval(() => ring.beat(), beatMilliseconds);
  const thread = new Worker(file, { workerData: work, execArgv: [] });
  thread.on('error', (error) => ring.fail(error));
  thread.on('exit', (code) => {
    clearInterval(beat);
    if (ring.ready < fillings)
      ring.fail(new Error(`the thread that should ${work.task} ended early, with code ${code}`));
  });
}

const given = workerData as Partial<WatchData> | null;
if (given?.task === 'watch a thread') watch(given as WatchData);
