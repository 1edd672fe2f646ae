// The case to look at first: which row of an audit is the worst, and where its prediction is wrong.
import type { Volume } from '../volume/volume';
import { volumeOf } from '../volume/volume';
import type { AuditRow } from './audit';
import type { LabelClass } from './label-maps';
import { maskOf } from './mask';

/** The values of an error map. */
export const errorLabels = [
  { value: 1, name: 'missed (truth alone)' },
  { value: 2, name: 'right (both)' },
  { value: 3, name: 'invented (prediction alone)' },
] as const;

/**
 * The row with the least Dice; of equal ones that with the most voxels. Without truth, the row whose slices resemble
 * their neighbours least in any plane. Undefined when there is nothing in any row.
 */
export function worstRow(rows: readonly AuditRow[]): AuditRow | undefined {
  const badness = (row: AuditRow): number => row.dice ?? leastAlike(row);
  const size = ({ voxels }: AuditRow): number => voxels.prediction + (voxels.truth ?? 0);
  return rows
    .filter((row) => size(row) > 0)
    .sort((a, b) => badness(a) - badness(b) || size(b) - size(a))
    .at(0);
}

/** The least Dice of neighbouring slices in any plane. */
export function leastAlike({ throughPlane }: AuditRow): number {
  const known = Object.values(throughPlane).map((t) => t.prediction);
  return Math.min(...known.filter((dice) => !Number.isNaN(dice)));
}

/** Where a prediction of a class is right and wrong, in the values of `errorLabels`; without truth all of it is 2. */
export function errorMap(prediction: Volume, truth: Volume | undefined, { labels }: LabelClass): Volume {
  const data = maskOf(prediction, labels).data;
  const reference = truth ? maskOf(truth, labels).data : data;
  const map = data.map((p, i) => (p ? (reference[i] ? 2 : 3) : reference[i]));
  return volumeOf(map, prediction.dims, prediction.affine);
}
