// Models in parts: what is kept between them, what a gradient goes through, and that the parts of SAM 3's trunk are the trunk.
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCandidate } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import type { Tensors } from '../../src/backends/training-step';
import { flattenTree } from '../../src/backends/training-step';
import type { PlaneParameters, ViewNetwork } from '../../src/memory/network-parts';
import { planeNetworkSpec, planeParts } from '../../src/memory/network-parts';
import type { Part } from '../../src/memory/parts';
import { between, byRecomputing, byTape, checkParts, runParts } from '../../src/memory/parts';
import { triSiameseSpec } from '../../src/models/tri-siamese';
import type { Sam3TrunkConfig } from '../../src/models/sam3/config';
import type { Sam3Trunk } from '../../src/models/sam3/trunk';
import { sam3Trunk } from '../../src/models/sam3/trunk';
import type { Lora } from '../../src/nn/lora';
import { filled, flattenParameters, uniform } from '../../src/nn/parameters';
import { valuesOf } from '../bench/nets/values';
import { withoutLeak } from '../setup/leaks';
import { smallNetwork, smallTrunk } from './steps';

beforeAll(async () => {
  await (await loadCandidate('cpu')).open();
  await tf.setBackend('cpu');
});

/** Two frozen parts, of which the first is read again behind two that are trained. */
const crossed: Part[] = [
  { name: 'a', trained: [], run: (_, x) => tf.sin(x) },
  { name: 'b', trained: [], run: (_, x) => tf.mul(x, 2) },
  { name: 'c', trained: ['v'], run: ({ v }, x) => tf.mul(x, v) },
  { name: 'd', trained: ['w'], reads: ['c', 'a'], run: ({ w }, x, y) => tf.mul(tf.add(x, y), w) },
  { name: 'e', trained: [], reads: ['d', 'c'], run: (_, x, y) => tf.add(tf.square(x), y) },
];
const whole = (v: tf.Tensor, w: tf.Tensor, x: tf.Tensor): tf.Tensor => {
  const a = tf.sin(x);
  const c = tf.mul(tf.mul(a, 2), v);
  return tf.add(tf.square(tf.mul(tf.add(c, a), w)), c);
};

describe('parts that read several', () => {
  const given = () => ({
    trained: { v: tf.tensor1d([0.5, -1, 2]), w: tf.tensor1d([3, 1, -0.5]) } as Tensors,
    x: tf.tensor1d([0.1, 0.7, -2]),
    dy: tf.tensor1d([1, -2, 0.3]),
  });

  it('are one function, and leave only its result', async () => {
    await withoutLeak('parts', () => {
      const { trained, x, dy } = given();
      const before = tf.memory().numTensors;
      const y = runParts(crossed, trained, x);
      expect(tf.memory().numTensors).toBe(before + 1);
      expect(y.dataSync()).toEqual(tf.tidy(() => whole(trained.v, trained.w, x).dataSync()));
      tf.dispose([trained, x, dy, y]);
    });
  });

  it('keep between them what a part with a gradient reads, and no more', async () => {
    await withoutLeak('parts', () => {
      const { trained, x, dy } = given();
      const before = tf.memory().numTensors;
      // Of the frozen parts z is read by b alone, which is frozen as well.
      const [first, second, ...others] = crossed;
      const z: Part = { name: 'z', trained: [], run: (_, y) => tf.neg(y) };
      const kept = between([first, z, { ...second, reads: ['z'] }, ...others], trained, x);
      expect(Object.keys(kept)).toEqual(['a', 'b', 'c', 'd', 'e']);
      expect(tf.memory().numTensors).toBe(before + 5);
      tf.dispose([trained, x, dy, kept]);
    });
  });

  it.each([
    ['one tape', byTape],
    ['computed again', byRecomputing],
  ])('have the gradient of the function: %s', async (_, by) => {
    await withoutLeak('parts', () => {
      const { trained, x, dy } = given();
      const before = tf.memory().numTensors;
      const sum: Tensors = {};
      tf.tidy(() => {
        by(crossed, trained, x, dy, sum);
        Object.values(sum).forEach((gradient) => tf.keep(gradient));
      });
      expect(tf.memory().numTensors).toBe(before + 2);
      const expected = tf.tidy(() =>
        tf
          .grads((v: tf.Tensor, w: tf.Tensor) => whole(v, w, x))([trained.v, trained.w], dy)
          .map((gradient) => [...gradient.dataSync()]),
      );
      for (const [k, path] of ['v', 'w'].entries())
        [...sum[path].dataSync()].forEach((value, i) => expect(value).toBeCloseTo(expected[k][i], 5));
      tf.dispose([trained, x, dy, sum]);
    });
  });

  it('computed again leave nothing but gradients behind, without a scope that frees it', () => {
    const { trained, x, dy } = given();
    const before = tf.memory().numTensors;
    const sum: Tensors = {};
    byRecomputing(crossed, trained, x, dy, sum);
    expect(tf.memory().numTensors).toBe(before + 2);
    tf.dispose([trained, x, dy, sum]);
  });
});

