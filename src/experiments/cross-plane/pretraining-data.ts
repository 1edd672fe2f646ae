// What the encoder learns from: nothing that is scored anywhere in the study.
import type { DataNeed } from '../study';

const files = (dataset: string, ...paths: string[]): DataNeed[] => paths.map((path) => ({ dataset, path }));

/** Images as they are. */
export const greys: DataNeed[] = [
  ...files('colin27-mricron', 'ch2.nii.gz'),
  ...files('open-ms-data', 'mni/patient19_FLAIR.nii.gz', 'mni/patient26_FLAIR.nii.gz'),
  ...files('sct-testing-data', 't1w.nii.gz', 't2.nii.gz', 'PAM50_small_t2.nii.gz'),
  ...files('totalsegmentator-tests', 'ct_3mm.nii.gz'),
];
/** Label maps, of which images are made. */
export const labelMaps: DataNeed[] = Array.from({ length: 20 }, (_, k) => ({
  dataset: 'synthseg-label-maps',
  path: `training_seg_${String(k + 1).padStart(2, '0')}.nii.gz`,
}));
