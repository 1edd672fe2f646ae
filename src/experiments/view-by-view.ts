// One view at a time, by steps that are really run: three views hold what one does, with the gradient of one tape over all of
// them, and this is what it costs in time. Peaks are those of the run's own ledger, allocation by allocation.
import type { ChosenBackend } from '../backends/choose';
import { InputError } from '../base/errors';
import { median } from '../base/interval';
import { Meter } from '../base/progress';
import { Findings } from './findings';
import type { RunLong, StudyDefinition } from './study';
import { sweepStudy } from './study';
import type { Sized } from './view-by-view-run';

/** A model, and the policies that are compared on it, per-plane left out of their names. */
interface Watched extends Sized {
  kind: 'watched';
  policies: string[];
  /** By what the gradient of three views is found that the others must equal: views all at once. */
  reference: string;
}
interface Timed extends Sized {
  kind: 'timed';
  policies: string[];
  rounds: number;
}
type Sub = Watched | Timed;
interface Spec {
  parts: Sub[];
}

interface WatchedPolicy {
  policy: string;
  /** Most bytes beyond the weights. */
  one: number;
  three: number;
  /** Relative length. */
  gradient: number;
  loss: number;
  seconds: { one: number; three: number };
}
interface Part {
  sub: Sub;
  device: string;
  /** Most bytes of the reference beyond the weights, three views; null where it was not run for its own sake. */
  reference: number | null;
  watched: WatchedPolicy[];
  /** A row a round, a column a policy. */
  times: number[][];
}

/** Gradients further apart than this are not the same: several threads add in their own order, and no more. */
const allowed = 1e-4;

const all = ['tape', 'lean', 'chunked', 'recompute', 'per-plane', 'per-plane+lean', 'recompute+lean+chunked', 'per-plane+recompute+lean+chunked']; // prettier-ignore

export const viewByView: StudyDefinition<Spec, Sub, Part> = sweepStudy({
  id: 'view-by-view',
  title: 'One view at a time, really run: memory, gradient and time',
  module: 'experiments/view-by-view',
  name: 'viewByView',
  needs: [],
  specs: {
    tiny: {
      parts: [
        { kind: 'watched', model: 'tiny-64', size: 32, policies: ['tape', 'lean'], reference: 'tape' },
        { kind: 'timed', model: 'tiny-64', size: 32, policies: ['tape', 'per-plane'], rounds: 2 },
      ],
    },
    quick: {
      parts: [
        { kind: 'watched', model: 'tiny-128', size: 128, policies: ['tape', 'recompute+lean+chunked'], reference: 'tape' }, // prettier-ignore
        { kind: 'timed', model: 'tiny-64', size: 64, policies: all, rounds: 3 },
      ],
    },
    full: {
      parts: [
        { kind: 'watched', model: 'tiny-128', size: 128, policies: ['tape', 'lean', 'recompute+lean+chunked'], reference: 'tape' }, // prettier-ignore
        // As large as a machine holds with the graphs of three views at once.
        { kind: 'watched', model: 'sam-vit-h', size: 224, policies: ['tape'], reference: 'tape' },
        { kind: 'timed', model: 'tiny-128', size: 128, policies: all, rounds: 5 },
      ],
    },
  },
  cost: { quick: { seconds: 60, memoryGiB: 2.5 }, full: { seconds: 300, memoryGiB: 13 } },
  timed: true,
  backend: true,
  sweep: { specs: ({ parts }) => parts, runOne, combine },
});

function backendOf({ backend }: RunLong): ChosenBackend {
  if (backend) return backend;
  throw new InputError({
    what: 'cannot run view-by-view',
    given: 'no backend',
    expected: 'what `chooseBackend` gives',
    fix: 'call `runStudy`, which chooses one',
  });
}

async function runOne(sub: Sub, long: RunLong): Promise<Part> {
  const { parsePolicy } = await import('../memory/policy.js');
  const { gradientsApart, timeInRounds, watch } = await import('./view-by-view-run.js');
  const backend = backendOf(long);
  const { model, size, policies } = sub;
  const name = `${model} at ${size} px`;
  const device = `${backend.name} (${backend.device})`;
  if (sub.kind === 'timed') {
    const meter = new Meter(`${name}, timed`, 'steps', (sub.rounds + 1) * policies.length, long);
    const times = await timeInRounds(backend, sub, policies.map(parsePolicy), sub.rounds, () => meter.add(1));
    meter.finish();
    return { sub, device, reference: null, watched: [], times };
  }
  const meter = new Meter(`${name}, watched`, 'steps', 1 + 2 * policies.length, long);
  const one = async (policy: string, views: 1 | 3) => {
    const run = await watch(backend, sub, parsePolicy(policy), views);
    meter.add(1);
    return run;
  };
  const reference = await one(sub.reference, 3);
  const watched: WatchedPolicy[] = [];
  for (const policy of policies) {
    const alone = await one(policy, 1);
    const byView = policy === 'tape' ? 'per-plane' : `per-plane+${policy}`;
    const three = await one(byView, 3);
    const gradient = gradientsApart(three.gradients, reference.gradients);
    // Were the gradient another one, its memory would say nothing.
    if (!(gradient < allowed))
      throw new Error(
        `${name}: the gradient by ${byView} is ${gradient} of its length away from that by ${sub.reference}; ${allowed} is allowed`,
      );
    watched.push({
      policy,
      one: alone.beyond,
      three: three.beyond,
      gradient,
      loss: Math.abs(three.loss / reference.loss - 1),
      seconds: { one: alone.seconds, three: three.seconds },
    });
  }
  meter.finish();
  return { sub, device, reference: reference.beyond, watched, times: [] };
}

