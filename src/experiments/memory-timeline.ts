// Where the memory of a step comes and goes: live bytes through the study's step, by what they are for and by part of the model,
// under the plain tape and under every technique at once. Our step on shapes, so a network of any size.
import { Findings } from './findings';
import type { MemoryTimelineSpec } from './memory-timelines';
import type { StudyDefinition } from './study';

const whole: MemoryTimelineSpec = { model: 'sam-vit-h', size: 1024 };

export const memoryTimeline: StudyDefinition<MemoryTimelineSpec> = {
  id: 'memory-timeline',
  title: 'Memory through a step, by what it is for and by part of the model',
  module: 'experiments/memory-timeline',
  name: 'memoryTimeline',
  needs: [],
  specs: { tiny: { model: 'tiny-64', size: 64 }, quick: whole, full: whole },
  cost: { quick: { seconds: 10, memoryGiB: 0.6 }, full: { seconds: 10, memoryGiB: 0.6 } },
  async run(spec) {
    const { timelines } = await import('./memory-timelines.js');
    const found = new Findings('memory-timeline', 1);
    const rows = timelines(spec);
    for (const { id, title, peakBytes } of rows)
      found.add({
        id: `peak.${id}`,
        title: `Peak of our three-plane step (${title})`,
        kind: 'dry-run',
        unit: 'GB',
        value: peakBytes / 1e9,
        uncertainty: null,
        source: 'dry run of the step with decoder, Eq. 2 and Adam, float32',
      });
    const data = { rows: rows.map(({ title, timeline }) => ({ title, ...timeline })) };
    found.figure('figure', 'Memory through a training step', 'memory-timeline', data, 'dry-run');
    return { findings: found.all, inputs: [], notes: [], seed: null };
  },
};
