// Training SAM's decoder: on shapes, recorded as a graph, and eagerly, the same step.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend, BackendName } from '../../src/backends/backend';
import { captureStep } from '../../src/backends/capture/capture';
import { loadCandidate } from '../../src/backends/choose';
import { eagerStep } from '../../src/backends/eager-step';
import { sgd } from '../../src/backends/optimisers';
import { tf } from '../../src/backends/tf';
import { decodeMasks, decoderSpec } from '../../src/models/sam/sam';
import { constant, normal, Parameter } from '../../src/nn/parameters';
import { open } from '../bench/nets';
import { plan } from '../bench/nets/workload';
import { bothLedgers, differencesOf } from '../backends/ledger/both-ledgers';
import type { NetPlan } from '../backends/ledger/random-nets';
import { largestDifference } from '../backends/capture/steps';
import { withoutLeak } from '../setup/leaks';
import { describeWith, hasPeer } from '../setup/peers';

const config = {
  prompts: { imageSize: 32, patchSize: 8, width: 32, maskChannels: 16, frequencies: 16, epsilon: 1e-6 },
  decoder: {
    width: 32,
    depth: 2,
    heads: 2,
    hidden: 40,
    downsample: 2,
    masks: 3,
    iouDepth: 3,
    iouHidden: 24,
    epsilon: 1e-6,
  },
};
const spec = decoderSpec(config);
const { noMask, ...prompts } = spec.promptEncoder;
const { hypernetworks, ...decoder } = spec.maskDecoder;
const [single, ...several] = hypernetworks;

/** Points, boxes and masks at once; several masks for each of two prompts. What they have no part in is frozen. */
const step = plan({
  name: 'SAM decoder',
  kind: 'samDecoder',
  size: {},
  trained: { prompts, decoder, several },
  frozen: { positions: spec.positions, noMask, single },
  inputs: {
    image: new Parameter([2, 4, 4, 32], normal(1)),
    points: new Parameter([2, 2, 3, 2], normal(10)),
    labels: new Parameter([2, 2, 3], constant(1)),
    boxes: new Parameter([2, 2, 4], normal(10)),
    masks: new Parameter([2, 1, 16, 16], normal(1)),
  },
  loss: ({ trained, frozen }, { image, ...given }) => {
    const parameters = {
      positions: frozen.positions,
      promptEncoder: { ...trained.prompts, noMask: frozen.noMask },
      maskDecoder: { ...trained.decoder, hypernetworks: [frozen.single, ...trained.several] },
    };
    const { masks, quality } = decodeMasks(parameters, image, given, config);
    return tf.add(tf.mean(tf.square(masks)), tf.mean(tf.square(quality)));
  },
  // What momentum keeps after the first step is the gradient.
  optimiser: sgd({ learningRate: 1e-3, momentum: 0.5 }),
  flop: 0,
});
const net: NetPlan = { name: step.name, build: () => open(step) };

describe.each(['wasm', 'cpu', 'tensorflow'] as const)('like %s', (name: BackendName) => {
  const test = name !== 'tensorflow' || hasPeer('native-tensorflow') ? it : it.skip;
  test('a dry run makes and frees what a run does', async () => {
    const backend = await (await loadCandidate(name)).open({ asked: true });
    const { dry, real } = await bothLedgers(backend, net);
    expect(differencesOf(dry, real)).toEqual([]);
    expect(real.peak().bytes).toBe(dry.peak().bytes);
  });
});

describeWith('native-tensorflow', 'recorded', () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await (await loadCandidate('tensorflow')).open();
    await tf.setBackend('tensorflow');
  });

  it('loss and gradients are the eager ones', { timeout: 120_000 }, async () => {
    await withoutLeak('step', async () => {
      const work = open(step);
      const captured = await captureStep(backend, work.definition, { inputs: work.inputs });
      const eager = eagerStep(backend, work.definition);
      for (let k = 0; k < 2; k++) {
        const [a, b] = [await captured.run(work.inputs), await eager.run(work.inputs)];
        expect(largestDifference(a, b)).toBeLessThan(1e-5);
        tf.dispose([a, b]);
      }
      const [x, y] = [await captured.read(), await eager.read()];
      // A bias of keys has a gradient of rounding alone.
      const named = (after: typeof x): typeof x =>
        Object.fromEntries(Object.entries(after).filter(([path]) => !path.endsWith('key/bias')));
      expect(largestDifference(named(x), named(y))).toBeLessThan(1e-4);
      tf.dispose([x, y]);
      captured.dispose();
      eager.dispose();
      work.dispose();
    });
  });
});
