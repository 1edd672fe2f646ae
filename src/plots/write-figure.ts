// A figure as files. Equal results give equal bytes, on any machine, in any folder, language or time zone.
import { copyFileSync, existsSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { temporaryName, writeFileAtomic } from '../base/files';
import { canonicalJson, sha256 } from '../base/hash';
import { toCsv } from './data-rows';
import { plotlyBundle } from './dom';
import type { Figure } from './figure';
import { figurePage, plotlyFile } from './pages';
import { renderPdf } from './pdf';
import type { Draw } from './drawn';
import type { Picture } from './picture';
import { drawSvg } from './picture';
import { renderPng } from './raster';
import { stampKeywords, stampTexts } from './stamp';

/** The forms of a figure; each is a file name's ending. */
export const formats = ['svg', 'png', 'pdf', 'html', 'json', 'csv'] as const;
export type Format = (typeof formats)[number];

/** What was written. */
export interface WrittenFigure {
  /** Paths by format. */
  files: Partial<Record<Format, string>>;
  /** SHA-256 of each file's bytes, by format. */
  sha256: Partial<Record<Format, string>>;
}

/** Dots part words in ids and endings in file names: `plane-reads.figure` becomes `plane-reads-figure`. */
export function fileStem(id: string): string {
  return id.replaceAll('.', '-');
}

/**
 * Write a figure into a folder, each file atomically. HTML with plotly needs `plotly.js` beside it, which is put there.
 * @param wanted  formats, all where nothing is said
 * @param draw    how to draw, or to have drawn before
 */
export async function writeFigure(
  figure: Figure,
  dir: string,
  wanted: readonly Format[] = formats,
  draw: Draw = drawSvg,
): Promise<WrittenFigure> {
  const picture = await draw(figure);
  const stem = fileStem(figure.id);
  const written: WrittenFigure = { files: {}, sha256: {} };
  for (const format of wanted) {
    const others = wanted.filter((other) => other !== 'html').map((other) => `${stem}.${other}`);
    const data = await render(figure, picture, format, others);
    const file = path.join(dir, `${stem}.${format}`);
    writeFileAtomic(file, data);
    written.files[format] = file;
    written.sha256[format] = sha256(data);
  }
  if (wanted.includes('html') && !figure.viewer) placePlotly(dir);
  return written;
}

function render(
  figure: Figure,
  picture: Picture,
  format: Format,
  others: string[],
): string | Buffer | Promise<string> {
  switch (format) {
    case 'svg':
      return picture.svg;
    case 'png':
      return renderPng(picture.bare, 300, stampTexts(figure));
    case 'pdf':
      return renderPdf(picture.bare, {
        title: figure.title,
        alt: figure.alt,
        keywords: stampKeywords(figure.stamp),
        widthMm: (figure.spec.layout.width / 96) * 25.4,
        heightMm: (figure.spec.layout.height / 96) * 25.4,
      });
    case 'html':
      return figurePage(figure, picture, others);
    case 'json':
      return `${canonicalJson({ title: figure.title, caption: figure.caption, alt: figure.alt, stamp: figure.stamp, ...figure.spec })}\n`;
    case 'csv':
      return toCsv(figure.rows);
  }
}

/** The one plotly that all pages of a folder share; copied when it is not there yet. */
function placePlotly(dir: string): void {
  const target = path.join(dir, plotlyFile);
  const source = plotlyBundle();
  if (existsSync(target) && statSync(target).size === statSync(source).size) return;
  const temporary = temporaryName(target);
  copyFileSync(source, temporary);
  renameSync(temporary, target);
}
