// A head to measure on: a real one where it can be had, else a synthetic one, and then every result says so.
import { InputError } from '../base/errors';
import type { Long } from '../base/progress';
import { sha256 } from '../base/hash';
import { fetchOne } from '../datasets/fetch';
import { syntheticHead } from '../datasets/synthetic-head';
import type { Provenance } from '../results/result';
import { readNifti } from '../volume/nifti';
import type { Volume } from '../volume/volume';
import type { DataNeed } from './study';
import { inputName } from './study';

/** The study's grid: FLAIR of the first training case of BraTS, 240x240x155 voxels (CC BY-NC-SA: read, never committed). */
export const bratsFlair: DataNeed = {
  dataset: 'brats2015-deepmedic',
  path: 'brats_2013_pat0005_1/Flair_subtrMeanDivStd.nii.gz',
};

/** A head whose pictures may be committed (CC BY): FLAIR with multiple-sclerosis lesions, and their reference mask. */
export const openMsFlair: DataNeed = { dataset: 'open-ms-data', path: 'mni/patient19_FLAIR.nii.gz' };
export const openMsLesions: DataNeed = { dataset: 'open-ms-data', path: 'mni/patient19_lesion.nii.gz' };

/** A volume with where it came from. */
export interface Head {
  volume: Volume;
  /** The reference mask, where one was asked for. */
  labels?: Volume;
  inputs: Provenance['inputs'];
  synthetic: boolean;
  /** Empty for real data; the reason of the fallback for a synthetic head. */
  notes: string[];
}

/**
 * The head of a data file, with its reference labels when their file is named too.
 * Where the files cannot be had (no mirror, no network) a synthetic head of 240x240x155 voxels takes their place
 * within seconds, and the notes say why.
 */
export async function openHead(image: DataNeed, long: Long = {}, labels?: DataNeed): Promise<Head> {
  const needs = labels ? [image, labels] : [image];
  try {
    const files = [];
    for (const need of needs) files.push(await fetchOne(need.dataset, need.path, long));
    const volumes = await Promise.all(files.map((file) => readNifti(file.path, long)));
    const inputs = files.map((file, i) => ({ name: inputName(needs[i]), sha256: file.sha256 }));
    return { volume: volumes[0], labels: volumes[1], inputs, synthetic: false, notes: [] };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const head = syntheticHead({ seed: 1 });
    const { buffer, byteOffset, byteLength } = head.image.data;
    return {
      volume: head.image,
      labels: labels && head.labels,
      inputs: [
        { name: 'synthetic head, seed 1', sha256: sha256(new Uint8Array(buffer, byteOffset, byteLength)) },
      ],
      synthetic: true,
      notes: [`synthetic head instead of ${needs.map(inputName).join(' and ')}: ${error.message}`],
    };
  }
}
