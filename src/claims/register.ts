// The register: paper/claims.yaml, every checkable statement of the two source documents, in our own words.
//
// A row says what was published, what tests it and by which rule results give a verdict. It never holds a verdict:
// that is computed (verdict.ts), so a row cannot claim what no result shows.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { InputError } from '../base/errors';
import { inRepo } from '../base/paths';
import { numbersIn } from './signals';

/** The two source documents. */
export const seeds = ['cost', 'cva'] as const;
/** The notebooks of this project, by which a row names its test. */
export const notebooks = [
  '01-three-views',
  '02-tri-siamese',
  '03-intersection-loss',
  '04-activation-stacking',
  '05-pixels',
  '06-strides',
  '07-table-1',
  '08-iteration-economy',
  '09-view-alignment',
  '10-remedies',
] as const;

const identifier = z
  .string()
  .regex(/^[a-z0-9]+(?:[.-][a-z0-9]+)*$/, 'ids are lower-case words joined by dots and hyphens');

/** Our own words as a reason. A number in a reason comes from a result or from a source, never from here. */
const unnumbered = z
  .string()
  .min(5)
  .refine((text) => numbersIn(text).length === 0, {
    error: 'no number by hand: it comes from a result or from a cited source',
  });

const bound = z.union([z.number(), z.literal('published')]);
const subject = {
  /** The result that is looked at. */
  result: identifier.optional(),
  /**
   * Or a number that a primary source gives, with what it is: where it fails, the claim is contradicted by its source.
   * What a text says or does not say is a count: negative pairs in an equation, layers of a kind.
   */
  cited: z
    .strictObject({
      title: z.string().min(10),
      value: z.number(),
      unit: z.string(),
      source: z.string().min(5),
    })
    .optional(),
  /** The result will be made by later work: its absence is no error. */
  notYet: z.literal(true).optional(),
};
const condition = z
  .discriminatedUnion('is', [
    z.strictObject({ ...subject, is: z.enum(['above', 'below', 'equals']), bound }),
    z.strictObject({ ...subject, is: z.literal('within'), bound: z.tuple([z.number(), z.number()]) }),
  ])
  .refine((c) => (c.result === undefined) !== (c.cited === undefined), {
    error: 'a condition looks at exactly one of `result` and `cited`',
  });

const rule = z.strictObject({
  /** The rule in words: what would have to come out for the claim to stand. */
  rule: z.string().min(20),
  /** The same as conditions that must all hold; absent while no result exists. */
  all: z.array(condition).min(1).optional(),
  /** Weaker forms, tried in order when `all` does not hold. */
  under: z
    .array(z.strictObject({ condition: z.string().min(5), all: z.array(condition).min(1) }))
    .min(1)
    .optional(),
});

const claimSchema = z
  .strictObject({
    id: identifier,
    seed: z.enum(seeds),
    /** The section the statement stands in, as split.ts names it. */
    section: z.string(),
    /** What the document says, in our words. */
    statement: z.string().min(15),
    /** The published value; `text` holds the published wording of numbers and cells, each at most 40 characters. */
    published: z
      .strictObject({
        value: z.number().optional(),
        unit: z.string().optional(),
        text: z.array(z.string().min(1).max(40)).min(1),
      })
      .refine((p) => (p.value === undefined) === (p.unit === undefined), {
        error: '`value` and `unit` go together',
      })
      .nullable(),
    /** What tests it: the notebook, the ways, and what is looked at there. */
    test: z.strictObject({
      notebook: z.enum(notebooks),
      by: z.array(z.enum(['derived', 'dry-run', 'measured', 'cited', 'text'])).min(1),
      what: z.string().min(10),
    }),
    expect: rule,
    /** Relative tolerance of `equals`; null where the published value is not a number. */
    tolerance: z.number().min(0).max(1).nullable(),
    /** What would turn the verdict round. */
    flip: z.string().min(10),
    /** Facts that bear on it, each with its source. They set no verdict. */
    evidence: z.array(z.strictObject({ fact: z.string().min(10), source: z.string().min(5) })).optional(),
    note: z.string().optional(),
    /** Why nothing here can test it: tried, what would settle it, and the nearest proxy. */
    notTestable: z.strictObject({ tried: unnumbered, settles: unnumbered, proxy: unnumbered }).optional(),
  })
  .refine((c) => (c.published?.value === undefined) === (c.tolerance === null), {
    error: 'a tolerance belongs to a numeric published value, and null to any other',
  })
  .refine((c) => !(c.notTestable && c.expect.all), {
    error: '`notTestable` and conditions exclude each other',
  })
  .refine((c) => c.published?.value !== undefined || !conditionsOf(c).some((t) => t.bound === 'published'), {
    error: 'the bound `published` needs a numeric published value',
  });

