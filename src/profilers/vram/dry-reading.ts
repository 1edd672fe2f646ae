// The reading that dry runs of our own step are.
import type { Category } from '../../backends/ledger';
import { categories } from '../../backends/ledger';
import type { Policy } from '../../memory/policy';
import type { ModelName } from '../../models/registry';
import type { Growth, Line } from './growth';
import { highest, largestBatch, valueOf } from './growth';
import type { Need } from './need';
import type { Reading } from './reading';
import { modelNotes } from './setting';

/** A dry run: of one sample, of two, or of any larger batch (growth.ts). */
export type DryRunPart = 'one' | 'two' | 'more';

/**
 * The dry runs that say all of a policy, or all of one batch. One sample is told apart from more: gradients of what is added to a
 * whole batch are summed over it, and of one sample there is nothing to sum. Attention in chunks makes more of them the larger
 * the batch, so that no run stands for all.
 */
export function dryRunParts(policy: Policy, batch: number | 'every' = 'every'): readonly DryRunPart[] {
  if (batch === 1) return ['one'];
  if (policy.includes('chunked')) return batch === 2 ? ['two'] : ['one', 'two'];
  return batch === 'every' ? ['one', 'more'] : ['more'];
}

/** Results of the runs that `dryRunParts` names. */
export type DryRuns = Readonly<Partial<Record<DryRunPart, Growth>>>;

const notes = [
  "what TensorFlow.js's engine holds, with the buffers of its TensorFlow backend; scratch memory inside kernels and what an allocator loses come on top",
  'FLOPs of products and all else',
];

const extrapolated =
  'attention in chunks is run for one sample and for two; a larger batch is on the line through both';

/** What dry runs say, of every batch or of one. @param model  that was run */
export function readingOf({ one, two, more: own }: DryRuns, model: ModelName): Reading {
  const more = own ?? (one && two && through(one, two));
  const of = (batch: number): Growth => {
    const growth = batch === 1 ? one : batch === 2 ? (two ?? more) : more;
    if (!growth) throw new Error(`a batch of ${batch} was not run`);
    return growth;
  };
  return {
    need(batch) {
      const also = own || batch <= 2 ? [] : [extrapolated];
      return { ...needOf(of(batch), batch), notes: [...notes, ...also, ...modelNotes(model)] };
    },
    largestBatch(limit) {
      const found = largestBatch(of(3).moments, limit);
      return found > 1 ? found : largestBatch(of(1).moments, limit) > 0 ? 1 : 0;
    },
  };
}

function needOf({ moments, saved, weights, flops }: Growth, batch: number): Omit<Need, 'notes'> {
  const peak = highest(moments, batch);
  const peakBytes = valueOf(peak, batch);
  return {
    stack: 'tfjs',
    kind: 'dry run',
    peakBytes,
    weightsBytes: weights,
    peakBeyondWeightsBytes: peakBytes - weights,
    savedBytes: valueOf(highest(saved, batch), batch),
    byCategory: Object.fromEntries(
      categories.map((category) => [category, valueOf(peak.byCategory[category], batch)]),
    ) as Record<Category, number>,
    layerAtPeak: peak.layer,
    flops: valueOf(flops, batch),
  };
}

/** The lines through one sample and two, of every layer; so a layer may have the peak of larger batches alone. */
function through(one: Growth, two: Growth): Growth {
  const line = ({ fixed: first }: Line, { fixed: second }: Line): Line => ({
    fixed: 2 * first - second,
    each: second - first,
  });
  const moments = two.moments.flatMap((second) => {
    const first = one.moments.find(({ layer }) => layer === second.layer);
    if (!first) return [];
    const byCategory = Object.fromEntries(
      categories.map((name) => [name, line(first.byCategory[name], second.byCategory[name])]),
    ) as Record<Category, Line>;
    return [{ ...line(first, second), byCategory, layer: second.layer }];
  });
  return {
    moments,
    saved: [line(one.saved[0], two.saved[0])],
    weights: one.weights,
    flops: line(one.flops, two.flops),
  };
}
