// From a claim and the recorded results to a verdict. Pure: the same results always give the same verdict.
//
// Each condition of a rule holds, fails or stays open:
//   above b    holds when the whole interval lies above b, fails when it lies at or below b
//   below b    the mirror image
//   equals b   holds when the interval lies within b ± tolerance, fails when it lies wholly outside
//   within [l, h]   the same with a given range
// A number without interval is its own interval if it is derived or dry-run (arithmetic); a measured one without
// interval stays open. What sets a verdict is a recorded result that was derived, dry-run or measured, not on
// generated data alone; anything else leaves the condition open, and the reason says so. A number cited from a primary
// source counts like arithmetic.
//
//   all hold                                    reproduced
//   else one of `under` holds                   reproduced under a condition
//   else one fails, looking at a cited source   contradicted by its source
//   else one fails                              not reproduced
//   else `notTestable` says why                 not testable here
//   else                                        not tested yet
import { formatNumber, formatQuantity } from '../results/format';
import type { Result } from '../results/result';
import type { Claim, Condition } from './register';

/** Every verdict, from good news to none. */
export const verdicts = [
  'reproduced',
  'reproduced under a condition',
  'not reproduced',
  'contradicted by its source',
  'not testable here',
  'not tested yet',
] as const;
export type Verdict = (typeof verdicts)[number];

/** A claim judged. */
export interface Judgement {
  claim: Claim;
  verdict: Verdict;
  /** One or two sentences with the numbers. */
  reason: string;
  /** The condition of `reproduced under a condition`. */
  condition?: string;
  /** The ids of the results that the verdict rests on. */
  results: string[];
  /** What would turn it round. */
  flip: string;
}

interface Outcome {
  state: 'holds' | 'fails' | 'open';
  text: string;
  cited: boolean;
  result?: string;
}

/** How many decimals a number needs for four significant digits; no zeros at the end. */
function digitsOf(value: number): { digits?: number } {
  const [, decimals = ''] = String(Number(value.toPrecision(4))).split('.');
  return decimals.includes('e') ? {} : { digits: decimals.length };
}

/** A number as it stands in a reason: four significant digits show how far a value lies from its bound. */
export const numberText = (value: number): string => formatNumber(value, digitsOf(value));

/** A quantity as it stands in a reason. */
export const quantityText = (value: number, unit: string): string =>
  formatQuantity(value, unit, digitsOf(value));

/** Whether all data that went in is generated rather than acquired: such a result sets no verdict. */
export function isSyntheticOnly(result: Result): boolean {
  return result.inputs.length > 0 && result.inputs.every((input) => input.name.startsWith('synthetic'));
}

/** Why a result may not set a verdict, or undefined when it may. */
function unfit(result: Result): string | undefined {
  if (result.origin !== 'stored') return 'was not recorded';
  if (result.kind === 'paper' || result.kind === 'assumed')
    return `is ${result.kind === 'paper' ? 'published' : 'assumed'}, not found`;
  if (result.value === undefined) return 'is no number';
  if (isSyntheticOnly(result)) return 'rests on generated data only';
  if (result.kind === 'measured' && !result.uncertainty) return 'was measured without an interval';
  return undefined;
}

/** A number is compared with the published one in the published unit only. */
function otherUnit(condition: Condition, claim: Claim, result: Result): string | undefined {
  const unit = claim.published?.unit;
  return condition.bound === 'published' && result.unit !== unit
    ? `is in ${result.unit || 'no unit'}, the published value in ${unit}`
    : undefined;
}

function boundsOf(condition: Condition, claim: Claim): [low: number, high: number] {
  if (condition.is === 'within') return condition.bound;
  const at = condition.bound === 'published' ? claim.published!.value! : condition.bound;
  const slack = condition.is === 'equals' ? Math.abs(at) * (claim.tolerance ?? 0) : 0;
  return [at - slack, at + slack];
}

function wording(condition: Condition, claim: Claim): string {
  const [low, high] = boundsOf(condition, claim).map(numberText);
  if (condition.is === 'within' || low !== high) return `between ${low} and ${high}`;
  return condition.is === 'equals' ? `equal to ${low}` : `${condition.is} ${low}`;
}

