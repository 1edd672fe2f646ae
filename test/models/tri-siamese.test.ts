// The study's network of three planes: Eq. 1, features in the place of images, its step, and its size with ViT-H.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { eagerStep } from '../../src/backends/eager-step';
import { dryRunStep } from '../../src/backends/meta/dry-run';
import { adam } from '../../src/backends/optimisers';
import { tf } from '../../src/backends/tf';
import { flattenTree } from '../../src/backends/training-step';
import { Random } from '../../src/base/random';
import type { IntersectionPlan } from '../../src/losses/intersection';
import { intersectionLoss, intersectionPlan } from '../../src/losses/intersection';
import { segmentationLosses } from '../../src/losses/segmentation';
import { models } from '../../src/models/registry';
import { featuresBefore } from '../../src/models/sam/image-encoder';
import type { OfPlanes, TriSiamese, TriSiameseParameters } from '../../src/models/tri-siamese';
import { samHead } from '../../src/models/sam-head';
import { maskHead, triSiamese, triSiameseSpec, triSiameseStep } from '../../src/models/tri-siamese';
import { product } from '../../src/nn/linear';
import { countParameters, filled, normal, Parameter } from '../../src/nn/parameters';
import { planeGrid, planeNames, readPlane } from '../../src/sampling/plane';
import { withoutLeak } from '../setup/leaks';
import { smallEncoder } from './encoder-cases';

const encoder = { ...smallEncoder, imageSize: 20 };
/** One product in the place of SAM's decoder: a logit for each token. */
const headOf = (neck: number) =>
  maskHead({
    trained: { weight: new Parameter([neck, 1], normal(1)) },
    frozen: { bias: new Parameter([1], normal(1)) },
    logits: ({ trained, frozen }, features) => tf.add(product(features, trained.weight), frozen.bias),
  });
const head = headOf(encoder.neck);
const network = { encoder, lora: { rank: 2, alpha: 3, first: 1 }, head, input: 'images' } as const;
const losses = {
  segmentation: segmentationLosses.dice,
  consistency: (logits: OfPlanes, lines: IntersectionPlan) => intersectionLoss(logits, lines),
};

/** Noise everywhere, also in what starts at zero. */
function noisy(form: TriSiamese, seed = 1): TriSiameseParameters {
  const random = new Random(seed);
  return filled(triSiameseSpec(form), ({ size }, path) => {
    const stream = random.fork(path);
    return Float32Array.from({ length: size }, () => 0.3 * stream.normal());
  });
}
const seeds = { axial: 1, coronal: 2, sagittal: 3 };
const randomPlanes = (counts: readonly number[], side: number, channels: number): OfPlanes =>
  Object.fromEntries(
    planeNames.map((name, k) => [
      name,
      tf.randomNormal([counts[k], side, side, channels], 0, 1, 'float32', seeds[name]),
    ]),
  ) as Record<keyof typeof seeds, tf.Tensor>;

/** Lines of the planes through a voxel of a cube with 5 voxels a side, as large as the masks of the stand-in. */
function cubeLines(): IntersectionPlan {
  const cube = { dims: [5, 5, 5], spacing: [1, 1, 1], axisCodes: 'RAS' } as const;
  const plane = (name: keyof typeof seeds) =>
    readPlane({ ...cube, data: new Float32Array(125) } as never, planeGrid(cube as never, name), [1, 3, 2]);
  return intersectionPlan({
    axial: [plane('axial')],
    coronal: [plane('coronal')],
    sagittal: [plane('sagittal')],
  });
}
const labelsOf = (count = 1): OfPlanes =>
  Object.fromEntries(
    planeNames.map((name) => [
      name,
      tf.tidy(() =>
        tf.cast(tf.greater(tf.randomNormal([count, 5, 5], 0, 1, 'float32', 7 * seeds[name]), 0.3), 'int32'),
      ),
    ]),
  ) as Record<keyof typeof seeds, tf.Tensor>;
const distance = (a: tf.Tensor, b: tf.Tensor): number =>
  tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] / tf.max(tf.abs(b)).dataSync()[0]);

