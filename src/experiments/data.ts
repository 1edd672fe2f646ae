// The data of a study before it runs: fetched, and named by digest for its identity.
import { InputError } from '../base/errors';
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import { fetchOne } from '../datasets/fetch';
import type { StudyDefinition } from './study';
import { inputName, missing } from './study';

/** The digests of the data a study needs, fetched where it is not here yet; `missing` for what cannot be had. */
export async function dataOf(
  { id, needs }: Pick<StudyDefinition, 'id' | 'needs'>,
  long: Long = {},
): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
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
