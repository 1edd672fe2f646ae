// The cases of the plan: read, made thick where asked, and brought to what training and scoring take.
import { InputError, messageOf } from '../../base/errors';
import type { Long } from '../../base/progress';
import { Meter } from '../../base/progress';
import { fetchOne } from '../../datasets/fetch';
import { loadManifest } from '../../datasets/manifest';
import { subjectsOf } from '../../datasets/select';
import { syntheticHead } from '../../datasets/synthetic-head';
import type { Provenance } from '../../results/result';
import { thickImage, thickLabels } from '../../sampling/thick';
import type { TrainingCase } from '../../training/cases';
import { trainingCase } from '../../training/cases';
import { readNifti } from '../../volume/nifti';
import type { Volume } from '../../volume/volume';
import type { DataNeed } from '../study';
import { inputName } from '../study';
import type { Thick } from './plan';
import { plan } from './plan';

export type DatasetName = 'hippocampus' | 'brats';

/** What a case is for: `learn` and `choose` are of the manifest's training cases, `score` its validation cases. */
export type Purpose = 'learn' | 'choose' | 'score';

interface Source {
  dataset: string;
  channel: string;
  subjects: (purpose: Purpose) => string[];
  /** A label of the file as one of the network's classes. */
  classOf: (label: number) => number;
}

const sources: Record<DatasetName, Source> = {
  hippocampus: {
    dataset: plan.hippocampus.dataset,
    channel: plan.hippocampus.channel,
    subjects: (purpose) => {
      const manifest = loadManifest(plan.hippocampus.dataset);
      const { learn, choose, score } = plan.hippocampus;
      if (purpose === 'score') return subjectsOf(manifest, 'validation').slice(0, score);
      const training = subjectsOf(manifest, 'train');
      return purpose === 'learn' ? training.slice(0, learn) : training.slice(learn, learn + choose);
    },
    // Anterior and posterior.
    classOf: (label) => label,
  },
  brats: {
    dataset: 'brats2015-deepmedic',
    channel: 'flair',
    subjects: (purpose) =>
      subjectsOf(loadManifest('brats2015-deepmedic'), purpose === 'score' ? 'validation' : 'train'),
    // Oedema around, and the core: both together are the whole tumour.
    classOf: (label) => (label === 0 ? 0 : label === 2 ? 1 : 2),
  },
};

/** The files of cases, image and labels of each. */
export function filesOf(
  name: DatasetName,
  purpose: Purpose,
): { subject: string; image: DataNeed; labels: DataNeed }[] {
  const { dataset, channel, subjects } = sources[name];
  const manifest = loadManifest(dataset);
  return subjects(purpose).map((subject) => {
    const of = manifest.files.filter((file) => file.subject === subject);
    const image = of.find((file) => file.role === 'image' && file.channel === channel)!;
    const labels = of.find((file) => file.role === 'label')!;
    return { subject, image: { dataset, path: image.path }, labels: { dataset, path: labels.path } };
  });
}

/** A case for training or prediction, and what it is scored on: labels on the grid of the file. */
export interface PlanCase {
  /** On the grid made thick. */
  thick: TrainingCase;
  /** As in the file, in the network's classes. */
  labels: Volume;
}

/** Cases with where they come from. */
export interface OpenedCases {
  cases: PlanCase[];
  inputs: Provenance['inputs'];
  /** Empty for real data; else why there are none. */
  notes: string[];
}

/**
 * Open cases, made thick. Where files cannot be had synthetic heads take their place, and the notes say so.
 * @param most  no more than so many; all where left out
 */
export async function openCases(
  name: DatasetName,
  purpose: Purpose,
  { axis, factor }: Thick,
  long: Long = {},
  most = Infinity,
): Promise<OpenedCases> {
  const files = filesOf(name, purpose).slice(0, most);
  const meter = new Meter(`open cases to ${purpose}`, 'cases', files.length, long);
  const made = (subject: string, grey: Volume, labels: Volume): PlanCase => ({
    thick: trainingCase(subject, thickImage(grey, axis, factor), thickLabels(labels, axis, factor)),
    labels,
  });
  const opened: OpenedCases = { cases: [], inputs: [], notes: [] };
  try {
    for (const file of files) {
      const { grey, labels, inputs } = await readCase(name, file, long);
      opened.inputs.push(...inputs);
      opened.cases.push(made(file.subject, grey, labels));
      meter.add(1, file.subject);
    }
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const seeds = { learn: 0, choose: 1000, score: 2000 };
    const heads = Array.from({ length: Math.min(most, 4) }, (_, k) => {
      const { image, labels } = syntheticHead({
        seed: seeds[purpose] + k,
        dims: [36, 44, 32],
        spacing: [5, 5, 5],
      });
      const { classOf } = sources.brats;
      return made(`synthetic head ${k}`, image, { ...labels, data: labels.data.map(classOf) });
    });
    return { cases: heads, inputs: [], notes: [`synthetic heads in place of ${name}: ${messageOf(error)}`] };
  }
  meter.finish();
  return opened;
}

async function readCase(
  name: DatasetName,
  { image, labels }: ReturnType<typeof filesOf>[number],
  { signal }: Long,
): Promise<{ grey: Volume; labels: Volume; inputs: Provenance['inputs'] }> {
  const { classOf } = sources[name];
  const inputs: Provenance['inputs'] = [];
  const open = async (need: DataNeed): Promise<Volume> => {
    const { path, sha256 } = await fetchOne(need.dataset, need.path, { signal });
    inputs.push({ name: inputName(need), sha256 });
    return readNifti(path, { signal });
  };
  const grey = await open(image);
  const found = await open(labels);
  return {
    grey,
    labels: { ...found, data: Uint8Array.from(found.data, (label) => classOf(Math.round(label))) },
    inputs,
  };
}
