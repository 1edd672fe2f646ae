// Step 4: every figure, drawn from results. The recorded ones go to figures/ and are tracked (SVG and PNG).
import { sha256OfValue } from '../base/hash';
import { inRepo } from '../base/paths';
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import { figure } from '../plots/draw';
import type { Draw } from '../plots/drawn';
import { drawSvg } from '../plots/picture';
import { formats, writeFigure } from '../plots/write-figure';
import { writeFigureOne } from '../publish/recorded';
import type { Result } from '../results/result';
import type { DrawnFiles } from './drawn-files';

/**
 * Draw the figures among some results into a folder; with all of them, Figure 1.
 * @param draws  which of them; all where left out
 * @param known  files that need not be written again; every file is where left out
 * @returns the files that were written
 */
export async function drawFigures(
  results: ReadonlyMap<string, Result>,
  {
    dir = inRepo('figures'),
    draw = drawSvg,
    draws,
    known,
    ...long
  }: Long & { dir?: string; draw?: Draw; draws?: (result: Result) => boolean; known?: DrawnFiles } = {},
): Promise<string[]> {
  const wanted = [...results.values()].filter((r) => r.figure && (draws?.(r) ?? true));
  const meter = new Meter('drawing figures', 'figures', wanted.length + (draws ? 0 : 1), long);
  const files: string[] = [];
  for (const { id } of wanted) {
    const drawn = figure(id, results);
    const there = known?.find(drawn, dir);
    if (there) files.push(...there);
    else {
      const written = await writeFigure(drawn, dir, formats, draw);
      known?.keep(drawn, written);
      files.push(...Object.values(written.files));
    }
    meter.add(1, id);
  }
  if (!draws) {
    files.push(...(await writeFigureOne(results, dir)));
    meter.add(1, 'architecture');
  }
  meter.finish();
  return files;
}

/**
 * Recorded results with those of the last run in their place. A study whose file is the recorded one to the millisecond
 * and the value was not run anew: its results stay stored, whatever folder they were found in.
 */
export function besideRecord(
  recorded: ReadonlyMap<string, Result>,
  quick: ReadonlyMap<string, Result>,
): Map<string, Result> {
  const both = new Map(recorded);
  for (const [id, result] of quick) {
    const stored = recorded.get(id);
    const same =
      stored && sha256OfValue({ ...stored, origin: '' }) === sha256OfValue({ ...result, origin: '' });
    both.set(id, same ? stored : result);
  }
  return both;
}
