// `--plan`: what a run takes, notebook by notebook, before anything is run or fetched: model, weights, data with
// licences, hours, memory, and the card it needs.
import { formatBytes, formatSeconds } from '../base/progress';
import { loadManifest } from '../datasets/manifest';
import { expectedCost } from '../experiments/expected-cost';
import { studyJob } from '../experiments/prepare';
import { studies } from '../experiments/registry';
import type { Mode } from '../results/result';
import { RunStore } from '../results/run-store';
import { paperResults } from '../publish/recorded';
import { digestsOf } from './data';
import { listNotebooks } from './notebooks';
import { selectionOf } from './only';
import { digestsNow } from './run';

/** Files of a data set that a study reads. */
export interface PlannedData {
  dataset: string;
  title: string;
  files: number;
  bytes: number;
  licence: string;
}

/** What one study of a notebook takes. */
export interface PlanRow {
  notebook: string;
  study: string;
  title: string;
  /** `found`: its run is in the store already. */
  state: 'found' | 'to run';
  seconds: number;
  memoryGiB: number;
  /** Where seconds and memory come from. */
  from: string;
  /** The card it needs, with model and weights; null where a CPU does. */
  card: { GiB: number; model: string; weights: string; hours: number } | null;
  data: PlannedData[];
}

/** What every study of a selection takes in a mode. @throws InputError for an id that nothing has */
export async function planned(mode: Exclude<Mode, 'stored'>, only?: string): Promise<PlanRow[]> {
  const all = listNotebooks();
  const selection = selectionOf(only, all, paperResults());
  const digests = digestsNow(selection, mode);
  const notebooks = all.map((notebook) => ({
    ...notebook,
    studies: notebook.studies.filter((id) => selection.studies.includes(id)),
  }));
  const store = new RunStore();
  const records = store.list();
  const rows: PlanRow[] = [];
  for (const notebook of notebooks) {
    for (const id of notebook.studies) {
      const study = studies[id];
      const data = dataOf(id);
      const job = await studyJob(study, mode, digestsOf(study, digests));
      const { seconds, memoryGiB, from } = expectedCost(job, store, records);
      const state = records.some((r) => r.identity.hash === job.identity.hash) ? 'found' : 'to run';
      const { title, cost } = study;
      const card = cost[mode].card ?? null;
      rows.push({ notebook: notebook.name, study: id, title, state, seconds, memoryGiB, from, card, data });
    }
  }
  return rows;
}

function dataOf(id: string): PlannedData[] {
  const { needs } = studies[id];
  return [...new Set(needs.map((need) => need.dataset))].map((dataset) => {
    const { title, licence, files: all } = loadManifest(dataset);
    const paths = new Set(needs.filter((need) => need.dataset === dataset).map((need) => need.path));
    const files = all.filter((file) => paths.has(file.path));
    const bytes = files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
    return { dataset, title, files: files.length, bytes, licence: licence.id };
  });
}

/** The plan as text: notebook by notebook, and the sum. */
export function planText(rows: readonly PlanRow[], mode: Mode): string {
  const lines: string[] = [`What mode ${mode} takes`];
  for (const notebook of new Set(rows.map((row) => row.notebook))) {
    lines.push('', notebook);
    for (const row of rows.filter((r) => r.notebook === notebook)) {
      const time = row.card ? `${row.card.hours} h on the card` : formatSeconds(row.seconds);
      const state = row.state === 'found' ? ', in the run store already' : '';
      lines.push(
        `  ${row.study}: ${row.title}`,
        `    takes    about ${time}, ${row.memoryGiB.toFixed(1)} GiB of memory (${row.from})${state}`,
        `    card     ${row.card ? `${row.card.GiB} GiB` : 'none, a CPU does it'}`,
        `    model    ${row.card ? `${row.card.model}, weights: ${row.card.weights}` : 'none'}`,
        ...(row.data.length > 0 ? row.data : [null]).map(
          (d) =>
            `    data     ${d ? `${d.title}: ${d.files} ${d.files === 1 ? 'file' : 'files'}, ${formatBytes(d.bytes)}, ${d.licence}` : 'none'}`,
        ),
      );
    }
  }
  // A study that two notebooks share runs once.
  const once = [...new Map(rows.map((row) => [row.study, row])).values()];
  const left = once.filter((row) => row.state === 'to run');
  const seconds = left.filter((row) => !row.card).reduce((sum, row) => sum + row.seconds, 0);
  const hours = left.reduce((sum, row) => sum + (row.card?.hours ?? 0), 0);
  const card = Math.max(0, ...left.map((row) => row.card?.GiB ?? 0));
  lines.push(
    '',
    `To run: ${left.length} of ${once.length} studies, about ${formatSeconds(seconds)} on a CPU` +
      (hours > 0 ? ` and ${hours} h on a card with ${card} GiB` : '; no card is needed'),
  );
  return lines.join('\n');
}
