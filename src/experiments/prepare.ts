// Runs are prepared here: what is asked for, and the identity of the code that would do it. Apart from job.ts, for bundling
// code is nothing that the process of a run needs.
import { inRepo } from '../base/paths';
import { identityOf } from '../results/identity';
import type { Mode } from '../results/result';
import type { RunRequest } from '../results/run-record';
import type { Job } from './job';
import { buildStamp, jobLike } from './job';
import { isRehearsal } from './mode';
import type { StudyDefinition } from './study';

/** The run of a whole study in a mode; with its smallest spec in a rehearsal. @param data  from `dataOf` */
export function studyJob<Spec>(
  study: StudyDefinition<Spec>,
  mode: Exclude<Mode, 'stored'>,
  data: Record<string, string>,
): Promise<Job> {
  return jobOf(study, {
    study: study.id,
    module: inRepo('dist', `${study.module}.js`),
    name: study.name,
    mode,
    spec: study.specs[isRehearsal() ? 'tiny' : mode] as RunRequest['spec'],
    data,
  });
}

/** Prepare a run: its identity covers the code that its module imports, the spec and the data. */
export async function jobOf(study: StudyDefinition, request: RunRequest): Promise<Job> {
  const build = buildStamp();
  const source = `export { ${request.name} } from ${JSON.stringify(request.module.replace(/\.js$/, ''))};`;
  const code = await identityOf(source, { resolveDir: inRepo('src') });
  return jobLike({ study, request, build, identity: code }, request);
}
