// Step 1: the data the studies want, from cache, mirror or network; where it cannot be had the studies fall back.
import { InputError } from '../base/errors';
import { formatBytes } from '../base/progress';
import type { Long } from '../base/progress';
import { fetchOne } from '../datasets/fetch';
import { loadManifest } from '../datasets/manifest';
import type { DataNeed } from '../experiments/study';
import { inputName } from '../experiments/study';
import type { StepReport } from './report';

/** Fetch what is needed. The digests go into the identity of what reads the data: a synthetic head is another input. */
export async function dataStep(
  needs: DataNeed[],
  long: Long,
  say: (line: string) => void,
): Promise<StepReport & { digests: Record<string, string> }> {
  announce(needs, say);
  const digests: Record<string, string> = {};
  const missing: string[] = [];
  const from = new Set<string>();
  for (const need of needs) {
    try {
      const file = await fetchOne(need.dataset, need.path, long);
      digests[inputName(need)] = file.sha256;
      from.add(file.from);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      digests[inputName(need)] = 'synthetic head';
      missing.push(inputName(need));
    }
  }
  const found = needs.length - missing.length;
  return {
    step: 'data',
    line:
      `${found} of ${needs.length} files ready` +
      (found ? ` (from ${[...from].join(', ')})` : '') +
      (missing.length ? '; results say what took the place of the rest' : ''),
    skips: missing.map((name) => ({
      what: `real data: ${name}`,
      unskip: 'go online, or set COC_DATA_MIRROR to a folder that holds it',
    })),
    digests,
  };
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