export type Condition = z.infer<typeof condition>;
export type Claim = z.infer<typeof claimSchema>;

/** Every condition of a claim's rule. */
export function conditionsOf(claim: { expect: z.infer<typeof rule> }): Condition[] {
  const { all = [], under = [] } = claim.expect;
  return [...all, ...under.flatMap((u) => u.all)];
}

/** Where the register lies. */
export const registerFile = (): string => inRepo('paper', 'claims.yaml');

/**
 * Check the text of a register.
 * @param text   YAML: a list of claims
 * @param where  the name errors give it
 * @throws InputError that names the row and the field: unknown keys, missing fields, an id used twice
 */
export function parseRegister(text: string, where: string): Claim[] {
  const document = parseDocument(text);
  const refuse = (given: string, expected: string, fix: string): never => {
    throw new InputError({ what: `cannot use the claims in ${where}`, given, expected, fix });
  };
  if (document.errors.length > 0)
    refuse(
      document.errors[0].message.split('\n')[0].replace(/:$/, ''),
      'valid YAML',
      'mend the YAML at that place',
    );
  const rows = document.toJS() as unknown;
  if (!Array.isArray(rows)) return refuse('no list', 'a list of claims', 'begin each claim with `- id:`');
  const claims: Claim[] = [];
  for (const [i, row] of (rows as unknown[]).entries()) {
    const name = (row as { id?: unknown } | null)?.id;
    const label = typeof name === 'string' ? name : `row ${i + 1}`;
    const parsed = claimSchema.safeParse(row);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      return refuse(
        `${label}, ${issue.path.join('.') || 'the row'}: ${issue.message}`,
        'a claim as src/claims/register.ts describes it',
        'correct that field',
      );
    }
    if (claims.some((c) => c.id === parsed.data.id))
      refuse(`the id ${label} twice`, 'each id once', 'rename or join the two rows');
    claims.push(parsed.data);
  }
  return claims;
}

/** Read and check the register. @throws InputError */
export function loadRegister(file: string = registerFile()): Claim[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new InputError({
      what: 'cannot read the claims',
      given: `no file ${path.relative(inRepo(), file)}`,
      expected: 'the register of claims',
      fix: 'restore it with `git checkout paper/claims.yaml`',
    });
  }
  return parseRegister(text, path.relative(inRepo(), file));
}

/**
 * Compare what conditions look at with what is recorded.
 * @param known  ids of all recorded results
 * @returns one line a problem: a result nobody has, or `notYet` on one that is there; empty when all is well
 */
export function resultProblems(claims: Claim[], known: ReadonlySet<string>): string[] {
  return claims.flatMap((claim) =>
    conditionsOf(claim).flatMap(({ result, notYet }) => {
      if (result === undefined || known.has(result) !== Boolean(notYet)) return [];
      return notYet
        ? `${claim.id} says \`notYet\` of the result ${result}, which is recorded`
        : `${claim.id} looks at the result ${result}, which no recorded study has`;
    }),
  );
}
