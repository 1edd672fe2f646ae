// The study's network in training: its step against the library's terms, captured as eager, what both losses pull, and predictions.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { eagerStep } from '../../src/backends/eager-step';
import { adam } from '../../src/backends/optimisers';
import { tf } from '../../src/backends/tf';
import type { Tensors } from '../../src/backends/training-step';
import { flattenTree } from '../../src/backends/training-step';
import { Random } from '../../src/base/random';
import { intersectionLoss, intersectionPlan, pairsOfEq2 } from '../../src/losses/intersection';

import type { PlaneInputs } from '../../src/memory/tri-siamese';
import { drawn } from '../../src/nn/parameters';
import { planeNames, readPlane } from '../../src/sampling/plane';
import { fitSquare } from '../../src/sampling/square';
import type { BatchPlan } from '../../src/training/batch-plan';
import { batchInputs, DrawnBatches } from '../../src/training/drawn-batches';
import type { MaskedInputs } from '../../src/training/masked-step';
import { maskedSpec, maskedStep } from '../../src/training/masked-step';
import { drawnIn, labelResize } from '../../src/training/plane-batch';
import { BalanceMeter, planePredictor, planeStep } from '../../src/training/plane-network';
import { train } from '../../src/training/train';
import { describeWith } from '../setup/peers';
import { batchOptions, headCases, network, side, size, training } from './small';

const cases = headCases(2);
const plan: BatchPlan & { kind: 'planes' } = { kind: 'planes', cases, options: batchOptions };

async function firstBatch(of: BatchPlan = plan): Promise<PlaneInputs> {
  const batches = new DrawnBatches<PlaneInputs>(of, { from: 0, to: 1 });
  const batch = batches.next()!;
  await batches.close();
  return batch;
}
const number = async (tensor: tf.Tensor): Promise<number> => (await tensor.data())[0];

