// The number lint: no number in prose that is bound to no result.
//
// Digits (of any script, fractions and superscripts too) are refused unless a name on the closed list holds them.
// Number words are judged by what they do:
//   - words that measure are refused: twice, threefold, half of, doubled, hundreds, percent, orders of magnitude,
//     "three times", "a third of";
//   - cardinals from two on are refused unless they count a noun on the closed list ("three planes");
//   - "one", "first" and "second" are grammar more often than quantity, and are let through.
// Formulas may hold the small constants that build them (0 to 3, exponents, indices), but no decimal fraction and no
// value after a relation sign: `x^2` stands, `r = 4` does not.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { InputError } from '../base/errors';
import { inRepo } from '../base/paths';
import { countedNouns, namedNumbers } from './number-exemptions';
import type { Prose } from './prose';
import { proseOfMarkdown, proseOfTypst } from './prose';

/** A number that is bound to nothing. */
export interface LooseNumber {
  file: string;
  line: number;
  /** From 1, as editors count. */
  column: number;
  /** The number as it stands. */
  number: string;
  /** The line it stands in. */
  context: string;
}

const cardinals =
  'two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|' +
  'eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety';
const any = `(?:one|${cardinals}|several|many|a few|a hundred|a thousand)`;

/** Words that state a quantity whatever stands beside them. */
const measures = new RegExp(
  [
    `\\b${any}[ -]times\\b`,
    `\\b(?:one|${cardinals}|hundred|thousand|ten)[ -]?fold\\b`,
    '\\b(?:twice|thrice|two-thirds|(?:two|three|four|five|nine) (?:thirds|quarters|fifths|tenths))\\b',
    '\\b(?:half|a third|a quarter|a fifth|a tenth) (?:of|the|as)\\b',
    '\\b(?:halv(?:e|es|ed|ing)|doubl(?:e|es|ed|ing)|tripl(?:e|es|ed|ing)|quadrupl(?:e|es|ed|ing))\\b',
    '\\b(?:dozens?|hundreds?|thousands?|millions?|billions?|trillions?)\\b',
    '\\b(?:per ?cent|orders? of magnitude)\\b',
  ].join('|'),
  'giu',
);
const counted = new RegExp(`\\b(?:${cardinals})\\b(?!\\s+(?:${countedNouns.join('|')})\\b)`, 'giu');
const digits = /\p{N}[\p{N}.,:/\u2009\u202f×^%-]*(?<=[\p{N}%])/gu;

/** Loose numbers in prose; `file` only names it. */
export function looseNumbers(prose: Prose, source: string, file: string): LooseNumber[] {
  let text = prose.text;
  for (const { pattern } of namedNumbers) {
    text = text.replace(pattern, (found) => found.replace(/[^\n]/g, ' '));
  }
  const found: { offset: number; number: string }[] = [];
  const collect = (pattern: RegExp): void => {
    for (const match of text.matchAll(pattern)) found.push({ offset: match.index ?? 0, number: match[0] });
    // What one rule has reported is not reported again by the next.
    text = text.replace(pattern, (m) => m.replace(/[^\n]/g, ' '));
  };
  collect(digits);
  collect(measures);
  collect(counted);
  for (const { tex, offset } of prose.formulas) {
    for (const match of tex.matchAll(/\d+(?:\.\d+)?/g)) {
      const at = match.index ?? 0;
      const before = tex.slice(0, at);
      const inIndex = /[_^]\s*\{?\s*$/.test(before);
      const afterRelation =
        /(?:=|<|>|\\(?:approx|sim|le|leq|ge|geq|times|in|gg|ll))\s*(?:\\[,;! ]\s*)*$/.test(before) &&
        /^\s*(?:$|[,;.]|\\)/.test(tex.slice(at + match[0].length));
      if (!inIndex && (match[0].includes('.') || Number(match[0]) > 3 || afterRelation)) {
        found.push({ offset: offset + at, number: match[0] });
      }
    }
  }
  return found
    .sort((a, b) => a.offset - b.offset)
    .map(({ offset, number }) => {
      const before = source.slice(0, offset);
      const lineStart = before.lastIndexOf('\n') + 1;
      return {
        file,
        line: before.split('\n').length,
        column: offset - lineStart + 1,
        number: number.trim(),
        context: source.slice(lineStart).split('\n', 1)[0].trim(),
      };
    });
}

/** Loose numbers in Typst source. */
export function lintTypst(source: string, file: string): LooseNumber[] {
  return looseNumbers(proseOfTypst(source), source, file);
}

/** Loose numbers in a Markdown text. */
export function lintMarkdown(source: string, file: string): LooseNumber[] {
  return looseNumbers(proseOfMarkdown(source), source, file);
}

/**
 * Loose numbers in a notebook: in the texts of its card, and in its Markdown cells, where lines and columns count within
 * the cell. The generated card in the first Markdown cell holds numbers by right (reproduce/cards.ts compares it).
 * @param file  an `.ipynb` file (nbformat 4)
 */
export function lintNotebook(file: string): LooseNumber[] {
  const name = path.relative(inRepo(), path.resolve(file));
  const { metadata, cells } = notebookSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const first = cells.findIndex((cell) => cell.cell_type === 'markdown');
  const inCard = Object.entries(metadata?.coc?.card ?? {}).flatMap(([key, text]) =>
    typeof text === 'string' ? lintMarkdown(text, `${name} metadata.coc.card.${key}`) : [],
  );
  const inCells = cells.flatMap((cell, i) => {
    if (cell.cell_type !== 'markdown') return [];
    const source = [cell.source].flat().join('');
    const prose = proseOfMarkdown(i === first ? withoutCard(source) : source);
    return looseNumbers(prose, source, `${name} cell ${i + 1}`);
  });
  return [...inCard, ...inCells];
}

const notebookSchema = z.object({
  metadata: z
    .object({ coc: z.object({ card: z.record(z.string(), z.unknown()).optional() }).optional() })
    .optional(),
  cells: z.array(z.object({ cell_type: z.string(), source: z.union([z.string(), z.array(z.string())]) })),
});

/** The text with the generated card blanked; only the first pair of marks counts. */
function withoutCard(source: string): string {
  return source.replace(/<!-- card -->[^]*?<!-- end of card -->/, (found) => found.replace(/[^\n]/g, ' '));
}

/** @throws InputError naming each loose number as file:line:column */
export function requireBoundNumbers(loose: readonly LooseNumber[]): void {
  if (loose.length === 0) return;
  const list = loose.map(
    (l) => `  ${l.file}:${l.line}:${l.column}  ${l.number}   in: ${l.context.slice(0, 90)}`,
  );
  throw new InputError({
    what: 'numbers in the prose are bound to no result',
    given: `\n${list.join('\n')}\n`,
    expected: 'every number from a result, or a name on the list in src/publish/number-exemptions.ts',
    fix: 'write #num("id") with the id of a result, or say it without a number',
  });
}
