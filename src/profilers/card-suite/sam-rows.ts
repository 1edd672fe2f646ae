// Tables of SAM's training steps on the card: what fits and what it takes, and the goal.
import { quantile } from '../../base/interval';
import { models } from '../../models/registry';
import type { Table } from '../../results/result';
import { agreement, sameLosses } from './agreement';
import { number, outcomesOf, type PartsFound, type Row, short, shortOrNull, stateOf, text } from './found';
import type { PartState } from './part';
import type { SamReading, SamResult, SamStack } from './sam';
import { samReading, samResultSchema } from './sam';
import { samPrintedSchema } from './sam-allocator';

type Outcome = PartState['units'][string];

/** What is said of a reading of memory. */
export interface Judged {
  /** Null where neither can be said. */
  fits: boolean | null;
  /** Why it does not fit, or why that is not known; empty where it fits. */
  message: string;
  /** Most bytes in the allocator, weights and all. */
  peakBytes: number | null;
}

const MiB = 2 ** 20;
const GiB = 2 ** 30;
/** What is free on a card may change by so many MiB from one process to the next. */
const nearMiB = 64;

/**
 * What came of a reading of memory. That it does not fit is said only where TensorFlow or PyTorch said so and, of ours, its
 * allocator tells of a request that failed.
 * @param card  whether it ran on one, where TensorFlow tells its limit
 */
export function judged(stack: SamStack, { limitBytes }: SamReading, outcome: Outcome, card: boolean): Judged {
  if ('failed' in outcome) return { fits: null, message: `failed: ${outcome.failed}`, peakBytes: null };
  const { end, message, peakBytes } = samResultSchema.parse(outcome.result);
  if (end === 'not run') return { fits: null, message: `not run: ${message}`, peakBytes: null };
  if (stack === 'torch') return { fits: end === 'done', message, peakBytes };
  const { allocator, toldLimitMiB } = samPrintedSchema.parse(
    outcome.printed ?? { allocator: null, toldLimitMiB: null },
  );
  const peak = allocator?.peakBytes ?? null;
  const unknown = (why: string): Judged => ({ fits: null, message: `not known: ${why}`, peakBytes: peak });
  if (card && limitBytes !== null) {
    const asked = limitBytes / MiB;
    if (toldLimitMiB === null || Math.abs(toldLimitMiB - asked) > nearMiB)
      return unknown(`TensorFlow had a limit of ${toldLimitMiB ?? 'no'} MiB where ${asked} were asked for`);
  }
  if (limitBytes !== null && allocator === null)
    return unknown('this TensorFlow did not use the allocator that has the limit');
  if (end === 'done') return { fits: true, message: '', peakBytes: peak };
  if (!allocator?.failure) return unknown(`${message} (the allocator tells of no request that failed)`);
  const { bytes, leftBytes, largestBytes } = allocator.failure;
  const left =
    leftBytes === null || largestBytes === null
      ? ''
      : `; ${gib(bytes)} GiB were asked for, ${gib(leftBytes)} left, ${gib(largestBytes)} of it in one piece`;
  return { fits: false, message: `${message}${left}`, peakBytes: peak };
}

const gib = (bytes: number): string => (bytes / GiB).toFixed(2);

interface Read {
  engine: string;
  stack: SamStack;
  reading: SamReading;
  outcome: Outcome;
}

const reading = (stack: SamStack, id: string): SamReading | undefined =>
  samReading(false, stack, id) ?? samReading(true, stack, id);

function readsOf(found: PartsFound, task: 'sam times' | 'sam memory'): Read[] {
  return outcomesOf(found, task).flatMap(({ engine, id, outcome }): Read[] => {
    const stack = engine === 'torch' ? 'torch' : 'ours';
    const own = reading(stack, id);
    return own ? [{ engine, stack, reading: own, outcome }] : [];
  });
}

/** A result whose steps were done. */
function doneOf(outcome: Outcome | undefined): SamResult | undefined {
  if (!outcome || !('result' in outcome)) return undefined;
  const result = samResultSchema.parse(outcome.result);
  return result.end === 'done' ? result : undefined;
}

