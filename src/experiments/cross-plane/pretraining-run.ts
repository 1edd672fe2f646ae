// The pre-training itself. Loads TensorFlow.js: import this file lazily.
import path from 'node:path';
import { captureStep } from '../../backends/capture/capture';
import { adam } from '../../backends/optimisers';
import { tf } from '../../backends/tf';
import { under } from '../../backends/tree';
import { sha256OfFile, sha256OfValue } from '../../base/hash';
import { cacheDir } from '../../base/paths';
import { InputError } from '../../base/errors';
import { Meter } from '../../base/progress';
import { Random } from '../../base/random';
import { fetchOne } from '../../datasets/fetch';
import { syntheticHead } from '../../datasets/synthetic-head';
import type { SamRow } from '../../models/registry';
import { models } from '../../models/registry';
import { drawn } from '../../nn/parameters';
import { writeSafetensors } from '../../nn/safetensors';
import type { Provenance } from '../../results/result';
import { layoutOf } from '../../sampling/layout';
import type { BatchPlan } from '../../training/batch-plan';
import { batchInputs, DrawnBatches } from '../../training/drawn-batches';
import { smoothed } from '../../training/curves';
import type { PictureSource } from '../../training/masked-batch';
import type { MaskedInputs, MaskedParameters } from '../../training/masked-step';
import { maskedSpec, maskedStep } from '../../training/masked-step';
import { clipped } from '../../training/optimisers';
import { train } from '../../training/train';
import { readNifti } from '../../volume/nifti';
import type { Volume } from '../../volume/volume';
import type { RunLong } from '../study';
import { inputName } from '../study';
import { plan } from './plan';
import { greys, labelMaps } from './pretraining-data';

export interface PretrainingSpec {
  steps: number;
  /** In one step. */
  pictures: number;
  /** Label maps that images are made of. */
  maps: number;
  learningRate: number;
  seed: number;
}

export interface Pretrained {
  /** Mean squared error of what was hidden, means over windows of steps. */
  curve: { step: number; value: number }[];
  pictures: number;
  /** Share of the patches. */
  hidden: number;
  /** Where the weights were written, and their hash. */
  file: string;
  inputs: Provenance['inputs'];
  notes: string[];
}

/** Share of the patches that are hidden, and sides of the windows in voxels: crops of a hippocampus lie between. */
const hidden = 0.6;
const window = [24, 96] as const;
const windows = 60;

/** Learn, and write the encoder's weights. @throws Interrupted, its state saved */
export async function pretrain(spec: PretrainingSpec, long: RunLong): Promise<Pretrained> {
  const backend = long.backend!;
  const { config } = models[plan.network.model] as SamRow;
  const { encoder } = config;
  const { sources, inputs, notes } = await openSources(spec, long);
  const batches: BatchPlan = {
    kind: 'masked',
    sources,
    options: {
      pictures: spec.pictures,
      seed: `masked ${spec.seed}`,
      size: encoder.imageSize,
      patch: encoder.patchSize,
      channels: encoder.channels,
      hidden,
      window,
    },
  };
  const optimiser = clipped(adam({ learningRate: spec.learningRate, weightDecay: 0.05 }), 1);
  const parameters = { trained: drawn(maskedSpec(encoder), new Random(`masked ${spec.seed}`)), frozen: {} };
  const step = await captureStep<MaskedParameters, MaskedInputs>(
    backend,
    maskedStep('masked pictures', encoder, parameters, optimiser),
    { inputs: batchInputs(batches), onRefusal: 'eager' },
  );
  const folder = cacheDir('masked-pretraining', sha256OfValue({ ...spec, inputs }).slice(0, 16));
  const { steps } = spec;
  const done = await train<MaskedInputs>(
    {
      name: 'masked pictures',
      step,
      batches: (from, to) => new DrawnBatches<MaskedInputs>(batches, { from, to }, { signal: long.signal }),
      schedule: { peak: spec.learningRate, warmUp: Math.round(0.05 * steps), steps, power: 0.9 },
      save: {
        file: path.join(folder, 'state.safetensors'),
        every: Math.ceil(steps / 20),
        identity: JSON.stringify(spec),
      },
    },
    long,
  );
  step.dispose();
  const file = path.join(folder, 'encoder.safetensors');
  const weights = under('encoder', done.trained);
  await writeSafetensors(
    file,
    Object.entries(weights).map(([name, tensor]) => ({
      name,
      shape: tensor.shape,
      type: 'BF16' as const,
      data: async () => bfloat16((await tensor.data()) as Float32Array),
    })),
    { made: 'masked-pretraining of cost-of-consistency', spec: JSON.stringify(spec) },
  );
  tf.dispose(done.trained);
  const { steps: points } = done.curves;
  const curve = smoothed(points, 'loss', Math.ceil(points.length / windows)).map(([step, value]) => ({
    step,
    value,
  }));
  return {
    curve,
    pictures: steps * spec.pictures,
    hidden,
    file: `sha256 ${await sha256OfFile(file)}`,
    inputs,
    notes: [...notes, `${sources.length} volumes`],
  };
}

/** Volumes to cut pictures from; those that cannot be had are left out, and named. */
async function openSources(
  { maps }: PretrainingSpec,
  long: RunLong,
): Promise<{ sources: PictureSource[]; inputs: Provenance['inputs']; notes: string[] }> {
  const needs = [
    ...greys.map((need) => ({ need, holds: 'greys' as const })),
    ...labelMaps.slice(0, maps).map((need) => ({ need, holds: 'labels' as const })),
  ];
  const meter = new Meter('open volumes to learn from', 'volumes', needs.length, long);
  const [sources, inputs, absent]: [PictureSource[], Provenance['inputs'], string[]] = [[], [], []];
  for (const { need, holds } of needs) {
    try {
      const { path: file, sha256 } = await fetchOne(need.dataset, need.path, { signal: long.signal });
      const volume = await readNifti(file, { signal: long.signal });
      const data = holds === 'labels' ? numbered(volume) : Float32Array.from(volume.data);
      sources.push({
        name: inputName(need),
        volume: layoutOf({ ...volume, data }, 'file', { shared: true }),
        holds,
      });
      inputs.push({ name: inputName(need), sha256 });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      absent.push(inputName(need));
    }
    meter.add(1, need.path);
  }
  meter.finish();
  if (sources.length === 0) {
    // A head of our own, so that the recipe can be tried without any data.
    const { image } = syntheticHead({ seed: 1, dims: [120, 120, 80], spacing: [2, 2, 2] });
    sources.push({
      name: 'synthetic head',
      volume: layoutOf(image, 'file', { shared: true }),
      holds: 'greys',
    });
  }
  const notes = absent.length > 0 ? [`not to be had, and left out: ${absent.join(', ')}`] : [];
  return { sources, inputs, notes };
}

/** Labels as 0, 1, 2, ... in the order of their values: a byte each. */
function numbered({ data }: Volume): Uint8Array {
  const numbers = new Map([...new Set(data)].sort((a, b) => a - b).map((label, k) => [label, k]));
  return Uint8Array.from(data, (label) => numbers.get(label)!);
}

/** Numbers as bfloat16, rounded to the nearest, ties to even; little-endian. */
function bfloat16(values: Float32Array): Uint8Array {
  const bits = new Uint32Array(Float32Array.from(values).buffer);
  const halves = Uint16Array.from(bits, (word) => (word + 0x7fff + ((word >>> 16) & 1)) >>> 16);
  return new Uint8Array(halves.buffer);
}