const gib = (bytes: number): number => bytes / 2 ** 30;
/** A policy in an id: `recompute-lean`. */
const idOf = (policy: string): string => policy.replaceAll('+', '-');

function combine(_: Spec, parts: Part[]): ReturnType<NonNullable<typeof viewByView.sweep>['combine']> {
  const found = new Findings('view-by-view', 1);
  const rows = parts.flatMap(
    ({ sub, reference, watched }) =>
    watched.map((one) => ({ model: `${sub.model} at ${sub.size} px`, id: `${sub.model}.${sub.size}`, reference, ...one })), // prettier-ignore
  );
  const source = "the run's own ledger of buffers, beyond parameters, optimiser's state and inputs";
  const add = (id: string, title: string, unit: string, value: number, how = source): void =>
    found.add({ id, title, kind: 'measured', unit, value, uncertainty: null, source: how });
  for (const { model, id, policy, one, three, gradient } of rows) {
    const by = `${model}, ${policy} both`;
    add(`peak.${id}.${idOf(policy)}.one`, `Peak of one view, really run (${by})`, 'GiB', gib(one));
    add(`peak.${id}.${idOf(policy)}.three`, `Peak of three views one at a time, really run (${by})`, 'GiB', gib(three)); // prettier-ignore
    add(`over-one.${id}.${idOf(policy)}`, `Three views one at a time over one view, really run (${by})`, '1', three / one); // prettier-ignore
    add(`gradient.${id}.${idOf(policy)}`, `Gradient of three views one at a time against all at once, relative difference (${by})`, '1', gradient, 'length of the difference over length, all trained numbers, the same run'); // prettier-ignore
  }
  add('over-one.most', 'Three views one at a time over one view, really run, most over models and policies', '1', Math.max(...rows.map(({ one, three }) => three / one))); // prettier-ignore
  add('gradient.most', 'Gradient of three views one at a time against all at once, relative difference, most over models and policies', '1', Math.max(...rows.map(({ gradient }) => gradient)), 'as in each row'); // prettier-ignore
  found.table(
    'watched',
    'One view, and three one at a time: peak beyond the weights, really run',
    'measured',
    {
      columns: [
        { key: 'model', title: 'Model', align: 'left' },
        { key: 'policy', title: 'Policy of both', align: 'left' },
        { key: 'reference', title: 'Three at once', unit: 'GiB', digits: 3 },
        { key: 'one', title: 'One view', unit: 'GiB', digits: 3 },
        { key: 'three', title: 'Three, one at a time', unit: 'GiB', digits: 3 },
        { key: 'ratio', title: 'Three over one', digits: 4 },
        { key: 'gradient', title: 'Gradients apart (1e-6)', digits: 2 },
        { key: 'oneSeconds', title: 'One view', unit: 's', digits: 1 },
        { key: 'threeSeconds', title: 'Three', unit: 's', digits: 1 },
      ],
      rows: rows.map(({ model, policy, reference, one, three, gradient, seconds }) => ({
        model,
        policy,
        reference: reference === null ? null : gib(reference),
        one: gib(one),
        three: gib(three),
        ratio: three / one,
        gradient: 1e6 * gradient,
        oneSeconds: seconds.one,
        threeSeconds: seconds.three,
      })),
    },
  );
  for (const { sub, times } of parts) if (sub.kind === 'timed') findTimes(found, sub, times);
  return {
    findings: found.all,
    inputs: [],
    notes: [...new Set(parts.map(({ device }) => `computed on ${device}`)), 'seconds of the first table include the writing of the ledger'], // prettier-ignore
    seed: 1,
  };
}

/** What a policy costs: time of three views over that of the plain tape, round by round. */
function findTimes(found: Findings, { model, size, policies }: Timed, times: readonly number[][]): void {
  const name = `${model} at ${size} px`;
  policies.forEach((policy, k) => {
    found.observed(`time.${idOf(policy)}`, `Time of a step, three views by ${policy} (${name})`, 's', times.map((round) => round[k])); // prettier-ignore
    if (k > 0)
      found.observed(`price.${idOf(policy)}`, `Time of three views by ${policy} over that by ${policies[0]}, median of rounds (${name})`, '1', times.map((round) => round[k] / round[0])); // prettier-ignore
  });
  found.table('times', `Time of a step with three views by policy, ${name}`, 'measured', {
    columns: [
      { key: 'policy', title: 'Policy', align: 'left' },
      { key: 'seconds', title: 'Median', unit: 's', digits: 3 },
      { key: 'price', title: `Over ${policies[0]}`, digits: 2 },
    ],
    rows: policies.map((policy, k) => ({
      policy,
      seconds: median(times.map((round) => round[k])),
      price: median(times.map((round) => round[k] / round[0])),
    })),
  });
}
