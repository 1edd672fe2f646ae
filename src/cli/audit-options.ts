// The options of `coc audit`, checked before anything is read.
import { existsSync, statSync } from 'node:fs';
import { InputError } from '../base/errors';
import type { LabelClass } from '../metrics/label-maps';
import type { PlaneName } from '../sampling/plane';
import type { Triple } from '../volume/volume';

export interface AuditOptions {
  truth?: string;
  axial?: string;
  coronal?: string;
  sagittal?: string;
  labels?: number[];
  region?: LabelClass[];
  tolerance: number;
  voxel?: Triple;
  frame?: number;
  out: string;
  json?: boolean;
}

/** @throws InputError when a file stands where the tables and the picture are to go */
export function checkFolder({ out }: AuditOptions): void {
  if (!existsSync(out) || statSync(out).isDirectory()) return;
  throw new InputError({
    what: `cannot write into ${out}`,
    given: 'a file',
    expected: 'a folder, or a name for a new one',
    fix: 'choose another folder with --out',
  });
}

/** The predictions by plane. @throws InputError when there is nothing to audit, or a part of what agreement needs */
export function planesOf(files: string[], options: AuditOptions): Record<PlaneName, string> | undefined {
  const { axial, coronal, sagittal, truth } = options;
  const given = { axial, coronal, sagittal };
  const named = Object.entries(given).flatMap(([plane, file]) => (file === undefined ? [] : [`--${plane}`]));
  const refuse = (what: string, found: string, expected: string, fix: string): InputError =>
    new InputError({ what, given: found, expected, fix });
  if (named.length === 0) {
    if (options.voxel) {
      throw refuse(
        'cannot take --voxel',
        'no predictions by planes',
        '--axial, --coronal and --sagittal',
        'leave --voxel out, or name the three predictions whose agreement is asked',
      );
    }
    if (files.length > 0) return undefined;
    throw refuse(
      'cannot audit',
      'no prediction',
      'label maps after the image, or --axial, --coronal and --sagittal',
      'name at least one prediction: coc audit IMAGE PREDICTION --truth TRUTH',
    );
  }
  if (axial === undefined || coronal === undefined || sagittal === undefined) {
    throw refuse(
      'cannot tell whether planes agree',
      `${named.join(' and ')} alone`,
      '--axial, --coronal and --sagittal',
      'name all three, or pass what you have as a prediction after the image',
    );
  }
  if (truth === undefined) {
    throw refuse(
      'cannot tell whether planes agree',
      'no truth',
      'agreement beside Dice, for a collapsed model agrees with itself perfectly',
      'name the reference with --truth',
    );
  }
  return { axial, coronal, sagittal };
}

export function parseLabels(text: string): number[] {
  const labels = text.split(',').map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : 0));
  if (!labels.includes(0)) return [...new Set(labels)];
  throw new InputError({
    what: 'cannot take --labels',
    given: `"${text}"`,
    expected: 'whole numbers from 1 with commas',
    fix: 'write for example --labels 1,2,4',
  });
}

export function parseRegion(text: string, before: LabelClass[] = []): LabelClass[] {
  const [, name, list] = /^([^=\s]+)=([\d,]+)$/.exec(text) ?? [];
  const labels = (list ?? '').split(',').map(Number);
  if (name && !labels.includes(0) && !before.some((c) => c.name === name))
    return [...before, { name, labels }];
  throw new InputError({
    what: 'cannot take --region',
    given: `"${text}"${before.some((c) => c.name === name) ? ', a name that was taken' : ''}`,
    expected: 'a name of its own and labels from 1',
    fix: 'write for example --region WT=1,2,3,4 --region TC=1,3,4',
  });
}

export function parseVoxel(text: string): Triple {
  const parts = text.split(',').map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : NaN));
  if (parts.length === 3 && !parts.some(Number.isNaN)) return parts as Triple;
  throw new InputError({
    what: 'cannot take --voxel',
    given: `"${text}"`,
    expected: 'three whole numbers from 0',
    fix: 'write for example --voxel 90,120,70',
  });
}
