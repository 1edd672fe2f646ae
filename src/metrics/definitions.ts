// The scores of a mask against the truth. One name has many definitions: they differ by how a surface is found, how a
// percentile is taken and what an empty mask scores. So a score is known by a key that says which one it is:
//
//   metric[-unit] . convention . empty-BOTH-TRUTH-PREDICTION
//
// The last part is the score when both masks are empty, when only the truth is, and when only the prediction is;
// `none` means that the convention refuses such a pair. Conventions are those of the programs that people quote:
// MONAI 1.6.1, MedPy 0.5.2 (and 0.4, which averaged otherwise), DeepMind's surface-distance 0.1, nnU-Net 2.
import { InputError } from '../base/errors';
import type { MaskPair } from './mask-pair';
import { diceOf } from './mask-pair';
import { areaPercentile, meanDistance, percentile, surfaceDice } from './surface-distances';

/** A score: NaN and Infinity where the convention says so; null where it refuses to give one. */
export type Score = number | null;

/** What a score is when a mask is empty. */
interface WhenEmpty {
  both: Score;
  truth: Score;
  prediction: Score;
}

/** One way to score a prediction. */
export interface Definition {
  /** The score's full name. */
  key: string;
  metric: 'dice' | 'hd' | 'hd95' | 'asd' | 'assd' | 'nsd';
  unit: '1' | 'mm';
  /** What is computed, in a sentence. */
  says: string;
  whenEmpty: WhenEmpty;
}

interface Formula extends Definition {
  /** For pairs of which neither mask is empty. */
  formula: (pair: MaskPair) => number;
}

/** The tolerance of NSD in mm where none is told. */
export const defaultTolerance = 1;

function scoreOf(
  metric: Definition['metric'],
  convention: string,
  [both, truth, prediction]: readonly [Score, Score, Score],
  says: string,
  formula: (pair: MaskPair) => number,
  suffix = '',
): Formula {
  const unit = metric === 'dice' || metric === 'nsd' ? '1' : 'mm';
  const name = `${metric}${suffix || (unit === 'mm' ? '-mm' : '')}`;
  const rule = [both, truth, prediction].map(emptyText).join('-');
  const key = `${name}.${convention}.empty-${rule}`;
  return { key, metric, unit, says, whenEmpty: { both, truth, prediction }, formula };
}

function emptyText(score: Score): string {
  if (score === null) return 'none';
  return score === Infinity ? 'inf' : String(score).toLowerCase();
}

