// A ring of slots in memory that two threads share: one side fills them in order, the other takes them in order.
//
// Neither side needs an event loop. Whoever must wait sleeps in `Atomics.wait` until the other side counts on.
import type { Problem } from '../base/errors';
import { InputError, messageOf } from '../base/errors';

/** What both threads see. Posting it shares it. */
export interface RingMemory {
  /** Counters, then the text of an error. */
  control: SharedArrayBuffer;
  /** The slots, one after another. */
  slots: SharedArrayBuffer;
  /** How many slots there are. */
  count: number;
}

/** The counters. Batches that are `ready`; negative, -1 - ready, once filling has failed. */
const word = { ready: 0, givenBack: 1, beat: 2, textLength: 3 } as const;
const textStart = 16;
const textBytes = 16_384;

/** How often the watching thread says that it lives, ms. */
export const beatMilliseconds = 250;
/** For how many waits of a second the watching thread may be silent before it is taken for dead. */
const patience = 30;

interface ErrorText {
  message: string;
  problem?: Problem;
  stack?: string;
}

/** Memory for a ring. @throws RangeError when the machine does not give that much */
export function ringMemory(count: number, slotBytes: number): RingMemory {
  return {
    control: new SharedArrayBuffer(textStart + textBytes),
    slots: new SharedArrayBuffer(count * slotBytes),
    count,
  };
}

/** The memory a ring takes, in bytes. */
export function ringBytes({ control, slots }: RingMemory): number {
  return control.byteLength + slots.byteLength;
}

/** One side's view of a ring. */
export class Ring {
  private readonly counters: Int32Array;

  constructor(private readonly memory: RingMemory) {
    this.counters = new Int32Array(memory.control, 0, textStart / 4);
  }

  /** The slot of a batch. */
  slotOf(batch: number): number {
    return batch % this.memory.count;
  }

  /** Filling side: block until the slot of a batch is free. */
  waitForSlot(batch: number): void {
    for (;;) {
      const givenBack = Atomics.load(this.counters, word.givenBack);
      if (batch < givenBack + this.memory.count) return;
      Atomics.wait(this.counters, word.givenBack, givenBack);
    }
  }

  /** Filling side: one more batch is ready. */
  put(): void {
    Atomics.add(this.counters, word.ready, 1);
    Atomics.notify(this.counters, word.ready);
  }

  /** Taking side: block until a batch is ready. @throws what ended the filling, or an Error when the other side is silent */
  waitForBatch(batch: number, seconds = patience): void {
    for (let silent = 0; ;) {
      const ready = Atomics.load(this.counters, word.ready);
      if (batch < (ready < 0 ? -1 - ready : ready)) return;
      if (ready < 0) throw this.failure();
      const beat = Atomics.load(this.counters, word.beat);
      // Waits are counted, not time: a machine that slept has not lost its thread.
      if (Atomics.wait(this.counters, word.ready, ready, 1000) !== 'timed-out') continue;
      silent = Atomics.load(this.counters, word.beat) === beat ? silent + 1 : 0;
      if (silent >= seconds) {
        throw new Error(
          `the thread that works ahead did not start or was lost: no sign of it for ${seconds} s`,
        );
      }
    }
  }

  /** Taking side: the first so many batches are no longer in use. */
  giveBack(batches: number): void {
    Atomics.store(this.counters, word.givenBack, batches);
    Atomics.notify(this.counters, word.givenBack);
  }

  /** Watching side: still there. */
  beat(): void {
    Atomics.add(this.counters, word.beat, 1);
  }

  /** How many batches were filled. */
  get ready(): number {
    const ready = Atomics.load(this.counters, word.ready);
    return ready < 0 ? -1 - ready : ready;
  }

  /** Filling has ended with an error; the taking side gets it after the batches that are ready. The first one counts. */
  fail(error: unknown): void {
    const ready = Atomics.load(this.counters, word.ready);
    if (ready < 0) return;
    const { problem } = error as Partial<InputError>;
    const stack = error instanceof Error ? error.stack : undefined;
    // A long text is cut, so that it fits: first the stack, which may repeat the message, then all but the message.
    const texts: ErrorText[] = [
      { message: messageOf(error), problem, stack },
      { message: messageOf(error), problem },
      { message: messageOf(error).slice(0, textBytes / 8) },
    ];
    const encoded = texts.map((text) => new TextEncoder().encode(JSON.stringify(text)));
    const text = encoded.find((bytes) => bytes.length <= textBytes)!;
    new Uint8Array(this.memory.control, textStart).set(text);
    Atomics.store(this.counters, word.textLength, text.length);
    Atomics.store(this.counters, word.ready, -1 - ready);
    Atomics.notify(this.counters, word.ready);
  }

  private failure(): Error {
    const length = Atomics.load(this.counters, word.textLength);
    // A decoder does not read shared memory: slice copies.
    const bytes = new Uint8Array(this.memory.control, textStart, length).slice();
    const { message, problem, stack } = JSON.parse(new TextDecoder().decode(bytes)) as ErrorText;
    const options = stack === undefined ? undefined : { cause: stack };
    return problem ? new InputError(problem, options) : new Error(message, options);
  }
}
