// Our own step on TensorFlow.js, run on shapes alone: what it holds at most for one to three views by each memory policy, and what
// the policy costs in arithmetic.
import type { ModelName } from '../models/registry';
import { models } from '../models/registry';
import { parsePolicy } from '../memory/policy';
import { Meter } from '../base/progress';
import type { Long } from '../base/progress';
import { studySetting } from '../profilers/vram/setting';
import type { Findings } from './findings';

/** Policies by what they are called in the text, from the plain tape to all techniques together. */
export const shownPolicies = {
  tape: 'plain tape',
  chunked: 'attention in chunks',
  lean: 'lean tape',
  'per-plane': 'one view at a time',
  'per-plane+lean': 'one view at a time, lean tape',
  recompute: 'blocks recomputed',
  'per-plane+recompute': 'one view at a time, recomputed',
  'recompute+lean+chunked': 'recomputed, lean, in chunks',
  'per-plane+recompute+lean+chunked': 'all four together',
} as const;
export type ShownPolicy = keyof typeof shownPolicies;
export const shownPolicyNames = Object.keys(shownPolicies) as ShownPolicy[];

/** A policy in an id: `per-plane-lean`. */
export const policyId = (policy: ShownPolicy): string => policy.replaceAll('+', '-');

const GB = 1e9;

/** What dry runs of a model find: `dry-run.POLICY.VIEWS` beyond the weights, the ratio of three views to one, and the arithmetic. */
export async function findDryRuns(found: Findings, model: ModelName, long: Long): Promise<void> {
  // TensorFlow.js is loaded when it is needed, not with the library.
  const { readingOf } = await import('../profilers/vram/dry-reading.js');
  const { dryRunOf } = await import('../profilers/vram/tfjs.js');
  const row = models[model];
  if (row.family !== 'sam') throw new Error(`${row.title} has no decoder`);
  const { title, config } = row;
  const size = config.encoder.imageSize;
  const source = `dry run of our step, ${title} at ${size} px, float32, adapters of rank 4 on q and v, Adam (src/profilers/vram)`;
  const meter = new Meter('dry runs', 'steps', 3 * shownPolicyNames.length, long);
  const arithmetic: Record<string, number> = {};
  for (const policy of shownPolicyNames) {
    const words = shownPolicies[policy];
    for (const views of [1, 2, 3] as const) {
      const one = dryRunOf({ ...studySetting(model), views, policy: parsePolicy(policy) }, 'one');
      const need = readingOf({ one, two: one }, model).need(1);
      found.add({
        id: `dry-run.${policyId(policy)}.${views}`,
        title: `Peak beyond the weights, ${views} view${views > 1 ? 's' : ''}, ours, ${words}`,
        kind: 'dry-run',
        unit: 'GB',
        value: need.peakBeyondWeightsBytes / GB,
        uncertainty: null,
        source,
      });
      if (views === 3) {
        arithmetic[policy] = need.flops;
        found.derived(`dry-run.over-weights.${policyId(policy)}`, `Activations over weights at the peak of three views, ours, ${words}`, '1', need.byCategory.activations / need.weightsBytes, source); // prettier-ignore
      }
      if (views === 3 && policy === 'tape')
        found.add({
          id: 'dry-run.weights',
          title: `Weights of ${title} and adapters`,
          kind: 'dry-run',
          unit: 'GB',
          value: need.weightsBytes / GB,
          uncertainty: null,
          source,
        });
      meter.add(1);
      // The event loop has its turn: an interrupt is heard.
      await new Promise((resolve) => setImmediate(resolve));
    }
    const of = (views: number): number => found.value(`dry-run.${policyId(policy)}.${views}`);
    found.derived(`dry-run.ratio.${policyId(policy)}`, `Three views over one, ours, ${words}`, '1', of(3) / of(1), `peaks beyond the weights; ${source}`); // prettier-ignore
    found.derived(`dry-run.work.${policyId(policy)}`, `Arithmetic of three views over that of the plain tape, ours, ${words}`, '1', arithmetic[policy] / arithmetic.tape, source); // prettier-ignore
  }
  for (const [policy, same] of [
    ['per-plane', 'tape'],
    ['per-plane+lean', 'lean'],
    ['per-plane+recompute', 'recompute'],
    ['per-plane+recompute+lean+chunked', 'recompute+lean+chunked'],
  ] as const)
    found.derived(
      `dry-run.over-one.${policyId(policy)}`,
      `Three views one at a time over one view, ours, ${shownPolicies[same]} both`,
      '1',
      found.value(`dry-run.${policyId(policy)}.3`) / found.value(`dry-run.${policyId(same)}.1`),
      `peaks beyond the weights; ${source}`,
    );
  meter.finish();
}

/** The policies in one table, and as a figure beside the cards that the study names. */
export function tabulateDryRuns(found: Findings, limits: readonly { label: string; id: string }[]): void {
  const value = (id: string): number => found.value(`dry-run.${id}`);
  found.table(
    'policies',
    'The same gradient by memory policy: ours on TensorFlow.js, peak beyond the weights',
    'dry-run',
    {
      columns: [
        { key: 'policy', title: 'Policy', align: 'left' },
        { key: 'one', title: 'One view', unit: 'GB', digits: 2 },
        { key: 'two', title: 'Two views', unit: 'GB', digits: 2 },
        { key: 'three', title: 'Three views', unit: 'GB', digits: 2 },
        { key: 'ratio', title: 'Three over one', digits: 3 },
        { key: 'work', title: 'Arithmetic', digits: 2 },
      ],
      rows: shownPolicyNames.map((policy) => ({
        policy: shownPolicies[policy],
        one: value(`${policyId(policy)}.1`),
        two: value(`${policyId(policy)}.2`),
        three: value(`${policyId(policy)}.3`),
        ratio: value(`ratio.${policyId(policy)}`),
        work: value(`work.${policyId(policy)}`),
      })),
    },
  );
  const id = (rest: string): string => `${found.study}.dry-run.${rest}`;
  found.figure(
    'policies-figure',
    'The same gradient, held in less',
    'cost-of-consistency',
    {
      rows: [
        {
          label: 'the text of the study',
          reading: 'paper',
          one: 'paper.vram-one-view',
          three: 'paper.vram-three-views',
        },
        ...shownPolicyNames.map((policy) => ({
          label: shownPolicies[policy],
          reading: 'dry-run',
          one: id(`${policyId(policy)}.1`),
          three: id(`${policyId(policy)}.3`),
        })),
      ],
      limits,
    },
    'dry-run',
  );
}
