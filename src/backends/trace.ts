// Which kernels run and which gradients are taken, by name: what the proof must hold is what was seen to run.
import { nodeModules } from './node-modules';

/** One thing that ran to its end on a backend. What threw gave no numbers and is not here. */
export interface Ran {
  /** TensorFlow.js's name of the backend. */
  backend: string;
  kind: 'kernel' | 'gradient';
  /**
   * A kernel's name: `Conv3D`. A gradient's with the input it was taken by: `Conv3D by filter`; a list of inputs counts
   * as one (`Concat`). A custom gradient goes by the scope it was made in: `custom softmaxCrossEntropy`.
   */
  name: string;
}

type Listener = (ran: Ran) => void;
type Gradients = Record<string, () => unknown>;

/** The parts of TensorFlow.js's engine that this leans on (4.22; some are private there, so a test watches them). */
interface Engine {
  readonly backendName: string;
  state: { activeTape: { gradient?: (dys: unknown) => Gradients }[]; activeScope: { name: string } | null };
  runKernelFunc(call: { kernelName?: string }): unknown;
  addTapeNode(name: string, ...rest: unknown[]): void;
}

/** The listeners are kept with the engine: a module that is loaded again (an edited one in a notebook) finds them. */
const listenersKey = Symbol.for('cost-of-consistency/kernels');
const traceKey = Symbol.for('cost-of-consistency/kernel-trace');

/**
 * Hear of every kernel and gradient from now on. A kernel that another kernel calls is a part of that one and is not
 * heard of: a backend's choice of parts says nothing about those parts by themselves. The forward function of a custom
 * gradient is no kernel; what it calls is heard of.
 * @param engine  `tf.engine()`
 * @returns ends it
 */
export function watchKernels(engine: object, listener: Listener): () => void {
  const host = engine as Engine & { [listenersKey]?: Set<Listener> };
  const listeners = (host[listenersKey] ??= install(host));
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

function install(engine: Engine): Set<Listener> {
  const listeners = new Set<Listener>();
  const tell = (kind: Ran['kind'], name: string): void => {
    for (const listener of listeners) listener({ backend: engine.backendName, kind, name });
  };
  const runKernelFunc = engine.runKernelFunc.bind(engine);
  let insideKernel = 0;
  engine.runKernelFunc = (call) => {
    if (call.kernelName === undefined) return runKernelFunc(call);
    insideKernel++;
    let out;
    try {
      out = runKernelFunc(call);
    } finally {
      insideKernel--;
    }
    if (insideKernel === 0) tell('kernel', call.kernelName);
    return out;
  };
  const addTapeNode = engine.addTapeNode.bind(engine);
  engine.addTapeNode = (name, ...rest) => {
    addTapeNode(name, ...rest);
    const node = engine.state.activeTape.at(-1)!;
    const { gradient } = node;
    if (!gradient) return;
    // A custom gradient brings its own function and has no kernel's name.
    const custom = rest[2] !== null && rest[2] !== undefined;
    const what = custom ? `custom ${name.replace(/__op$/, '')}` : name;
    node.gradient = (dys) =>
      Object.fromEntries(
        Object.entries(gradient(dys)).map(([input, of]) => [
          input,
          (): unknown => {
            const dx = of();
            tell('gradient', /^\d+$/.test(input) ? what : `${what} by ${input}`);
            return dx;
          },
        ]),
      );
  };
  return listeners;
}

/**
 * With `COC_TRACE_KERNELS=FOLDER`: note in a file of this process in that folder whatever runs from now on, each name
 * once, on the disk before the next kernel runs (so that a process may end in any way). Without it: nothing, at no cost.
 * The first line says which process it was, each further one `BACKEND kernel|gradient NAME`.
 */
export function traceProcess(engine: object): void {
  const modules = nodeModules();
  const folder = modules && process.env.COC_TRACE_KERNELS;
  const host = engine as { [traceKey]?: boolean };
  if (!folder || host[traceKey]) return;
  host[traceKey] = true;
  const { appendFileSync, mkdirSync } = modules('node:fs');
  const { randomBytes } = modules('node:crypto');
  const path = modules('node:path');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${process.pid}-${randomBytes(4).toString('hex')}.txt`);
  // Jupyter's servers, and this project's runner, tell a kernel its notebook by this name.
  const who = process.env.JPY_SESSION_NAME ?? process.argv.slice(1).join(' ');
  appendFileSync(file, `# ${who.replaceAll('\n', ' ')}\n`);
  const seen = new Set<string>();
  watchKernels(engine, ({ backend, kind, name }) => {
    // What runs on shapes gives no numbers.
    if (backend === 'meta') return;
    const line = `${backend} ${kind} ${name}\n`;
    if (seen.has(line)) return;
    seen.add(line);
    appendFileSync(file, line);
  });
}
