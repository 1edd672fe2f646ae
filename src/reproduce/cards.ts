// The header card of a notebook: what it asks, what it teaches, what it takes, what it reads, which claims it touches.
//
// Question, lesson and need are written by hand in `metadata.coc.card`. The rest is drawn from the recorded results, the
// studies, the data manifests and the register, and stands between two marks in the first Markdown cell. Written when
// results are recorded, compared by a test.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { InputError } from '../base/errors';
import { inRepo } from '../base/paths';
import { formatBytes, formatSeconds } from '../base/progress';
import type { Claim } from '../claims/register';
import { loadRegister } from '../claims/register';
import { loadManifest } from '../datasets/manifest';
import { studies } from '../experiments/registry';
import type { DataNeed, StudyCost } from '../experiments/study';
import type { Notebook } from '../kernel/nbformat';
import { readNotebook, writeNotebook } from '../kernel/nbformat';
import { plainDevice } from '../results/format';
import type { Provenance } from '../results/result';
import { loadResults, recordedDir } from '../results/store';

export const cardBegins = '<!-- card -->';
export const cardEnds = '<!-- end of card -->';

const text = z.string().min(10);
const cardSchema = z.strictObject({
  question: text,
  learn: text,
  need: text,
  /** For notebooks about the whole register. */
  claims: z.literal('all').optional(),
});
const cocSchema = z.object({ studies: z.array(z.string()).default([]), card: cardSchema });

/** What cards are drawn from. */
export interface CardSources {
  /** Provenance of recorded studies, by id. */
  recorded: ReadonlyMap<string, Provenance>;
  register: readonly Claim[];
}

/** The sources in this clone. */
export function cardSources(dir: string = recordedDir()): CardSources {
  const recorded = new Map([...loadResults(dir).values()].map((result) => [result.study, result]));
  return { recorded, register: loadRegister() };
}

/**
 * The card of a notebook, with its marks.
 * @param name  the notebook's file name without its ending, as the register has it
 * @throws InputError where `metadata.coc.card` is missing or wrong, or names a study that does not exist
 */
export function cardOf(name: string, notebook: Notebook, { recorded, register }: CardSources): string {
  const parsed = cocSchema.safeParse(notebook.metadata.coc);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new InputError({
      what: `cannot make the card of ${name}`,
      given: `metadata.coc.${issue.path.join('.')}: ${issue.message}`,
      expected: '{ studies: [ids], card: { question, learn, need } }',
      fix: 'write it into the metadata of the notebook',
    });
  }
  const { studies: ids, card } = parsed.data;
  const known = ids.map((id) => {
    const study = studies[id];
    if (study) return study;
    throw new InputError({
      what: `cannot make the card of ${name}`,
      given: `the study ${id} in metadata.coc.studies`,
      expected: Object.keys(studies).join(', '),
      fix: 'mend the id',
    });
  });
  const rows: [string, string][] = [
    ['Question', card.question],
    ['You will know', card.learn],
    ['You need', card.need],
    ['Time and memory', costText(known, recorded)],
    ['Data', dataText(known.flatMap((study) => study.needs))],
    ['Claims touched', claimsText(card.claims === 'all' ? register : claimsOf(name, register))],
    [
      'Mode',
      '`stored` as it opens: the recorded results are drawn and nothing is run. One word in the first code cell changes it: `quick` runs the studies on this machine, `full` at the size of the paper',
    ],
  ];
  const line = ([head, cell]: [string, string]): string => `| **${head}** | ${cell.replaceAll('|', '\\|')} |`;
  return [cardBegins, '', '| | |', '|---|---|', ...rows.map(line), '', cardEnds].join('\n');
}

interface Costed {
  id: string;
  cost: Record<'quick' | 'full', StudyCost>;
}

/** What the studies took when they were recorded; what they are expected to take where there is no record. */
function costText(known: readonly Costed[], recorded: CardSources['recorded']): string {
  if (known.length === 0) return 'seconds; nothing is run';
  const runs = known.flatMap(({ id }) => recorded.get(id) ?? []);
  const parts: string[] = [];
  if (runs.length === known.length) {
    const seconds = runs.reduce((sum, run) => sum + run.cost.seconds, 0);
    const bytes = Math.max(...runs.map((run) => run.cost.memoryMB)) * 1e6;
    const machines = new Set(runs.map(({ device }) => `${plainDevice(device.cpu)}, ${device.cores} cores`));
    const how = [...new Set(runs.map((run) => `${run.mode} mode`))].join(' and ');
    parts.push(
      `${timeText(seconds)}, ${memoryText(bytes)} for the recorded runs of its studies (${[...machines].join('; ')}; ${how})`,
    );
  } else parts.push(`${expected(known, 'quick')} expected in quick mode; not recorded yet`);
  parts.push(`${expected(known, 'full')} expected in full mode`);
  parts.push('the last cell prints what it took here');
  return parts.join('; ');
}

