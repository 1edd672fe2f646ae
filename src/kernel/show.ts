// What a notebook calls to show results: `await show('plane-reads.figure', reads)`, `showTable(...)`,
// `showClaims(...)`, `view(planes)`.
import { InputError } from '../base/errors';
import { publishedResults } from '../claims/published';
import { conditionsOf, loadRegister } from '../claims/register';
import type { Claim } from '../claims/register';
import type { ClaimRow } from '../claims/row';
import { claimRow } from '../claims/row';
import type { Judgement } from '../claims/verdict';
import { judgeAll } from '../claims/verdict';
import { fourReadings } from '../experiments/four-readings';
import { drawLinkedPlanes } from '../plots/builders/linked-planes';
import { figureBundle, tableBundle, viewerBundle } from '../plots/bundle';
import { figure } from '../plots/draw';
import { formatNumber } from '../results/format';
import { claimsBundle, publishedBundle } from '../publish/claims-bundle';
import { drawFigureOne } from '../publish/figure-one';
import { paperResults } from '../publish/recorded';
import { checkLinkedPlanes } from '../results/linked-check';
import type { LinkedPlanes } from '../results/linked-planes';
import type { Result } from '../results/result';
import { loadResults, recordedDir } from '../results/store';
import { displayBundle } from './cell';
import { pickTable } from './pick-table';

/** Results as a study gives them. */
interface HasResults {
  results: readonly Result[];
}

/** Show the figure with this id, published numbers at hand: live where the front end can, a picture where it cannot. */
export async function show(id: string, study: HasResults): Promise<void> {
  const published = publishedResults(loadRegister());
  const byId = new Map([...published, ...study.results].map((r) => [r.id, r]));
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
  displayBundle(tableBundle(pickTable(id, study)));
}

/**
 * The claims that a notebook tests, as a table: published, derived, dry run, measured by this run, recorded, the verdict
 * by the record and what would flip it. Rows tested elsewhere follow where a rule looks at these studies' results.
 * A run sets no verdict; it only stands beside the record.
 * @param notebook  its name without the ending, as the register has it
 * @param studies   what was run in it; stored results are the record and no run
 * @throws InputError for a notebook that the register does not know
 */
export function showClaims(notebook: string, ...studies: HasResults[]): void {
  const ids = new Set(studies.flatMap((s) => s.results.map((r) => r.id)));
  const register = loadRegister();
  const own = register.filter((c) => c.test.notebook === notebook);
  if (own.length === 0) {
    throw new InputError({
      what: 'cannot show the claims of a notebook',
      given: `${notebook}, by which the register tests nothing`,
      expected: [...new Set(register.map((c) => c.test.notebook))].sort().join(', '),
      fix: 'use the name of the notebook without its ending',
    });
  }
  const others = register.filter(
    (c) => !own.includes(c) && conditionsOf(c).some(({ result }) => result !== undefined && ids.has(result)),
  );
  displayBundle(claimsBundle(rowsOf([...own, ...others], studies), `Claims that ${notebook} tests`));
}

/**
 * The fifteen cells of the study's Table 1, each as a row: what is said, what was found, the verdict by the record.
 * @param studies  what was run; stored results are the record and no run
 */
export function showTableOne(...studies: HasResults[]): void {
  const cells = loadRegister().filter((c) => c.id.startsWith('table-1.'));
  displayBundle(claimsBundle(rowsOf(cells, studies), 'Table 1, cell by cell'));
}

/**
 * Memory of one and three views in every reading that there is, with signed differences from what is published.
 * @param studies  activation-stacking and executed-step
 */
export function showFourReadings(...studies: HasResults[]): void {
  const recorded = loadResults(recordedDir()).values();
  const all = [
    ...publishedResults(loadRegister()),
    ...recorded,
    ...studies.flatMap(({ results }) => results),
  ];
  const table = fourReadings(new Map(all.map((result) => [result.id, result])));
  displayBundle(tableBundle({ title: 'Memory of one and of three views, in every reading', table }));
}

/** Figure 1, the architecture, as the paper sets it, with the recorded slices. */
export async function showFigureOne(): Promise<void> {
  const { png } = await drawFigureOne(paperResults());
  displayBundle({
    'image/png': Buffer.from(png).toString('base64'),
    'text/plain': 'Figure 1: the architecture',
  });
}

/** Claims judged by the record, with what runs found beside it. */
function rowsOf(claims: Claim[], studies: HasResults[]): ClaimRow[] {
  const fresh = studies.flatMap((s) => s.results).filter((r) => r.origin === 'fresh');
  const here = new Map(fresh.map((r) => [r.id, r]));
  const recorded = loadResults(recordedDir());
  return judgeAll(claims, recorded).map((j) => claimRow(j, recorded, here));
}

/** Judged claims as a table of the same columns; results of the record stand in them. */
export function showJudged(judged: readonly Judgement[], title: string): void {
  const recorded = loadResults(recordedDir());
  const rows = judged.map((j) => claimRow(j, recorded));
  displayBundle(claimsBundle(rows, title));
}

/**
 * What the two documents publish about some claims, as a table: number, wording and place.
 * @param ids  claims by their ids in the register, in the order of the table
 * @throws InputError for an id that the register does not have
 */
export function showPublished(ids: readonly string[], title: string): void {
  const register = new Map(loadRegister().map((c) => [c.id, c]));
  const claims = ids.map((id) => {
    const claim = register.get(id);
    if (claim) return claim;
    throw new InputError({
      what: 'cannot show what is published',
      given: `the claim ${id}`,
      expected: 'an id of the register',
      fix: '`coc claims` lists them',
    });
  });
  displayBundle(publishedBundle(claims, title));
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