const medianOf = (result: SamResult | undefined): number | null =>
  result && result.seconds.length > 0 ? quantile(result.seconds, 0.5) : null;

const sameStep = (a: SamReading, b: SamReading): boolean => a.model === b.model && a.planes === b.planes;

/** Median seconds of PyTorch's eager step: one graph, no limit. */
function peerSeconds(times: readonly Read[], like: SamReading): number | null {
  const peer = times.find(
    ({ stack, reading: own }) => stack === 'torch' && own.way === 'one graph' && sameStep(own, like),
  );
  return medianOf(doneOf(peer?.outcome));
}

/**
 * Every step, ours by each way and PyTorch's: whether it fits, its time beside PyTorch's eager one, and its memory in every reading
 * that there is. What could not be read is null, and the remark says why.
 */
export function samTable(found: PartsFound): Table {
  const times = readsOf(found, 'sam times');
  const rows = readsOf(found, 'sam memory').map((read): Row => {
    const { engine, stack, reading: own, outcome } = read;
    const part = found.parts.find(({ name }) => name === `${engine} sam memory`)!;
    const onCard = (found.states[part.name]?.facts?.gpu ?? null) !== null;
    const { fits, message, peakBytes } = judged(stack, own, outcome, onCard);
    const timed = times.find((one) => one.engine === engine && one.reading.id === own.id);
    // The log of our allocator takes time: what is timed runs without it, and without a limit.
    const stepped =
      own.limitBytes === null ? doneOf(timed?.outcome) : stack === 'torch' ? doneOf(outcome) : undefined;
    const seconds = medianOf(stepped);
    const peer = own.limitBytes === null ? peerSeconds(times, own) : null;
    const losses = (doneOf(timed?.outcome) ?? doneOf(outcome))?.losses ?? [];
    const others = times.flatMap((one) => {
      const done = doneOf(one.outcome);
      const other = one.engine !== engine || one.reading.way !== own.way;
      return done && other && sameStep(one.reading, own)
        ? [{ name: `${one.engine} ${one.reading.way}`, losses: done.losses }]
        : [];
    });
    const far = others.filter((one) => !sameLosses(losses, one.losses));
    const { process, card } = ('result' in outcome ? outcome.driver?.peak : undefined) ?? {
      process: null,
      card: null,
    };
    const dry = 'result' in outcome ? samResultSchema.parse(outcome.result).dryBytes : null;
    const mib = (bytes: number | null): number | null => (bytes === null ? null : short(bytes / MiB, 6));
    return {
      model: models[own.model].title,
      planes: own.planes,
      engine,
      way: own.way,
      limit: own.limitBytes === null ? null : own.limitBytes / GiB,
      fits: fits === null ? null : fits ? 'yes' : 'no',
      seconds: shortOrNull(seconds),
      ratio: seconds !== null && peer !== null ? short(seconds / peer) : null,
      allocator: mib(peakBytes),
      process,
      card,
      dry: mib(dry),
      loss: losses.length > 0 ? short(losses[0], 7) : null,
      agrees: losses.length > 0 ? agreement(others, far, 'LOSS') : 'no loss',
      message: remarks(message, {
        time: fits === true && seconds === null && whyNoTime(own, stack, timed?.outcome),
        allocator:
          fits !== null &&
          peakBytes === null &&
          (stack === 'torch' ? 'PyTorch counts a card alone' : 'it wrote nothing'),
        driver:
          fits !== null &&
          process === null &&
          (card === null ? 'nvidia-smi does not answer' : 'nvidia-smi does not name the process'),
        'dry run':
          fits !== null &&
          dry === null &&
          (stack === 'torch' ? "it is of TensorFlow.js's engine" : 'what a graph holds TensorFlow decides'),
      }),
    };
  });
  const columns = [
    text('model', 'Model'),
    number('planes', 'Planes', '1', 0),
    text('engine', 'Engine'),
    text('way', 'Way'),
    number('limit', 'Limit of the allocator', 'GiB', 2),
    text('fits', 'Fits'),
    number('seconds', 'Median of a step', 's', 4),
    number('ratio', "Over PyTorch's eager step", '1', 3),
    number('allocator', 'Allocator, most', 'MiB', 1),
    number('process', 'Driver, this process, most', 'MiB', 0),
    number('card', 'Driver, whole card, most', 'MiB', 0),
    number('dry', 'Dry run, most', 'MiB', 1),
    number('loss', 'Loss of the first step', '1', 6),
    text('agrees', 'Same losses as the others'),
    text('message', 'Remark'),
  ];
  return { columns, rows };
}

