// Runs are prepared here: what is asked for, and the identity of the code that would do it. Apart from job.ts, for bundling
// code is nothing that the process of a run needs.
import type { Decision } from '../backends/probe';
import { decideBackend } from '../backends/probe';
import { inRepo } from '../base/paths';
import type { Identity } from '../results/identity';
import { identityOf } from '../results/identity';
import type { Mode } from '../results/result';
import type { RunRequest } from '../results/run-record';
import type { Job } from './job';
import { buildStamp, jobLike } from './job';
import { isRehearsal } from './mode';
import type { StudyDefinition } from './study';

/**
 * The run of a whole study in a mode; with its smallest spec in a rehearsal.
 * @param data    from `dataOf`
 * @param decide  says what a study computes on that asks for a backend
 */
export function studyJob<Spec>(
  study: StudyDefinition<Spec>,
  mode: Exclude<Mode, 'stored'>,
  data: Record<string, string>,
  decide?: () => Promise<Decision>,
): Promise<Job> {
  const request = {
    study: study.id,
    module: inRepo('dist', `${study.module}.js`),
    name: study.name,
    mode,
    spec: study.specs[isRehearsal() ? 'tiny' : mode] as RunRequest['spec'],
    data,
  };
  return jobOf(study, request, decide);
}

/**
 * Prepare a run: its identity covers the code that its module imports, the spec, the data and the backend. That is decided
 * in a process of its own: who prepares runs for others need not hold it in memory.
 */
export async function jobOf(
  study: StudyDefinition,
  request: RunRequest,
  decide: () => Promise<Decision> = decideBackend,
): Promise<Job> {
  const build = buildStamp();
  const source = `export { ${request.name} } from ${JSON.stringify(request.module.replace(/\.js$/, ''))};`;
  const backend = study.backend ? await decide() : undefined;
  const code = await identityOf(source, {
    resolveDir: inRepo('src'),
    backend: backend && (await backendIdentity(backend)),
  });
  return jobLike({ study, request, build, identity: code, backend }, request);
}

/**
 * What of a backend is part of the identity of what computes on it: its name, its versions and our code of it. Its device
 * is not: that explains drift.
 */
export async function backendIdentity({ name, versions }: Decision): Promise<Identity['backend']> {
  const source = `export { candidate } from './backends/${name}';`;
  const { code } = await identityOf(source, { resolveDir: inRepo('src') });
  return { name, ...versions, code };
}
