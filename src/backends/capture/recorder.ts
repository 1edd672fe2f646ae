// Records what a function asks of TensorFlow. tfjs-node hands every operation to its binding, in TensorFlow's own names:
// while a function is recorded, a stand-in for the binding writes them down as nodes of a graph.
import { replacing } from '../../base/replacing';
import { tf } from '../tf';
import { attributeOf } from './attributes';
import {
  type Binding,
  type BindingAttribute,
  type KernelInput,
  type NodeBackend,
  nodeBackend,
  type OutputInfo,
  typeName,
  typeNumber,
  type Values,
} from './binding';
import { constantOf } from './constants';
import { now, type Moment } from './origin';
import type { GraphNode, GraphSlot } from './graph';
import { type CaptureRefusal, refuseCapture } from './refusal';
import type { Specs, TensorSpec } from './specs';
import { refusedOperations } from './refused-operations';
import { freeingSaved } from '../saved-tensors';

/** One node of a recording: with what it gives, and where it came from. */
export interface RecordedNode extends GraphNode {
  results: readonly { shape: readonly number[]; dtype: number }[];
  moment: Moment;
}

/** A kernel that runs. */
export interface KernelCall {
  kernelName: string;
  inputs: Record<string, tf.Tensor | undefined>;
  attrs?: object;
}

/** What an operation gives. Real execution computes it; other makers know the shapes alone and give ids below -1. */
export interface Maker {
  /** Whether numbers are computed. */
  computes: boolean;
  execute(call: {
    op: string;
    attributes: BindingAttribute[];
    ids: number[];
    outputs: number;
    node: Omit<RecordedNode, 'results'>;
    /** The position of the node among all. */
    index: number;
    /** The kernel of TensorFlow.js that asks for it, the innermost. */
    kernel: KernelCall | undefined;
    /** The constant that an input is; undefined where it is none. */
    constantAt: (source: string | undefined) => Constant | undefined;
  }): OutputInfo[];
  constant(
    shape: readonly number[],
    dtype: number,
    values: Values,
    node: RecordedNode,
    index: number,
  ): number;
}

/** What a recorded function is given and gives back: tensors by the names of slots. */
export type RecordedFunction = (slots: Record<string, tf.Tensor>) => {
  outputs: Record<string, tf.Tensor>;
  updates: Record<string, tf.Tensor>;
};

/** One recording. */
export interface Recording {
  nodes: readonly RecordedNode[];
  outputs: Readonly<Record<string, string>>;
  updates: Readonly<Record<string, string>>;
}

type Constant = NonNullable<ReturnType<typeof constantOf>>;

interface Engine {
  runKernelFunc(call: Partial<KernelCall>): unknown;
  trackTensor(tensor: tf.Tensor, backend: unknown): void;
}

/** Records one function call; used once. */
export class Recorder {
  private readonly nodes: RecordedNode[] = [];
  /** Where each tensor of the binding comes from: `node:output`. */
  private readonly sources = new Map<number, string>();
  private readonly types = new Map<number, number>();
  /** Values made on the host inside the function: when, and the tensor of the binding once there is one. */
  private readonly inside = new WeakMap<object, { moment: Moment; values: Values | null; id?: number }>();
  private readonly made: tf.Tensor[] = [];
  /** The kernels of TensorFlow.js that are running, the innermost last. */
  private readonly kernels: KernelCall[] = [];
  private readonly constants = new Map<string, Constant>();
  private readonly backend: NodeBackend = nodeBackend();
  private readonly binding: Binding = this.backend.binding;
  /** A refusal that could not be thrown where it arose: a promise would have swallowed it. */
  private pending?: CaptureRefusal;

  constructor(
    private readonly step: string,
    private readonly maker: Maker,
  ) {}

  /**
   * Run the function on stand-ins for its slots and write down what it asks for. Everything it makes is freed.
   * @param slots  shapes and types of what the function is given; tensors where the maker computes
   * @throws CaptureRefusal; and whatever the function throws
   */
  record(slots: Specs, f: RecordedFunction): Recording {
    const before = tf.memory().numTensors;
    const handles = Object.entries(slots).map(([name, spec]) => [name, this.handle(spec)] as const);
    const restore = this.install();
    try {
      const record = (): Recording => {
        const given = Object.fromEntries(
          handles.map(([name, handle]) => {
            this.from(handle.id, `${name}:0`, handle.dtype);
            return [name, this.backend.createOutputTensor(handle)];
          }),
        );
        const { outputs, updates } = f(given);
        if (this.pending) throw this.pending;
        const found = this.results(given, outputs, updates);
        tf.dispose([outputs, updates]);
        return found;
      };
      const recording = freeingSaved(() => tf.tidy(record as unknown as () => tf.TensorContainer));
      this.requireNothingKept(before);
      return recording as unknown as Recording;
    } catch (error) {
      tf.dispose(this.left());
      // What a swallowed refusal led to is not the reason.
      throw this.pending ?? error;
    } finally {
      restore();
    }
  }

  private refuse(given: string, fix: string, moment: Moment = now()): CaptureRefusal {
    return refuseCapture(this.step, given, { moment, fix });
  }

