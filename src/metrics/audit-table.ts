// An audit as records of named numbers: a line of CSV each. Infinite and undefined numbers are text, as no JSON holds them.
import type { AgreementRow, AuditRow } from './audit';
import { planeNames } from '../sampling/plane';
import type { Score } from './definitions';

/** A cell; null where there is no number. */
export type Cell = string | number | null;

const cell = (score: Score | undefined): Cell => {
  if (score === undefined || score === null || Number.isFinite(score)) return score ?? null;
  return Number.isNaN(score) ? 'nan' : score > 0 ? 'inf' : '-inf';
};

/** One record a case and class: sizes, scores by key, Dice of neighbouring slices and jitter by plane. */
export function auditRecords(rows: readonly AuditRow[]): Record<string, Cell>[] {
  return rows.map((row) => ({
    case: row.case,
    class: row.class,
    'voxels.prediction': row.voxels.prediction,
    'voxels.truth': cell(row.voxels.truth),
    'ml.prediction': row.millilitres.prediction,
    'ml.truth': cell(row.millilitres.truth),
    ...Object.fromEntries(Object.entries(row.scores ?? {}).map(([key, score]) => [key, cell(score)])),
    ...Object.fromEntries(
      planeNames.flatMap((plane) => {
        const { prediction, truth, jitter } = row.throughPlane[plane];
        return [
          [`adjacent-dice.${plane}.prediction`, cell(prediction)],
          [`adjacent-dice.${plane}.truth`, cell(truth)],
          [`jitter.${plane}`, cell(jitter)],
        ];
      }),
    ),
  }));
}

/** One record a class and pair of planes; Dice of both stands before the shares. */
export function agreementRecords(rows: readonly AgreementRow[]): Record<string, Cell>[] {
  return rows.map(({ class: name, planes, lines, agreement }) => ({
    class: name,
    first: planes[0],
    second: planes[1],
    lines,
    'dice.first': cell(agreement.dice[0]),
    'dice.second': cell(agreement.dice[1]),
    voxels: agreement.voxels,
    disagree: cell(agreement.disagree),
    'agree-and-right': cell(agreement.agreeAndRight),
    'agree-and-wrong': cell(agreement.agreeAndWrong),
  }));
}
