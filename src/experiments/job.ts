// A run before it is done: what is asked for, and its identity, under which it is looked for and stored.
import { readFileSync } from 'node:fs';
import { sha256, sha256OfValue } from '../base/hash';
import { inRepo } from '../base/paths';
import type { Identity } from '../results/identity';
import { identityOf } from '../results/identity';
import type { Mode } from '../results/result';
import type { RunRequest } from '../results/run-store';
import { isRehearsal } from './mode';
import type { StudyDefinition } from './study';

/** A run that is ready to be looked for or computed. */
export interface Job {
  study: StudyDefinition;
  request: RunRequest;
  identity: Identity;
  /** The build of the code that the identity is of. */
  build: string;
}

/** Tells one build of dist/ from another. */
export function buildStamp(): string {
  try {
    return sha256(readFileSync(inRepo('dist', '.stamp')));
  } catch {
    return '';
  }
}

/** The run of a whole study in a mode; with its smallest spec in a rehearsal. @param data  from `dataOf` */
export function requestOf<Spec>(
  study: StudyDefinition<Spec>,
  mode: Exclude<Mode, 'stored'>,
  data: Record<string, string>,
): RunRequest {
  return {
    study: study.id,
    module: inRepo('dist', `${study.module}.js`),
    name: study.name,
    mode,
    spec: study.specs[isRehearsal() ? 'tiny' : mode] as RunRequest['spec'],
    data,
  };
}

/** Prepare a run: its identity covers the code that its module imports, the spec and the data. */
export async function jobOf(study: StudyDefinition, request: RunRequest): Promise<Job> {
  const build = buildStamp();
  const source = `export { ${request.name} } from ${JSON.stringify(request.module.replace(/\.js$/, ''))};`;
  const code = await identityOf(source, { resolveDir: inRepo('src') });
  return { study, request, build, identity: identityWith(code, request) };
}

/** The same study with another spec or other data, whose code need not be bundled again. */
export function jobLike(job: Job, request: RunRequest): Job {
  return { ...job, request, identity: identityWith(job.identity, request) };
}

/** The runs of a study's sweep; none when it is a single run. */
export function partsOf(job: Job): Job[] {
  const { study, request } = job;
  if (!study.sweep || request.part) return [];
  const specs = study.sweep.specs(request.spec) as RunRequest['spec'][];
  return specs.map((spec) => jobLike(job, { ...request, spec, part: true }));
}

function identityWith(code: Identity, { spec, part, data }: RunRequest): Identity {
  const identity = { ...code, spec: sha256OfValue(part ? { part: spec } : spec), data };
  // As identityOf hashes: the modules' code is in `code`.
  const hash = sha256OfValue({ ...identity, hash: undefined, modules: undefined });
  return { ...identity, hash };
}
