// A study: a spec for each mode, the data it needs, what it takes, and a function from spec to findings.
import path from 'node:path';
import type { ChosenBackend } from '../backends/choose';
import type { Long } from '../base/progress';
import type { Finding, Mode, Provenance, Result } from '../results/result';
import type { Checkpoint } from '../results/run-checkpoint';

/** A file of a data set that a study reads where it can be had. */
export interface DataNeed {
  dataset: string;
  path: string;
}

/** What a study's run hands back. */
export interface StudyOutcome {
  findings: Finding[];
  /** The data that really went in. */
  inputs: Provenance['inputs'];
  /** What a reader must know beside the numbers, such as a fallback. */
  notes: string[];
  seed: Provenance['seed'];
}

/** What a study is expected to take; what earlier runs took goes before it. */
export interface StudyCost {
  seconds: number;
  /** Peak memory of the process. */
  memoryGiB: number;
  /** What a graphics card must have, where one is needed. */
  card?: { GiB: number; model: string; weights: string; hours: number };
}

/** What a run gets: a way to stop, a place to report to, and a place to save where it is. */
export interface RunLong extends Long {
  checkpoint?: Checkpoint;
  /** What computes, for a study that asks for it; `backend.tf` is TensorFlow.js on it. */
  backend?: ChosenBackend;
}

/** A study that is many runs: each is done, stored and resumed on its own. */
export interface Sweep<Spec, Sub, Part> {
  /** The specs of its runs. */
  specs(spec: Spec): Sub[];
  /** One run. Its outcome must be JSON. */
  runOne(sub: Sub, long: RunLong): Promise<Part>;
  /** The study's outcome from those of all runs, in the order of the specs. */
  combine(spec: Spec, parts: Part[]): StudyOutcome;
}

/** One study; its specs differ in size only, the code path is one. */
export interface StudyDefinition<Spec = unknown, Sub = unknown, Part = unknown> {
  id: string;
  title: string;
  /** The file it is defined in, below src/: its imports are the code of its identity. */
  module: string;
  /** The export of that file. */
  name: string;
  needs: DataNeed[];
  /** Ids of the published tables (paper/published.yaml) that it derives from. */
  published?: readonly string[];
  specs: Record<'tiny' | Exclude<Mode, 'stored'>, Spec>;
  cost: Record<Exclude<Mode, 'stored'>, StudyCost>;
  /** Measures time: nothing else may run beside it. */
  timed?: true;
  /** Computes with TensorFlow.js: its runs get the backend that was chosen, which is part of their identity. */
  backend?: true;
  /** The whole study in this process. A study with a sweep is made by `sweepStudy`. */
  run(spec: Spec, long: RunLong): Promise<StudyOutcome>;
  sweep?: Sweep<Spec, Sub, Part>;
}

/** A study that is a sweep: its plain run does the sweep's runs one after another. */
export function sweepStudy<Spec, Sub, Part>(
  study: Omit<StudyDefinition<Spec, Sub, Part>, 'run' | 'sweep'> & { sweep: Sweep<Spec, Sub, Part> },
): StudyDefinition<Spec, Sub, Part> {
  const { sweep } = study;
  return {
    ...study,
    async run(spec, { signal, progress, backend }) {
      const parts: Part[] = [];
      for (const sub of sweep.specs(spec)) parts.push(await sweep.runOne(sub, { signal, progress, backend }));
      return sweep.combine(spec, parts);
    },
  };
}

/** The results of one study, found by the end of their id. */
export class StudyResults {
  constructor(readonly results: Result[]) {}

  /** The result with this id, or with the study's id in front of it. @throws Error when there is none */
  get(id: string): Result {
    const found = this.results.find((r) => r.id === id || r.id === `${r.study}.${id}`);
    if (!found) throw new Error(`no result ${id}; there are ${this.results.map((r) => r.id).join(', ')}`);
    return found;
  }
}

/** `brats2015-deepmedic/case/flair.nii.gz`: how inputs are named in provenance. */
export function inputName(need: DataNeed): string {
  return path.posix.join(need.dataset, need.path);
}

/** What stands for the digest of data that cannot be had: what takes its place is part of the study's code. */
export const missing = 'missing';
