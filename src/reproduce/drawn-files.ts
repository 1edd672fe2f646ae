// Figures whose files are what they would be again: turning pictures into PNG, PDF and pages takes seconds in all, to look
// at the files a few milliseconds. Only whole commands use this; tests draw.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { keepNewest, writeJsonAtomic } from '../base/files';
import { sha256, sha256OfValue } from '../base/hash';
import { cacheDir, inRepo } from '../base/paths';
import type { Figure } from '../plots/figure';
import { plotlyFile } from '../plots/pages';
import type { WrittenFigure } from '../plots/write-figure';
import { identityOf } from '../results/identity';

/** How many figures are remembered; a kilobyte each. */
const kept = 500;

const writtenSchema = z.record(z.string(), z.string());

/** Knows which files a figure was written as, by the figure and the code that writes it. */
export class DrawnFiles {
  private constructor(private readonly code: string) {}

  static async ofThisCode(): Promise<DrawnFiles> {
    const source = `export { writeFigure } from './plots/write-figure';`;
    return new DrawnFiles((await identityOf(source, { resolveDir: inRepo('src') })).hash);
  }

  /** The paths of a figure's files in a folder, if all are there as they were written. */
  find(figure: Figure, dir: string): string[] | undefined {
    const file = this.fileOf(figure);
    // Pages share one copy of plotly in their folder.
    if (!existsSync(file) || !existsSync(path.join(dir, plotlyFile))) return undefined;
    const written = writtenSchema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data;
    if (!written) return undefined;
    const paths = Object.keys(written).map((name) => path.join(dir, name));
    const same = paths.every((p) => existsSync(p) && sha256(readFileSync(p)) === written[path.basename(p)]);
    return same ? paths : undefined;
  }

  /** Remember what was written. */
  keep(figure: Figure, { files, sha256: digests }: WrittenFigure): void {
    const formats = Object.keys(files) as (keyof typeof files)[];
    const written = Object.fromEntries(formats.map((f) => [path.basename(files[f]!), digests[f]!]));
    const file = this.fileOf(figure);
    writeJsonAtomic(file, written);
    keepNewest(path.dirname(file), kept);
  }

  private fileOf(figure: Figure): string {
    return cacheDir('figures', `${sha256OfValue({ code: this.code, figure })}.json`);
  }
}
