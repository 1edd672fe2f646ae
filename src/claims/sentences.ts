// The sentence index: paper/sentences.yaml says of each sentence of both documents which claims it makes, or why none.
//
// The documents themselves are not part of this repository, so a sentence is known by its number and its hash. Where
// the documents are at hand they are cut anew and everything is checked; where they are not, only the index's form.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { InputError } from '../base/errors';
import { writeFileAtomic } from '../base/files';
import { inRepo } from '../base/paths';
import type { Claim } from './register';
import { describeSignals, numbersIn, signalsIn } from './signals';
import type { Unit, UnitKind } from './split';
import { splitSource } from './split';

/** Why a sentence makes no claim, and what kinds of unit may say so. No reason covers a number, a comparison or a cause. */
export const reasons: Record<string, readonly UnitKind[]> = {
  /** Titles of parts, captions, column heads. */
  heading: ['heading', 'caption'],
  /** Says what a symbol or a term stands for. */
  definition: ['sentence', 'equation'],
  /** An entry of the reference list. */
  citation: ['reference'],
  /** Tells what others did, without a quantity. */
  background: ['sentence'],
  /** Authors, addresses, identifiers, tags. */
  metadata: ['metadata'],
  /** Proposes future work and asserts nothing. */
  proposal: ['sentence'],
};

/** The file name of each document in the folder of seeds. */
export const seedFiles: Record<Claim['seed'], string> = {
  cost: 'cost-of-consistency.txt',
  cva: 'consistent-view-alignment.txt',
};

const entry = z
  .strictObject({
    n: z.number().int().positive(),
    hash: z.string().regex(/^[0-9a-f]{16}$/),
    claims: z.array(z.string()).min(1).optional(),
    reason: z.enum(Object.keys(reasons) as [string, ...string[]]).optional(),
  })
  .refine((e) => !(e.claims && e.reason), { error: 'either `claims` or a `reason`, not both' });

const indexSchema = z.strictObject({ cost: z.array(entry), cva: z.array(entry) });

export type Entry = z.infer<typeof entry>;
export type SentenceIndex = z.infer<typeof indexSchema>;
/** The text of both documents. */
export type SeedTexts = Record<Claim['seed'], string>;

const names = Object.keys(seedFiles) as Claim['seed'][];

/** Where the index lies. */
export const indexFile = (): string => inRepo('paper', 'sentences.yaml');

/** Read and check the index's form. @throws InputError */
export function loadIndex(file: string = indexFile()): SentenceIndex {
  const where = path.relative(inRepo(), file);
  const refuse = (given: string): never => {
    throw new InputError({
      what: `cannot use the sentence index ${where}`,
      given,
      expected: 'for each document a list of {n, hash, claims or reason}',
      fix: 'run `coc claims index --seeds FOLDER` where the documents are at hand, or restore it from git',
    });
  };
  if (!existsSync(file)) return refuse('no such file');
  let value: unknown;
  try {
    value = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    return refuse((error as Error).message);
  }
  const parsed = indexSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return refuse(`${issue.path.join('.') || 'the file'}: ${issue.message}`);
}

/** Read both documents. @throws InputError when one is missing */
export function loadSeeds(folder: string): SeedTexts {
  const read = (name: string): string => {
    const file = path.join(folder, name);
    if (!existsSync(file)) {
      throw new InputError({
        what: 'cannot read the source documents',
        given: `no file ${name} in ${folder}`,
        expected: `a folder with ${Object.values(seedFiles).join(' and ')}`,
        fix: 'name the right folder; the documents are not part of this repository',
      });
    }
    return readFileSync(file, 'utf8');
  };
  return { cost: read(seedFiles.cost), cva: read(seedFiles.cva) };
}

/**
 * Check the index without the documents: numbers run from 1 without gap, every sentence is mapped, every claim exists
 * and belongs to that document, every claim has a sentence.
 * @returns one line a problem, empty when all is well
 */
export function checkIndex(index: SentenceIndex, register: Claim[]): string[] {
  const problems: string[] = [];
  for (const seed of names) {
    const own = new Map(register.filter((c) => c.seed === seed).map((c) => [c.id, c]));
    const used = new Set<string>();
    index[seed].forEach((e, i) => {
      const at = `${seed} ${e.n}`;
      if (e.n !== i + 1) problems.push(`${at}: stands in place ${i + 1}; the numbers have a gap or a repeat`);
      if (!e.claims && !e.reason) problems.push(`${at}: is not mapped yet (no claims, no reason)`);
      for (const id of e.claims ?? []) {
        if (!own.has(id))
          problems.push(`${at}: names the claim ${id}, which the register has not for ${seed}`);
        if (e.claims!.filter((other) => other === id).length > 1) problems.push(`${at}: names ${id} twice`);
        used.add(id);
      }
    });
    for (const id of own.keys()) if (!used.has(id)) problems.push(`${seed}: the claim ${id} has no sentence`);
  }
  return problems;
}