  /** Put the stand-ins in place; what is returned takes them out again. */
  private install(): () => void {
    const { backend, binding } = this;
    const engine = tf.engine() as unknown as Engine;
    const undo = [
      replacing(backend as NodeBackend & { recording?: boolean }, {
        binding: this.standIn(),
        recording: true,
        getInputTensorIds: (tensors: KernelInput[]) => tensors.map((tensor) => this.idOf(tensor)),
        write: this.write(backend.write.bind(backend)),
        readSync: (dataId: object) => this.hostRead(dataId),
        read: (dataId: object) => this.hostReadLater(dataId),
      }),
      replacing(engine, {
        runKernelFunc: this.runKernelFunc(engine.runKernelFunc.bind(engine)),
        trackTensor: this.trackTensor(engine.trackTensor.bind(engine)),
      }),
      replacing(tf.Variable.prototype, { assign: () => this.variableAssigned() }),
    ];
    return () => {
      for (const one of undo.reverse()) one();
      if (backend.binding !== binding) throw new Error('the binding was not put back');
    };
  }

  /** The binding's functions are read-only, so another object stands in for it. */
  private standIn(): Binding {
    const passed = new Set(['deleteTensor']);
    return new Proxy({} as Binding, {
      get: (_, name: string) => {
        const value = this.binding[name as keyof Binding] as unknown;
        if (name === 'executeOp') return this.executeOp.bind(this);
        if (typeof value !== 'function' || passed.has(name)) return value;
        return () => {
          throw this.refuse(`a call of \`${name}\` of TensorFlow's binding`, 'take it out of the step');
        };
      },
    });
  }

  /** A handle of its own for each slot: one tensor may be given under two names. */
  private handle(spec: TensorSpec): OutputInfo {
    const dtype = typeNumber(spec.dtype)!;
    if (!this.maker.computes) return { id: nextId(), shape: [...spec.shape], dtype };
    const attributes = [{ name: 'T', type: this.binding.TF_ATTR_TYPE, value: dtype }];
    const ids = this.backend.getInputTensorIds([spec as tf.Tensor]);
    return this.binding.executeOp('Identity', attributes, ids, 1)[0];
  }

  private executeOp(
    op: string,
    attributes: BindingAttribute[],
    ids: number[],
    outputs: number,
  ): OutputInfo[] {
    const moment = now();
    const refused = refusedOperations.get(op);
    if (refused) throw this.refuse(`${op}, ${refused.why}`, refused.fix, moment);
    const node = {
      name: this.nodeName(op),
      op,
      inputs: ids.map((id) => this.sourceOf(id, op, moment)),
      attributes: Object.fromEntries(
        this.completed(op, attributes, ids).map((attribute) => [
          attribute.name,
          this.attribute(op, attribute, moment),
        ]),
      ),
      moment,
    };
    const index = this.nodes.length;
    const kernel = this.kernels.at(-1);
    const constantAt = (source: string | undefined): Constant | undefined => this.constants.get(source ?? '');
    const results = this.maker.execute({ op, attributes, ids, outputs, node, index, kernel, constantAt });
    this.nodes.push({ ...node, results: results.map(({ shape, dtype }) => ({ shape, dtype })) });
    results.forEach(({ id, dtype }, k) => this.from(id, `${node.name}:${k}`, dtype));
    return results;
  }

  /** Run one by one, TensorFlow finds the type of an operation's input out for itself; in a graph it must be said. */
  private completed(op: string, attributes: BindingAttribute[], ids: number[]): BindingAttribute[] {
    if (op !== 'ExpandDims') return attributes;
    const types = ids.map((id) => this.types.get(id)!);
    return ['T', 'Tdim'].map((name, k) => ({ name, type: this.binding.TF_ATTR_TYPE, value: types[k] }));
  }

  private nodeName(op: string): string {
    return `${op.replace(/^_+/, '')}_${this.nodes.length}`;
  }

  private from(id: number, source: string, dtype: number): void {
    this.sources.set(id, source);
    this.types.set(id, dtype);
  }

  private sourceOf(id: number, op: string, moment: Moment): string {
    const source = this.sources.get(id);
    if (source !== undefined) return source;
    throw this.refuse(`an input of ${op} that did not come through the recorder`, outsideFix, moment);
  }

  private attribute(
    op: string,
    attribute: BindingAttribute,
    moment: Moment,
  ): GraphNode['attributes'][string] {
    const found = attributeOf(this.binding, attribute);
    if (found) return found;
    throw this.refuse(
      `${op} with an attribute \`${attribute.name}\` of an unknown kind (${attribute.type}, ${JSON.stringify(attribute.value)})`,
      'take the operation out of the step',
      moment,
    );
  }

