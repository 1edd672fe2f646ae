// The paper and Figure 1 from what is recorded: the one way in for the command line, reproduce and tests.
import path from 'node:path';
import { writeFileAtomic } from '../base/files';
import { inRepo } from '../base/paths';
import type { Long } from '../base/progress';
import { publishedTableResults } from '../claims/published-tables';
import { loadRegister } from '../claims/register';
import { judgeAll } from '../claims/verdict';
import { figure } from '../plots/draw';
import type { Draw } from '../plots/drawn';
import { drawSvg } from '../plots/picture';
import type { Result } from '../results/result';
import { loadResults, recordedDir } from '../results/store';
import { drawFigureOne } from './figure-one';
import { publishedFigures } from './figure-two';
import type { PaperOutput } from './paper';
import { buildPaper, newestRun } from './paper';

/** Recorded results with the published ones, by id: all that the paper is set from. */
export function paperResults(dir: string = recordedDir()): Map<string, Result> {
  const results = loadResults(dir);
  const published = [...publishedFigures(loadRegister()), ...publishedTableResults()];
  for (const result of published) results.set(result.id, result);
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
}: Long & { results?: ReadonlyMap<string, Result>; draw?: Draw; out?: string } = {}): Promise<PaperOutput> {
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
 * Write Figure 1 as architecture.svg, .pdf and .png.
 * @param dir  default figures/
 * @returns the three paths
 */
export async function writeFigureOne(
  results: ReadonlyMap<string, Result> = paperResults(),
  dir: string = inRepo('figures'),
): Promise<string[]> {
  const drawn = await drawFigureOne(results, { seconds: newestRun(results.values()) });
  return (['svg', 'pdf', 'png'] as const).map((format) => {
    const file = path.join(dir, `architecture.${format}`);
    writeFileAtomic(file, drawn[format]);
    return file;
  });
}
