// Which compiler a captured step gets: the one that was asked for, or the one that is found to be faster.
import { messageOf } from '../../base/errors';
import { tf } from '../tf';
import type { Tensors } from '../training-step';
import type { GraphSlot, RecordedStep } from './graph';
import type { Compiler, Session } from './session';
import { openSession } from './session';

/** Milliseconds of a compiler on one step. */
export interface Timed {
  /** Of the first run: optimising the graph, or compiling it. */
  firstMs: number;
  /** The least of a further run. */
  stepMs: number;
}

/** What a step is computed by, and why: part of its provenance. */
export interface CompilerChoice {
  compiler: Compiler;
  asked: Compiler | 'auto';
  why: string;
  /** Null where nothing was timed. */
  graph: Timed | null;
  xla: Timed | null;
}

export interface ChosenOptions {
  compiler: Compiler | 'auto';
  /** In words, for errors. */
  name?: string;
  /** What `auto` times the step with; floats between 1/4 and 1, and zeros of other types, unless given. */
  feeds?: Tensors;
  /** How many steps are to come: `auto` takes XLA where its compile time is repaid within them. */
  steps?: number;
}

/** Runs of each compiler that are timed, turn by turn, so that what else the machine does meets both. */
const timedRuns = 5;
const usualSteps = 1000;
/** How far the outputs of the two may be apart. */
const agreed = 1e-5;

/**
 * Open a session by a compiler's name, or by `auto`:
 * 1. a step with a 3-D convolution is computed as a graph: XLA's on processors is about ten times slower;
 * 2. so is one that XLA cannot compile;
 * 3. else both compute a few steps. XLA is taken where the outputs of the first agree to 1e-5 (it adds up long sums one after
 *    another: a mean over a million numbers was found 5e-4 off), it is faster, and its compile time is repaid in `steps` steps.
 *
 * What was timed leaves no trace: the session begins with `initial`.
 * @throws as `openSession`; Error with TensorFlow's message when the step cannot be run at all
 */
export function openChosen(
  recorded: RecordedStep,
  initial: Tensors,
  { compiler, name, feeds, steps = usualSteps }: ChosenOptions,
): { session: Session; choice: CompilerChoice } {
  const open = (by: Compiler): Session => openSession(recorded, initial, { name, compiler: by });
  const untimed = (by: Compiler, why: string): { session: Session; choice: CompilerChoice } => ({
    session: open(by),
    choice: { compiler: by, asked: compiler, why, graph: null, xla: null },
  });
  if (compiler !== 'auto') return untimed(compiler, 'asked for');
  const convolution = recorded.nodes.find((node) => node.op.startsWith('Conv3D'));
  if (convolution)
    return untimed('graph', `it has 3-D convolutions (${convolution.op}), which XLA has no fast ones for`);

  const opened: Partial<Record<Compiler, Session>> = {};
  const taken = (
    by: Compiler,
    why: string,
    timed: { graph: Timed | null; xla: Timed | null } = { graph: null, xla: null },
  ): { session: Session; choice: CompilerChoice } => ({
    session: keep(opened, by, initial),
    choice: { compiler: by, asked: compiler, why, ...timed },
  });
  const given =
    feeds ?? tf.tidy(() => Object.fromEntries(recorded.inputs.map((slot) => [slot.name, made(slot)])));
  try {
    opened.graph = open('graph');
    const first = { graph: run(opened.graph, given), xla: null as ReturnType<typeof run> | null };
    try {
      opened.xla = open('xla');
      first.xla = run(opened.xla, given);
    } catch (error) {
      tf.dispose(first.graph.outputs);
      return taken('graph', `XLA cannot compile it: ${messageOf(error)}`);
    }
    const difference = disagreement(first.graph.outputs, first.xla.outputs);
    tf.dispose([first.graph.outputs, first.xla.outputs]);
    if (difference > agreed)
      return taken('graph', `what XLA computes differs from the graph's by ${difference.toExponential(1)}`);
    const graph = { firstMs: first.graph.milliseconds, stepMs: Infinity };
    const xla = { firstMs: first.xla.milliseconds, stepMs: Infinity };
    for (let k = 0; k < timedRuns; k++) {
      graph.stepMs = Math.min(graph.stepMs, time(opened.graph, given));
      xla.stepMs = Math.min(xla.stepMs, time(opened.xla, given));
    }
    const decided = decide(graph, xla, steps);
    return taken(decided.compiler, decided.why, { graph, xla });
  } finally {
    opened.graph?.dispose();
    opened.xla?.dispose();
    if (!feeds) tf.dispose(given);
  }
}

/** The rule on times. */
export function decide(graph: Timed, xla: Timed, steps: number): { compiler: Compiler; why: string } {
  const said = `${xla.stepMs.toFixed(1)} ms a step by XLA, ${graph.stepMs.toFixed(1)} as a graph`;
  const gain = graph.stepMs - xla.stepMs;
  if (gain <= 0) return { compiler: 'graph', why: said };
  const repaid = Math.max(1, Math.ceil((xla.firstMs - graph.firstMs) / gain));
  const why = `${said}: compiling is repaid after ${repaid} of ${steps} steps`;
  return { compiler: repaid <= steps ? 'xla' : 'graph', why };
}

/** Take a session out of those that are going to be disposed of, with the values that it began with. */
function keep(opened: Partial<Record<Compiler, Session>>, compiler: Compiler, initial: Tensors): Session {
  const session = opened[compiler]!;
  session.write(initial);
  delete opened[compiler];
  return session;
}

function run(session: Session, feeds: Tensors): { milliseconds: number; outputs: Tensors } {
  const started = performance.now();
  const outputs = session.run(feeds);
  return { milliseconds: performance.now() - started, outputs };
}

function time(session: Session, feeds: Tensors): number {
  const { milliseconds, outputs } = run(session, feeds);
  tf.dispose(outputs);
  return milliseconds;
}

/** The largest difference of two runs' outputs, each relative to the output's largest value. */
export function disagreement(expected: Tensors, found: Tensors): number {
  const of = (name: string): number => {
    const [a, b] = [expected[name].dataSync<'float32'>(), found[name].dataSync<'float32'>()];
    const scale = a.reduce(
      (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
      0,
    );
    // Equal values, two that are no numbers among them, do not differ.
    const worst = a.reduce(
      (most, value, k) => (Object.is(value, b[k]) ? most : Math.max(most, Math.abs(value - b[k]))),
      0,
    );
    return worst === 0 ? 0 : Number.isNaN(worst) || scale === 0 ? Infinity : worst / scale;
  };
  return Math.max(0, ...Object.keys(expected).map(of));
}

/**
 * Something to compute with. Floats lie between 1/4 and 1, so that they have logarithms, and no two neighbours are equal: of
 * numbers that are all the same, a wrong mean or a wrong interpolation is right.
 */
function made({ shape, dtype }: GraphSlot): tf.Tensor {
  const types = { 1: 'float32', 3: 'int32', 9: 'int32', 10: 'bool' } as const;
  if (dtype !== 1) return tf.zeros([...shape], types[dtype]);
  const golden = (Math.sqrt(5) - 1) / 2;
  const values = Float32Array.from(
    { length: tf.util.sizeFromShape([...shape]) },
    (_, k) => 0.25 + 0.75 * ((k * golden) % 1),
  );
  return tf.tensor(values, [...shape]);
}