/** Whole seconds: tenths of them tell a reader nothing. */
function timeText(seconds: number): string {
  if (seconds < 1) return 'less than a second';
  return seconds < 10 ? `${Math.round(seconds)} s` : formatSeconds(seconds);
}

/** Whole megabytes below a gigabyte. */
const memoryText = (bytes: number): string =>
  bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : formatBytes(bytes);

function expected(known: readonly Costed[], mode: 'quick' | 'full'): string {
  const costs = known.map(({ cost }) => cost[mode]);
  const seconds = costs.reduce((sum, cost) => sum + cost.seconds, 0);
  const memory = `${timeText(seconds)}, ${Math.max(...costs.map((cost) => cost.memoryGiB))} GiB`;
  const cards = costs.flatMap(({ card }) => (card ? [card] : []));
  if (cards.length === 0) return memory;
  const hours = cards.reduce((sum, card) => sum + card.hours, 0);
  return `${memory} and ${hours} h of a graphics card with ${Math.max(...cards.map((card) => card.GiB))} GiB,`;
}

/** Data sets with what is read of each, and their licences. */
function dataText(needs: readonly DataNeed[]): string {
  const sets = [...new Set(needs.map((need) => need.dataset))];
  if (sets.length === 0) return 'none';
  const each = sets.map((name) => {
    const { title, licence, files } = loadManifest(name);
    const paths = new Set(needs.flatMap((need) => (need.dataset === name ? [need.path] : [])));
    const read = files.filter((file) => paths.has(file.path));
    const bytes = read.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
    const count = `${read.length} ${read.length === 1 ? 'file' : 'files'}`;
    return `${title}: ${count}, ${formatBytes(bytes)}, ${licence.name}`;
  });
  return [
    ...each,
    'Where they cannot be had, a synthetic head takes their place, or they are left out; results say which',
  ].join('<br>');
}

/** The claims that a notebook tests. */
const claimsOf = (name: string, register: readonly Claim[]): Claim[] =>
  register.filter((claim) => claim.test.notebook === name);

const documents: Record<Claim['seed'], string> = {
  cost: '*The cost of consistency*',
  cva: 'the summary of *Consistent view alignment*',
};

function claimsText(claims: readonly Claim[]): string {
  if (claims.length === 0) return 'none of its own';
  const places = new Map<string, Map<string, number>>();
  for (const { seed, section } of claims) {
    const sections = places.get(documents[seed]) ?? new Map<string, number>();
    places.set(documents[seed], sections.set(section, (sections.get(section) ?? 0) + 1));
  }
  const sources = [...places].map(([document, sections]) => {
    const list = [...sections].map(([section, count]) =>
      sections.size > 1 ? `${section} (${count})` : section,
    );
    return `section${sections.size > 1 ? 's' : ''} ${list.join(', ')} of ${document}`;
  });
  return `${claims.length} of the register: ${sources.join('; ')}. Listed near the end, each with its verdict`;
}

/**
 * The notebook with its card as it should be; the same object where it is that already.
 * @throws InputError as `cardOf`, and where the marks are missing
 */
export function withCard(name: string, notebook: Notebook, sources: CardSources): Notebook {
  const at = notebook.cells.findIndex((cell) => cell.cell_type === 'markdown');
  const source = notebook.cells[at]?.source ?? '';
  const from = source.indexOf(cardBegins);
  const to = source.indexOf(cardEnds);
  if (from < 0 || to < from) {
    throw new InputError({
      what: `cannot write the card of ${name}`,
      given: 'a first Markdown cell without the two marks',
      expected: `${cardBegins} and ${cardEnds}, each on a line of its own, below the title`,
      fix: 'put the marks in',
    });
  }
  const wanted = source.slice(0, from) + cardOf(name, notebook, sources) + source.slice(to + cardEnds.length);
  if (wanted === source) return notebook;
  const cells = notebook.cells.map((cell, i) => (i === at ? { ...cell, source: wanted } : cell));
  return { ...notebook, cells };
}

/** The notebooks of the paper. */
const allNotebooks = (): string[] =>
  readdirSync(inRepo('notebooks'))
    .filter((file) => file.endsWith('.ipynb'))
    .sort()
    .map((file) => inRepo('notebooks', file));

/**
 * Bring the cards of notebooks up to date.
 * @param write  false: only look
 * @returns the files whose card is another than it should be (was, where it was written)
 */
export function updateCards({
  files = allNotebooks(),
  write = true,
  sources = cardSources(),
}: { files?: readonly string[]; write?: boolean; sources?: CardSources } = {}): string[] {
  return files.filter((file) => {
    const notebook = readNotebook(file);
    const wanted = withCard(path.basename(file, '.ipynb'), notebook, sources);
    if (wanted === notebook) return false;
    if (write) writeNotebook(file, wanted);
    return true;
  });
}