describe('the network of three planes', () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await (await loadCandidate('wasm')).open();
    await tf.setBackend('wasm');
  });

  it('is one function for all planes (Eq. 1)', () => {
    const parameters = noisy(network);
    tf.tidy(() => {
      const planes = randomPlanes([2, 1, 3], 20, 3);
      const logits = triSiamese(network, parameters, planes);
      expect(planeNames.map((name) => logits[name].shape)).toEqual([
        [2, 5, 5, 1],
        [1, 5, 5, 1],
        [3, 5, 5, 1],
      ]);
      // The same picture gives the same mask, in whichever plane it stands.
      const { sagittal } = triSiamese(network, parameters, { ...planes, sagittal: planes.axial });
      expect(distance(sagittal, logits.axial)).toBeLessThan(1e-5);
      const turned = triSiamese(network, parameters, {
        axial: planes.coronal,
        coronal: planes.sagittal,
        sagittal: planes.axial,
      });
      expect(distance(turned.axial, logits.coronal)).toBeLessThan(1e-5);
      expect(distance(turned.coronal, logits.sagittal)).toBeLessThan(1e-5);
      expect(distance(logits.axial, logits.sagittal.slice(0, 2))).toBeGreaterThan(0.1);
    });
    tf.dispose(parameters as unknown as tf.TensorContainer);
  });

  it('begins with the features before the first adapted block where these are kept, without the weights before', () => {
    const ofImages = noisy(network);
    const fromFeatures = { ...network, input: 'features' } as const;
    const ofFeatures = noisy(fromFeatures);
    const [whole, rest] = [triSiameseSpec(network), triSiameseSpec(fromFeatures)].map(({ frozen }) => frozen);
    const before = countParameters([whole.encoder.embed, whole.encoder.position!, whole.encoder.blocks[0]]);
    expect(countParameters(whole) - countParameters(rest)).toBe(before);
    tf.tidy(() => {
      const planes = randomPlanes([1, 2, 1], 20, 3);
      const features = Object.fromEntries(
        planeNames.map((name) => [
          name,
          featuresBefore(ofImages.frozen.encoder, planes[name], encoder, network.lora.first),
        ]),
      ) as Record<keyof typeof seeds, tf.Tensor>;
      const logits = triSiamese(network, ofImages, planes);
      const again = triSiamese(fromFeatures, ofFeatures, features);
      for (const name of planeNames) expect(distance(again[name], logits[name])).toBeLessThan(1e-5);
    });
    tf.dispose([ofImages, ofFeatures] as unknown as tf.TensorContainer);
  });

  it('refuses planes of several sizes, and images of another size', () => {
    const parameters = noisy(network);
    tf.tidy(() => {
      const planes = randomPlanes([1, 1, 1], 20, 3);
      const coronal = tf.zeros([1, 20, 16, 3]);
      expect(() => triSiamese(network, parameters, { ...planes, coronal })).toThrow(
        'given axial 20 x 20 x 3, coronal 20 x 16 x 3, sagittal 20 x 20 x 3, expected planes of one size',
      );
      expect(() => triSiamese(network, parameters, randomPlanes([1, 1, 1], 16, 3))).toThrow(
        'cannot run the image encoder',
      );
    });
    tf.dispose(parameters as unknown as tf.TensorContainer);
  });

  const stepOf = (form: TriSiamese, parameters: TriSiameseParameters, lambda: number) =>
    triSiameseStep({ name: 'small tri-siamese', network: form, losses, parameters, lambda, optimiser: adam({ learningRate: 0.01 }) }); // prettier-ignore

  it('trains adapters and head alone: the loss is that of segmentation and lambda times the consistency', async () => {
    await withoutLeak('a few steps', async () => {
      const parameters = noisy(network);
      const inputs = { planes: randomPlanes([1, 1, 1], 20, 3), labels: labelsOf(), lines: cubeLines() };
      const step = eagerStep(backend, stepOf(network, parameters, 0.5));
      const read = async (lambda?: number): Promise<number[]> => {
        const { loss, segmentation, consistency } = await step.run(
          inputs,
          lambda === undefined ? {} : { lambda },
        );
        const values = [loss, segmentation, consistency].map((x) => x.dataSync()[0]);
        tf.dispose([loss, segmentation, consistency]);
        return values;
      };
      const first = await read();
      expect(first[2]).toBeGreaterThan(0);
      expect(first[0]).toBeCloseTo(first[1] + 0.5 * first[2], 5);
      const other = await read(2);
      expect(other[0]).toBeCloseTo(other[1] + 2 * other[2], 5);
      let last = first;
      for (let k = 0; k < 10; k++) last = await read();
      expect(last[0]).toBeLessThan(first[0]);
      const state = await step.read();
      const names = Object.keys(state).filter((name) => name.startsWith('trained/'));
      expect(names.sort()).toEqual([
        ...[1, 2].flatMap((k) => ['q/a', 'q/b', 'v/a', 'v/b'].map((path) => `trained/adapters/${k}/${path}`)),
        'trained/head/weight',
      ]);
      step.dispose();
      tf.dispose([state, flattenTree(parameters as never), flattenTree(inputs)]);
    });
  });
});

describe('with ViT-H and the published decoder, at 1024 px', () => {
  const { encoder: vitH, ...decoder } = models['sam-vit-h'].config;
  const form = {
    encoder: vitH,
    lora: { rank: 4, alpha: 4, first: 0 },
    head: samHead(decoder),
    input: 'images',
  } as const;

  it('trains 655,360 parameters of adapters and what makes one mask; the encoder is frozen', () => {
    const { trained, frozen } = triSiameseSpec(form);
    expect(countParameters(trained.adapters)).toBe(655_360);
    expect(countParameters(frozen.encoder)).toBe(637_026_048);
    // The decoder without its judge and without three of four hypernetworks, and the token of no mask.
    expect(countParameters(trained.head)).toBe(4_058_340 - 132_612 - 3 * 139_808 + 256);
  });

  it('a step is dry-run: its products forward are three times those of one picture', () => {
    const reader = { across: { shape: [1, 256] } };
    const lines = {
      'axial-coronal': { first: reader, second: reader },
      'axial-sagittal': { first: reader, second: reader },
    };
    const each = (...shape: number[]) => ({ axial: { shape }, coronal: { shape }, sagittal: { shape } });
    const inputs = { planes: each(1, 1024, 1024, 3), labels: each(1, 256, 256), lines };
    const parameters = triSiameseSpec(form);
    const step = triSiameseStep({ name: 'ViT-H', network: form, losses, parameters, lambda: 1, optimiser: adam() }); // prettier-ignore
    const dry = dryRunStep(step, inputs, { like: 'tensorflow' });
    const forward = dry.flops.by('phase').forward.products;
    // 2,980.54 GMAC of the encoder less 147.53 of padding, and what this form adds: adapters, relative terms inside the
    // product of the map.
    const encoding = 3 * 2 * (2980.54e9 - 147.53e9);
    expect(forward / encoding).toBeGreaterThan(1);
    expect(forward / encoding).toBeLessThan(1.06);
    expect(dry.ledger.peak().beyondGiven).toBeGreaterThan(3 * 13.97e9);
  });
});
