// Work done ahead of its use: a thread fills slots of shared memory in order while this one computes.
//
// A training step in native code blocks the event loop, so nothing here depends on it: fillings, their order and errors go
// through shared memory. A step that takes longer than filling a slot then waits for none; one that takes less waits only for
// the difference.
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { InputError, Interrupted } from '../base/errors';
import { formatBytes } from '../base/progress';
import type { WatchData, WorkData } from './ahead-watch';
import { watchFile } from './ahead-watch';
import type { RingMemory } from './ring';
import { Ring, ringBytes, ringMemory } from './ring';

export interface AheadOptions {
  /** Slots filled ahead of the one in hand (2). One is enough for steps of even length. */
  depth?: number;
  /** Ends the thread; `next` then throws Interrupted. */
  signal?: AbortSignal;
}

/** What a thread is to do. */
export interface AheadWork<D extends object> {
  /** The built file; it calls `fillSlots` when it is started for its `task`. */
  file: string;
  /** What it does, in words that follow 'the thread that should': `gather planes`. */
  task: string;
  /** What it needs: plain data and shared memory. */
  data: D;
  /** How many fillings there are. */
  fillings: number;
  /** Of one slot. */
  slotBytes: number;
  /** What is being done where that fails, and what would take less memory. */
  words: { what: string; lessMemory: string };
}

/**
 * A thread that works ahead. Two threads of Node are started, one that fills slots and one that watches it; the slots are
 * shared and never copied.
 */
export class Ahead implements Disposable {
  /** Memory of the slots, in bytes: depth + 1 of them. The threads are not in it. */
  readonly bytes: number;
  readonly memory: RingMemory;
  private readonly ring: Ring;
  private readonly thread: Worker | undefined;
  private ended: Promise<void> | undefined;
  private taken = 0;

  /**
   * Start working.
   * @throws InputError for an option out of range, memory that there is not, or a library that is not built; Interrupted when
   *   the signal is aborted already
   */
  constructor(
    private readonly work: AheadWork<object>,
    private readonly options: AheadOptions = {},
  ) {
    const { depth = 2, signal } = options;
    const { file, task, data, fillings, slotBytes, words } = work;
    checkWhole(words.what, 'depth', depth, 'leave depth out, or choose 1, 2 or 3');
    checkBuilt(words.what, file);
    this.checkSignal();
    this.memory = allocate(Math.min(depth + 1, fillings), slotBytes, words);
    this.bytes = ringBytes(this.memory);
    this.ring = new Ring(this.memory);
    if (fillings === 0) return;
    const workerData: WatchData = {
      task: 'watch a thread',
      file,
      work: { ...data, task, memory: this.memory },
      fillings,
    };
    // No options of Node and no environment: what they preload may wait for the main thread, which is blocked.
    this.thread = new Worker(watchFile, { workerData, execArgv: [], env: {} });
    this.thread.unref();
    // For the case that the watching thread itself is lost, and somebody lets the event loop run.
    this.thread.on('error', (error) => this.ring.fail(error));
    this.thread.on('exit', (code) => {
      if (this.ring.ready < fillings)
        this.ring.fail(new Error(`the thread that should ${task} was lost, with code ${code}`));
    });
    signal?.addEventListener('abort', this.abort);
  }

  /**
   * The place of the next filling in the list and its slot; blocks until it is ready. What was handed out before may be
   * overwritten from now on.
   * @returns undefined after the last one
   * @throws what went wrong in the thread; Interrupted after an abort; InputError when closed
   */
  next(): { index: number; slot: number } | undefined {
    this.checkSignal();
    if (this.taken === this.work.fillings) {
      void this.close();
      return undefined;
    }
    if (this.ended) {
      const { task, words } = this.work;
      throw new InputError({
        what: words.what,
        given: `a thread to ${task} that was closed`,
        expected: 'an open one',
        fix: 'start another one for what is left',
      });
    }
    const { taken, ring } = this;
    ring.giveBack(taken);
    try {
      ring.waitForBatch(taken);
    } catch (error) {
      void this.close();
      throw error;
    }
    this.taken++;
    return { index: taken, slot: ring.slotOf(taken) };
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
    throw new Interrupted(`a thread to ${this.work.task}`);
  }
}

/** In the working thread: fill one slot after another. @param fill  given the place in the list and the slot */
export function fillSlots(
  { memory }: WorkData,
  fillings: number,
  fill: (index: number, slot: number) => void,
): void {
  const ring = new Ring(memory);
  for (let index = 0; index < fillings; index++) {
    ring.waitForSlot(index);
    fill(index, ring.slotOf(index));
    ring.put();
  }
}

/** @throws InputError for an option that is no whole number from 1 on */
export function checkWhole(what: string, option: string, value: number, fix: string): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new InputError({ what, given: `${option} ${value}`, expected: 'a whole number, 1 or more', fix });
}

function checkBuilt(what: string, file: string): void {
  const missing = [watchFile, file].find((needed) => !existsSync(needed));
  if (!missing) return;
  throw new InputError({
    what,
    given: `no file ${missing}`,
    expected: 'the built library, which threads run from',
    fix: 'build it with `node src/cli/coc.cjs build`',
  });
}

function allocate(
  slots: number,
  bytes: number,
  { what, lessMemory }: AheadWork<object>['words'],
): RingMemory {
  try {
    return ringMemory(slots, bytes);
  } catch (error) {
    throw new InputError(
      {
        what,
        given: `${slots} batches of ${formatBytes(bytes)}`,
        expected: 'memory that this machine has',
        fix: lessMemory,
      },
      { cause: error },
    );
  }
}
