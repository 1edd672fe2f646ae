// Writes the ledger of whatever TensorFlow.js computes meanwhile, on any backend: what its engine holds.
import type { DataType, Tensor } from '@tensorflow/tfjs';
import type { BufferListener, BufferWatch } from './buffers';
import { watchEngine, whereabouts } from './engine-events';
import { type Category, type Kind, type Ledger, LedgerWriter } from './ledger';
import { tf } from './tf';

/** Tensors whose purpose is known, by category. */
export type Declared = Partial<Record<Category, readonly Tensor[]>>;

export interface WatchOptions {
  /** Whose allocations they are, in words. */
  backend: string;
  /** Tensors that are there at the beginning. */
  given?: Declared;
  /** Bytes of a buffer, where a backend needs other than 4 for each element and 1 for a bool. */
  bytes?: (buffer: { shape: readonly number[]; dtype: DataType }) => number;
  /** Who tells of buffers: a backend's own table (buffers.ts). Where it is left out, what the engine knows of is noted. */
  buffers?: (listener: BufferListener) => BufferWatch;
}

export interface AllocationWatch {
  /** Say what a tensor is for; it is counted once, under however many names. */
  declare(tensors: Declared): void;
  /**
   * Note an allocation that a kernel makes for itself and of which the engine does not know.
   * @returns call it when it is freed
   */
  kernelTemporary(buffer: { shape: readonly number[]; dtype: DataType; bytes: number }): () => void;
  /** End it. */
  stop(): Ledger;
}

/** Note every allocation and release from now on, until it is stopped. */
export function watchAllocations({ backend, given = {}, bytes, buffers }: WatchOptions): AllocationWatch {
  const writer = new LedgerWriter(backend);
  /** What is alive: its index in the ledger, and the call of the kernel that made it. */
  const live = new Map<object, { index: number; call: number | null }>();
  /** Made in a forward pass and alive: an activation, if it stays so until a backward pass begins. */
  const undecided = new Set<number>();
  const decide = (index: number, category: Category): void => {
    undecided.delete(index);
    writer.change(index, { category });
  };
  const settle = (): void => {
    for (const index of undecided) decide(index, 'activations');
  };
  const entries = (declared: Declared): [Category, Tensor][] =>
    (Object.entries(declared) as [Category, readonly Tensor[]][]).flatMap(([category, tensors]) =>
      tensors.map((tensor): [Category, Tensor] => [category, tensor]),
    );

  // Called for every tensor of a step: objects are spelt out, for spreading them takes longer than all else here.
  const note = (
    dataId: object,
    { op, scope, phase, call }: ReturnType<typeof whereabouts>,
    shape: Kind['shape'],
    dtype: DataType,
    bytes: number,
  ): void => {
    const index = writer.allocate({
      op,
      shape,
      dtype,
      bytes,
      scope,
      phase,
      category: 'temporary',
      kernelTemporary: false,
    });
    live.set(dataId, { index, call });
    if (phase === 'forward') undecided.add(index);
  };
  const release = (dataId: object, call: number | null): void => {
    const known = live.get(dataId);
    if (known === undefined) return;
    live.delete(dataId);
    undecided.delete(known.index);
    writer.release(known.index);
    if (call !== null && known.call === call) writer.change(known.index, { kernelTemporary: true });
  };
  const table = buffers?.({
    made(id, { shape, dtype, bytes: own }) {
      note(id, whereabouts(), shape, dtype, own);
    },
    freed: (id) => release(id, whereabouts().call),
  });
  const bufferOf = ({ dataId }: Tensor): object => table?.bufferOf(dataId) ?? dataId;

  for (const [category, tensor] of entries(given)) {
    const dataId = bufferOf(tensor);
    if (live.has(dataId)) continue;
    const { shape, dtype, size } = tensor;
    const own = bytes?.({ shape, dtype }) ?? size * tf.util.bytesPerElement(dtype);
    const kind = { op: 'given', scope: '', phase: 'given', kernelTemporary: false } as const;
    const index = writer.allocate({ ...kind, shape, dtype, bytes: own, category });
    live.set(dataId, { index, call: null });
  }

  const stop = watchEngine({
    made(made) {
      const { dataId, shape, dtype } = made;
      if (!table) return note(dataId, made, shape, dtype, bytes?.(made) ?? made.bytes);
      // A kernel may say at its end under which shape its buffer is to be read.
      const known = live.get(dataId);
      if (known) writer.change(known.index, { shape, dtype });
    },
    freed(dataId, call) {
      if (!table) release(dataId, call);
    },
    backward: settle,
  });

  return {
    declare(tensors) {
      for (const [category, tensor] of entries(tensors)) {
        const known = live.get(bufferOf(tensor));
        if (known) decide(known.index, category);
      }
    },
    kernelTemporary({ shape, dtype, bytes: own }) {
      const { op, scope, phase } = whereabouts();
      const index = writer.allocate({
        op,
        shape,
        dtype,
        bytes: own,
        scope,
        phase,
        category: 'temporary',
        kernelTemporary: true,
      });
      return () => writer.release(index);
    },
    stop() {
      table?.stop();
      stop();
      settle();
      return writer.finish();
    },
  };
}