function formulas(tolerance: number): Formula[] {
  const nan = NaN;
  const inf = Infinity;
  const surface = 'surface voxels are foreground with a face neighbour outside';
  const element =
    'surface elements are those of marching cubes at the corners between voxels, weighed by area';
  return [
    scoreOf('dice', 'nnunet', [nan, 0, 0], '2 TP / (2 TP + FP + FN); also MedPy and DeepMind', diceOfPair),
    scoreOf(
      'dice',
      'monai',
      [nan, nan, 0],
      'the same; cases without truth are ignored (ignore_empty)',
      diceOfPair,
    ),
    scoreOf(
      'dice',
      'monai-all',
      [1, 0, 0],
      'the same; cases without truth count (ignore_empty=False)',
      diceOfPair,
    ),
    scoreOf(
      'hd',
      'monai',
      [nan, inf, inf],
      `the greatest distance from one surface to the other; ${surface}`,
      ({ voxels }) =>
        Math.max(percentile(voxels.fromPrediction.distances, 1), percentile(voxels.fromTruth.distances, 1)),
    ),
    scoreOf(
      'hd95',
      'monai',
      [nan, nan, nan],
      `the greater of the two directed 95th percentiles; ${surface}`,
      ({ voxels }) =>
        Math.max(
          percentile(voxels.fromPrediction.distances, 0.95),
          percentile(voxels.fromTruth.distances, 0.95),
        ),
    ),
    scoreOf(
      'hd95',
      'medpy',
      [null, null, null],
      `the 95th percentile of both directed sets of distances together; ${surface}`,
      ({ voxels }) => {
        const { fromPrediction, fromTruth } = voxels;
        const all = new Float64Array(fromPrediction.distances.length + fromTruth.distances.length);
        all.set(fromPrediction.distances);
        all.set(fromTruth.distances, fromPrediction.distances.length);
        return percentile(all.sort(), 0.95);
      },
    ),
    scoreOf(
      'hd95',
      'deepmind',
      [inf, inf, inf],
      `the greater of the two directed distances within which 95 % of the area lies; ${element}`,
      ({ elements }) =>
        Math.max(areaPercentile(elements.fromPrediction, 0.95), areaPercentile(elements.fromTruth, 0.95)),
    ),
    scoreOf(
      'asd',
      'monai',
      [nan, inf, inf],
      `the mean distance from the prediction's surface to the truth's; ${surface}`,
      ({ voxels }) => meanDistance(voxels.fromPrediction),
    ),
    scoreOf('asd', 'medpy', [null, null, null], 'the same', ({ voxels }) =>
      meanDistance(voxels.fromPrediction),
    ),
    scoreOf(
      'asd',
      'deepmind-from-prediction',
      [nan, inf, nan],
      `the mean distance from the prediction's surface to the truth's; ${element}`,
      ({ elements }) => meanDistance(elements.fromPrediction),
    ),
    scoreOf(
      'asd',
      'deepmind-from-truth',
      [nan, nan, inf],
      `the mean distance from the truth's surface to the prediction's; ${element}`,
      ({ elements }) => meanDistance(elements.fromTruth),
    ),
    scoreOf(
      'assd',
      'monai',
      [nan, inf, inf],
      `the mean of both directed sets of distances together; ${surface}`,
      ({ voxels }) => meanDistance(voxels.fromPrediction, voxels.fromTruth),
    ),
    scoreOf('assd', 'medpy', [null, null, null], 'the same', ({ voxels }) =>
      meanDistance(voxels.fromPrediction, voxels.fromTruth),
    ),
    scoreOf(
      'assd',
      'medpy-0.4',
      [null, null, null],
      `the mean of the two directed means (MedPy up to 0.4); ${surface}`,
      ({ voxels }) => (meanDistance(voxels.fromPrediction) + meanDistance(voxels.fromTruth)) / 2,
    ),
    scoreOf(
      'nsd',
      'monai',
      [nan, 0, 0],
      `the share of both surfaces' voxels within ${tolerance} mm of the other surface; ${surface}`,
      ({ voxels }) => surfaceDice(voxels, tolerance),
      `-${tolerance}mm`,
    ),
    scoreOf(
      'nsd',
      'deepmind',
      [nan, 0, 0],
      `the share of both surfaces' area within ${tolerance} mm of the other surface (MONAI with use_subvoxels); ${element}`,
      ({ elements }) => surfaceDice(elements, tolerance),
      `-${tolerance}mm`,
    ),
  ];
}

const diceOfPair = ({ overlap }: MaskPair): number => diceOf(overlap);

/**
 * What is scored, and how.
 * @param tolerance  mm for NSD
 * @throws InputError for a tolerance that is no finite number of at least 0
 */
export function definitions(tolerance: number = defaultTolerance): Definition[] {
  checkTolerance(tolerance);
  return formulas(tolerance);
}

/** The scores of a pair by key. @param tolerance  mm for NSD */
export function scores(pair: MaskPair, tolerance: number = defaultTolerance): Record<string, Score> {
  checkTolerance(tolerance);
  const { prediction, truth } = pair.overlap;
  return Object.fromEntries(
    formulas(tolerance).map(({ key, whenEmpty, formula }) => {
      if (prediction > 0 && truth > 0) return [key, formula(pair)];
      return [key, prediction > 0 ? whenEmpty.truth : truth > 0 ? whenEmpty.prediction : whenEmpty.both];
    }),
  );
}

function checkTolerance(tolerance: number): void {
  if (Number.isFinite(tolerance) && tolerance >= 0) return;
  throw new InputError({
    what: 'cannot score surfaces',
    given: `a tolerance of ${tolerance} mm`,
    expected: 'a finite number of millimetres, 0 or more',
    fix: 'give for example 1',
  });
}
