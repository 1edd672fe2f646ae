// What `coc vram` answers: the need of a setting on both stacks, by the policy that was asked for or chosen, and the cards it fits.
import { InputError } from '../../base/errors';
import type { Long } from '../../base/progress';
import type { Policy } from '../../memory/policy';
import { policies, policyName, tape } from '../../memory/policy';
import type { CardMemoryName } from './card-memory';
import { cardMemories } from './card-memory';
import { bestPolicy, cheapestPolicy } from './choose';
import type { Need, Stack } from './need';
import { stacks } from './need';
import type { Reading } from './reading';
import type { Setting } from './setting';
import type { Said } from './stacks';
import { readingsOf } from './stacks';

export interface Question {
  readonly stack: Stack;
  readonly setting: Omit<Setting, 'policy'>;
  /** `best`: the least peak. `cheapest`: the least arithmetic that fits the card. */
  readonly policy: Policy | 'best' | 'cheapest';
  readonly cards: readonly CardMemoryName[];
}

/** One stack's answer. */
export interface StackAnswer extends Need {
  /** Arithmetic over that of the plain tape. */
  readonly flopsOverTape: number;
}

/** What a stack says of a card. */
export interface OnCard {
  readonly fits: boolean;
  readonly largestBatch: number;
}

export interface Answer extends StackAnswer {
  readonly setting: Omit<Setting, 'policy'>;
  /** The name of the policy, chosen where that was asked for. */
  readonly policy: string;
  /** The same on the other stack; null with the reason where it has no such step. */
  readonly other: StackAnswer | null;
  readonly otherMissing: string | null;
  readonly cards: readonly ({
    readonly card: CardMemoryName;
    readonly title: string;
    readonly bytes: number;
    readonly source: string;
  } & Readonly<Record<Stack, OnCard | null>>)[];
}

/**
 * Answer a question.
 * @throws InputError for a setting that there is not on the stack asked, saying why; where no policy fits; Interrupted
 */
export async function answer(question: Question, long: Long = {}): Promise<Answer> {
  const { stack, setting, cards } = question;
  const policy = await policyOf(question, long);
  const otherStack = stacks.find((name) => name !== stack)!;
  // Kernels of attention are PyTorch's: of our own step there is one.
  const ours = stack === 'tfjs' ? setting : { ...setting, attention: undefined };
  const read = {
    // First what threads run: PyTorch's step is derived meanwhile.
    tfjs: readBoth('tfjs', ours, policy, long),
    pytorch: readBoth('pytorch', setting, policy, long),
  };
  const [own, other] = await Promise.all([read[stack], read[otherStack]]);
  if ('refusal' in own) throw own.refusal;
  const missing = 'refusal' in other ? other.refusal.message : null;
  const readings = {
    [stack]: own.reading,
    [otherStack]: 'refusal' in other ? null : other.reading,
  } as Record<Stack, Reading | null>;
  const { batch } = setting;
  return {
    ...own.answer,
    setting,
    policy: policyName(policy),
    other: 'refusal' in other ? null : other.answer,
    otherMissing: missing,
    cards: cards.map((card) => {
      const { title, bytes, source } = cardMemories[card];
      const on = (reading: Reading | null): OnCard | null =>
        reading && {
          fits: reading.need(batch).peakBytes <= bytes,
          largestBatch: reading.largestBatch(bytes),
        };
      return { card, title, bytes, source, pytorch: on(readings.pytorch), tfjs: on(readings.tfjs) };
    }),
  };
}

type Read = { reading: Reading; answer: StackAnswer } | { refusal: InputError };

/** The reading of a setting by a policy, beside that of the plain tape. */
async function readBoth(
  stack: Stack,
  setting: Omit<Setting, 'policy'>,
  policy: Policy,
  long: Long,
): Promise<Read> {
  const { batch, ...rest } = setting;
  const [own, plain] = await readingsOf(
    stack,
    [
      { setting: { ...rest, policy }, batch: 'every' },
      { setting: { ...rest, policy: tape }, batch },
    ],
    long,
  );
  if ('refusal' in own) return own;
  if ('refusal' in plain) return plain;
  const need = own.reading.need(batch);
  const flopsOverTape = need.flops / plain.reading.need(batch).flops;
  return { reading: own.reading, answer: { ...need, flopsOverTape } };
}

/** The policy that is asked for, or the one that is chosen among all. */
async function policyOf({ stack, setting, policy, cards }: Question, long: Long): Promise<Policy> {
  if (policy !== 'best' && policy !== 'cheapest') return policy;
  const { batch, ...rest } = setting;
  const said = await readingsOf(stack, policies.map((by) => ({ setting: { ...rest, policy: by }, batch })), long); // prettier-ignore
  const needs = available(said).map(({ policy: by, reading }) => ({ policy: by, need: reading.need(batch) }));
  if (policy === 'best') return bestPolicy(needs).policy;
  if (cards.length !== 1)
    throw new InputError({
      what: 'cannot choose the cheapest policy',
      given: `${cards.length} cards`,
      expected: 'the one card that the step has to fit',
      fix: 'name it: --card t4',
    });
  const { title, bytes } = cardMemories[cards[0]];
  return cheapestPolicy(needs, bytes, `${title} (${bytes / 2 ** 20} MiB)`).policy;
}

/** Policies that a stack has. @throws the first refusal where it has none */
function available(said: readonly Said[]): { policy: Policy; reading: Reading }[] {
  const found = said.flatMap((one, k) =>
    'refusal' in one ? [] : [{ policy: policies[k], reading: one.reading }],
  );
  const [first] = said;
  if (found.length === 0 && 'refusal' in first) throw first.refusal;
  return found;
}

/** A line of the table of all policies. */
export interface PolicyRow {
  readonly policy: string;
  readonly flops: number;
  readonly flopsOverTape: number;
  /** Peaks of the batches asked for, in their order. */
  readonly peakBytes: readonly number[];
  readonly largestBatch: Readonly<Partial<Record<CardMemoryName, number>>>;
}

/**
 * Every policy and several batches, from the least peak to the largest.
 * @throws as `answer`
 */
export async function policyTable(
  { stack, setting, cards }: Omit<Question, 'policy'>,
  batches: readonly number[],
  long: Long = {},
): Promise<PolicyRow[]> {
  const { batch, ...rest } = setting;
  const wanted = policies.map((by) => ({ setting: { ...rest, policy: by }, batch: 'every' as const }));
  const said = await readingsOf(stack, wanted, long);
  const rows = available(said);
  const plain = rows.find(({ policy }) => policy.length === 0)!.reading.need(batch).flops;
  return rows
    .map(({ policy, reading }) => {
      const { flops } = reading.need(batch);
      return {
        policy: policyName(policy),
        flops,
        flopsOverTape: flops / plain,
        peakBytes: batches.map((n) => reading.need(n).peakBytes),
        largestBatch: Object.fromEntries(
          cards.map((card) => [card, reading.largestBatch(cardMemories[card].bytes)]),
        ),
      };
    })
    .sort((a, b) => a.peakBytes[0] - b.peakBytes[0] || a.flops - b.flops);
}
