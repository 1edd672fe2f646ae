// Cuts a source document into sentences, always in the same way, so that a sentence has a number and a hash.
//
// The rules, in order, line by line (a line of the sources is a paragraph):
//   1. YAML between two `---` lines at the top is front matter: prose in it is cut like any prose, every other scalar
//      is one unit of kind `metadata`.
//   2. A line with tabs is a table row, the first one of a table its heading. A line between `$$` is an equation.
//   3. `#` or (nearly) all capitals is a heading; `Figure n:` and `Table n:` begin a caption.
//   4. What stands before the ABSTRACT heading (authors, addresses) is metadata.
//   5. Under REFERENCES each list item is one reference.
//   6. A line that is only a bold label is a heading; `Label: identifier` (an address, an arXiv number) is metadata.
//   7. The rest is prose. List items and lines that begin with a bold label stand alone; a prose line that stops
//      without a full stop goes on in the next prose line (the sources break sentences at page ends).
//   8. Prose is cut after `.`, `!` or `?` before a capital or a digit, except after abbreviations and initials. A first
//      sentence of at most five capitalised words is a run-in heading.
import { parse } from 'yaml';
import { sha256 } from '../base/hash';

/** What a unit is by its place and form. */
export type UnitKind =
  'sentence' | 'heading' | 'caption' | 'equation' | 'table-row' | 'reference' | 'metadata';

/** One sentence, or what stands in a sentence's place. */
export interface Unit {
  /** Number in its document, from 1. */
  n: number;
  kind: UnitKind;
  /** `4.1`, `abstract`, `table 1`, `key results`; `title` before the first section. */
  section: string;
  text: string;
  /** First 16 hexadecimal digits of the SHA-256 of the text. */
  hash: string;
}

/** Text as it is hashed: Unicode NFC, no emphasis marks, single spaces. */
export function normalise(text: string): string {
  return text
    .normalize('NFC')
    .replace(/\*+/g, '')
    .replace(/[\s\u00a0]+/g, ' ')
    .trim();
}

/** The hash by which the index knows a sentence. */
export function hashOf(text: string): string {
  return sha256(normalise(text)).slice(0, 16);
}

const abbreviation = /(?:\b(?:e\.g|i\.e|et al|vs|Dr|pp|Fig|Eq|cf|no)|\b[A-Z])\.$/;
const boundary = /(?<=[.!?]["”’')\]*]*)\s+(?=["“‘([*$]*[A-Z0-9])/;

/** Cut prose into sentences. No text is lost: joined with spaces they give the prose back. */
export function sentencesOf(prose: string): string[] {
  const sentences: string[] = [];
  let open = '';
  for (const piece of prose.trim().split(boundary)) {
    open = open ? `${open} ${piece}` : piece;
    if (abbreviation.test(open)) continue;
    sentences.push(open);
    open = '';
  }
  if (open) sentences.push(open);
  return sentences;
}

function isHeading(line: string): boolean {
  if (line.startsWith('#')) return true;
  const letters = line.replace(/[^A-Za-z]/g, '');
  const capitals = line.replace(/[^A-Z]/g, '');
  return letters.length >= 4 && capitals.length / letters.length > 0.8 && !/[.?!]$/.test(line);
}

const isListItem = (line: string): boolean => /^(?:[-•]|\d+\.)\s/.test(line);
const hasLabel = (line: string): boolean => /^\*\*[^*]+\*\*:/.test(line);
const isBareLabel = (line: string): boolean => /^\*\*[^*]+\*\*:$/.test(line);
const isIdentifier = (line: string): boolean =>
  /^(?:- )?[*\w ]+: (?:https?:\/\/\S+|\d{4}\.\d{4,5})$/.test(line);
const isCaption = (line: string): boolean => /^(?:Figure|Table) \d+:/.test(line);
const endsOpen = (line: string): boolean => !/[.!?:]["”’')*]*$/.test(line);

function isRunInHeading(sentence: string): boolean {
  const words = sentence.split(' ');
  return (
    words.length <= 5 &&
    sentence.endsWith('.') &&
    words.every((w) => /^[A-Z]/.test(w) || /^(?:and|for|in|of|the)$/.test(w))
  );
}

/** `4.1 THE ...` is section 4.1; a heading without a number is known by its words. */
function sectionOf(heading: string): string {
  const bare = heading.replace(/^#+\s*/, '');
  return /^(\d+(?:\.\d+)*)\s/.exec(bare)?.[1] ?? bare.toLowerCase();
}

/** Cut a whole document. */
export function splitSource(document: string): Unit[] {
  const units: Unit[] = [];
  let section = 'title';
  const add = (kind: UnitKind, raw: string, where = section): void => {
    const text = normalise(raw.replace(/^(?:[-•]|\d+\.)\s+/, '').replace(/^#+\s*/, ''));
    if (text) units.push({ n: units.length + 1, kind, section: where, text, hash: hashOf(text) });
  };
  const addProse = (prose: string): void => {
    sentencesOf(prose).forEach((sentence, i, all) =>
      add(i === 0 && all.length > 1 && isRunInHeading(sentence) ? 'heading' : 'sentence', sentence),
    );
  };

  let body = document.replace(/\r\n?/g, '\n');
  const front = /^---\n([\s\S]*?)\n---\n/.exec(body);
  if (front) {
    body = body.slice(front[0].length);
    for (const [key, value] of Object.entries(parse(front[1]) as Record<string, unknown>)) {
      for (const item of [value].flat()) {
        const text = String(item);
        if (/[.!?](?:\s|$)/.test(text)) addProse(text);
        else add('metadata', `${key}: ${text}`);
      }
    }
  }

  const lines = body
    .split('\n')
    .map((line) => line.replace(/[ \u00a0]+/g, ' ').trim())
    .filter((line) => line !== '');
  const hasAbstract = lines.includes('ABSTRACT');
  let beforeAbstract = hasAbstract;
  let table: string | undefined;
  for (let i = 0; i < lines.length; i++) {
    let line = lines[i];
    if (line.includes('\t')) {
      const first = !lines[i - 1]?.includes('\t');
      add(first ? 'heading' : 'table-row', line.replaceAll('\t', ' | '), table);
    } else if (line.startsWith('$$')) {
      add('equation', line);
    } else if (isHeading(line)) {
      if (line === 'ABSTRACT') beforeAbstract = false;
      if (!beforeAbstract && !(section === 'title' && line.startsWith('# '))) section = sectionOf(line);
      add('heading', line);
    } else if (isCaption(line)) {
      const name = /^\w+ \d+/.exec(line)![0].toLowerCase();
      if (name.startsWith('table')) table = name;
      add('caption', line, name);
    } else if (beforeAbstract) {
      add('metadata', line);
    } else if (section === 'references') {
      add('reference', line);
    } else if (isBareLabel(line)) {
      add('heading', line.replace(/:$/, ''));
    } else if (isIdentifier(line)) {
      add('metadata', line);
    } else {
      const alone = isListItem(line);
      while (!alone && endsOpen(line) && i + 1 < lines.length) {
        const next = lines[i + 1];
        const other = /\t|^\$\$/.test(next) || isHeading(next) || isCaption(next);
        if (other || isListItem(next) || hasLabel(next)) break;
        line = `${line} ${next}`;
        i++;
      }
      addProse(line.replace(/^(?:[-•]|\d+\.)\s+/, ''));
    }
  }
  return units;
}
