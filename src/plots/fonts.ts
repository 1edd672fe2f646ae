// Source Sans 3 from npm: the same files measure text, draw PNG and PDF, and are embedded in SVG. The system's
// fonts are never asked, so that a picture is the same on every machine.
import path from 'node:path';
import { readFileSync } from 'node:fs';
import type { Font } from 'fontkit';
import { create } from 'fontkit';

/** The family's name in CSS and in the files. */
export const fontFamily = 'Source Sans 3';

/** The four faces a figure may use. */
export const faces = ['regular', 'italic', 'bold', 'bold-italic'] as const;
export type Face = (typeof faces)[number];

const names: Record<Face, string> = {
  regular: '400Regular',
  italic: '400Regular_Italic',
  bold: '700Bold',
  'bold-italic': '700Bold_Italic',
};

/** The path of a face's TrueType file. */
export function fontFile(face: Face): string {
  const folder = path.dirname(require.resolve('@expo-google-fonts/source-sans-3/package.json'));
  return path.join(folder, names[face], `SourceSans3_${names[face]}.ttf`);
}

/** The face for a CSS weight and style. */
export function faceOf(weight: string, style: string): Face {
  const bold = weight === 'bold' || Number(weight) >= 600;
  const italic = style === 'italic' || style === 'oblique';
  return bold ? (italic ? 'bold-italic' : 'bold') : italic ? 'italic' : 'regular';
}

const opened = new Map<Face, Font>();

function font(face: Face): Font {
  let found = opened.get(face);
  if (!found) {
    found = create(readFileSync(fontFile(face))) as Font;
    opened.set(face, found);
  }
  return found;
}

const advances = new Map<string, number>();

/** The width of a text in pixels, kerned as a browser does. */
export function textWidth(text: string, face: Face, pixels: number): number {
  if (text === '') return 0;
  const key = `${face} ${text}`;
  let em = advances.get(key);
  if (em === undefined) {
    em = font(face).layout(text).advanceWidth / font(face).unitsPerEm;
    advances.set(key, em);
  }
  return em * pixels;
}

/** How far a line reaches above and below its baseline, in whole pixels as Chromium rounds them. */
export function lineExtent(pixels: number): { ascent: number; descent: number } {
  const { ascent, descent, unitsPerEm } = font('regular');
  return {
    ascent: Math.round((ascent / unitsPerEm) * pixels),
    descent: Math.round((-descent / unitsPerEm) * pixels),
  };
}

/** The characters of a text that a face has no glyph for. */
export function missingGlyphs(text: string, face: Face): string[] {
  return [...new Set(text)].filter((c) => c >= ' ' && !font(face).hasGlyphForCodePoint(c.codePointAt(0)!));
}
