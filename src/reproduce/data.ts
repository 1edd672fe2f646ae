// Step 1: the data the studies want, from cache, mirror or network; where it cannot be had the studies fall back.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { formatBytes } from '../base/progress';
import type { Long } from '../base/progress';
import type { Outcome } from '../datasets/fetch';
import { fetchFiles } from '../datasets/fetch';
import type { DataFile, Manifest } from '../datasets/manifest';
import { loadManifest } from '../datasets/manifest';
import { placeOf } from '../datasets/select';
import { publishedDigests } from '../experiments/data';
import type { DataNeed, StudyDefinition } from '../experiments/study';
import { inputName, missing } from '../experiments/study';
import type { StepReport } from './report';

/** Absent files that a line names. */
const named = 3;

/** Fetch what is needed. The digests go into the identity of what reads the data: data that cannot be had counts, too. */
export async function dataStep(
  needs: DataNeed[],
  long: Long,
  say: (line: string) => void,
): Promise<StepReport & { digests: Record<string, string> }> {
  const wanted = byDataset(needs);
  for (const { manifest, files } of wanted) announce(manifest, files, say);
  const outcomes: { name: string; dataset: string; found: Outcome }[] = [];
  for (const { dataset, manifest, files } of wanted) {
    // Few attempts: whoever is offline waits for them.
    const options = { ...quietly(long), patience: { tries: 2 } };
    const report = await fetchFiles({ ...manifest, files }, {}, options);
    for (const found of report.outcomes)
      outcomes.push({ name: inputName({ dataset, path: found.path }), dataset, found });
  }
  const ready = outcomes.filter(({ found }) => found.state === 'ready');
  const absent = outcomes.filter(({ found }) => found.state !== 'ready');
  const from = new Set(ready.map(({ found }) => found.from));
  return {
    step: 'data',
    line:
      `${ready.length} of ${outcomes.length} files ready` +
      (ready.length ? ` (from ${[...from].join(', ')})` : '') +
      (absent.length ? '; results say what took the place of the rest' : ''),
    skips: [...new Set(absent.map(({ dataset }) => dataset))].map((dataset) => {
      const names = absent.filter((a) => a.dataset === dataset).map(({ name }) => name);
      const more =
        names.length > named
          ? ` and ${names.length - named} more ${names.length - named === 1 ? 'file' : 'files'}`
          : '';
      return {
        what: `real data: ${names.slice(0, named).join(', ')}${more}`,
        unskip: 'go online, or set COC_DATA_MIRROR to a folder that holds it',
      };
    }),
    digests: Object.fromEntries(
      outcomes.map(({ name, found }) => [name, found.state === 'ready' ? found.sha256! : missing]),
    ),
  };
}

/** What is needed of each data set. A file that no manifest names is a mistake of the study. */
function byDataset(needs: readonly DataNeed[]): { dataset: string; manifest: Manifest; files: DataFile[] }[] {
  return [...new Set(needs.map(({ dataset }) => dataset))].map((dataset) => {
    const manifest = loadManifest(dataset);
    const paths = new Set(needs.filter((need) => need.dataset === dataset).map((need) => need.path));
    const files = manifest.files.filter((file) => paths.delete(file.path));
    if (paths.size > 0)
      throw new Error(`a study needs ${[...paths].join(', ')}, which is in no manifest of ${dataset}`);
    return { dataset, manifest, files };
  });
}

/** The digests of what one study reads, of those of all files: published tables are at hand always. */
export function digestsOf(study: StudyDefinition, digests: Record<string, string>): Record<string, string> {
  return {
    ...publishedDigests(study),
    ...Object.fromEntries(study.needs.map(inputName).map((name) => [name, digests[name]])),
  };
}

/** Without a line for each file that was at hand. */
function quietly({ signal, progress }: Long): Long {
  return { signal, progress: progress && ((event) => void (event.seconds > 1 && progress(event))) };
}

/** Sizes and licences, before anything is fetched. */
function announce(
  { title, licence }: Manifest,
  files: readonly DataFile[],
  say: (line: string) => void,
): void {
  const bytes = files.reduce((sum, f) => sum + (f.bytes ?? 0), 0);
  say(
    `${title}: ${files.length} ${files.length === 1 ? 'file' : 'files'}, ${formatBytes(bytes)}, ${licence.id}`,
  );
}

/**
 * The digests as a run would find them, without fetching: what a manifest names, unless the last run could not have it
 * and it is still not at hand.
 */
export function expectedDigests(
  needs: DataNeed[],
  last: (name: string) => string | undefined,
): Record<string, string> {
  const { COC_DATA_MIRROR: mirror } = process.env;
  return Object.fromEntries(
    byDataset(needs).flatMap(({ dataset, manifest, files }) =>
      files.map((file) => {
        const name = inputName({ dataset, path: file.path });
        const before = last(name);
        if (!file.sha256) return [name, before ?? missing];
        const places = [placeOf(manifest, file), ...(mirror ? [path.join(mirror, name)] : [])];
        return [name, before === missing && !places.some((p) => existsSync(p)) ? missing : file.sha256];
      }),
    ),
  );
}
