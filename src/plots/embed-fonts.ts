// Fonts inside a file: only the characters that it shows, so that a picture in a page has its own type.
import { readFileSync } from 'node:fs';
import subsetFont from 'subset-font';
import type { Face } from './fonts';
import { fontFamily, fontFile } from './fonts';

/** Kerning, ligatures, accents: what the measured text uses. Alternate forms would only make the file larger. */
const features = ['kern', 'liga', 'ccmp', 'locl', 'mark', 'mkmk', 'calt'];

/**
 * CSS that brings a font's characters along.
 * @param texts  the characters needed, by face
 * @returns `@font-face` rules with the fonts as data addresses; equal arguments give equal text
 */
export async function fontCss(texts: ReadonlyMap<Face, string>): Promise<string> {
  const rules: string[] = [];
  for (const [face, text] of [...texts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const font = await subsetFont(readFileSync(fontFile(face)), text, {
      targetFormat: 'woff2',
      keepFeatures: features,
      noHinting: true,
    });
    rules.push(
      `@font-face{font-family:'${fontFamily}';` +
        `font-weight:${face.startsWith('bold') ? 700 : 400};font-style:${face.endsWith('italic') ? 'italic' : 'normal'};` +
        `src:url(data:font/woff2;base64,${font.toString('base64')}) format('woff2')}`,
    );
  }
  return rules.join('\n');
}

/** The printable characters of Western European text and those that science adds. */
function commonCharacters(): string {
  const range = (from: number, to: number): string =>
    String.fromCodePoint(...Array.from({ length: to - from + 1 }, (_, i) => from + i));
  return `${range(0x20, 0x7e)}${range(0xa0, 0xff)}\u2009\u202f\u2013\u2014\u2018\u2019\u201c\u201d\u2026−≤≥≈×→αβλμσ⁰¹²³⁴⁵⁶⁷⁸⁹⁻`;
}

let common: Promise<string> | undefined;

/** CSS for pages with live figures, whose text changes: regular and bold with all common characters. */
export function commonFontCss(): Promise<string> {
  common ??= fontCss(
    new Map<Face, string>([
      ['regular', commonCharacters()],
      ['bold', commonCharacters()],
    ]),
  );
  return common;
}
