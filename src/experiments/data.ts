// The data of a study before it runs: fetched, and named by digest for its identity.
import { InputError } from '../base/errors';
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import { fetchOne } from '../datasets/fetch';
import { published } from '../results/published';
import type { StudyDefinition } from './study';
import { inputName, missing } from './study';

/** The digests of the published tables that a study derives from. */
export function publishedDigests({
  published: tables = [],
}: Pick<StudyDefinition, 'published'>): Record<string, string> {
  const inputs = tables.map((table) => published(table).input);
  return Object.fromEntries(inputs.map(({ name, sha256 }) => [name, sha256]));
}

/** The digests of the published tables that a study derives from and of the data it needs, fetched where it is not here yet; `missing` for what cannot be had. */
export async function dataOf(
  { id, needs, published: tables }: Pick<StudyDefinition, 'id' | 'needs' | 'published'>,
  long: Long = {},
): Promise<Record<string, string>> {
  const digests = publishedDigests({ published: tables });
  if (needs.length === 0) return digests;
  const meter = new Meter(`data of ${id}`, 'files', needs.length, long);
  for (const need of needs) {
    try {
      digests[inputName(need)] = (await fetchOne(need.dataset, need.path, { signal: long.signal })).sha256;
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      digests[inputName(need)] = missing;
    }
    meter.add(1, need.path);
  }
  meter.finish();
  return digests;
}
