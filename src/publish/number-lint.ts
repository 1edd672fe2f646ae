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
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { InputError } from '../base/errors';
import { inRepo } from '../base/paths';
import { countedNouns, namedNumbers } from './number-exemptions';
import type { Prose } from './prose';
import { proseOfCode, proseOfMarkdown, proseOfTypst } from './prose';

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
    '\\b(?:half) (?:of|the|as|again)\\b|\\b(?:by|in) half\\b',
    '\\b(?:a|an|one)[ -](?:third|quarter|fifth|sixth|seventh|eighth|ninth|tenth|hundredth|thousandth|millionth)\\b',
    '\\b(?:halv|doubl|tripl|quadrupl|quintupl|sextupl|decupl)(?:e|es|ed|ing)\\b',
    '\\b(?:dozens?|hundreds?|thousands?|millions?|billions?|trillions?)\\b',
    '\\b(?:per ?cent|orders? of magnitude)\\b',
  ].join('|'),
  'giu',
);
const counted = new RegExp(`\\b(?:${cardinals})\\b(?!\\s+(?:${countedNouns.join('|')})\\b)`, 'giu');
// The digits of every script, and the Chinese and Japanese ones, which Unicode counts among the letters.
const digits =
  /[\p{N}一二三四五六七八九十百千万][\p{N}.,:/\u2009\u202f×^%-]*(?<=[\p{N}%一二三四五六七八九十百千万])/gu;
/** What a reader does not see inside a word: emphasis, escapes, hyphens that show at a line's end only, joiners. */
const unseen = /[*_~`\\\u00ad\u034f\u200b-\u200f\u2060-\u2064\ufeff]/;
/** Entities that stand for a number without a digit in their name. */
const namedEntities = /&half;/g;

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
  collect(namedEntities);
  found.push(...wordsIn(text, 0));
  for (const { tex, offset } of prose.formulas) {
    // Words in a formula are words.
    for (const { 0: all, 1: words, index = 0 } of tex.matchAll(
      /\\(?:text|mathrm|textrm|textit|textbf|operatorname)\s*\{([^{}]*)\}/g,
    )) {
      found.push(...wordsIn(words, offset + index + all.indexOf(words)));
    }
    for (const match of tex.matchAll(/\p{N}+(?:[.,]\p{N}+|\{[.,]\}\p{N}+)?/gu)) {
      const at = match.index ?? 0;
      const before = tex.slice(0, at);
      const after = tex.slice(at + match[0].length);
      const fraction = !/^\p{N}+$/u.test(match[0]);
      const inIndex = /[_^]\s*\{?\s*$/.test(before) && !fraction;
      const afterRelation =
        /(?:[=<>≈≤≥~]|\\(?:approx|sim|simeq|cong|equiv|le|leq|ge|geq|times|in|gg|ll))\s*(?:\\[,;! ]\s*|\\math[a-z]+\s*|[{+−-]\s*)*$/.test(
          before,
        ) && /^[\s}]*(?:$|[,;.]|\\)/.test(after);
      // A factor that stands alone: `2\times`, `3\%`.
      const alone = /^\s*$/.test(before) && /^\s*\\(?:times|%|cdot)\s*$/.test(after);
      if (!inIndex && (fraction || !(Number(match[0]) <= 3) || afterRelation || alone)) {
        found.push({ offset: offset + at, number: match[0] });
      }
    }
  }
  return found
    .sort((a, b) => a.offset - b.offset)
    .map(({ offset, number }) => placed(source, file, offset, number));
}

/** A number at a place of a source, as it is reported. */
function placed(source: string, file: string, offset: number, number: string): LooseNumber {
  const before = source.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return {
    file,
    line: before.split('\n').length,
    column: offset - lineStart + 1,
    number: number.trim(),
    context: source.slice(lineStart).split('\n', 1)[0].trim(),
  };
}

/** Number words in a text, found also where emphasis or what nobody sees stands inside a word. */
function wordsIn(text: string, offset: number): { offset: number; number: string }[] {
  const places: number[] = [];
  let seen = '';
  for (let i = 0; i < text.length; i++) {
    if (unseen.test(text[i])) continue;
    seen += text[i];
    places.push(i);
  }
  return [measures, counted].flatMap((pattern) => {
    const matches = [...seen.matchAll(pattern)];
    seen = seen.replace(pattern, (m) => m.replace(/[^\n]/g, ' '));
    return matches.map(({ 0: number, index = 0 }) => ({ offset: offset + places[index], number }));
  });
}

/** Loose numbers in Typst source. */
export function lintTypst(source: string, file: string): LooseNumber[] {
  return [...looseNumbers(proseOfTypst(source), source, file), ...smuggled(source, file)];
}

/**
 * Numbers that reach the page by a name or a file: `#let gain = 4.5` with `#gain` in the text, and data read from anywhere
 * but the build's own files.
 */
function smuggled(source: string, file: string): LooseNumber[] {
  const found: LooseNumber[] = [];
  for (const { 0: all, 1: name, 2: value, index = 0 } of source.matchAll(
    /#let\s+([\w-]+)\s*=\s*("?-?\d[\d.,]*"?)\s*(?:\n|$|\/\/)/g,
  )) {
    if (new RegExp(`#${name}\\b(?![\\w-])`).test(source.slice(index + all.length))) {
      found.push(placed(source, file, index + all.indexOf(value), value));
    }
  }
  for (const { 0: all, 1: given, index = 0 } of source.matchAll(
    /\b(?:read|csv|yaml|toml|xml|json|cbor)\((?!"\/build\/|"architecture\.json")([^)\n]*)\)/g,
  )) {
    if (given.startsWith('"')) found.push(placed(source, file, index, all));
  }
  return found;
}

/** Loose numbers in a Markdown text. */
export function lintMarkdown(source: string, file: string): LooseNumber[] {
  return looseNumbers(proseOfMarkdown(source), source, file);
}

/**
 * Loose numbers in a notebook: in the texts of its card, in its Markdown and raw cells, and in the texts that its code
 * shows as Markdown or HTML; lines and columns count within the cell. The generated card in the first Markdown cell holds numbers by right (reproduce/cards.ts compares it).
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
    const source = [cell.source].flat().join('');
    // What a cell says in its own words, by print or display.
    if (cell.cell_type === 'code') {
      return showsMarkup.test(source)
        ? looseNumbers(proseOfCode(source), source, `${name} cell ${i + 1}`)
        : [];
    }
    const prose = proseOfMarkdown(i === first ? withoutCard(source) : source);
    return looseNumbers(prose, source, `${name} cell ${i + 1}`);
  });
  return [...inCard, ...inCells];
}

/** Loose numbers in all notebooks of a folder. */
export function lintNotebooks(dir: string): LooseNumber[] {
  const files = readdirSync(dir).filter((file) => file.endsWith('.ipynb'));
  return files.sort().flatMap((file) => lintNotebook(path.join(dir, file)));
}

/** Code that puts text of its own onto the page as Markdown or HTML. */
const showsMarkup = /text\/(?:markdown|html)|\.(?:markdown|html)\(/;

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
    fix: 'in the paper write #num("id") with the id of a result, in a notebook show the result in a cell, or say it without a number',
  });
}
