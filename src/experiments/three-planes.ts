// Three real slices through one lesion: what Figure 1 and notebook 01 show.
import type { Plane, PlaneName } from '../sampling/plane';
import { planeGrid, planeNames, readPlane } from '../sampling/plane';
import type { Triple, Volume } from '../volume/volume';
import { greyPng, greysOf, greyWindow } from './pictures';
import { openHead, openMsFlair, openMsLesions } from './heads';
import type { StudyDefinition } from './study';

/** A plane as a figure draws it. */
interface Slice {
  name: PlaneName;
  width: number;
  height: number;
  /** 8-bit grey picture, PNG in base64. */
  png: string;
  /** The reference mask in the same frame, PNG in base64. */
  maskPng: string;
  /** The shared voxel: [column, row]. */
  crosshair: [number, number];
  /** mm between columns and between rows. */
  spacing: [number, number];
  /** The patient's directions at the edges. */
  letters: { left: string; right: string; top: string; bottom: string };
}

export const threePlanes: StudyDefinition<Record<string, never>> = {
  id: 'three-planes',
  title: 'Three planes through one lesion',
  module: 'experiments/three-planes',
  name: 'threePlanes',
  needs: [openMsFlair, openMsLesions],
  specs: { tiny: {}, quick: {}, full: {} },
  cost: { quick: { seconds: 1, memoryGiB: 0.2 }, full: { seconds: 2, memoryGiB: 0.2 } },
  async run(_spec, long) {
    const head = await openHead(openMsFlair, long, openMsLesions);
    const labels = head.labels!;
    const voxel = lesionVoxel(labels);
    const window = greyWindow(head.volume);
    const planes = planeNames.map((name) => {
      const grid = planeGrid(head.volume, name);
      return sliceOf(readPlane(head.volume, grid, voxel), readPlane(labels, grid, voxel), window);
    });
    const source = head.synthetic
      ? { title: 'synthetic head, generated from a seed', licence: 'CC BY 4.0', synthetic: true }
      : { title: 'open_ms_data, patient 19, FLAIR in MNI space', licence: 'CC BY', synthetic: false };
    return {
      findings: [
        {
          id: 'three-planes.slices',
          title: 'Axial, coronal and sagittal planes through one lesion voxel',
          kind: 'measured',
          unit: '',
          uncertainty: null,
          figure: { builder: 'three-planes', data: { planes: planes as never, source } },
        },
      ],
      inputs: head.inputs,
      notes: head.notes,
      seed: null,
    };
  },
};

/** The lesion voxel whose three planes show the most lesion: a rule, so that nobody picked the picture by hand. */
export function lesionVoxel(labels: Volume): Triple {
  const { dims, data } = labels;
  const counts = dims.map((n) => new Float64Array(n));
  const each = (visit: (x: number, y: number, z: number) => void): void => {
    let i = 0;
    for (let z = 0; z < dims[2]; z++)
      for (let y = 0; y < dims[1]; y++) for (let x = 0; x < dims[0]; x++) if (data[i++] > 0) visit(x, y, z);
  };
  each((x, y, z) => {
    counts[0][x]++;
    counts[1][y]++;
    counts[2][z]++;
  });
  let best: Triple = [dims[0] >> 1, dims[1] >> 1, dims[2] >> 1];
  let most = 0;
  each((x, y, z) => {
    const shown = counts[0][x] + counts[1][y] + counts[2][z];
    if (shown > most) [most, best] = [shown, [x, y, z]];
  });
  return best;
}

function sliceOf(image: Plane, mask: Plane, window: readonly [number, number]): Slice {
  const { columns, rows, edges, name } = image.grid;
  return {
    name,
    width: columns.count,
    height: rows.count,
    png: greyPng(greysOf(image.pixels, window), columns.count, rows.count),
    maskPng: greyPng(
      Uint8Array.from(mask.pixels, (v) => (v > 0 ? 255 : 0)),
      columns.count,
      rows.count,
    ),
    crosshair: image.crosshair,
    spacing: [columns.spacing, rows.spacing],
    letters: edges,
  };
}
