// The audit of label maps: every score, through-plane jitter and agreement where planes meet, class by class.
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import type { PlaneName } from '../sampling/plane';
import { planeGrid, planeNames } from '../sampling/plane';
import type { Triple, Volume } from '../volume/volume';
import type { Agreement } from './agreement';
import { agreementOf, lineOf } from './agreement';
import type { Score } from './definitions';
import { scores } from './definitions';
import type { ThroughPlane } from './jitter';
import { throughPlane } from './jitter';
import type { LabelClass } from './label-maps';
import type { Mask } from './mask';
import { foregroundCount, maskOf } from './mask';
import { diceOf, MaskPair } from './mask-pair';

/** A label map to audit. */
export interface Prediction {
  /** What it is called in the table. */
  name: string;
  labels: Volume;
}

/** One class of one prediction. */
export interface AuditRow {
  case: string;
  class: string;
  /** Voxels and millilitres of the prediction, and of the truth where it is known. */
  voxels: { prediction: number; truth?: number };
  millilitres: { prediction: number; truth?: number };
  /** Dice (2 TP / (2 TP + FP + FN); NaN when both are empty); left out without truth, as the next. */
  dice?: number;
  /** By key (see `definitions`). */
  scores?: Record<string, Score>;
  throughPlane: Record<PlaneName, ThroughPlane>;
}

/** How two predictions by slices of different planes agree, in one class. */
export interface AgreementRow {
  class: string;
  planes: readonly [PlaneName, PlaneName];
  /** Which lines count: `all`, or those of the triplet `through x,y,z`. */
  lines: string;
  agreement: Agreement;
}

/**
 * Audit predictions, each class on its own.
 * @param predictions  label maps on one grid
 * @param truth        the reference on the same grid; without it there are no scores
 * @param tolerance    mm for NSD
 */
export async function audit(
  predictions: readonly Prediction[],
  classes: readonly LabelClass[],
  { truth, tolerance, ...long }: { truth?: Volume; tolerance?: number } & Long = {},
): Promise<AuditRow[]> {
  const rows: AuditRow[] = [];
  const meter = new Meter('audit', 'classes', predictions.length * classes.length, long);
  for (const { name, labels } of predictions) {
    for (const { name: className, labels: wanted } of classes) {
      const mask = maskOf(labels, wanted);
      const reference = truth && maskOf(truth, wanted);
      const pair = reference && new MaskPair(mask, reference);
      rows.push({
        case: name,
        class: className,
        ...sizes(mask, reference),
        ...(pair && { dice: diceOf(pair.overlap), scores: scores(pair, tolerance) }),
        throughPlane: throughPlanes(labels, mask, reference),
      });
      meter.add(1, `${name}, class ${className}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  meter.finish();
  return rows;
}

/**
 * Agreement of three predictions of one case, made by axial, coronal and sagittal slices.
 * @param voxel  only the lines of the triplet of planes through it; all lines of the volume when left out
 */
export async function auditAgreement(
  by: Readonly<Record<PlaneName, Volume>>,
  truth: Volume,
  classes: readonly LabelClass[],
  { voxel, ...long }: { voxel?: Triple } & Long = {},
): Promise<AgreementRow[]> {
  const axes = axesAcross(truth);
  const rows: AgreementRow[] = [];
  const meter = new Meter('agreement of planes', 'classes', classes.length, long);
  for (const { name, labels } of classes) {
    const reference = maskOf(truth, labels);
    const masks = Object.fromEntries(planeNames.map((p) => [p, maskOf(by[p], labels)])) as Record<
      PlaneName,
      Mask
    >;
    for (const [a, b] of [
      ['axial', 'coronal'],
      ['axial', 'sagittal'],
      ['coronal', 'sagittal'],
    ] as const) {
      const lines = voxel ? lineOf(truth.dims, [axes[a], axes[b]], voxel) : 'all';
      rows.push({
        class: name,
        planes: [a, b],
        lines: voxel ? `through ${voxel.join(',')}` : 'all',
        agreement: agreementOf(masks[a], masks[b], reference, lines),
      });
    }
    meter.add(1, `class ${name}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  meter.finish();
  return rows;
}

function sizes(prediction: Mask, truth?: Mask): Pick<AuditRow, 'voxels' | 'millilitres'> {
  const voxel = prediction.spacing.reduce((product, s) => product * s, 1);
  const voxels = { prediction: foregroundCount(prediction), ...(truth && { truth: foregroundCount(truth) }) };
  return {
    voxels,
    millilitres: {
      prediction: (voxels.prediction * voxel) / 1000,
      ...(truth && { truth: (foregroundCount(truth) * voxel) / 1000 }),
    },
  };
}

function throughPlanes(grid: Volume, prediction: Mask, truth?: Mask): Record<PlaneName, ThroughPlane> {
  const axes = axesAcross(grid);
  const of = (plane: PlaneName): ThroughPlane => throughPlane(prediction, truth, axes[plane]);
  return { axial: of('axial'), coronal: of('coronal'), sagittal: of('sagittal') };
}

/**
 * The array axis across each plane: axial slices follow each other from foot to head, whatever axis that is stored in.
 * @throws InputError when the affine gives an axis no direction
 */
function axesAcross(grid: Volume): Record<PlaneName, number> {
  const across = (plane: PlaneName): number => planeGrid(grid, plane).normal;
  return { axial: across('axial'), coronal: across('coronal'), sagittal: across('sagittal') };
}
