// The WebAssembly module of TensorFlow.js, loaded by ourselves, and the backend over it.
//
// TensorFlow.js's own loader leaves no way to reach what must be mended here:
// - Emscripten's runtime adds handlers of unhandledRejection and uncaughtException that end the process, and its dispose
//   removes everyone's. Ours takes away exactly those that were added, and a dispose that touches none.
// - malloc returns 0 when the heap is full, and kernels then write over its first bytes. Worse, near 4 GiB its sums of
//   address and size wrap round, and it gives out memory that is in use. So the heap ends at 3.5 GiB here, nothing is asked
//   for that could wrap, and 0 is an error.
// - A kernel that XNNPACK refuses prints a line and leaves its output as it was. The lines are collected (`takeWarnings`).
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { BackendWasm, version_wasm } from '@tensorflow/tfjs-backend-wasm';
import load from '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm.js';
import { InputError } from '../../base/errors';
import { tf } from '../tf';
import { productOver, type Memory, type Multiply } from './product';
import { rowwiseOver } from './rowwise';

/** What Emscripten's module has that we use. */
interface Emscripten {
  asm: { memory: Memory; malloc: (bytes: number) => number; dispose: () => void };
  _malloc: (bytes: number) => number;
  _dispose: () => void;
  cwrap(name: string, result: string | null, parameters: string[]): (...values: unknown[]) => number;
  tfjs: BackendWasm['wasm']['tfjs'];
}

/** Bytes at which the heap ends: far enough from 4 GiB that a large tensor's end can be written in 32 bits. */
const heapLimit = 3.5 * 2 ** 30;

interface Imports {
  env: { emscripten_resize_heap: (bytes: number) => boolean };
}
interface Engine {
  Module: new (code: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: object };
}

const strays = ['unhandledRejection', 'uncaughtException'] as const;
type Data = ReturnType<BackendWasm['dataIdMap']['get']>;

/** TensorFlow.js's wasm backend that counts its bytes, and fails where it has none left. */
export class WasmBackend extends BackendWasm {
  readonly multiply: Multiply;
  /** Layer norm and GELU; they allocate nothing. */
  readonly rowwise: ReturnType<typeof rowwiseOver>;
  /** Bytes of live buffers: every tensor's data once, however many tensors share it. */
  liveBytes = 0;
  /** The number of the newest data. */
  newest = 0;
  private readonly live = new Set<object>();
  private readonly heap: Memory;

  constructor(
    module: Emscripten,
    private readonly warnings: string[],
  ) {
    super(module);
    this.heap = module.asm.memory;
    this.multiply = productOver(module.asm.memory, (bytes) => module._malloc(bytes));
    this.rowwise = rowwiseOver(module.asm.memory, (bytes) => module._malloc(bytes));
  }

  /** Lines that kernels printed since the last call: each says that a result is not what was asked for. */
  takeWarnings(): string[] {
    return this.warnings.splice(0);
  }

  /** The heap. It moves when it grows: ask again after every allocation. */
  get bytes(): Uint8Array {
    return new Uint8Array(this.heap.buffer);
  }

  /** The first byte of a tensor's data in the heap. */
  address(x: { dataId: object }): number {
    return this.dataIdMap.get(x.dataId).memoryOffset;
  }

  /** Free what was made after `newest` was read and belongs to no tensor: a failed kernel's leavings. */
  sweep(newest: number): void {
    const { tensorInfo } = (tf.engine() as unknown as { state: { tensorInfo: WeakMap<object, unknown> } })
      .state;
    for (const id of [...this.live])
      if (this.dataIdMap.get(id).id > newest && !tensorInfo.has(id)) this.disposeData(id, true);
  }

  override move(...[dataId, values, shape, dtype, count]: Parameters<BackendWasm['move']>): void {
    super.move(dataId, values, shape, dtype, count);
    this.count(dataId);
  }

