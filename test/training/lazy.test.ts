// Training as a user of the library does it, by its public names alone: volumes in, a trained network of planes out, a volume predicted.
import { expect, it } from 'vitest';
import { chooseBackend, memoryPolicies, models, Random, samModels, syntheticHead, tensorLosses, trainingTools } from '../../src/index'; // prettier-ignore

it('trains a network of three planes and predicts a volume', async () => {
  const backend = await chooseBackend({ backend: 'cpu' });
  const { adam, averaged, batchInputs, clipped, DrawnBatches, likeliest, planePredictor, planeStep, predictAlong, train, trainingCase } = await trainingTools(); // prettier-ignore
  const { drawn, samHead } = await samModels();
  const { planeNetworkSpec } = await memoryPolicies();
  const { segmentationLosses } = await tensorLosses();

  const { image, labels } = syntheticHead({ seed: 1, dims: [20, 24, 16], spacing: [8, 8, 8] });
  const own = trainingCase('head', image, { ...labels, data: Uint8Array.from(labels.data, (label) => Number(label > 0)) }); // prettier-ignore
  const { prompts, decoder, encoder } = models['tiny-64'].config;
  const small = { ...encoder, imageSize: 32, patchSize: 8, width: 16, depth: 1, heads: 2, hidden: 16, window: 2, globalBlocks: [0], neck: 16 }; // prettier-ignore
  const head = samHead({
    encoder: small,
    prompts: { ...prompts, imageSize: 32, patchSize: 8, width: 16, frequencies: 8 },
    decoder: { ...decoder, width: 16, heads: 2, hidden: 16, iouHidden: 16 },
  } as never);
  const network = { encoder: small, lora: { rank: 2, alpha: 2, first: 0 }, head, input: 'images' } as const;
  const parameters = drawn(planeNetworkSpec(network), new Random(1));

  const plan = {
    kind: 'planes',
    cases: [own],
    options: { draw: 'triplets', voxels: 1, seed: 1, foregroundShare: 1, size: 32, side: 16, channels: 3, pairs: ['axial-coronal', 'axial-sagittal'] }, // prettier-ignore
  } as const;
  const training = {
    name: 'my network',
    network,
    parameters,
    optimiser: clipped(adam({ learningRate: 1e-2 }), 1),
    segmentation: segmentationLosses.samed,
    lambda: 0.01,
  };
  const step = await planeStep(backend, training, batchInputs(plan));
  const { trained, curves } = await train({
    name: 'my network',
    step,
    batches: (from, to) => new DrawnBatches(plan, { from, to }),
    schedule: { peak: 1e-2, warmUp: 1, steps: 3, power: 0.9 },
  });
  expect(curves.steps.length).toBe(3);

  const predictor = await planePredictor(backend, training, { size: 32, side: 16, channels: 3, classes: 1, batch: 8 }); // prettier-ignore
  predictor.write(trained);
  const each = [await predictAlong(own.image, 'axial', predictor), await predictAlong(own.image, 'coronal', predictor)]; // prettier-ignore
  expect(likeliest(averaged(each)).length).toBe(20 * 24 * 16);
  expect(each[0].cost.flop).toBe(16 * predictor.flops!);
  backend.tf.dispose(trained);
  step.dispose();
  predictor.dispose();
});
