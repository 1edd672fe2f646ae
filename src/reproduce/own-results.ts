// What this clone's own last runs found, as far as the present code, spec, data and packages made it.
import { existsSync, readdirSync } from 'node:fs';
import type { Result } from '../results/result';
import { loadStudy, quickDir, resultsOf } from '../results/store';
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
  const names = existsSync(dir) ? readdirSync(dir).filter((file) => file.endsWith('.json')) : [];
  for (const name of names.sort().map((file) => file.slice(0, -'.json'.length))) {
    const run = loadStudy(dir, name);
    const changes = await changesSince(run);
    if (changes === undefined || changes.length > 0) stale.push(name);
    else for (const result of resultsOf(run, 'fresh')) results.set(result.id, result);
  }
  return { results, stale };
}
