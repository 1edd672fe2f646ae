// The timelines of the study's step on shapes; loads TensorFlow.js.
import { dryRunStep } from '../backends/meta/dry-run';
import type { Policy } from '../memory/policy';
import { policyName, tape, techniques } from '../memory/policy';
import type { ModelName } from '../models/registry';
import { models } from '../models/registry';
import type { Timeline } from '../profilers/timeline';
import { timelineOf } from '../profilers/timeline';
import { studySetting } from '../profilers/vram/setting';
import { vramStep } from '../profilers/vram/step';

export interface MemoryTimelineSpec {
  model: ModelName;
  /** Pixels a side. */
  size: number;
}

const shown: readonly { id: string; policy: Policy; title: string }[] = [
  { id: 'tape', policy: tape, title: 'plain tape' },
  { id: 'all', policy: techniques, title: policyName(techniques) },
];

/** A policy's timeline and peak, of three planes, adapters of rank 4 in all blocks, and Adam. */
export function timelines({ model, size }: MemoryTimelineSpec): {
  id: string;
  title: string;
  timeline: Timeline;
  peakBytes: number;
}[] {
  const row = models[model];
  if (row.family !== 'sam') throw new Error(`${row.title} has no decoder`);
  const { depth } = row.config.encoder;
  const quarter = Math.ceil(depth / 4);
  const quarters = Array.from({ length: Math.ceil(depth / quarter) }, (_, k) => {
    const [first, last] = [k * quarter, Math.min(depth, (k + 1) * quarter) - 1];
    return first === last ? `block ${first}` : `blocks ${first} to ${last}`;
  });
  const given = 'weights, state and data, as given';
  const rest = 'patches, neck and all between';
  const parts = [given, ...quarters, 'decoder and losses', rest];
  /** Blocks by their numbers; scopes begin with the part of the network. */
  const partOf = (scope: string, before: boolean): string => {
    if (before) return given;
    const block = /(?:^|\/)block (\d+)/.exec(scope);
    if (block && !scope.startsWith('head')) return quarters[Math.floor(Number(block[1]) / quarter)];
    return /^(?:head|losses)/.test(scope) ? 'decoder and losses' : rest;
  };
  return shown.map(({ id, policy, title }) => {
    const { step, inputs } = vramStep({ ...studySetting(model), size, policy });
    const { ledger } = dryRunStep(step as never, inputs, { like: 'tensorflow' });
    return { id, title, timeline: timelineOf(ledger, { parts, partOf }), peakBytes: ledger.peak().bytes };
  });
}
