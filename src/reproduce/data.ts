// Step 1: the data the studies want, from cache, mirror or network; where it cannot be had the studies fall back.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../base/errors';
import { formatBytes } from '../base/progress';
import type { Long } from '../base/progress';
import { fetchOne } from '../datasets/fetch';
import { loadManifest } from '../datasets/manifest';
import { placeOf } from '../datasets/select';
import { publishedDigests } from '../experiments/data';
import type { DataNeed, StudyDefinition } from '../experiments/study';
import { inputName, missing } from '../experiments/study';
import type { StepReport } from './report';

/** Fetch what is needed. The digests go into the identity of what reads the data: data that cannot be had counts, too. */
export async function dataStep(
  needs: DataNeed[],
  long: Long,
  say: (line: string) => void,
): Promise<StepReport & { digests: Record<string, string> }> {
  announce(needs, say);
  const digests: Record<string, string> = {};
  const absent: string[] = [];
  const from = new Set<string>();
  for (const need of needs) {
    try {
      const file = await fetchOne(need.dataset, need.path, quietly(long));
      digests[inputName(need)] = file.sha256;
      from.add(file.from);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      digests[inputName(need)] = missing;
      absent.push(inputName(need));
    }
  }
  const found = needs.length - absent.length;
  return {
    step: 'data',
    line:
      `${found} of ${needs.length} files ready` +
      (found ? ` (from ${[...from].join(', ')})` : '') +
      (absent.length ? '; results say what took the place of the rest' : ''),
    skips: absent.map((name) => ({
      what: `real data: ${name}`,
      unskip: 'go online, or set COC_DATA_MIRROR to a folder that holds it',
    })),
    digests,
  };
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
function announce(needs: DataNeed[], say: (line: string) => void): void {
  for (const dataset of new Set(needs.map((n) => n.dataset))) {
    const manifest = loadManifest(dataset);
    const paths = new Set(needs.filter((n) => n.dataset === dataset).map((n) => n.path));
    const files = manifest.files.filter((f) => paths.has(f.path));
    const bytes = files.reduce((sum, f) => sum + (f.bytes ?? 0), 0);
    say(
      `${manifest.title}: ${files.length} ${files.length === 1 ? 'file' : 'files'}, ${formatBytes(bytes)}, ${manifest.licence.id}`,
    );
  }
}

/**
 * The digests as a run would find them, without fetching: what a manifest names, unless the last run could not have it
 * and it is still not at hand.
 */
export function expectedDigests(
  needs: DataNeed[],
  last: (name: string) => string | undefined,
): Record<string, string> {
  return Object.fromEntries(
    needs.map((need) => {
      const name = inputName(need);
      const manifest = loadManifest(need.dataset);
      const file = manifest.files.find((f) => f.path === need.path);
      const before = last(name);
      if (!file?.sha256) return [name, before ?? missing];
      const { COC_DATA_MIRROR: mirror } = process.env;
      const places = [placeOf(manifest, file), ...(mirror ? [path.join(mirror, name)] : [])];
      return [name, before === missing && !places.some((p) => existsSync(p)) ? missing : file.sha256];
    }),
  );
}
