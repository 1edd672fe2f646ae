// How fine are the axes of the volumes, by their headers and by their spectra?
//
// The study explains the low resolution of coronal and sagittal planes by that of the z axis, and calls the data
// anisotropic. A header says how far samples lie apart; a spectrum says how much detail they hold.
import { InputError } from '../base/errors';
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import { fetchOne } from '../datasets/fetch';
import { axisEnergy, cutOff } from '../profilers/spectrum';
import type { Provenance } from '../results/result';
import { readNifti } from '../volume/nifti';
import type { Volume } from '../volume/volume';
import type { Findings } from './findings';
import { mean } from './findings';
import type { Head } from './heads';
import { bratsFlair } from './heads';
import type { DataNeed } from './study';
import { inputName } from './study';

/** The other FLAIR volumes of the data set, for the axes. */
export const otherFlairs: DataNeed[] = [1, 2, 3, 4, 6].map((n) => ({
  dataset: bratsFlair.dataset,
  path: `brats_2013_pat000${n}_1/Flair_subtrMeanDivStd.nii.gz`,
}));

const axisNames = { 'left-right': 'LR', 'front-back': 'AP', 'head-foot': 'SI' } as const;
type AxisName = keyof typeof axisNames;
/** Share of an axis's energy that its cut-off frequency bounds. */
const held = 0.99;

/** Spacing and fineness of the axes in all volumes of the data set that can be had. */
export async function findAxes(
  found: Findings,
  head: Head,
  { every }: { every: number },
  long: Long,
): Promise<Pick<Provenance, 'inputs' | 'notes'>> {
  const volumes = [head.volume];
  const inputs: Provenance['inputs'] = [];
  const notes: string[] = [];
  for (const need of head.synthetic ? [] : otherFlairs) {
    try {
      const file = await fetchOne(need.dataset, need.path, long);
      volumes.push(await readNifti(file.path, long));
      inputs.push({ name: inputName(need), sha256: file.sha256 });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      notes.push(`axes are looked at without ${inputName(need)}: ${error.message}`);
    }
  }
  const axisOf = (volume: Volume, name: AxisName): number =>
    [...volume.axisCodes].findIndex((code) => axisNames[name].includes(code));
  const meter = new Meter('spectra of the axes', 'volumes', volumes.length, long);
  const rows = volumes.map((volume) => {
    const axis = (name: AxisName): { spacing: number; cutOff: number } => {
      const a = axisOf(volume, name);
      return {
        spacing: volume.spacing[a],
        cutOff: cutOff(axisEnergy(volume, a, every), volume.dims[a], held) / volume.spacing[a],
      };
    };
    const row = {
      'left-right': axis('left-right'),
      'front-back': axis('front-back'),
      'head-foot': axis('head-foot'),
    };
    meter.add(1);
    return row;
  });
  meter.finish();
  const names = Object.keys(axisNames) as AxisName[];
  const spacings = rows.map((r) => names.map((n) => r[n].spacing));
  found.observed(
    'spacing-z',
    'Spacing along the head-foot axis over the larger one in the slice, FLAIR volumes of 240 x 240 x 155 voxels, mean',
    '1',
    spacings.map(([x, y, z]) => z / Math.max(x, y)),
    mean,
  );
  found.observed(
    'spacing-anisotropy',
    'Largest over smallest spacing of the axes in these volumes, mean',
    '1',
    spacings.map((s) => Math.max(...s) / Math.min(...s)),
    mean,
  );
  for (const name of names) {
    found.observed(
      `cut-off.${name}`,
      `Frequency below which the ${name} axis holds 99 % of its energy, mean`,
      '/mm',
      rows.map((r) => r[name].cutOff),
      mean,
    );
  }
  for (const name of ['left-right', 'front-back'] as const) {
    found.observed(
      `cut-off-ratio.${name}`,
      `Frequency that bounds 99 % of the energy, head-foot axis over ${name} axis, mean`,
      '1',
      rows.map((r) => r['head-foot'].cutOff / r[name].cutOff),
      mean,
    );
  }
  return { inputs, notes };
}