  override makeOutput(
    ...[shape, dtype, at, values]: Parameters<BackendWasm['makeOutput']>
  ): ReturnType<BackendWasm['makeOutput']> {
    const out = super.makeOutput(shape, dtype, at, values);
    this.count(out.dataId);
    return out;
  }

  override disposeData(dataId: object, force = false): boolean {
    const data = this.dataIdMap.get(dataId) as Data | undefined;
    const gone = super.disposeData(dataId, force);
    if (gone && this.live.delete(dataId)) this.liveBytes -= bytesOf(data!);
    return gone;
  }

  private count(dataId: object): void {
    if (this.live.has(dataId)) return;
    const data = this.dataIdMap.get(dataId);
    this.live.add(dataId);
    this.newest = data.id;
    this.liveBytes += bytesOf(data);
  }
}

function bytesOf({ shape, dtype }: Data): number {
  return dtype === 'string' ? 0 : tf.util.sizeFromShape(shape) * tf.util.bytesPerElement(dtype);
}

/**
 * Load the module and make a backend over it.
 * @throws InputError when this processor or Node has no SIMD in WebAssembly, or the file cannot be read
 */
export async function loadModule(): Promise<{ backend: WasmBackend; version: string }> {
  if (!(await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')))
    throw new InputError({
      what: 'cannot open the backend wasm',
      given: `Node ${process.versions.node} on ${process.arch} without SIMD in WebAssembly`,
      expected: 'WebAssembly with SIMD (every Node from 20.19 on, on x64 and arm64)',
      fix: 'choose another: COC_BACKEND=cpu',
    });
  const folder = path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'));
  const warnings: string[] = [];
  const before = strays.map((event) => process.rawListeners(event));
  const loading = (load as unknown as (options: object) => Promise<Emscripten>)({
    instantiateWasm: (imports: Imports, done: (instance: object) => void) => {
      const resize = imports.env.emscripten_resize_heap;
      imports.env.emscripten_resize_heap = (bytes) => bytes >>> 0 <= heapLimit && resize(bytes);
      const file = readFileSync(path.join(folder, 'wasm-out', 'tfjs-backend-wasm-simd.wasm'));
      const { Module, Instance } = (globalThis as unknown as { WebAssembly: Engine }).WebAssembly;
      const instance = new Instance(new Module(file), imports);
      done(instance);
      return instance.exports;
    },
    printErr: (line: string) => void (line.trim() && warnings.push(line.trim())),
  });
  strays.forEach((event, i) => {
    for (const listener of process.rawListeners(event))
      if (!before[i].includes(listener)) process.removeListener(event, listener as () => void);
  });
  const module = await loading;
  module._dispose = () => module.asm.dispose();
  // Not module._malloc: at its first call it puts itself back.
  const { malloc } = module.asm;
  module._malloc = (bytes) => {
    const safe = module.asm.memory.buffer.byteLength + bytes < 2 ** 32;
    const at = safe ? malloc(bytes) >>> 0 : 0;
    if (at === 0 && bytes > 0) throw outOfMemory(bytes);
    return at;
  };
  // TensorFlow.js's names for the module's own functions, as its loader gives them.
  const call = (name: string, parameters: number, result: string | null = null) =>
    module.cwrap(name, result, new Array<string>(parameters).fill('number'));
  module.tfjs = {
    init: call('init', 0),
    initWithThreadsCount: call('init_with_threads_count', 1),
    getThreadsCount: call('get_threads_count', 0, 'number'),
    registerTensor: call('register_tensor', 3),
    disposeData: call('dispose_data', 1),
    dispose: call('dispose', 0),
  };
  return { backend: new WasmBackend(module, warnings), version: version_wasm };
}

/** The error of a full heap. */
function outOfMemory(bytes: number): Error {
  return new Error(
    `out of memory: wasm has no ${(bytes / 2 ** 20).toFixed(1)} MiB left in one piece (its heap ends at 3.5 GiB); use tensorflow or webgpu, or a smaller batch or image`,
  );
}
