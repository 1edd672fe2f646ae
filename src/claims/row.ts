// One claim as a row: what was published, derived, dry-run, measured here and recorded, each in a column of its own,
// with the verdict that the record gives. The terminal, the paper, the page and the notebooks show the same rows.
import { plainDevice } from '../results/format';
import { driftOf } from '../results/drift';
import type { Kind, Result } from '../results/result';
import { sourceTitles } from './published';
import type { Claim } from './register';
import { conditionsOf } from './register';
import type { Judgement, Verdict } from './verdict';
import { numberText, quantityText } from './verdict';

/** The columns that hold findings, in the order in which they stand everywhere. */
export const columns = [
  { key: 'published', title: 'Published' },
  { key: 'derived', title: 'Derived' },
  { key: 'dryRun', title: 'Dry run' },
  { key: 'measured', title: 'Measured here' },
  { key: 'recorded', title: 'Recorded' },
] as const;

/** A number that a claim's rule looks at, written out with where it comes from. */
export interface ClaimNumber {
  id: string;
  title: string;
  kind: Kind;
  /** Value and unit. */
  text: string;
  /** `2.26 to 2.43 (95 %, n = 400)`; empty where it has none. */
  interval: string;
  /** In the record, or in this clone's own run. */
  where: 'recorded' | 'here';
  study: string;
  mode: string;
  device: string;
  date: string;
  commit: string;
  /** How this clone's own run lies to the record; empty where either is missing. */
  drift: string;
  notes: string[];
}

/** One judged claim with everything that is shown of it. */
export interface ClaimRow {
  id: string;
  seed: Claim['seed'];
  section: string;
  statement: string;
  /** The published value, or the published wording; empty where the document gives neither. */
  published: string;
  /** The published wording as such. */
  wording: string[];
  derived: string;
  dryRun: string;
  /** By this clone's own run, where there is one; it sets no verdict. */
  measured: string;
  /** Measurements that the record holds, with their device. */
  recorded: string;
  verdict: Verdict;
  reason: string;
  /** What holds only under a condition says it here; else empty. */
  condition: string;
  flip: string;
  rule: string;
  /** Relative tolerance of an equality; null where the published value is no number. */
  tolerance: number | null;
  /** The notebook that tests it, how, and what is looked at there. */
  notebook: string;
  by: Claim['test']['by'];
  what: string;
  /** What sources say: first the numbers that the rule looks at, then facts that set no verdict. */
  evidence: { fact: string; source: string }[];
  note: string;
  /** Every number the rule looks at that there is. */
  numbers: ClaimNumber[];
  /** The ids of the results that the verdict rests on. */
  results: string[];
}

/** The published value as a reader sees it. */
export function publishedText(claim: Claim): string {
  const { value, unit, text } = claim.published ?? {};
  if (value !== undefined) return quantityText(value, unit!);
  // The document at hand writes its arrow in TeX.
  return text ? `"${text[0].replace(/^["“]|["”]$/g, '').replace('\\rightarrow', '→')}"` : '';
}

/** `The cost of consistency, section 4.1`. */
export function placeText({ seed, section }: Pick<Claim, 'seed' | 'section'>): string {
  return `${sourceTitles[seed]}, ${/^\d/.test(section) ? `section ${section}` : section}`;
}

function numberOf(
  result: Result & { value: number },
  where: ClaimNumber['where'],
  recorded?: Result,
): ClaimNumber {
  const { id, title, kind, study, mode, value, unit, uncertainty: u } = result;
  return {
    ...{ id, title, kind, study, mode, where },
    text: quantityText(value, unit),
    interval: u
      ? `${numberText(u.low)} to ${quantityText(u.high, unit)} (${numberText(u.level * 100)} %, n = ${u.n})`
      : '',
    device: plainDevice(result.device.gpu ?? result.device.cpu),
    date: result.date.slice(0, 10),
    commit:
      result.commit === 'unknown'
        ? 'unknown'
        : result.commit.slice(0, 7) + (result.dirty ? ' with changes' : ''),
    drift: recorded ? driftOf(recorded, result).class : '',
    notes: result.notes,
  };
}

const hasValue = (result: Result | undefined): result is Result & { value: number } =>
  result?.value !== undefined;

/**
 * Arithmetic comes out the same on every machine: one cell for record and run. Where it does not, both are shown.
 */
function arithmetic(numbers: readonly ClaimNumber[], kind: Kind): string {
  const cells = numbers
    .filter((n) => n.kind === kind)
    .map((n) => {
      const other = numbers.find((m) => m.id === n.id && m.where !== n.where);
      if (n.where === 'here') return other ? '' : `${n.text} (not recorded)`;
      return other && other.text !== n.text ? `${n.text} (here ${other.text})` : n.text;
    });
  return listed(cells);
}

const listed = (cells: readonly string[]): string => [...new Set(cells)].filter(Boolean).join('; ');

/** Recorded measurements, each device named once. */
function measurements(numbers: readonly ClaimNumber[]): string {
  const devices = [...new Set(numbers.map((n) => n.device))];
  return devices
    .map((d) => `${listed(numbers.filter((n) => n.device === d).map((n) => n.text))} (${d})`)
    .join('; ');
}

/**
 * A judged claim as a row.
 * @param recorded  results by id from the record: the only ones a verdict rests on
 * @param here      results by id of this clone's own run
 */
export function claimRow(
  { claim, verdict, reason, condition = '', results, flip }: Judgement,
  recorded: ReadonlyMap<string, Result>,
  here: ReadonlyMap<string, Result> = new Map(),
): ClaimRow {
  const ids = [...new Set(conditionsOf(claim).flatMap((c) => c.result ?? []))];
  const numbers = ids.flatMap((id) => {
    const [record, run] = [recorded.get(id), here.get(id)];
    return [
      ...(hasValue(record) ? [numberOf(record, 'recorded')] : []),
      ...(hasValue(run) ? [numberOf(run, 'here', record)] : []),
    ];
  });
  const cited = conditionsOf(claim).flatMap(({ cited }) =>
    cited ? [{ fact: `${cited.title}: ${quantityText(cited.value, cited.unit)}`, source: cited.source }] : [],
  );
  const measured = (where: ClaimNumber['where']): ClaimNumber[] =>
    numbers.filter((n) => n.kind === 'measured' && n.where === where);
  const { id, seed, section, statement, test } = claim;
  return {
    ...{ id, seed, section, statement, verdict, reason, condition, flip, numbers, results },
    published: publishedText(claim),
    wording: claim.published?.text ?? [],
    derived: arithmetic(numbers, 'derived'),
    dryRun: arithmetic(numbers, 'dry-run'),
    measured: listed(measured('here').map((n) => n.text)),
    recorded: measurements(measured('recorded')),
    rule: claim.expect.rule,
    tolerance: claim.tolerance,
    notebook: test.notebook,
    by: test.by,
    what: test.what,
    evidence: [...cited, ...(claim.evidence ?? [])],
    note: claim.note ?? '',
  };
}
