// View alignment on paper: what its published table holds, what its released sampling compares, what it costs.
//
// Nothing is trained here. What training would show stands in the tables as not tested yet.
import { published } from '../results/published';
import { findCostOfAlignment } from './alignment-cost';
import { findPairs } from './alignment-pairs';
import { findTable } from './alignment-table';
import { Findings } from './findings';
import type { StudyDefinition } from './study';

interface Spec {
  /** Crop pairs drawn for each backbone. */
  pairs: number;
  seed: number;
}

/** The published tables that it derives from. */
const tables = ['cva-table-1', 'cva-trainers', 'cva-ranges', 'cva-cost'] as const;

export const viewAlignment: StudyDefinition<Spec> = {
  id: 'view-alignment',
  title: 'View alignment: its table, its samples, its cost',
  module: 'experiments/view-alignment',
  name: 'viewAlignment',
  needs: [],
  published: tables,
  specs: {
    tiny: { pairs: 40, seed: 1 },
    quick: { pairs: 2000, seed: 1 },
    full: { pairs: 20_000, seed: 1 },
  },
  cost: { quick: { seconds: 5, memoryGiB: 0.3 }, full: { seconds: 40, memoryGiB: 0.4 } },
  async run(spec, long) {
    const found = new Findings('view-alignment', spec.seed);
    const [scores, trainers, ranges, times] = tables.map((id) => published(id));
    findTable(found, scores, trainers, ranges);
    findCostOfAlignment(found, times);
    await findPairs(found, spec.pairs, spec.seed, long);
    const inputs = [scores, trainers, ranges, times].map((t) => t.input);
    return { findings: found.all, inputs, notes: [], seed: spec.seed };
  },
};