/** What is to be said, and why each thing is missing that is. */
function remarks(message: string, missing: Readonly<Record<string, string | false>>): string {
  const reasons = Object.entries(missing).flatMap(([what, why]) =>
    why === false ? [] : [`no ${what}: ${why}`],
  );
  return [message, ...reasons].filter((one) => one !== '').join('; ');
}

function whyNoTime({ limitBytes }: SamReading, stack: SamStack, timed: Outcome | undefined): string {
  if (limitBytes !== null && stack === 'ours') return 'it is timed without a limit, and without the log';
  if (!timed) return 'not timed yet';
  if ('failed' in timed) return `failed: ${timed.failed}`;
  const { end, message } = samResultSchema.parse(timed.result);
  return end === 'done' ? 'one step alone' : `${end}: ${message}`;
}

/** Three ViT-H planes take at most this share of the time of PyTorch's eager step in float32. */
export const samGoal = 1;

/** Our fastest step against PyTorch's eager one, for each model and number of planes; three planes of ViT-H have a goal. */
export function samGoalsTable(found: PartsFound): Table {
  const times = readsOf(found, 'sam times');
  const parts = found.parts.filter(({ name }) => name.endsWith(' sam times'));
  const steps = parts.flatMap(({ name, units }) =>
    name.startsWith('torch ') ? units.flatMap((id) => reading('torch', id) ?? []) : [],
  );
  const rows = steps
    .filter(({ way }) => way === 'one graph')
    .map((step): Row => {
      const goal = step.model === 'sam-vit-h' && step.planes === 3 ? samGoal : null;
      const ours = times.flatMap(({ stack, reading: own, outcome }) => {
        const seconds = stack === 'ours' && sameStep(own, step) ? medianOf(doneOf(outcome)) : null;
        return seconds === null ? [] : [{ way: own.way, seconds }];
      });
      const fastest = [...ours].sort((a, b) => a.seconds - b.seconds)[0] as (typeof ours)[number] | undefined;
      const peer = peerSeconds(times, step);
      const common = {
        step: `${models[step.model].title}, ${step.planes === 1 ? 'one plane' : 'three planes'}`,
        way: fastest?.way ?? null,
        ours: shortOrNull(fastest?.seconds ?? null),
        peer: shortOrNull(peer),
      };
      if (!fastest || peer === null) {
        const missing = parts
          .filter(({ name }) => (name.startsWith('torch ') ? peer === null : !fastest))
          .map((part) => `${part.name}: ${whyMissing(stateOf(part, found.states[part.name]))}`);
        return { ...common, ratio: null, goal, verdict: `not testable here: ${missing.join('; ')}` };
      }
      const ratio = fastest.seconds / peer;
      const verdict = goal === null ? 'reported' : ratio <= goal ? 'met' : 'missed';
      return { ...common, ratio: short(ratio), goal, verdict };
    });
  const columns = [
    text('step', 'Training step, float32'),
    text('way', 'Our fastest way'),
    number('ours', 'Ours', 's', 4),
    number('peer', 'PyTorch, eager, one graph', 's', 4),
    number('ratio', 'Ours over PyTorch', '1', 3),
    number('goal', 'At most', '1', 2),
    text('verdict', 'Verdict'),
  ];
  return { columns, rows };
}

const whyMissing = (state: string): string =>
  state === 'done' ? 'no step came to its end' : state.replace(/^not testable here: /, '');
