// What a network says of cases: Dice, jitter and agreement of whole volumes, and a picture of where two ways to slice agree.
// Loads TensorFlow.js: import this file lazily.
import type { Long } from '../../base/progress';
import { Meter } from '../../base/progress';
import type { PlanePredictor, Prediction } from '../../inference/volume';
import { averaged, likeliest, predictAlong } from '../../inference/volume';
import { agreementOf } from '../../metrics/agreement';
import { throughPlane } from '../../metrics/jitter';
import type { Mask } from '../../metrics/mask';
import { maskOf } from '../../metrics/mask';
import { diceOf, overlapOf } from '../../metrics/mask-pair';
import type { PlaneName } from '../../sampling/plane';
import { planeGrid, planeNames, readPlane } from '../../sampling/plane';
import { thinLabels } from '../../sampling/thick';
import type { Triple, Volume } from '../../volume/volume';
import type { PlanCase } from './data';
import type { Thick } from './plan';

/** Shares of the voxels where one of two predictions or the truth is foreground: both disagree, agree and are right, or wrong. */
export type Shares = Record<'disagree' | 'right' | 'wrong', number>;

/** Scores of one case. */
export interface CaseScores {
  name: string;
  /** Of prediction along axial slices and as the mean of three axes: both parts together, and each. */
  dice: Record<'axial' | 'mean', [both: number, first: number, second: number]>;
  /** How much less alike than the truth's neighbouring slices are across the axial normal (metrics/jitter.ts). */
  jitter: Record<'axial' | 'mean', number | null>;
  /** Of axial and coronal predictions, wherever they meet (metrics/agreement.ts). */
  agreement: Shares;
  /** Of coronal and sagittal predictions, the pair that Eq. 2 leaves out. */
  leftOut: Shares;
}

/** Where axial and coronal slices agree in the axial plane that shows most of the truth. */
export interface AgreementPicture {
  name: string;
  /** Of the array along the plane's normal. */
  slice: number;
  /**
   * Rows from top to bottom, a digit for each voxel: 1 for foreground by axial slices, plus 2 by coronal ones, plus 4 in truth.
   */
  rows: string[];
}

/** Predict and score cases with the parameters of the moment. */
export async function scoreAll(
  predictor: PlanePredictor,
  cases: readonly PlanCase[],
  thick: Thick,
  { signal, progress }: Long,
): Promise<CaseScores[]> {
  const meter = new Meter('predict and score', 'cases', cases.length, { signal, progress });
  const scores: CaseScores[] = [];
  for (const { thick: own, labels } of cases) {
    const each = {} as Record<PlaneName, Prediction>;
    for (const plane of planeNames) each[plane] = await predictAlong(own.image, plane, predictor, { signal });
    const labelled = (prediction: Prediction): Volume => onThinGrid(prediction, labels, thick);
    const maps = { axial: labelled(each.axial), mean: labelled(averaged(Object.values(each))) };
    // Both parts together, and each.
    const masksOf = (map: Volume) => [maskOf(map, [1, 2]), maskOf(map, [1]), maskOf(map, [2])] as const;
    const truth = masksOf(labels);
    const masks = { axial: masksOf(maps.axial), mean: masksOf(maps.mean) };
    const dice = (way: 'axial' | 'mean') =>
      masks[way].map((mask, part) => diceOf(overlapOf(mask, truth[part]))) as [number, number, number];
    const normal = own.image.grids.axial.normal;
    const jitter = (way: 'axial' | 'mean'): number | null =>
      orNull(throughPlane(masks[way][0], truth[0], normal).jitter);
    const whole = (plane: PlaneName): Mask => maskOf(labelled(each[plane]), [1, 2]);
    const [coronal, sagittal] = [whole('coronal'), whole('sagittal')];
    scores.push({
      name: own.name,
      dice: { axial: dice('axial'), mean: dice('mean') },
      jitter: { axial: jitter('axial'), mean: jitter('mean') },
      agreement: sharesOf(masks.axial[0], coronal, truth[0]),
      leftOut: sharesOf(coronal, sagittal, truth[0]),
    });
    meter.add(1, own.name);
  }
  meter.finish();
  return scores;
}

function sharesOf(first: Mask, second: Mask, truth: Mask): Shares {
  const { disagree, agreeAndRight, agreeAndWrong } = agreementOf(first, second, truth);
  return { disagree, right: agreeAndRight, wrong: agreeAndWrong };
}

/** A prediction without foreground resembles nothing. */
const orNull = (value: number | undefined): number | null =>
  value === undefined || Number.isNaN(value) ? null : value;

/** Predict a case along two axes, and look at one plane of it. */
export async function agreementPicture(
  predictor: PlanePredictor,
  { thick: own, labels }: PlanCase,
  thick: Thick,
): Promise<AgreementPicture> {
  const foreground = async (plane: PlaneName): Promise<Uint8Array> =>
    maskOf(onThinGrid(await predictAlong(own.image, plane, predictor), labels, thick), [1, 2]).data;
  const truth = maskOf(labels, [1, 2]).data;
  const [axial, coronal] = [await foreground('axial'), await foreground('coronal')];
  const codes = truth.map((t, i) => axial[i] | (coronal[i] << 1) | (t << 2));
  const grid = planeGrid(labels, 'axial');
  const slice = fullestSlice(truth, labels.dims, grid.normal);
  const voxel: Triple = [0, 0, 0];
  voxel[grid.normal] = slice;
  const { pixels } = readPlane({ ...labels, data: codes }, grid, voxel);
  const { columns, rows } = grid;
  return {
    name: own.name,
    slice,
    rows: Array.from({ length: rows.count }, (_, r) =>
      pixels.slice(r * columns.count, (r + 1) * columns.count).join(''),
    ),
  };
}

/** The likeliest classes, brought from thick slices to the grid of the file. */
function onThinGrid(prediction: Prediction, labels: Volume, { axis, factor }: Thick): Volume {
  return { ...labels, data: thinLabels(likeliest(prediction), labels.dims, axis, factor) };
}

/** Which slice across an array axis holds most of a mask. */
function fullestSlice(mask: Uint8Array, dims: Readonly<Triple>, axis: number): number {
  const step = [1, dims[0], dims[0] * dims[1]][axis];
  const sizes = new Float64Array(dims[axis]);
  mask.forEach((value, place) => (sizes[Math.floor(place / step) % dims[axis]] += value));
  return sizes.indexOf(Math.max(...sizes));
}
