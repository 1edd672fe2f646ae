// Prefetch: batches of planes are gathered in another thread while this one trains.
//
// A training step in native code blocks the event loop, so nothing here depends on it: batches, their order and errors go
// through shared memory. A step that takes longer than gathering a batch then waits for none; one that takes less waits
// only for the difference.
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { InputError, Interrupted } from '../base/errors';
import { formatBytes } from '../base/progress';
import type { Triple } from '../volume/volume';
import type { Batch, BatchForm, BatchSource } from './batch';
import { batchForm, batchIn, checkSource, voxelList } from './batch';
import { gatherFile } from './prefetch-thread';
import type { WatchData } from './prefetch-watch';
import { watchFile } from './prefetch-watch';
import type { RingMemory } from './ring';
import { Ring, ringBytes, ringMemory } from './ring';

export interface PrefetchOptions {
  /** Voxels in a batch; the last one may hold fewer. */
  size: number;
  /** Batches gathered ahead of the one in hand (2). One is enough for steps of even length. */
  depth?: number;
  /** Ends the thread; `next` then throws Interrupted. */
  signal?: AbortSignal;
}

/**
 * Batches of the three planes through a list of voxels, in the order of the list, gathered ahead in another thread.
 *
 *     for (const batch of new Prefetch({ image }, voxels, { size: 2 })) step(batch);
 *
 * Leaving the loop ends the thread. Two threads of Node are started, one that gathers and one that watches it; the volume is
 * shared and never copied.
 */
export class Prefetch implements Iterable<Batch>, Disposable {
  /** Memory of the batches, in bytes: depth + 1 of them. The volume, which is shared, and the threads are not in it. */
  readonly bytes: number;
  /** How many batches there are in all. */
  readonly batches: number;

  private readonly voxels: Int32Array;
  private readonly form: BatchForm;
  private readonly memory: RingMemory;
  private readonly ring: Ring;
  private readonly thread: Worker | undefined;
  private ended: Promise<void> | undefined;
  private taken = 0;

  /**
   * Start gathering.
   * @param source  layouts in shared memory (`layoutOf(volume, name, { shared: true })`), and the square to resize to, if any
   * @param voxels  voxels of the volume, in the order wanted
   * @throws InputError for a layout that is not shared, labels that do not lie like the image, voxels outside, an option out
   *   of range, or a library that is not built; Interrupted when the signal is aborted already
   */
  constructor(
    source: BatchSource,
    voxels: readonly Triple[],
    private readonly options: PrefetchOptions,
  ) {
    const { size, depth = 2, signal } = options;
    checkWhole('size', size);
    checkWhole('depth', depth);
    checkSource(source);
    checkShared(source);
    checkBuilt();
    this.checkSignal();
    this.voxels = voxelList(source.image.dims, voxels);
    this.form = batchForm(source, size);
    this.batches = Math.ceil(voxels.length / size);
    this.memory = allocate(Math.min(depth + 1, this.batches), this.form.bytes);
    this.bytes = ringBytes(this.memory);
    this.ring = new Ring(this.memory);
    if (this.batches === 0) return;
    const { memory } = this;
    const workerData: WatchData = {
      task: 'watch the gathering',
      gather: { task: 'gather planes', source, voxels: this.voxels, size, memory },
    };
    // No options of Node and no environment: what they preload may wait for the main thread, which is blocked.
    this.thread = new Worker(watchFile, { workerData, execArgv: [], env: {} });
    this.thread.unref();
    // For the case that the watching thread itself is lost, and somebody lets the event loop run.
    this.thread.on('error', (error) => this.ring.fail(error));
    this.thread.on('exit', (code) => {
      if (this.ring.ready < this.batches)
        this.ring.fail(new Error(`prefetch ended early, with code ${code}`));
    });
    signal?.addEventListener('abort', this.abort);
  }

  /**
   * The next batch; blocks until it is ready. Its arrays are used again: they hold until the next call of `next` or `close`.
   * @returns undefined after the last batch
   * @throws what went wrong in the thread; Interrupted after an abort; InputError when closed
   */
  next(): Batch | undefined {
    this.checkSignal();
    if (this.taken === this.batches) {
      void this.close();
      return undefined;
    }
    if (this.ended) {
      throw new InputError({
        what: 'cannot take a batch',
        given: 'a prefetch that was closed',
        expected: 'an open one',
        fix: 'start another one for the voxels that are left',
      });
    }
    const { taken, ring, form } = this;
    ring.giveBack(taken);
    try {
      ring.waitForBatch(taken);
    } catch (error) {
      void this.close();
      throw error;
    }
    this.taken++;
    const first = taken * form.size;
    const wanted = this.voxels.subarray(3 * first, 3 * (first + form.size));
    return {
      first,
      voxels: triples(wanted),
      ...batchIn(form, this.memory.slots, ring.slotOf(taken), wanted.length / 3),
    };
  }

  /** The batches that are left; leaving the loop closes. */
  *[Symbol.iterator](): Generator<Batch, void, undefined> {
    try {
      for (let batch = this.next(); batch; batch = this.next()) yield batch;
    } finally {
      void this.close();
    }
  }

  /** End the threads, also in the middle of their work; any number of times. The promise is settled when they have ended. */
  close(): Promise<void> {
    this.options.signal?.removeEventListener('abort', this.abort);
    this.ended ??= Promise.resolve(this.thread?.terminate()).then(() => undefined);
    return this.ended;
  }

  [Symbol.dispose](): void {
    void this.close();
  }

  private readonly abort = (): void => void this.close();

  private checkSignal(): void {
    if (!this.options.signal?.aborted) return;
    void this.close();
    throw new Interrupted('gathering planes');
  }
}

function checkWhole(option: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new InputError({
    what: 'cannot start prefetch',
    given: `${option} ${value}`,
    expected: 'a whole number, 1 or more',
    fix: option === 'size' ? 'choose how many voxels a batch has' : 'leave depth out, or choose 1, 2 or 3',
  });
}

function checkShared(source: BatchSource): void {
  for (const kind of ['image', 'labels'] as const) {
    const buffer = source[kind]?.data.buffer;
    if (!buffer || buffer instanceof SharedArrayBuffer) continue;
    throw new InputError({
      what: 'cannot start prefetch',
      given: `a layout of the ${kind} in memory of this thread alone`,
      expected: 'a layout in shared memory, so that no thread copies it',
      fix: 'make it with layoutOf(volume, name, { shared: true })',
    });
  }
}

function checkBuilt(): void {
  const missing = [watchFile, gatherFile].find((file) => !existsSync(file));
  if (!missing) return;
  throw new InputError({
    what: 'cannot start prefetch',
    given: `no file ${missing}`,
    expected: 'the built library, which threads run from',
    fix: 'build it with `node src/cli/coc.cjs build`',
  });
}

function allocate(slots: number, bytes: number): RingMemory {
  try {
    return ringMemory(slots, bytes);
  } catch (error) {
    throw new InputError(
      {
        what: 'cannot start prefetch',
        given: `${slots} batches of ${formatBytes(bytes)}`,
        expected: 'memory that this machine has',
        fix: 'choose a smaller size, square or depth',
      },
      { cause: error },
    );
  }
}

function triples(list: Int32Array): Triple[] {
  return Array.from({ length: list.length / 3 }, (_, i) => [list[3 * i], list[3 * i + 1], list[3 * i + 2]]);
}
