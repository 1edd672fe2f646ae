// A function that is recorded when it first sees inputs of some shapes, and replayed as a graph from then on.
import { tf } from '../tf';
import { scalarTensors, type Tensors, type TensorTree } from '../training-step';
import { prefixed } from '../tree';
import type { RecordedFunction } from './recorder';
import { record, type Recordable, type Recorded, type RecordedBy } from './record';
import type { CaptureProvenance } from './provenance';
import { type CompilerChoice, openChosen } from './compiler';
import type { Compiler, Session } from './session';
import { bareSpecs, bareTree, signatureOf, type Specs, specsOf, type SpecTree, treeOf } from './specs';

/** What is replayed. */
export interface Replayable {
  name: string;
  /** What lives in the session, with values to begin with: the caller's to free. */
  variables: Tensors;
  /** Fed at every run, with their values where a run does not say others. */
  scalars: Readonly<Record<string, number>>;
  /** The function, given the inputs in the form they were given in, and everything else by name. */
  compute(inputs: TensorTree, slots: Tensors): ReturnType<RecordedFunction>;
}

export interface ReplayOptions {
  compiler: Compiler | 'auto';
  recordBy?: RecordedBy;
}

/** Runs after which the function is recorded once more, to see that it is still the same: 1, 16, 256, ... */
const recheckedAfter = (runs: number): boolean => runs > 0 && Number.isInteger(Math.log2(runs) / 4);

/** Graphs of one function, by the shapes of its inputs, over the same variables. */
export class Replay {
  private readonly specs: Specs;
  private readonly graphs = new Map<string, { recorded: Recorded; runs: number }>();
  private session?: Session;
  private choice?: CompilerChoice;
  private compileMs = 0;

  private constructor(
    private readonly replayable: Omit<Replayable, 'variables'>,
    variables: Tensors,
    private readonly options: ReplayOptions,
  ) {
    // Not the tensors: they are the caller's, and may be gone when the next shape comes.
    this.specs = bareSpecs(variables);
  }

  /** Record for inputs of these shapes and open a session. @throws CaptureRefusal; what the function and the session throw */
  static async open(replayable: Replayable, inputs: SpecTree, options: ReplayOptions): Promise<Replay> {
    const { variables, ...rest } = replayable;
    const replay = new Replay(rest, variables, options);
    await replay.take(inputs, specsOf(inputs, 'inputs'), variables);
    return replay;
  }

  /** @returns the outputs by name: the caller's to free */
  async run(inputs: TensorTree, scalars: Readonly<Record<string, number>>): Promise<Tensors> {
    const specs = specsOf(inputs, 'inputs');
    const signature = signatureOf(specs);
    const fed = scalarTensors(this.replayable.name, this.replayable.scalars, scalars);
    try {
      if (!this.graphs.has(signature)) await this.take(inputs, specs);
      const graph = this.graphs.get(signature)!;
      if (recheckedAfter(graph.runs)) graph.recorded.recheck();
      const outputs = this.session!.run({ ...(specs as Tensors), ...prefixed('scalars', fed) });
      graph.runs++;
      return outputs;
    } finally {
      tf.dispose(fed);
    }
  }

  /** Variables by name: the caller's to free. */
  read(names?: readonly string[]): Tensors {
    return this.session!.read(names);
  }

  write(values: Tensors): void {
    this.session!.write(values);
  }

  dispose(): void {
    this.session!.dispose();
  }

  get provenance(): CaptureProvenance {
    const recorded = [...this.graphs.values()].map((graph) => graph.recorded);
    const { recordedBy, why } = recorded.at(-1)!;
    return {
      runs: 'captured',
      refusal: null,
      recordedBy,
      why,
      compiler: this.choice!,
      shapes: [...this.graphs.keys()],
      nodes: recorded.reduce((sum, { step }) => sum + step.nodes.length, 0),
      recordMs: recorded.reduce((sum, { recordMs }) => sum + recordMs, 0),
      compileMs: this.compileMs,
    };
  }

  private async take(inputs: SpecTree, specs: Specs, initial?: Tensors): Promise<void> {
    const { name } = this.replayable;
    const recorded = await record(recordableOf(this.replayable, this.specs, inputs), this.options.recordBy);
    const started = performance.now();
    if (this.session) this.session.add(recorded.step);
    else
      ({ session: this.session, choice: this.choice } = openChosen(recorded.step, initial!, {
        name,
        compiler: this.options.compiler,
      }));
    this.compileMs += performance.now() - started;
    this.graphs.set(signatureOf(specs), { recorded, runs: 0 });
  }
}

/** What is recorded for inputs of these shapes. */
export function recordableOf(
  { name, scalars, compute }: Omit<Replayable, 'variables'>,
  variables: Specs,
  inputs: SpecTree,
): Recordable {
  const form = bareTree(inputs);
  const scalar = { shape: [], dtype: 'float32' as const };
  const scalarSpecs = Object.fromEntries(Object.keys(scalars).map((key) => [`scalars/${key}`, scalar]));
  return {
    name,
    inputs: { ...specsOf(inputs, 'inputs'), ...scalarSpecs },
    variables,
    compute: (slots) => compute(treeOf(form, slots, 'inputs'), slots),
  };
}