  /** The binding's tensor of an operation's input: made here where the values come from the host. */
  private idOf(tensor: KernelInput): number {
    if ('valueArray' in tensor) return this.constant(tensor.valueArray, [], 9, now());
    const info = this.backend.tensorMap.get(tensor.dataId);
    const made = this.inside.get(tensor.dataId);
    if (made) {
      if (made.id !== undefined) return made.id;
      if (info.values !== null) {
        made.id = this.constant(info.values, info.shape, info.dtype, made.moment);
        // Tensors of the device are freed by their ids; values that go nowhere stay where they are.
        if (this.maker.computes) [info.id, info.values] = [made.id, null];
        return made.id;
      }
    }
    if (this.sources.has(info.id)) return info.id;
    throw this.refuse(
      `a tensor [${tensor.shape.join(', ')}] from outside that is neither input nor parameter`,
      outsideFix,
    );
  }

  private constant(values: Values, shape: readonly number[], dtype: number, moment: Moment): number {
    const value = constantOf(values, shape, dtype);
    if (!value)
      throw this.refuse(`a constant of type ${typeName(dtype)}`, 'compute it outside, as numbers', moment);
    const node: RecordedNode = {
      name: this.nodeName('Const'),
      op: 'Const',
      inputs: [],
      attributes: { dtype: { kind: 'type', value: value.dtype }, value },
      results: [{ shape, dtype }],
      moment,
    };
    const id = this.maker.constant(shape, dtype, values, node, this.nodes.length);
    this.nodes.push(node);
    const source = `${node.name}:0`;
    this.from(id, source, dtype);
    this.constants.set(source, value);
    return id;
  }

  private write(write: NodeBackend['write']): NodeBackend['write'] {
    return (values, shape, dtype) => {
      const dataId = write(values, shape, dtype);
      this.inside.set(dataId, { moment: now(), values });
      return dataId;
    };
  }

  /** Values that were made inside are known to the host; anything else has no value while it is recorded. */
  private hostRead(dataId: object): Values {
    const values = this.inside.get(dataId)?.values;
    if (values) return values;
    throw this.refuse('a tensor read by the host (dataSync, arraySync, print)', readFix);
  }

  private hostReadLater(dataId: object): Promise<unknown> {
    const values = this.inside.get(dataId)?.values;
    if (values) return Promise.resolve(values);
    this.pending ??= this.refuse(
      'a tensor read by the host later (data, array; where and booleanMask by their values)',
      readFix,
    );
    // Whoever waits for it would only hide the refusal.
    return new Promise(() => undefined);
  }

  private variableAssigned(): never {
    throw this.refuse(
      'a variable that is assigned inside',
      'return its new value instead: parameters and the state of the optimiser are updated by the step',
    );
  }

  private runKernelFunc(run: Engine['runKernelFunc']): Engine['runKernelFunc'] {
    return (call) => {
      // The function of a custom gradient is no kernel.
      if (call.kernelName === undefined) return run(call);
      this.kernels.push(call as KernelCall);
      try {
        return run(call);
      } finally {
        this.kernels.pop();
      }
    };
  }

  private trackTensor(track: Engine['trackTensor']): Engine['trackTensor'] {
    return (tensor, backend) => {
      this.made.push(tensor);
      track(tensor, backend);
    };
  }

  private results(
    given: Record<string, tf.Tensor>,
    outputs: Record<string, tf.Tensor>,
    updates: Record<string, tf.Tensor>,
  ): Recording {
    const sources = (tensors: Record<string, tf.Tensor>): [string, string][] =>
      Object.entries(tensors).map(([name, tensor]) => [name, this.sources.get(this.idOf(tensor))!]);
    const untouched = (name: string, source: string): boolean => name in given && source === `${name}:0`;
    const found = {
      outputs: Object.fromEntries(sources(outputs)),
      updates: Object.fromEntries(sources(updates).filter(([name, source]) => !untouched(name, source))),
    };
    return { nodes: this.nodes, ...found };
  }

  /** What outlives the call would be there once, and never again when the graph runs. */
  private requireNothingKept(before: number): void {
    if (tf.memory().numTensors <= before) return;
    const left = this.made.filter((tensor) => !tensor.isDisposed);
    const [{ shape, dataId }] = left;
    const source = this.sources.get(this.backend.tensorMap.get(dataId).id);
    const node = this.nodes.find(({ name }) => source === `${name}:0`);
    const shown = `[${shape.join(', ')}]`;
    throw refuseCapture(
      this.step,
      left.length === 1
        ? `a tensor ${shown} that it keeps`
        : `${left.length} tensors that it keeps, the first ${shown}`,
      {
        moment: this.inside.get(dataId)?.moment ?? node?.moment,
        fix: 'return them, or compute them before and put them into the parameters',
      },
    );
  }

  /** Tensors that the function kept although nothing stands behind them; values made on the host stay good. */
  private left(): tf.Tensor[] {
    return this.made.filter((tensor) => !tensor.isDisposed && !this.inside.has(tensor.dataId));
  }
}

const outsideFix = 'give it as an input, or put it into `parameters` (`frozen` where it is not trained)';
const readFix = 'return the tensor, and read it after the step';

let lastId = -1;
/** An id that no tensor of the binding has, and that the backend never asks the binding to delete. */
export const nextId = (): number => --lastId;

/** A slot of the graph. */
export const slotOf = (name: string, { shape, dtype }: TensorSpec): GraphSlot => ({
  name,
  shape: [...shape],
  dtype: typeNumber(dtype)!,
});