describe('parts that are no model are refused', () => {
  const [a, b, c, d, e] = crossed;
  it.each<[string, Part[], string[], string]>([
    ['a name twice', [a, a, c, d, e], ['v', 'w'], 'given two parts `a`, expected a name for each'],
    [
      'out of order',
      [a, b, d, c, e],
      ['v', 'w'],
      'given `d`, which reads `c`, expected parts that read earlier',
    ],
    [
      'a result that is not read',
      [a, b, c, { ...d, reads: ['c'] }, { ...e, reads: ['d'] }, { ...b, name: 'f', reads: ['a'] }],
      ['v', 'w'],
      'given `e`, which no part reads',
    ],
    [
      'nobody’s parameter',
      crossed,
      ['v', 'w', 'u'],
      'given u in 0 parts, expected each trained parameter in one',
    ],
    ['two parts’ parameter', [a, b, c, { ...d, trained: ['v', 'w'] }, e], ['v', 'w'], 'given v in 2 parts'],
    ['no parameter', crossed, ['v'], 'given a part of w, expected parameters that are trained'],
  ])('%s', (_, parts, paths, message) => {
    const trained = Object.fromEntries(paths.map((path) => [path, null as never]));
    expect(() => checkParts(parts, trained)).toThrow(`cannot run a model in parts: ${message}`);
  });
  it('and those above are not', () => {
    expect(() => checkParts(crossed, { v: null as never, w: null as never })).not.toThrow();
  });
});

describe('networks in parts', () => {
  const trunk: ViewNetwork = { ...smallTrunk, head: undefined };
  const cases: [string, ViewNetwork][] = [
    ['images', trunk],
    ['features', { ...trunk, input: 'features' }],
    ['no adapters', { ...trunk, lora: null, encoderTrained: true }],
  ];

  it.each(cases)("SAM 3's trunk is what they are, to the bit: %s", async (words, network) => {
    await withoutLeak(words, () => {
      const { lora, input } = network;
      const config = network.encoder as Sam3TrunkConfig;
      const { trained, frozen } = filled(planeNetworkSpec(network), ({ size }, path) =>
        valuesOf(size, uniform(-0.5, 0.5), path),
      ) as PlaneParameters;
      tf.tidy(() => {
        const axes = input === 'images' ? [20, 20, 3] : [5, 5, 16];
        const x = tf.tensor(valuesOf(2 * axes.reduce((m, n) => m * n), uniform(-1, 1), 'x'), [2, ...axes]);
        const parts = planeParts(network, { trained, frozen });
        const found = runParts(parts, flattenTree(trained), x);
        const own = (trained.encoder ?? frozen.encoder) as Sam3Trunk;
        const expected = sam3Trunk(own, x, config, {
          ...(lora && { adapters: trained.adapters as Lora, scale: lora.alpha / lora.rank }),
          ...(input === 'features' && { from: lora!.first }),
        });
        expect(found.shape).toEqual([2, 5, 5, 16]);
        expect(found.dataSync()).toEqual(expected.dataSync());
      });
      tf.dispose([flattenTree(trained), flattenTree(frozen)]);
    });
  });

  it.each(['images', 'features'] as const)('of %s have the parameters of the study’s network', (input) => {
    const { encoder, lora, head } = smallNetwork;
    const paths = (of: object): string[] => Object.keys(flattenParameters(of as never));
    const study = triSiameseSpec({ encoder: encoder as never, lora: lora!, head, input });
    expect(paths(planeNetworkSpec({ ...smallNetwork, input }))).toEqual(paths(study));
    // Of SAM 3's trunk what lies before the first adapted block is left out as well.
    const own = paths(planeNetworkSpec({ ...smallTrunk, input }).frozen.encoder);
    expect(own.filter((path) => !path.startsWith('blocks/'))).toEqual(
      input === 'features' ? [] : ['patch/weight', 'position', 'norm/gain', 'norm/bias'],
    );
    expect(own.some((path) => path.startsWith('blocks/0/'))).toBe(input === 'images');
  });
});