function stateOf(condition: Condition, claim: Claim, low: number, high: number): Outcome['state'] {
  const [from, to] = boundsOf(condition, claim);
  switch (condition.is) {
    case 'above':
      return low > to ? 'holds' : high <= to ? 'fails' : 'open';
    case 'below':
      return high < from ? 'holds' : low >= from ? 'fails' : 'open';
    case 'equals':
    case 'within':
      return low >= from && high <= to ? 'holds' : high < from || low > to ? 'fails' : 'open';
  }
}

function look(condition: Condition, claim: Claim, results: ReadonlyMap<string, Result>): Outcome {
  const wanted = wording(condition, claim);
  if (condition.cited) {
    const { title, value, unit, source } = condition.cited;
    const state = stateOf(condition, claim, value, value);
    const relation = state === 'holds' ? wanted : `not ${wanted}`;
    return {
      state,
      text: `${capitalised(title)}: ${quantityText(value, unit)}, ${relation} (${source}).`,
      cited: true,
    };
  }
  const id = condition.result!;
  const result = results.get(id);
  if (!result) return { state: 'open', text: `The result ${id} is not recorded yet.`, cited: false };
  const why = unfit(result) ?? otherUnit(condition, claim, result);
  if (why) return { state: 'open', text: `The result ${id} ${why}.`, cited: false };
  const value = result.value!;
  const { low, high } = result.uncertainty ?? { low: value, high: value };
  const state = stateOf(condition, claim, low, high);
  const interval = result.uncertainty
    ? ` (${numberText(result.uncertainty.level * 100)} % interval ${numberText(low)} to ${numberText(high)}, n = ${result.uncertainty.n})`
    : '';
  const relation =
    state === 'holds'
      ? wanted
      : state === 'fails'
        ? `not ${wanted}`
        : `which does not settle whether it is ${wanted}`;
  return {
    state,
    text: `${capitalised(result.title)}: ${quantityText(value, result.unit)}${interval}, ${relation}.`,
    cited: false,
    result: id,
  };
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** A reader must see when a verdict rests on what others write and nothing was run. */
const byCitation = (outcomes: Outcome[]): string =>
  outcomes.length > 0 && outcomes.every((o) => o.cited) ? 'By citation, nothing was run. ' : '';

/**
 * Judge one claim.
 * @param results  recorded results by id (`loadResults(recordedDir())`)
 */
export function judge(claim: Claim, results: ReadonlyMap<string, Result>): Judgement {
  const verdict = (verdict: Verdict, outcomes: Outcome[], lead = ''): Judgement => ({
    claim,
    verdict,
    reason: `${lead}${byCitation(outcomes)}${outcomes.map((o) => o.text).join(' ')}`,
    results: outcomes.flatMap((o) => o.result ?? []),
    flip: claim.flip,
  });
  const primary = (claim.expect.all ?? []).map((c) => look(c, claim, results));
  if (primary.length > 0 && primary.every((o) => o.state === 'holds')) return verdict('reproduced', primary);
  for (const weaker of claim.expect.under ?? []) {
    const outcomes = weaker.all.map((c) => look(c, claim, results));
    if (outcomes.every((o) => o.state === 'holds'))
      return {
        ...verdict(
          'reproduced under a condition',
          [...outcomes, ...primary.filter((o) => o.state !== 'holds')],
          `Only ${weaker.condition}. `,
        ),
        condition: weaker.condition,
      };
  }
  const failed = primary.filter((o) => o.state === 'fails');
  if (failed.some((o) => o.cited)) return verdict('contradicted by its source', failed);
  if (failed.length > 0) return verdict('not reproduced', failed);
  if (claim.notTestable) {
    const { tried, settles, proxy } = claim.notTestable;
    return verdict(
      'not testable here',
      [],
      `Tried: ${tried} What would settle it: ${settles} Nearest proxy: ${proxy}`,
    );
  }
  const open = primary.filter((o) => o.state === 'open');
  return open.length > 0
    ? verdict('not tested yet', open)
    : verdict('not tested yet', [], `To be tested in notebook ${claim.test.notebook}: ${claim.test.what}.`);
}

/** Judge every claim, in the register's order. */
export function judgeAll(claims: Claim[], results: ReadonlyMap<string, Result>): Judgement[] {
  return claims.map((claim) => judge(claim, results));
}
