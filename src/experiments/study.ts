// A study: a spec for each mode, the data it needs, and a function from spec to findings.
import path from 'node:path';
import type { Long } from '../base/progress';
import { inRepo } from '../base/paths';
import { identityOf } from '../results/identity';
import { codeState, costSince, thisDevice } from '../results/provenance';
import type { Finding, Mode, Provenance, Result } from '../results/result';
import { loadStudy, quickDir, recordedDir, resultsOf, saveStudy } from '../results/store';
import { modeFromEnvironment } from './mode';

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

/** One study; its specs differ in size only, the code path is one. */
export interface StudyDefinition<Spec = unknown> {
  id: string;
  title: string;
  /** The file it is defined in, below src/: its imports are the code of its identity. */
  module: string;
  /** The export of that file. */
  name: string;
  needs: DataNeed[];
  specs: Record<'tiny' | Exclude<Mode, 'stored'>, Spec>;
  run(spec: Spec, long: Long): Promise<StudyOutcome>;
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

/**
 * The results of a study in a mode: `stored` reads the record and runs nothing; `quick` and `full` run it and leave
 * a file in `COC_RUN_DIR` (set by a reproduce), else in figures/quick/results/.
 */
export async function runStudy<Spec>(
  study: StudyDefinition<Spec>,
  { mode = modeFromEnvironment(), ...long }: Long & { mode?: Mode } = {},
): Promise<StudyResults> {
  if (mode === 'stored') return new StudyResults(resultsOf(loadStudy(recordedDir(), study.id), 'stored'));
  const spec = study.specs[mode];
  const began = performance.now();
  const outcome = await study.run(spec, long);
  const digests = Object.fromEntries(outcome.inputs.map((i) => [i.name, i.sha256]));
  const cost = costSince(began);
  const identity = await identityOfStudy(study, spec, digests);
  const provenance: Provenance = {
    mode,
    date: new Date().toISOString(),
    ...codeState(),
    device: thisDevice(),
    versions: { node: process.versions.node, v8: process.versions.v8 },
    seed: outcome.seed,
    inputs: outcome.inputs,
    identity,
    cost,
    notes: outcome.notes,
  };
  const run = { study: study.id, provenance, findings: outcome.findings };
  saveStudy(process.env.COC_RUN_DIR ?? quickDir(), run);
  return new StudyResults(resultsOf(run, 'fresh'));
}

/** The identity of a study: its spec, the code its module really imports, and the data. */
export function identityOfStudy<Spec>(
  study: StudyDefinition<Spec>,
  spec: Spec,
  data: Record<string, string>,
): ReturnType<typeof identityOf> {
  const source = `export { ${study.name} } from './${study.module}';`;
  return identityOf(source, { resolveDir: inRepo('src'), spec, data });
}

/** `brats2015-deepmedic/case/flair.nii.gz`: how inputs are named in provenance. */
export function inputName(need: DataNeed): string {
  return path.posix.join(need.dataset, need.path);
}
