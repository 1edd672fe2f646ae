// A run before it is done: what is asked for, and its identity, under which it is looked for and stored.
import { readFileSync } from 'node:fs';
import type { Decision } from '../backends/probe';
import { sha256, sha256OfValue } from '../base/hash';
import { inRepo } from '../base/paths';
import type { Identity } from '../results/identity';
import type { RunRequest } from '../results/run-record';
import type { StudyDefinition } from './study';

/** A run that is ready to be looked for or computed. */
export interface Job {
  study: StudyDefinition;
  request: RunRequest;
  identity: Identity;
  /** The build of the code that the identity is of. */
  build: string;
  /** What the study computes on, where it asks for a backend. */
  backend?: Decision;
}

/** Tells one build of dist/ from another. */
export function buildStamp(): string {
  try {
    return sha256(readFileSync(inRepo('dist', '.stamp')));
  } catch {
    return '';
  }
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
