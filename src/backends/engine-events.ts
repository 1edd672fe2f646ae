// What TensorFlow.js's engine does with memory and kernels, told to whoever listens: the ledger and the count of FLOPs.
import type { DataType, NamedAttrMap, NamedTensorMap, Tensor } from '@tensorflow/tfjs';
import type { Phase } from './ledger';
import { currentScope, keepScopes, within } from './scope';
import { tf } from './tf';

/** A buffer that the engine came to know: a kernel's result, or numbers that code gave. Aliases are no new buffer. */
export interface Made {
  dataId: object;
  shape: readonly number[];
  dtype: DataType;
  /** As TensorFlow.js counts them: 4 for each element, 1 for a bool. */
  bytes: number;
  /** The outermost kernel that is running; `host` outside all. */
  op: string;
  scope: string;
  phase: Phase;
  /** A number for each run of an outermost kernel; null outside. What is freed in the call it was made in, is the kernel's own. */
  call: number | null;
}

/** A kernel that ran to its end and was not called by another kernel. */
export interface KernelCall {
  name: string;
  inputs: NamedTensorMap;
  attrs: NamedAttrMap;
  outputs: Tensor[];
  scope: string;
  phase: Phase;
}

export interface EngineListener {
  made?(made: Made): void;
  freed?(dataId: object, call: number | null): void;
  kernel?(call: KernelCall): void;
  /** A backward pass begins: what is alive now was kept for it. */
  backward?(): void;
}

/** The parts of TensorFlow.js's engine that this leans on (4.22; some are private there, so a test watches them). */
interface Engine {
  state: {
    tensorInfo: WeakMap<object, { bytes: number }>;
    activeTape: { gradient?: (dys: unknown) => Record<string, () => unknown> }[];
  };
  runKernelFunc(call: {
    kernelName?: string;
    inputs: NamedTensorMap;
    attrs?: NamedAttrMap;
  }): Tensor | Tensor[];
  trackTensor(tensor: Tensor, backend: unknown): void;
  removeDataId(dataId: object, backend: unknown): void;
  saveTensorsForBackwardMode(tensors: Tensor[]): Tensor[];
  addTapeNode(...given: unknown[]): void;
  gradients(...given: unknown[]): unknown;
  startScope(name?: string): void;
}

interface Events {
  listeners: Set<EngineListener>;
  /** The outermost kernel that is running. */
  kernel: { name: string; call: number } | null;
  phase: Phase;
  /** Calls of `gradients` whose backward pass has not begun. */
  beforeBackward: number;
}

/** Kept with the engine: a module that is loaded again finds the hooks in place. */
const key = Symbol.for('cost-of-consistency/engine-events');

/** The value of a field during a call. */
function during<T, K extends keyof Events>(events: Events, field: K, value: Events[K], f: () => T): T {
  const before = events[field];
  events[field] = value;
  try {
    return f();
  } finally {
    events[field] = before;
  }
}

function install(engine: Engine): Events {
  const events: Events = {
    listeners: new Set(),
    kernel: null,
    phase: 'forward',
    beforeBackward: 0,
  };
  const silent = (): boolean => events.listeners.size === 0;

  let calls = 0;
  const runKernelFunc = engine.runKernelFunc.bind(engine);
  engine.runKernelFunc = (call) => {
    const { kernelName: name, inputs, attrs = {} } = call;
    // The forward function of a custom gradient is no kernel; what it calls is.
    if (silent() || name === undefined || events.kernel !== null) return runKernelFunc(call);
    const result = during(events, 'kernel', { name, call: ++calls }, () => runKernelFunc(call));
    const outputs = Array.isArray(result) ? result : [result];
    const { phase } = events;
    const scope = currentScope();
    for (const listener of events.listeners)
      listener.kernel?.({ name, inputs, attrs, outputs, scope, phase });
    return result;
  };

  // What is kept for the backward pass is copied while its kernel still runs, but is not the kernel's own.
  const save = engine.saveTensorsForBackwardMode.bind(engine);
  engine.saveTensorsForBackwardMode = (tensors) => {
    if (events.kernel === null) return save(tensors);
    return during(events, 'kernel', null, () => save(tensors));
  };

  const trackTensor = engine.trackTensor.bind(engine);
  engine.trackTensor = (tensor, backend) => {
    const known = silent() || engine.state.tensorInfo.has(tensor.dataId);
    trackTensor(tensor, backend);
    if (known) return;
    const { dataId, shape, dtype } = tensor;
    const { bytes } = engine.state.tensorInfo.get(dataId)!;
    const { kernel, phase } = events;
    const scope = currentScope();
    const op = kernel?.name ?? 'host';
    const call = kernel?.call ?? null;
    for (const listener of events.listeners)
      listener.made?.({ dataId, shape, dtype, bytes, op, scope, phase, call });
  };

  const removeDataId = engine.removeDataId.bind(engine);
  engine.removeDataId = (dataId, backend) => {
    const known = !silent() && engine.state.tensorInfo.has(dataId);
    removeDataId(dataId, backend);
    if (!known || engine.state.tensorInfo.has(dataId)) return;
    for (const listener of events.listeners) listener.freed?.(dataId, events.kernel?.call ?? null);
  };

  const gradients = engine.gradients.bind(engine);
  engine.gradients = (...given) => {
    if (silent()) return gradients(...given);
    const waiting = events.beforeBackward;
    try {
      return during(events, 'phase', 'forward', () => {
        events.beforeBackward = waiting + 1;
        return gradients(...given);
      });
    } finally {
      events.beforeBackward = waiting;
    }
  };
  const startScope = engine.startScope.bind(engine);
  engine.startScope = (name) => {
    startScope(name);
    if (silent() || name !== 'backward' || events.beforeBackward === 0) return;
    events.beforeBackward--;
    events.phase = 'backward';
    for (const listener of events.listeners) listener.backward?.();
  };

  // What a gradient makes belongs to the part of the model whose gradient it is.
  const addTapeNode = engine.addTapeNode.bind(engine);
  engine.addTapeNode = (...given) => {
    addTapeNode(...given);
    const node = engine.state.activeTape.at(-1)!;
    const { gradient } = node;
    const path = currentScope();
    if (silent() || !gradient) return;
    node.gradient = (dys) =>
      Object.fromEntries(
        Object.entries(within(path, () => gradient(dys))).map(([name, of]) => [name, () => within(path, of)]),
      );
  };
  return events;
}

function eventsOf(): Events {
  const host = tf.engine() as unknown as Engine & { [key]?: Events };
  return (host[key] ??= install(host));
}

/** Hear of the engine's doings from now on. @returns ends it */
export function watchEngine(listener: EngineListener): () => void {
  const { listeners } = eventsOf();
  const stopScopes = keepScopes();
  listeners.add(listener);
  return () => {
    if (listeners.delete(listener)) stopScopes();
  };
}

/** What is being computed: for who makes events of their own. */
export function whereabouts(): Pick<Made, 'op' | 'scope' | 'phase' | 'call'> {
  const { kernel, phase } = eventsOf();
  return { op: kernel?.name ?? 'host', scope: currentScope(), phase, call: kernel?.call ?? null };
}

/** Call a function in a phase that the engine does not know of. */
export function inPhase<T>(phase: Phase, f: () => T): T {
  return during(eventsOf(), 'phase', phase, f);
}
