// Prefetch: batches of planes of one volume are gathered in another thread while this one trains.
import { InputError } from '../base/errors';
import type { Triple } from '../volume/volume';
import type { AheadOptions } from './ahead';
import { Ahead, checkWhole } from './ahead';
import type { Batch, BatchForm, BatchSource } from './batch';
import { batchForm, batchIn, checkSource, voxelList } from './batch';
import type { GatherData } from './prefetch-thread';
import { gatherFile, gatherTask } from './prefetch-thread';

export interface PrefetchOptions extends AheadOptions {
  /** Voxels in a batch; the last one may hold fewer. */
  size: number;
}

const what = 'cannot start prefetch';

/**
 * Batches of the three planes through a list of voxels, in the order of the list, gathered ahead in another thread.
 *
 *     for (const batch of new Prefetch({ image }, voxels, { size: 2 })) step(batch);
 *
 * Leaving the loop ends the thread. The volume is shared and never copied.
 */
export class Prefetch implements Iterable<Batch>, Disposable {
  /** How many batches there are in all. */
  readonly batches: number;
  private readonly voxels: Int32Array;
  private readonly form: BatchForm;
  private readonly ahead: Ahead;

  /**
   * Start gathering.
   * @param source  layouts in shared memory (`layoutOf(volume, name, { shared: true })`), and the square to resize to, if any
   * @param voxels  voxels of the volume, in the order wanted
   * @throws InputError for a layout that is not shared, labels that do not lie like the image, voxels outside, an option out
   *   of range, or a library that is not built; Interrupted when the signal is aborted already
   */
  constructor(source: BatchSource, voxels: readonly Triple[], { size, ...options }: PrefetchOptions) {
    checkWhole(what, 'size', size, 'choose how many voxels a batch has');
    checkSource(source);
    checkShared(source);
    this.voxels = voxelList(source.image.dims, voxels);
    this.form = batchForm(source, size);
    this.batches = Math.ceil(voxels.length / size);
    const data: GatherData = { source, voxels: this.voxels, size };
    this.ahead = new Ahead(
      {
        file: gatherFile,
        task: gatherTask,
        data,
        fillings: this.batches,
        slotBytes: this.form.bytes,
        words: { what, lessMemory: 'choose a smaller size, square or depth' },
      },
      options,
    );
  }

  /** Memory of the batches, in bytes: depth + 1 of them. The volume, which is shared, and the threads are not in it. */
  get bytes(): number {
    return this.ahead.bytes;
  }

  /**
   * The next batch; blocks until it is ready. Its arrays are used again: they hold until the next call of `next` or `close`.
   * @returns undefined after the last batch
   * @throws what went wrong in the thread; Interrupted after an abort; InputError when closed
   */
  next(): Batch | undefined {
    const { ahead, form } = this;
    const ready = ahead.next();
    if (!ready) return undefined;
    const first = ready.index * form.size;
    const wanted = this.voxels.subarray(3 * first, 3 * (first + form.size));
    return {
      first,
      voxels: triples(wanted),
      ...batchIn(form, ahead.memory.slots, ready.slot, wanted.length / 3),
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
    return this.ahead.close();
  }

  [Symbol.dispose](): void {
    void this.close();
  }
}

function checkShared(source: BatchSource): void {
  for (const kind of ['image', 'labels'] as const) {
    const buffer = source[kind]?.data.buffer;
    if (!buffer || buffer instanceof SharedArrayBuffer) continue;
    throw new InputError({
      what,
      given: `a layout of the ${kind} in memory of this thread alone`,
      expected: 'a layout in shared memory, so that no thread copies it',
      fix: 'make it with layoutOf(volume, name, { shared: true })',
    });
  }
}

function triples(list: Int32Array): Triple[] {
  return Array.from({ length: list.length / 3 }, (_, i) => [list[3 * i], list[3 * i + 1], list[3 * i + 2]]);
}
