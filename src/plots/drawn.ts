// Pictures that were drawn before: drawing takes half a second, looking one up a millisecond.
//
// A picture is found again by the figure and by the code that draws it (with the packages it imports), so that a
// change of either draws anew. Only whole commands use this; tests draw.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { keepNewest, writeJsonAtomic } from '../base/files';
import { sha256OfValue } from '../base/hash';
import { cacheDir, inRepo } from '../base/paths';
import { identityOf } from '../results/identity';
import type { Figure } from './figure';
import type { Picture } from './picture';
import { drawSvg } from './picture';

/** Draws a figure as SVG, or has it already. */
export type Draw = (figure: Figure) => Promise<Picture>;

/** Pictures that are kept; the oldest go first. Some hundred kilobytes each. */
const kept = 200;

const pictureSchema = z.strictObject({ bare: z.string(), svg: z.string() });

/**
 * A way to draw that keeps its pictures.
 * @param dir  where; the per-user cache
 */
export async function drawWithMemory(dir: string = cacheDir('drawings')): Promise<Draw> {
  const code = await identityOf(`export { drawSvg } from './plots/picture';`, { resolveDir: inRepo('src') });
  return async (figure) => {
    const { id, title, alt, spec, stamp } = figure;
    const file = path.join(dir, `${sha256OfValue({ code: code.hash, id, title, alt, spec, stamp })}.json`);
    const found = read(file);
    if (found) return found;
    const picture = await drawSvg(figure);
    writeJsonAtomic(file, picture);
    keepNewest(dir, kept);
    return picture;
  };
}

/** A kept picture; undefined where there is none, or none that can be read. */
function read(file: string): Picture | undefined {
  try {
    return pictureSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}
