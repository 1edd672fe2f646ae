// What `coc audit` leaves behind: tables as CSV, a picture of the worst, and a summary for the terminal.
import { rmSync } from 'node:fs';
import { diskError, writeFileAtomic } from '../base/files';
import type { Long } from '../base/progress';
import type { AgreementRow, AuditRow, Prediction } from '../metrics/audit';
import type { LabelClass } from '../metrics/label-maps';
import type { Volume } from '../volume/volume';

/** What was audited, and what came out. */
export interface Audited {
  rows: AuditRow[];
  cases: Prediction[];
  classes: LabelClass[];
  truth?: Volume;
}

/** The worst row as a picture; undefined when all masks are empty. */
export async function pictureOf(
  image: Volume,
  { rows, cases, classes, truth }: Audited,
  long: Long,
): Promise<{ row: AuditRow; files: Record<string, string | Buffer> } | undefined> {
  const { errorLabels, errorMap, leastAlike, worstRow } = await import('../metrics/worst.js');
  const row = worstRow(rows);
  if (!row) return undefined;
  const { linkedSlices } = await import('../experiments/linked-slices.js');
  const { lesionVoxel } = await import('../experiments/three-planes.js');
  const { auditPicture } = await import('../plots/builders/audit-picture.js');
  const { drawSvg } = await import('../plots/picture.js');
  const { renderPng } = await import('../plots/raster.js');
  const { Meter } = await import('../base/progress.js');
  const meter = new Meter('picture of the worst', 'pictures', 1, long);
  const { labels } = cases.find((c) => c.name === row.case)!;
  const errors = errorMap(
    labels,
    truth,
    classes.find((c) => c.name === row.class)!,
  );
  const wrong = { ...errors, data: errors.data.map((v) => (v === 2 ? 0 : 1) * v) };
  const at = lesionVoxel(wrong.data.some((v) => v > 0) ? wrong : errors);
  const planes = linkedSlices(
    image,
    at,
    {
      source: { title: row.case, licence: 'licence not stated', synthetic: false },
      values: { title: 'Value', unit: '' },
      labels: truth ? errorLabels.map((l) => ({ ...l })) : [{ value: 2, name: 'prediction' }],
    },
    { labels: errors },
  );
  const title = `Worst: ${row.case}, class ${row.class}`;
  const { svg, bare } = await drawSvg(
    auditPicture(planes, { title, scores: scoresText(row, leastAlike(row)) }),
  );
  const files = { 'worst.svg': svg, 'worst.png': renderPng(bare, 192) };
  meter.add(1);
  meter.finish();
  return { row, files };
}

function scoresText(row: AuditRow, leastAlike: number): string {
  return row.dice === undefined
    ? `Dice of neighbouring slices ${leastAlike.toFixed(3)} where least`
    : `Dice ${row.dice.toFixed(3)}`;
}

/** All that an audit may leave in its folder. */
const names = ['audit.csv', 'agreement.csv', 'worst.svg', 'worst.png'];

type Tables = Record<'audit' | 'agreement', Record<string, string | number | null>[]>;

/**
 * Write what there is. What an earlier audit left under these names goes, or it would be taken for a part of this one.
 * @returns the files
 * @throws InputError when the disk refuses
 */
export async function write(
  folder: string,
  tables: Tables,
  pictures: Record<string, string | Buffer>,
): Promise<string[]> {
  const path = await import('node:path');
  const { csvOf } = await import('../plots/data-rows.js');
  const csv = Object.entries(tables).flatMap(([name, rows]) =>
    rows.length > 0 ? [[`${name}.csv`, csvOf(rows, Object.keys(rows[0]))] as const] : [],
  );
  const files = new Map<string, string | Buffer>([...csv, ...Object.entries(pictures)]);
  for (const name of names) {
    const file = path.join(folder, name);
    const data = files.get(name);
    try {
      if (data === undefined) rmSync(file, { force: true });
      else writeFileAtomic(file, data);
    } catch (error) {
      throw diskError(error, file, 'choose another folder with --out');
    }
  }
  return [...files.keys()].map((name) => path.join(folder, name));
}

export async function asText(
  rows: AuditRow[],
  agreement: AgreementRow[],
  worst: AuditRow | undefined,
  written: string[],
): Promise<string> {
  const { tableText } = await import('../plots/tables.js');
  const scored = rows.some((row) => row.scores);
  const number = (x: number | null | undefined): string | number | null =>
    x === null || x === undefined || Number.isFinite(x) ? (x ?? null) : String(x).replace('Infinity', 'inf');
  const short: [key: string, title: string, unit: string][] = [
    ['dice.nnunet', 'Dice', '1'],
    ['hd95-mm.monai', 'HD95 (MONAI)', 'mm'],
    ['assd-mm.monai', 'ASSD (MONAI)', 'mm'],
    ['nsd-', 'NSD (DeepMind)', '1'],
  ];
  const planeTitles = ['axial', 'coronal', 'sagittal'] as const;
  const table = tableText({
    columns: [
      { key: 'case', title: 'Case' },
      { key: 'class', title: 'Class', align: 'left' as const },
      ...(scored ? short.map(([key, title, unit]) => ({ key, title, unit, digits: 3 })) : []),
      ...planeTitles.map((p) => ({
        key: p,
        title: `${scored ? 'Jitter' : 'Adjacent Dice'}, ${p}`,
        digits: 3,
      })),
    ],
    rows: rows.map((row) => ({
      case: row.case,
      class: row.class,
      ...Object.fromEntries(
        short.map(([start]) => {
          const key = Object.keys(row.scores ?? {}).find(
            (k) => k.startsWith(start) && (start !== 'nsd-' || k.includes('.deepmind')),
          );
          return [start, number(key === undefined ? null : row.scores![key])];
        }),
      ),
      ...Object.fromEntries(
        planeTitles.map((p) => [p, number(row.throughPlane[p].jitter ?? row.throughPlane[p].prediction)]),
      ),
    })),
  });
  const pairs = tableText({
    columns: [
      { key: 'class', title: 'Class', align: 'left' as const },
      { key: 'planes', title: 'Planes' },
      { key: 'dice', title: 'Dice of both' },
      { key: 'voxels', title: 'Line voxels' },
      { key: 'disagree', title: 'Disagree', digits: 3 },
      { key: 'right', title: 'Agree and right', digits: 3 },
      { key: 'wrong', title: 'Agree and wrong', digits: 3 },
    ],
    rows: agreement.map(({ class: name, planes, agreement: a }) => ({
      class: name,
      planes: planes.join(' - '),
      dice: a.dice.map((d) => d.toFixed(3)).join(', '),
      voxels: a.voxels,
      disagree: number(a.disagree),
      right: number(a.agreeAndRight),
      wrong: number(a.agreeAndWrong),
    })),
  });
  return [
    table,
    ...(agreement.length > 0 ? [`Where planes meet\n${pairs}`] : []),
    worst ? `Worst: ${worst.case}, class ${worst.class}` : 'All masks are empty: there is nothing to draw.',
    written.map((file) => `wrote ${file}`).join('\n'),
  ].join('\n\n');
}