function tests(name: 'cpu' | 'tensorflow'): () => void {
  return () => {
    let backend: Backend;
    beforeAll(async () => {
      backend = await (await loadCandidate(name)).open();
    });

    it('has the terms of the study: the mean loss of planes, and Eq. 2 of each voxel as its plan says', async () => {
      const own = training(0.5);
      const inputs = await firstBatch();
      const step = await planeStep(backend, own, batchInputs(plan));
      const outputs = await step.run(inputs);
      const predictor = await planePredictor(backend, own, { size, side, channels: 3, classes: 3, batch: 2 });
      // Masks plane by plane, by the network that predicts.
      const masks = Object.fromEntries(
        await Promise.all(
          planeNames.map(async (plane) => {
            const pictures = (await inputs.planes[plane]!.data()) as Float32Array;
            return [plane, tf.tensor(await predictor.logits(pictures), [2, side, side, 3])] as const;
          }),
        ),
      ) as Record<(typeof planeNames)[number], tf.Tensor>;
      const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
      const segmentation = mean(await Promise.all(planeNames.map((plane) => number(own.segmentation(masks[plane], inputs.labels[plane]!))))); // prettier-ignore
      expect(await number(outputs.segmentation)).toBeCloseTo(segmentation, 4);
      const each = drawnIn(cases, batchOptions, 0).map(async ({ of, voxel }, k) => {
        const { image } = cases[of];
        const volume = { data: image.data, dims: image.dims, spacing: [6, 6, 6], axisCodes: 'RAS' } as never;
        const planes = Object.fromEntries(planeNames.map((plane) => [plane, readPlane(volume, image.grids[plane], voxel)])); // prettier-ignore
        const fits = Object.fromEntries(planeNames.map((plane) => {
          const { columns, rows } = image.grids[plane];
          return [plane, fitSquare(columns.count, rows.count, side, 'stretch', labelResize)];
        })); // prettier-ignore
        const lines = intersectionPlan(Object.fromEntries(planeNames.map((plane) => [plane, [planes[plane]]])) as never, { pairs: pairsOfEq2, square: { fits: fits as never, read: 'linear' }, samples: side }); // prettier-ignore
        const own = Object.fromEntries(planeNames.map((plane) => [plane, tf.slice(masks[plane], [k, 0, 0, 0], [1, -1, -1, -1])])); // prettier-ignore
        return number(intersectionLoss(own, lines));
      });
      const consistency = mean(await Promise.all(each));
      expect(consistency).toBeGreaterThan(0);
      expect(await number(outputs.consistency)).toBeCloseTo(consistency, 4);
      expect(await number(outputs.loss)).toBeCloseTo(segmentation + 0.5 * consistency, 4);
      step.dispose();
      predictor.dispose();
    });

    it('takes planes that do not meet, for which there is no Eq. 2', async () => {
      const single: BatchPlan = {
        ...plan,
        options: { ...batchOptions, draw: 'single', voxels: 3, pairs: [] },
      };
      const step = await planeStep(backend, training(0.5), batchInputs(single));
      const outputs = await step.run(await firstBatch(single));
      expect(await number(outputs.consistency)).toBe(0);
      expect(await number(outputs.loss)).toBe(await number(outputs.segmentation));
      step.dispose();
    });

    it('measures how hard both losses pull, by differences of the losses along a direction', async () => {
      const own = training();
      const inputs = await firstBatch();
      const meter = await BalanceMeter.open(backend, own, batchInputs(plan));
      const trained = flattenTree(own.parameters.trained);
      // Not at the start, where half of the adapters are zero.
      const random = new Random(3);
      const moved: Tensors = Object.fromEntries(
        Object.entries(trained).map(([path, tensor]) => [
          path,
          tf.add(
            tensor,
            tf.tensor(
              Float32Array.from({ length: tensor.size }, () => 0.05 * random.normal()),
              tensor.shape,
            ),
          ),
        ]),
      );
      const { ratio, cosine } = await meter.measure(moved, inputs);
      expect(ratio).toBeGreaterThan(0);
      expect(Math.abs(cosine)).toBeLessThanOrEqual(1);
      // The step with lambda: its gradient is that of the one plus lambda times that of the other, so lengths say the rest.
      const lengthAt = async (lambda: number): Promise<number> => {
        const { spy, gradients } = spying();
        const step = await planeStep(
          backend,
          { ...training(lambda, own.parameters), optimiser: spy },
          batchInputs(plan),
        );
        const state = await step.read();
        const given = Object.fromEntries(Object.keys(state).map((key) => [key, moved[key.replace(/^trained\//, '')] ?? state[key]])); // prettier-ignore
        await step.write(given);
        await step.run(inputs);
        const after = await step.read();
        step.dispose();
        return gradients(after, given);
      };
      const [none, some, other] = [await lengthAt(0), await lengthAt(0.1), await lengthAt(-0.1)];
      // |s + l c|² + |s - l c|² = 2 |s|² + 2 l² |c|²; |s + l c|² - |s - l c|² = 4 l s.c
      const c2 = (some ** 2 + other ** 2 - 2 * none ** 2) / (2 * 0.1 ** 2);
      expect(ratio).toBeCloseTo(Math.sqrt(c2) / none, 2);
      expect(cosine).toBeCloseTo((some ** 2 - other ** 2) / (4 * 0.1) / (Math.sqrt(c2) * none), 1);
      meter.dispose();
    });

    it('learns to fill in what is hidden', async () => {
      const masked: BatchPlan = {
        kind: 'masked',
        sources: cases.map(({ name: of, image }) => ({ name: of, volume: image, holds: 'greys' as const })),
        options: { pictures: 4, seed: 1, size, patch: 8, channels: 3, hidden: 0.5, window: [12, 24] },
      };
      const encoder = network.encoder as never;
      const parameters = {
        trained: drawn(maskedSpec(encoder), new Random(1)),
        frozen: {},
      };
      const step = eagerStep(
        backend,
        maskedStep('masked', encoder, parameters, adam({ learningRate: 1e-2 })),
      );
      const { curves } = await train<MaskedInputs>({
        name: 'masked',
        step,
        batches: (from, to) => new DrawnBatches<MaskedInputs>(masked, { from, to }),
        schedule: { peak: 1e-2, warmUp: 5, steps: 40, power: 0.9 },
      });
      const loss = (from: number, to: number): number =>
        curves.steps.slice(from, to).reduce((sum, { values }) => sum + values.loss!, 0) / (to - from);
      // Guessing the mean of a picture costs about 1, its deviation.
      expect(loss(35, 40)).toBeLessThan(0.85 * loss(0, 5));
      step.dispose();
    });
  };

  /** Plain descent by rate 1: what it moved is the gradient. */
  function spying() {
    const spy = { ...adam(), ...{ scalars: { learningRate: 1 }, start: () => ({}) , update: ({ trained, gradients }: { trained: Tensors; gradients: Tensors }) => ({ trained: Object.fromEntries(Object.entries(trained).map(([path, tensor]) => [path, tf.sub(tensor, gradients[path])])), state: {} }) } }; // prettier-ignore
    const gradients = async (after: Tensors, before: Tensors): Promise<number> => {
      let squares = 0;
      for (const [path, tensor] of Object.entries(after)) {
        const [a, b] = [await tensor.data(), await before[path].data()];
        a.forEach((value, i) => (squares += (value - b[i]) ** 2));
      }
      return Math.sqrt(squares);
    };
    return { spy, gradients };
  }
}

describe('the network in training, on cpu', tests('cpu'));
describeWith('native-tensorflow', 'the network in training, on TensorFlow', tests('tensorflow'));
