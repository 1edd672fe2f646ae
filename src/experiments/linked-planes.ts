// Three linked planes: do they agree where they meet? As stored they must, bit for bit; after each plane is resized on
// its own to a square, something is left of that. What the viewer of notebook 01 shows.
import { differenceAlong } from '../results/linked-geometry';
import type { LinkedPlanes } from '../results/linked-planes';
import type { Finding } from '../results/result';
import { openHead, openMsFlair, openMsLesions } from './heads';
import { linkedSlices, resizingsTo } from './linked-slices';
import type { StudyDefinition } from './study';
import { lesionVoxel } from './three-planes';

interface Spec {
  /** Pixels along the edge of the square input. */
  size: number;
}

export const linkedPlanes: StudyDefinition<Spec> = {
  id: 'linked-planes',
  title: 'Three planes and the lines in which they meet',
  module: 'experiments/linked-planes',
  name: 'linkedPlanes',
  needs: [openMsFlair, openMsLesions],
  specs: { tiny: { size: 256 }, quick: { size: 1024 }, full: { size: 1024 } },
  cost: { quick: { seconds: 2, memoryGiB: 0.3 }, full: { seconds: 3, memoryGiB: 0.3 } },
  async run({ size }, long) {
    const head = await openHead(openMsFlair, long, openMsLesions);
    const labels = head.labels!;
    const source = head.synthetic
      ? { title: 'synthetic head, generated from a seed', licence: 'CC BY 4.0', synthetic: true }
      : { title: 'open_ms_data, patient 19, FLAIR in MNI space', licence: 'CC BY', synthetic: false };
    const names = head.synthetic
      ? ['necrosis', 'oedema', 'non-enhancing core', 'enhancing core']
      : ['lesion'];
    const data = linkedSlices(
      head.volume,
      lesionVoxel(labels),
      {
        source,
        values: { title: 'FLAIR', unit: '' },
        labels: names.map((name, i) => ({ value: i + 1, name })),
      },
      { labels, resizings: resizingsTo(size) },
    );
    return {
      findings: [
        {
          id: 'linked-planes.figure',
          title: 'Three planes through one lesion voxel, and the lines in which they meet',
          kind: 'measured',
          unit: '',
          uncertainty: null,
          figure: { builder: 'linked-planes', data },
        },
        agreementTable(data),
      ],
      inputs: head.inputs,
      notes: head.notes,
      seed: null,
    };
  },
};

/** How far the planes agree on the voxels of their lines, for each way to a square. */
function agreementTable({ signals, lines, window }: LinkedPlanes): Finding {
  return {
    id: 'linked-planes.agreement',
    title: 'Do two planes agree on the voxels they share?',
    kind: 'measured',
    unit: '',
    uncertainty: null,
    table: {
      columns: [
        { key: 'picture', title: 'Picture', align: 'left' },
        { key: 'shared', title: 'Shared voxels', digits: 0 },
        { key: 'equal', title: 'Equal bit for bit', digits: 0 },
        { key: 'mean', title: 'Mean difference', unit: '% of the grey window', digits: 3 },
        { key: 'largest', title: 'Largest difference', unit: '% of the grey window', digits: 2 },
      ],
      rows: signals.map(({ key, title }) => {
        const gaps = lines.flatMap((l) => differenceAlong(l, key).filter((d): d is number => d !== null));
        const sizes = gaps.map((d) => (100 * Math.abs(d)) / (window.white - window.black));
        return {
          picture: title,
          shared: gaps.length,
          equal: gaps.filter((d) => d === 0).length,
          mean: sizes.reduce((sum, d) => sum + d, 0) / Math.max(1, sizes.length),
          largest: sizes.reduce((most, d) => Math.max(most, d), 0),
        };
      }),
    },
  };
}
