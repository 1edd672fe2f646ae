// Every buffer of a backend, as it is made and freed. All backends of TensorFlow.js keep their buffers in one table
// (`DataStorage`): who listens there hears of all of them, whichever of a backend's ways they were made in, also of those
// that a kernel makes for itself and the engine never sees.
import type { DataType } from '@tensorflow/tfjs';
import { replacing } from '../base/replacing';
import type { BackendName } from './backend';
import { tf } from './tf';

export interface Buffer {
  shape: readonly number[];
  dtype: DataType;
  bytes: number;
}

export interface BufferListener {
  made(id: object, buffer: Buffer): void;
  freed(id: object): void;
}

export interface BufferWatch {
  /** The buffer under a tensor's `dataId`: itself, or the one that it shares. */
  bufferOf(dataId: object): object;
  /** End it; the backend is as it was. */
  stop(): void;
}

/** A record of the table; what is in it differs from backend to backend. */
interface Data {
  shape?: readonly number[];
  dtype: DataType | number;
  values?: ArrayLike<unknown> | null;
}

interface Table {
  has(id: object): boolean;
  set(id: object, data: Data): void;
  delete(id: object): boolean;
}

/** Where a backend keeps its buffers, and bytes of an element where they are not TensorFlow.js's own count. */
const tables: Record<BackendName, { property: string; elementBytes?: number }> = {
  wasm: { property: 'dataIdMap' },
  cpu: { property: 'data' },
  tensorflow: { property: 'tensorMap' },
  // Booleans have four bytes on a card, too.
  webgpu: { property: 'tensorMap', elementBytes: 4 },
};

/** Types by TensorFlow's numbers, which its binding for Node keeps. */
const tensorflowTypes: Record<number, DataType> = {
  1: 'float32',
  3: 'int32',
  7: 'string',
  8: 'complex64',
  10: 'bool',
};

/**
 * Hear of every buffer that a backend makes and frees from now on. Where nobody listens the backend runs as it always
 * did: what listens is put over its table, and taken off again.
 * @param kernels  TensorFlow.js's backend of that name
 */
export function watchBuffers(name: BackendName, kernels: object, listener: BufferListener): BufferWatch {
  const { property, elementBytes } = tables[name];
  const table = (kernels as Record<string, unknown>)[property] as Table;
  const set = table.set.bind(table);
  const remove = table.delete.bind(table);
  const shared = new SharedBuffers();
  const sharing = name === 'tensorflow' ? watchSharing(kernels) : undefined;

  const described = ({ shape, dtype: type, values }: Data): Buffer => {
    const dtype = typeof type === 'number' ? tensorflowTypes[type] : type;
    if (dtype === undefined) throw new Error(`the ledger knows no buffer of TensorFlow's type ${type}`);
    // The cpu backend keeps its arrays without their shapes.
    const known = shape ?? [values?.length ?? 0];
    // Strings are no numbers; where complex numbers are two buffers, each of them is counted.
    const none = dtype === 'string' || (dtype === 'complex64' && name !== 'tensorflow');
    const each = none ? 0 : (elementBytes ?? tf.util.bytesPerElement(dtype));
    return { shape: known, dtype, bytes: each * tf.util.sizeFromShape([...known]) };
  };

  const restore = replacing(table, {
    set(id, data) {
      const known = table.has(id);
      set(id, data);
      if (known) return;
      const source = sharing?.now();
      if (source) shared.share(id, source);
      else listener.made(id, described(data));
    },
    delete(id) {
      const known = table.has(id);
      const removed = remove(id);
      if (!known) return removed;
      const gone = shared.release(id);
      if (gone) listener.freed(gone);
      return removed;
    },
  });
  return {
    bufferOf: (dataId) => shared.bufferOf(dataId),
    stop() {
      restore();
      sharing?.stop();
    },
  };
}

/** Several entries of a table on one buffer, which is freed with the last of them. */
class SharedBuffers {
  private readonly buffer = new Map<object, object>();
  private readonly entries = new Map<object, number>();

  bufferOf(id: object): object {
    return this.buffer.get(id) ?? id;
  }

  share(id: object, source: object): void {
    const buffer = this.bufferOf(source);
    this.buffer.set(id, buffer);
    this.entries.set(buffer, (this.entries.get(buffer) ?? 1) + 1);
  }

  /** @returns the buffer, when this was its last entry */
  release(id: object): object | undefined {
    const buffer = this.bufferOf(id);
    this.buffer.delete(id);
    const left = (this.entries.get(buffer) ?? 1) - 1;
    if (left > 0) {
      this.entries.set(buffer, left);
      return undefined;
    }
    this.entries.delete(buffer);
    return buffer;
  }
}

interface Executor {
  executeSingleOutput(
    op: string,
    attributes: readonly { name: string; value: unknown }[],
    inputs: readonly { dataId: object }[],
  ): object;
}

/** Whether an operation of TensorFlow gives its first input's buffer: under another shape, or because nothing is to be done. */
function shares(...[op, attributes, inputs]: Parameters<Executor['executeSingleOutput']>): boolean {
  if (op === 'AddN' || op === 'Pack') return inputs.length === 1;
  if (op !== 'Cast') return op === 'Reshape' || op === 'ExpandDims';
  const type = (of: string): unknown => attributes.find(({ name }) => name === of)?.value;
  return type('SrcT') === type('DstT');
}

/**
 * TensorFlow's buffers may have several entries in the table of its binding, one for each shape.
 * @returns  `now`: whose buffer the result of the operation that is running has, if not one of its own
 */
function watchSharing(kernels: object): { now(): object | undefined; stop(): void } {
  const executor = kernels as Executor;
  const execute = executor.executeSingleOutput.bind(executor);
  let source: object | undefined;
  const stop = replacing(executor, {
    executeSingleOutput(op, attributes, inputs) {
      // Its inputs have entries already: only the result gets one meanwhile.
      source = shares(op, attributes, inputs) ? inputs[0].dataId : undefined;
      try {
        return execute(op, attributes, inputs);
      } finally {
        source = undefined;
      }
    },
  });
  return { now: () => source, stop };
}