/**
 * Check the index against the documents: they are cut anew, and each difference is told by the sentence's number.
 * Beyond presence and hash: a reason fits the kind of unit and hides no number, comparison or cause; each quantity of a
 * sentence stands in the published wording of one of its claims, and each claim's wording and section are where its
 * sentences are.
 * @returns one line a problem, empty when all is well; never the text of a sentence
 */
export function checkSentences(seedTexts: SeedTexts, index: SentenceIndex, register: Claim[]): string[] {
  const problems = checkIndex(index, register);
  for (const seed of names) {
    const units = splitSource(seedTexts[seed]);
    const own = new Map(register.filter((c) => c.seed === seed).map((c) => [c.id, c]));
    const places = new Map<string, Unit[]>();
    for (const unit of units) {
      const at = `${seed} ${unit.n}`;
      const e = index[seed][unit.n - 1] as Entry | undefined;
      if (!e) {
        problems.push(`${at}: is missing in the index`);
        continue;
      }
      if (e.hash !== unit.hash) {
        problems.push(`${at}: the sentence has changed or moved (hash ${unit.hash}, in the index ${e.hash})`);
        continue;
      }
      if (e.reason) problems.push(...checkReason(at, unit, e.reason));
      const claims = (e.claims ?? []).flatMap((id) => own.get(id) ?? []);
      for (const claim of claims) places.set(claim.id, [...(places.get(claim.id) ?? []), unit]);
      if (claims.length > 0 && unit.kind !== 'equation') problems.push(...checkNumbers(at, unit, claims));
    }
    if (index[seed].length > units.length)
      problems.push(`${seed}: the index has ${index[seed].length} sentences, the document ${units.length}`);
    for (const [id, where] of places) problems.push(...checkPlace(seed, own.get(id)!, where));
  }
  return problems;
}

function checkReason(at: string, unit: Unit, reason: string): string[] {
  if (!reasons[reason].includes(unit.kind))
    return [`${at}: the reason ${reason} does not fit what it is by place and form (${unit.kind})`];
  if (unit.kind === 'reference') return [];
  const found = describeSignals(signalsIn(unit.text));
  return found === '' ? [] : [`${at}: has ${found} and so needs a claim, not the reason ${reason}`];
}

function checkNumbers(at: string, unit: Unit, claims: Claim[]): string[] {
  const covered = new Set(claims.flatMap((c) => numbersIn((c.published?.text ?? []).join(' ; '))));
  return numbersIn(unit.text)
    .filter((number) => !covered.has(number))
    .map((number) => `${at}: the number ${number} is in the published wording of none of its claims`);
}

function checkPlace(seed: string, claim: Claim, units: Unit[]): string[] {
  const problems: string[] = [];
  if (!units.some((u) => u.section === claim.section))
    problems.push(
      `${seed}: ${claim.id} says section ${claim.section}, its sentences are in ${[...new Set(units.map((u) => u.section))].join(', ')}`,
    );
  for (const text of claim.published?.text ?? []) {
    if (!units.some((u) => u.text.includes(text)))
      problems.push(`${seed}: ${claim.id} publishes "${text}", which none of its sentences has`);
  }
  return problems;
}

/**
 * Build the index for documents, keeping what was mapped by hash (in order, where a sentence occurs twice).
 * New and changed sentences come out unmapped; `checkIndex` then names them.
 */
export function rebuildIndex(seedTexts: SeedTexts, old?: SentenceIndex): SentenceIndex {
  const build = (seed: Claim['seed']): Entry[] => {
    const known = [...(old?.[seed] ?? [])];
    return splitSource(seedTexts[seed]).map(({ n, hash }) => {
      const at = known.findIndex((e) => e.hash === hash);
      const kept = at < 0 ? {} : known.splice(at, 1)[0];
      return { ...kept, n, hash };
    });
  };
  return { cost: build('cost'), cva: build('cva') };
}

/** The index as YAML, one sentence a line. */
export function indexText(index: SentenceIndex): string {
  const head = [
    '# Each sentence of the two source documents by number and hash (src/claims/split.ts cuts them; the text is not ours',
    '# to publish), with the claims it makes or the reason why it makes none. `coc claims check --seeds FOLDER` proves it.',
  ];
  const line = ({ n, hash, claims, reason }: Entry): string => {
    const mapped = claims ? `, claims: [${claims.join(', ')}]` : reason ? `, reason: ${reason}` : '';
    return `  - { n: ${n}, hash: '${hash}'${mapped} }`;
  };
  return [...head, ...names.flatMap((seed) => [`${seed}:`, ...index[seed].map(line)]), ''].join('\n');
}

/** Write the index, atomically. */
export function saveIndex(index: SentenceIndex, file: string = indexFile()): void {
  writeFileAtomic(file, indexText(index));
}
