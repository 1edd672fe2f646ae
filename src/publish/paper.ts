// The paper: recorded results, judged claims and Typst sources in; PDF and web page out. Equal input, equal bytes.
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { writeFileAtomic } from '../base/files';
import { inRepo } from '../base/paths';
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import type { Judgement } from '../claims/verdict';
import { plotlyBundle } from '../plots/dom';
import { plotlyFile } from '../plots/pages';
import type { Result } from '../results/result';
import type { ChangedSince } from './bound';
import { boundResults } from './bound';
import { claimNumbers, claimRows, verdictRows } from './claims-view';
import { equationsOf } from './equations';
import { addSlices, drawFigureOne, slicesId } from './figure-one';
import { lintTypst, requireBoundNumbers } from './number-lint';
import type { LiveFigure } from './page';
import { dressPage } from './page';
import { paperSources } from './sources';
import { Typesetter } from './typst';

/** A figure drawn from a result. */
export interface Drawn {
  /** SVG for the PDF, whose typesetter has the fonts. */
  bare: string;
  /** SVG for the web page, with the characters it needs. */
  svg: string;
  /** The plotly specification for the live figure; sizes in pixels of 1/96 inch. */
  spec: { data: unknown; layout: { width: number; [key: string]: unknown } };
  alt: string;
  caption: string;
}

export interface PaperInput extends Long {
  /** Recorded results by id, published ones among them. */
  results: ReadonlyMap<string, Result>;
  /** Every claim with its verdict. */
  judged: readonly Judgement[];
  /** Draws a result that is a figure. */
  draw: (id: string) => Promise<Drawn>;
  /** What changed in spec, code or data since studies were recorded: their numbers are marked. */
  changed?: ChangedSince;
  /** The folder of the sources; default paper/. */
  paperDir?: string;
  /** The folder that is written to; default paper/. */
  out?: string;
}

/** What was built. */
export interface PaperOutput {
  pdf: string;
  html: string;
  /** The copy of plotly that the page loads for its live figures. */
  plotly: string;
  pages: number;
  /** Numbers at hand that the text may use. */
  numbers: number;
}

/** Seconds since 1970 of the newest recorded result; 0 when nothing was run. */
export function newestRun(results: Iterable<Result>): number {
  const times = [...results].map((r) => Date.parse(r.date)).filter((t) => !Number.isNaN(t));
  return Math.floor(Math.max(0, ...times) / 1000);
}

/**
 * Build the paper.
 * @throws InputError for a number in the prose that is bound to nothing, for an id that no result has (with the line
 *   that asks for it), for TeX or Typst that cannot be set
 */
export async function buildPaper(input: PaperInput): Promise<PaperOutput> {
  const { results, judged, draw, paperDir = inRepo('paper'), out = inRepo('paper') } = input;
  const meter = new Meter('typesetting the paper', 'steps', 6, input);
  const sources = paperSources(paperDir);
  requireBoundNumbers(Object.entries(sources).flatMap(([file, text]) => lintTypst(text, file)));
  const typesetter = new Typesetter(paperDir);
  const seconds = newestRun(results.values());

  const bound = boundResults(results.values(), input.changed);
  const numbers = { ...bound.numbers, ...claimNumbers(judged) };
  const give = (name: string, value: unknown): void =>
    typesetter.add(`/build/${name}.json`, JSON.stringify(value));
  give('numbers', numbers);
  give('tables', bound.tables);
  give('studies', bound.studies);
  give('claims', { rows: claimRows(judged, results), verdicts: verdictRows(judged) });
  give('equations', await equationsOf(sources));
  addSlices(typesetter, results);
  meter.add(1, 'numbers');

  const { figures, live } = await drawFigures(results, draw, typesetter);
  give('figures', figures);
  meter.add(1, 'figures');
  typesetter.add('/build/figure-1.svg', (await drawFigureOne(results, { paperDir, seconds })).svg);
  meter.add(1, 'Figure 1');

  const pdf = typesetter.pdf('paper.typ', seconds);
  meter.add(1, 'PDF');
  const html = await dressPage(typesetter.html('paper.typ'), live, path.join(paperDir, 'web'), plotlyFile);
  meter.add(1, 'web page');

  const files = {
    pdf: path.join(out, 'paper.pdf'),
    html: path.join(out, 'paper.html'),
    plotly: path.join(out, plotlyFile),
  };
  writeFileAtomic(files.pdf, pdf.bytes);
  writeFileAtomic(files.html, html);
  copyFileSync(plotlyBundle(), files.plotly);
  meter.add(1, 'files');
  meter.finish();
  return { ...files, pages: pdf.pages, numbers: Object.keys(numbers).length };
}

/** What the sources know of a figure. */
interface FigureEntry {
  file: string;
  webFile: string;
  /** mm */
  width: number;
  alt: string;
  caption: string;
}

/** Draw every result that is a figure; the slices of Figure 1 are drawn by Typst. */
async function drawFigures(
  results: ReadonlyMap<string, Result>,
  draw: PaperInput['draw'],
  typesetter: Typesetter,
): Promise<{ figures: Record<string, FigureEntry>; live: LiveFigure[] }> {
  const figures: Record<string, FigureEntry> = {};
  const live: LiveFigure[] = [];
  for (const result of results.values()) {
    if (!result.figure || result.id === slicesId) continue;
    const { bare, svg, spec, alt, caption } = await draw(result.id);
    const [file, webFile] = ['paper', 'web'].map((where) => `/build/${where}/${result.id}.svg`);
    typesetter.add(file, bare);
    typesetter.add(webFile, svg);
    figures[result.id] = { file, webFile, width: (spec.layout.width / 96) * 25.4, alt, caption };
    live.push({ id: result.id, spec });
  }
  return { figures, live };
}
