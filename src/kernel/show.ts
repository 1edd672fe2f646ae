// What a notebook calls to show results: `await show('plane-reads.figure', reads)`, `showTable(...)`,
// `claimsOf(...)`, `view(planes)`.
import { InputError } from '../base/errors';
import { loadRegister } from '../claims/register';
import { judge } from '../claims/verdict';
import { drawLinkedPlanes } from '../plots/builders/linked-planes';
import { figureBundle, tableBundle, viewerBundle } from '../plots/bundle';
import { figure } from '../plots/draw';
import { formatNumber } from '../results/format';
import { checkLinkedPlanes } from '../results/linked-check';
import type { LinkedPlanes } from '../results/linked-planes';
import type { Result, Table } from '../results/result';
import { loadResults, recordedDir } from '../results/store';
import { displayBundle } from './cell';

/** Results as a study gives them. */
interface HasResults {
  results: readonly Result[];
}

/** Show the figure with this id: live where the front end can, a picture where it cannot. */
export async function show(id: string, study: HasResults): Promise<void> {
  const byId = new Map(study.results.map((r) => [r.id, r]));
  displayBundle(await figureBundle(figure(id, byId)));
}

/**
 * Show linked planes as `linkedSlices` makes them: the viewer where scripts may run, a picture elsewhere.
 * @throws InputError that names what is wrong with them
 */
export async function view(data: LinkedPlanes, title = 'Three planes through one voxel'): Promise<void> {
  const own = { id: 'linked-planes', title, kind: 'measured' } as const;
  const drawing = drawLinkedPlanes(checkLinkedPlanes(data, 'this cell'), own);
  const text = `${title}\n${drawing.caption}`;
  displayBundle(await viewerBundle({ ...drawing, id: own.id, stamp: null }, data, text));
}

/** Show the table with this id. @throws InputError when the study has no such table */
export function showTable(id: string, study: HasResults): void {
  const result = study.results.find((r) => r.id === id);
  if (!result?.table) {
    throw new InputError({
      what: `cannot show the table ${id}`,
      given: result ? 'a result that is no table' : 'no such result',
      expected: study.results.flatMap((r) => (r.table ? [r.id] : [])).join(', ') || 'a study with a table',
      fix: 'use the id of a table of this study',
    });
  }
  displayBundle(tableBundle(result as Result & { table: Table }));
}

/**
 * The claims that a study's results bear on, as text: the verdict by the record, and what this study's run found.
 * A run sets no verdict; it only stands beside the record.
 */
export function claimsOf(study: HasResults): string {
  const recorded = loadResults(recordedDir());
  const here = new Map(study.results.map((r) => [r.id, { ...r, origin: 'stored' as const }]));
  const ids = new Set(study.results.map((r) => r.id));
  const lines: string[] = [];
  for (const claim of loadRegister()) {
    const now = judge(claim, here);
    if (!now.results.some((id) => ids.has(id))) continue;
    lines.push(
      `${claim.id}: ${claim.statement}`,
      `  verdict by the record: ${judge(claim, recorded).verdict}`,
    );
    lines.push(`  the results above would say: ${now.verdict}. ${now.reason}`, '');
  }
  return lines.join('\n').trimEnd() || 'No claim of the register rests on these results.';
}

/**
 * What a notebook took, for its header card: seconds since its kernel started, and the most memory that it held.
 * In a run from the first cell to the last that is the notebook's own cost.
 */
export function runCost(): string {
  const seconds = process.uptime();
  const time = seconds < 90 ? `${Math.ceil(seconds)} s` : `${formatNumber(seconds / 60, { digits: 1 })} min`;
  // maxRSS is in KiB on every platform.
  const megabytes = (process.resourceUsage().maxRSS * 1024) / 1e6;
  return `${time} since the kernel started, at most ${formatNumber(Math.ceil(megabytes / 10) * 10)} MB of memory`;
}
