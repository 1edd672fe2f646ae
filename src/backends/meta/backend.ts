// A backend without numbers: tensors have a shape, a type, and whoever shares them. What runs on it runs as on a real
// backend, operation by operation, tape and gradients as well, in next to no time and memory.
import type { TensorInfo } from '@tensorflow/tfjs';
import { InputError } from '../../base/errors';
import type { BackendName } from '../backend';
import { now, originOf } from '../capture/origin';
import { tf } from '../tf';
import { decidedByValues, resultOf, shapedKernels } from './shapes';
import { sharedInput } from './sharing';
import type { Info } from './rule';

export const metaName = 'meta';

/** The part of TensorFlow.js's engine that this leans on (4.22): which backend a tensor belongs to. */
interface Engine {
  state: { tensorInfo: WeakMap<object, { backend: tf.KernelBackend }> };
}

export class MetaBackend extends tf.KernelBackend {
  /** Of each live buffer, how many tensors share it. */
  private readonly shares = new Map<object, number>();
  /** The first read of numbers, which a caller of `data()` may not have waited for. */
  refusal: InputError | undefined;

  /** @param like  the backend whose way of sharing buffers it has */
  constructor(readonly like: BackendName) {
    super();
  }

  /** A new buffer under a tensor. */
  blank({ shape, dtype }: Info): TensorInfo {
    return { dataId: this.write(), shape: [...shape], dtype };
  }

  /** The same buffer under another shape or type. Tensors of other backends stay where they are. */
  share({ dataId }: TensorInfo, { shape, dtype }: Info): TensorInfo {
    this.incRef(dataId);
    return { dataId, shape: [...shape], dtype };
  }

  override write(): object {
    const dataId = {};
    this.shares.set(dataId, 1);
    return dataId;
  }

  override incRef(dataId: object): void {
    const shares = this.shares.get(dataId);
    if (shares !== undefined) this.shares.set(dataId, shares + 1);
    else (tf.engine() as unknown as Engine).state.tensorInfo.get(dataId)!.backend.incRef(dataId);
  }

  override refCount(dataId: object): number {
    return this.shares.get(dataId) ?? 0;
  }

  override disposeData(dataId: object, force = false): boolean {
    const shares = (this.shares.get(dataId) ?? 1) - 1;
    if (shares > 0 && !force) {
      this.shares.set(dataId, shares);
      return false;
    }
    this.shares.delete(dataId);
    return true;
  }

  override numDataIds(): number {
    return this.shares.size;
  }

  override readSync(): never {
    throw this.refuse('dataSync() or arraySync()');
  }

  override read(): Promise<never> {
    this.refuse('data() or array()');
    // A step does not wait for it; the dry run throws the refusal when the step is over.
    return new Promise(() => undefined);
  }

  private refuse(how: string): InputError {
    const error = new InputError({
      what: 'cannot read a tensor in a dry run',
      given: `${how} at ${originOf(now())}`,
      expected: 'a computation that looks at shapes alone',
      fix: 'compute with the tensor instead of its numbers, or read them before or after the step',
    });
    this.refusal ??= error;
    return error;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: false };
  }
  override floatPrecision(): 16 | 32 {
    return 32;
  }
  override epsilon(): number {
    return 1e-7;
  }
  override timerAvailable(): boolean {
    return false;
  }
  override dispose(): void {
    this.shares.clear();
  }
}

const runOn =
  (kernelName: string): tf.KernelFunc =>
  (call) => {
    const inputs = call.inputs as Record<string, TensorInfo>;
    const attrs = call.attrs ?? {};
    const backend = call.backend as MetaBackend;
    const result = resultOf(kernelName, { inputs, attrs });
    if (Array.isArray(result)) return result.map((info) => backend.blank(info));
    const shared = sharedInput(backend.like, kernelName, inputs, attrs);
    return shared ? backend.share(shared, result) : backend.blank(result);
  };

/** Make it the current backend. @returns takes it away again, with its kernels; the backend before is the current one then */
export function enterMeta(like: BackendName): { backend: MetaBackend; leave: () => void } {
  const before = tf.getBackend() as string | undefined;
  const backend = new MetaBackend(like);
  // Kernels that have no rule say so by name, in place of TensorFlow.js's `not registered`.
  const known = ['cpu', like].flatMap((name) => tf.getKernelsForBackend(name)).map((k) => k.kernelName);
  const kernels = new Set([...shapedKernels, ...Object.keys(decidedByValues), ...known]);
  for (const kernelName of kernels)
    tf.registerKernel({ kernelName, backendName: metaName, kernelFunc: runOn(kernelName) });
  tf.registerBackend(metaName, () => backend, 0);
  // At once for a backend that is open, as both are.
  void tf.setBackend(metaName);
  return {
    backend,
    leave() {
      if (before) void tf.setBackend(before);
      tf.removeBackend(metaName);
      for (const kernelName of kernels) tf.unregisterKernel(kernelName, metaName);
    },
  };
}
