// What this clone's own last runs found, as far as the present code, spec, data and packages made it.
import type { Result } from '../results/result';
import { loadStudies, quickDir, resultsOf } from '../results/store';
import { changesSince } from './present';

export interface OwnResults {
  /** By id. */
  results: Map<string, Result>;
  /** Studies whose results something else made than what stands here now; they are left out. */
  stale: string[];
}

/**
 * Results of quick (or full) runs that lie in this clone.
 * @param dir  default figures/quick/results/
 * @throws InputError where a file there is malformed or was edited
 */
export async function ownResults(dir: string = quickDir()): Promise<OwnResults> {
  const results = new Map<string, Result>();
  const stale: string[] = [];
  for (const run of loadStudies(dir)) {
    const changes = await changesSince(run);
    if (changes === undefined || changes.length > 0) stale.push(run.study);
    else for (const result of resultsOf(run, 'fresh')) results.set(result.id, result);
  }
  return { results, stale };
}
