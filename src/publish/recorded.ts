// The paper and Figure 1 from what is recorded: the one way in for the command line, reproduce and tests.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { writeFileAtomic } from '../base/files';
import { inRepo } from '../base/paths';
import type { Long } from '../base/progress';
import { publishedResults } from '../claims/published';
import { publishedTableResults } from '../claims/published-tables';
import { loadRegister } from '../claims/register';
import { summarise } from '../claims/summary';
import { judgeAll } from '../claims/verdict';
import { figure } from '../plots/draw';
import type { Draw } from '../plots/drawn';
import { drawSvg } from '../plots/picture';
import type { Format } from '../plots/write-figure';
import { formats } from '../plots/write-figure';
import type { Result } from '../results/result';
import { loadResults, recordedDir } from '../results/store';
import type { ChangedSince } from './bound';
import { claimsPage } from './claims-page';
import { architectureCsv, architectureJson, architecturePage } from './architecture-page';
import { drawFigureOne, figureOneStamp, slicesId } from './figure-one';
import { lintNotebooks, requireBoundNumbers } from './number-lint';
import type { PaperOutput } from './paper';
import { buildPaper, newestRun } from './paper';
import { verdictFigure } from './verdict-figure';

/** Recorded results with the published ones, by id: all that the paper is set from. */
export function paperResults(dir: string = recordedDir()): Map<string, Result> {
  const results = loadResults(dir);
  const published = [...publishedResults(loadRegister()), ...publishedTableResults()];
  const verdicts = verdictFigure(judgeAll(loadRegister(), results), results.values());
  for (const result of [...published, ...verdicts]) results.set(result.id, result);
  return results;
}

/**
 * Build the paper from the recorded results.
 * @throws InputError as `buildPaper`, and where a recorded file is malformed
 */
export async function buildRecordedPaper({
  results = paperResults(),
  draw = drawSvg,
  ...rest
}: Long & {
  results?: ReadonlyMap<string, Result>;
  draw?: Draw;
  out?: string;
  changed?: ChangedSince;
} = {}): Promise<PaperOutput> {
  requireBoundNumbers(lintNotebooks(inRepo('notebooks')));
  const judged = judgeAll(loadRegister(), results);
  return buildPaper({
    ...rest,
    results,
    judged,
    draw: async (id) => {
      const drawn = figure(id, results);
      return { ...drawn, ...(await draw(drawn)) };
    },
  });
}

/**
 * Write the page of all claims.
 * @param here  results of this clone's own run, shown beside the record; they set no verdict
 * @param file  default paper/claims.html
 * @returns its path
 */
export async function writeClaimsPage({
  results = paperResults(),
  here = new Map<string, Result>(),
  file = inRepo('paper', 'claims.html'),
}: {
  results?: ReadonlyMap<string, Result>;
  here?: ReadonlyMap<string, Result>;
  file?: string;
} = {}): Promise<string> {
  const notebook = (name: string): string | undefined => {
    const target = inRepo('notebooks', `${name}.ipynb`);
    if (!existsSync(target)) return undefined;
    return path
      .relative(path.dirname(path.resolve(file)), target)
      .split(path.sep)
      .join('/');
  };
  const claims = summarise(judgeAll(loadRegister(), results), results, here);
  writeFileAtomic(file, await claimsPage(claims, { notebook }));
  return file;
}

/**
 * Write Figure 1 in every format, as architecture.svg and so on.
 * @param dir  default figures/
 * @returns the paths
 */
export async function writeFigureOne(
  results: ReadonlyMap<string, Result> = paperResults(),
  dir: string = inRepo('figures'),
): Promise<string[]> {
  const drawn = await drawFigureOne(results, { seconds: newestRun(results.values()) });
  const others = formats.filter((format) => format !== 'html').map((format) => `architecture.${format}`);
  const contents: Record<Format, string | Uint8Array> = {
    svg: drawn.svg,
    png: drawn.png,
    pdf: drawn.pdf,
    html: architecturePage(drawn, heightOf(drawn.svg), figureOneStamp(drawn.stamp), others),
    json: architectureJson(drawn),
    csv: architectureCsv(drawn, results.get(slicesId)!),
  };
  return formats.map((format) => {
    const file = path.join(dir, `architecture.${format}`);
    writeFileAtomic(file, contents[format]);
    return file;
  });
}

/** The height of a picture in points: the line at its foot makes it higher than the drawing. */
const heightOf = (svg: string): number => Number(/viewBox="0 0 [\d.]+ ([\d.]+)"/.exec(svg)![1]);
