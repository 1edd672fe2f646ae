// Trains a small network on a backend and prints a line at every step, then a digest of all that was learnt. Started and killed by
// train.test.ts: `node train-child.cjs BACKEND FILE`.
const path = require('node:path');
const from = (file) => require(path.join(__dirname, '..', '..', 'dist', file));
const { createHash } = require('node:crypto');
const { loadCandidate } = from('backends/choose');
const { adam } = from('backends/optimisers');
const { Random } = from('base/random');
const { syntheticHead } = from('datasets/synthetic-head');
const { pairsOfEq2 } = from('losses/intersection');
const { segmentationLosses } = from('losses/segmentation');
const { planeNetworkSpec } = from('memory/network-parts');
const { models } = from('models/registry');
const { samHead } = from('models/sam-head');
const { drawn } = from('nn/parameters');
const { trainingCase } = from('training/cases');
const { DrawnBatches, batchInputs } = from('training/drawn-batches');
const { accumulated, clipped } = from('training/optimisers');
const { planeStep } = from('training/plane-network');
const { train } = from('training/train');

const [name, file] = process.argv.slice(2);
(async () => {
  const backend = await (await loadCandidate(name)).open();
  const { config } = models['tiny-64'];
  const encoder = {
    ...config.encoder,
    imageSize: 32,
    width: 16,
    depth: 2,
    heads: 2,
    hidden: 24,
    window: 2,
    globalBlocks: [1],
    neck: 16,
  };
  const sam = {
    encoder,
    prompts: { ...config.prompts, imageSize: 32, width: 16, frequencies: 8 },
    decoder: { ...config.decoder, width: 16, heads: 2, hidden: 24, iouHidden: 16 },
  };
  const network = { encoder, lora: { rank: 2, alpha: 2, first: 0 }, head: samHead(sam), input: 'images' };
  const cases = [0, 1].map((seed) => {
    const { image, labels } = syntheticHead({ seed, dims: [30, 36, 24], spacing: [6, 6, 6] });
    return trainingCase(`head ${seed}`, image, {
      ...labels,
      data: labels.data.map((label) => Number(label > 0)),
    });
  });
  const options = {
    draw: 'triplets',
    voxels: 1,
    seed: 7,
    foregroundShare: 0.5,
    size: 32,
    side: 16,
    channels: 3,
    pairs: pairsOfEq2,
  };
  const plan = { kind: 'planes', cases, options };
  const parameters = drawn(planeNetworkSpec(network), new Random('parameters'));
  const optimiser = clipped(accumulated(adam({ learningRate: 1e-2, weightDecay: 0.1 }), 2), 1);
  const step = await planeStep(
    backend,
    {
      name: 'a small network',
      network,
      parameters,
      optimiser,
      segmentation: segmentationLosses.samed,
      lambda: 0.01,
    },
    batchInputs(plan),
  );
  const steps = 16;
  const done = await train(
    {
      name: 'a training that is killed',
      step,
      batches: (first, last) => new DrawnBatches(plan, { from: first, to: last }),
      schedule: { peak: 1e-2, warmUp: 3, steps, power: 0.9 },
      watch: {
        every: 5,
        measure: async (trained) => {
          console.log('looked');
          return { first: (await Object.values(trained)[0].data())[0] };
        },
      },
      save: { file, every: 3, identity: name },
    },
    { progress: ({ done: steps }) => console.log(`step ${steps}`) },
  );
  const hash = createHash('sha256');
  for (const path of Object.keys(done.trained).sort())
    hash.update(Float32Array.from(await done.trained[path].data()));
  console.log(JSON.stringify({ parameters: hash.digest('hex'), curves: done.curves, steps: done.steps }));
})();
