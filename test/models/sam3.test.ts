// SAM 3's vision trunk against transformers' Sam3ViTModel (test/oracles/sam3_cases.py): values, gradients, names, sizes.
import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend, BackendName } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { dryRun } from '../../src/backends/meta/dry-run';
import { tf } from '../../src/backends/tf';
import { inRepo } from '../../src/base/paths';
import { sam3Trunk1008, type Sam3TrunkConfig } from '../../src/models/sam3/config';
import { sam3TrunkNames } from '../../src/models/sam3/names';
import { sam3TrunkFromTransformers } from '../../src/models/sam3/transformers-config';
import { type Sam3Trunk, sam3Trunk, sam3TrunkSpec } from '../../src/models/sam3/trunk';
import { countParameters, flattenParameters } from '../../src/nn/parameters';
import { toTheirs } from '../../src/nn/weights';
import { encoderFlops } from '../../src/profilers/flops';
import type oracle from '../oracles/sam3.json';
import { withoutLeak } from '../setup/leaks';
import { describeWith, python } from '../setup/peers';
import type { Sam3Case as Case } from './sam3-cases';
import { adaptersOf, byBlock, cases, lastOf, load, tensorOf, theirsOf } from './sam3-cases';

/** The largest difference, by the largest of what is expected. */
function difference(found: tf.Tensor, expected: readonly number[]): number {
  const values = found.dataSync();
  expect(values.length).toBe(expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, k) => Math.abs(values[k] - value))) / scale;
}

function parity(name: BackendName): void {
  let backend: Backend;
  beforeAll(async () => {
    backend = await (await loadCandidate(name)).open({ asked: true });
    await tf.setBackend(name);
  });

  /** Load a case's trunk, run a body in a tidy, and leave nothing behind. */
  const withTrunk = (what: string, one: Case, body: (given: Given) => void): Promise<void> =>
    withoutLeak(
      what,
      async () => {
        const config = sam3TrunkFromTransformers(one.config);
        const { channels, imageSize: size, patchSize, width } = config;
        const parameters = await load(config, theirsOf(one));
        tf.tidy(() => {
          const side = size / patchSize;
          const cotangent = tf.reshape(tensorOf([one.batch, side * side, width], 'cotangent'), [one.batch, side, side, width]); // prettier-ignore
          const images = tensorOf([one.batch, channels, size, size], 'images');
          body({ config, parameters, images, cotangent });
        });
        tf.dispose(parameters as unknown as tf.TensorContainer);
      },
      backend,
    );

  it.each(cases)('%s', (what, one) =>
    withTrunk(what, one, ({ config, parameters, images, cotangent }) => {
      const run = (x: tf.Tensor): tf.Tensor => sam3Trunk(parameters, lastOf(x), config);
      const found = run(images);
      expect(found.shape).toEqual(cotangent.shape);
      expect(difference(found, one.output)).toBeLessThan(2e-5);
      const gradient = tf.grad((x: tf.Tensor) => tf.sum(tf.mul(run(x), cotangent)))(images);
      expect(difference(gradient, one.byImages)).toBeLessThan(5e-5);
    }),
  );

  it.each(cases)('with adapters: %s', (what, one) =>
    withTrunk(what, one, ({ config, parameters, images, cotangent }) => {
      const { output, byImages, byAdapters } = one.withAdapters;
      const flat = adaptersOf(one, config);
      const paths = Object.keys(flat);
      const run = (x: tf.Tensor, ...trained: tf.Tensor[]): tf.Tensor => {
        const named = Object.fromEntries(paths.map((path, k) => [path, trained[k]]));
        return sam3Trunk(parameters, x, config, { adapters: byBlock(named, config.depth), scale: one.scale });
      };
      expect(difference(run(lastOf(images), ...Object.values(flat)), output)).toBeLessThan(2e-5);
      const loss = (x: tf.Tensor, ...trained: tf.Tensor[]): tf.Tensor =>
        tf.sum(tf.mul(run(lastOf(x), ...trained), cotangent));
      const [byInput, ...others] = tf.grads(loss)([images, ...Object.values(flat)]);
      expect(difference(byInput, byImages)).toBeLessThan(5e-5);
      paths.forEach((path, k) =>
        expect(difference(others[k], (byAdapters as Record<string, number[]>)[path]), path).toBeLessThan(
          5e-5,
        ),
      );
    }),
  );
}

interface Given {
  config: Sam3TrunkConfig;
  parameters: Sam3Trunk;
  /** [batch, channels, height, width], as PyTorch has them. */
  images: tf.Tensor;
  /** [batch, side, side, width]. */
  cotangent: tf.Tensor;
}

describe.each(['cpu', 'wasm'] as const)('the trunk on %s', parity);
describeWith('native-tensorflow', 'the trunk on native TensorFlow', () => parity('tensorflow'));

describe('names of transformers', () => {
  it.each(cases)('lead there and back: %s', async (_, one) => {
    const config = sam3TrunkFromTransformers(one.config);
    const prefix = 'detector_model.vision_encoder.backbone.';
    const source = theirsOf(one, prefix);
    const parameters = await load(config, source, prefix);
    const spec = sam3TrunkSpec(config);
    const values = Object.fromEntries(
      Object.keys(flattenParameters(spec)).map((path) => {
        const leaf = path
          .split('/')
          .reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], parameters);
        return [path, (leaf as tf.Tensor).dataSync() as Float32Array];
      }),
    );
    const back = toTheirs(spec, values, sam3TrunkNames(config, prefix));
    expect(back.map(({ name }) => name).sort()).toEqual(source.names().sort());
    for (const { name, shape, data } of back) {
      expect(shape).toEqual(source.shapeOf(name));
      expect(data).toEqual(await source.read(name));
    }
    tf.dispose(parameters as unknown as tf.TensorContainer);
  });
});

describe('sizes', () => {
  it.each(cases)('as many parameters as transformers counts: %s', (_, { config, parameters }) => {
    expect(countParameters(sam3TrunkSpec(sam3TrunkFromTransformers(config)))).toBe(parameters);
  });

  it('of the published trunk, part by part', () => {
    const spec = sam3TrunkSpec(sam3Trunk1008);
    expect(countParameters(spec.patch)).toBe(14 * 14 * 3 * 1024);
    expect(countParameters(spec.position)).toBe(24 * 24 * 1024);
    expect(countParameters(spec.norm)).toBe(2 * 1024);
    expect(spec.blocks.map(countParameters)).toEqual(Array(32).fill(13_907_584));
    // The original checkpoint has one more position, of a class token that nothing computes with; transformers drops it.
    expect(countParameters(spec) + 1024).toBe(446_237_696);
  });

  it('of the work of one image, part by part', () => {
    const given = { weights: sam3TrunkSpec(sam3Trunk1008), inputs: { shape: [1, 1008, 1008, 3] } };
    const { flops } = dryRun('SAM 3', given, ({ weights, inputs }) =>
      sam3Trunk(weights as Sam3Trunk, inputs as tf.Tensor, sam3Trunk1008),
    );
    const gmac = Object.fromEntries(
      Object.entries(flops.by('scope')).map(([part, { products }]) => [part, products / 2e9]),
    );
    // Products with weights are 71.95 G of a block, whichever; attention is 6.12 G in windows and 55.04 G over the grid.
    const tokens = 72 ** 2;
    const linear = (tokens * (4 * 1024 ** 2 + 2 * 1024 * 4736)) / 1e9;
    const inWindows = (2 * 1024 * tokens * 24 ** 2) / 1e9;
    const overGrid = (2 * 1024 * tokens * tokens) / 1e9;
    const expected = Array.from({ length: 32 }, (_, k) => [
      `block ${k}`,
      linear + (k % 8 === 7 ? overGrid : inWindows),
    ]);
    const embed = (tokens * 14 * 14 * 3 * 1024) / 1e9;
    expect(gmac).toEqual(Object.fromEntries([['embed', embed], ...expected]));
    expect(flops.total().products / 2e9).toBeCloseTo(2699.287, 3);
    const { forward } = encoderFlops('sam3');
    expect(flops.total().products).toBe(forward);
  });
});

describe('the trunk', () => {
  const [, one] = cases[0];
  const config = sam3TrunkFromTransformers(one.config);
  let parameters: Sam3Trunk;
  beforeAll(async () => {
    await (await loadCandidate('wasm')).open();
    await tf.setBackend('wasm');
    parameters = await load(config, theirsOf(one));
  });
  const side = config.imageSize / config.patchSize;

  it('goes on from what its first blocks gave', () => {
    tf.tidy(() => {
      const images = tensorOf([2, config.imageSize, config.imageSize, 3], 'images');
      const whole = sam3Trunk(parameters, images, config);
      for (const from of [1, 2]) {
        const before = sam3Trunk(parameters, images, { ...config, depth: from });
        const after = sam3Trunk(parameters, before, config, { from });
        expect([...after.dataSync()]).toEqual([...whole.dataSync()]);
      }
    });
  });

  it.each([
    ['images of another size', [1, 10, 12, 3], {}, 'a tensor of [1, 10, 12, 3]'],
    [
      'one image without a batch',
      [12, 12, 3],
      {},
      'images [batch, height, width, channels] = [any, 12, 12, 3]',
    ],
    ['features of another width', [1, side, side, 8], { from: 1 }, 'features before block 1'],
    ['a block that is not there', [1, side, side, 16], { from: 4 }, 'a whole number from 0 to 3'],
    ['adapters of more blocks', [1, 12, 12, 3], { adapters: [{}, {}, {}, {}] }, 'adapters of 4 blocks'],
  ] as const)('refuses %s', (_, shape, options, message) => {
    tf.tidy(() => {
      expect(() => sam3Trunk(parameters, tf.zeros([...shape]), config, options)).toThrow(message);
    });
  });
});

describe('the configuration of transformers', () => {
  const inner = { model_type: 'sam3_vit_model' };
  it('has the published values where it says nothing, however deep it lies', () => {
    const vision = { model_type: 'sam3_vision_model', backbone_config: inner };
    const detector = { model_type: 'sam3', vision_config: vision };
    for (const json of [
      inner,
      vision,
      detector,
      { model_type: 'sam3_video', detector_config: detector },
      { model_type: 'sam3' },
    ])
      // prettier-ignore
      expect(sam3TrunkFromTransformers(json)).toEqual(sam3Trunk1008);
  });

  it('gives the base of the angles in either place', () => {
    expect(sam3TrunkFromTransformers({ ...inner, rope_theta: 7 }).rotaryBase).toBe(7);
    const rope_parameters = { rope_type: 'axial', rope_theta: 8 };
    expect(sam3TrunkFromTransformers({ ...inner, rope_parameters }).rotaryBase).toBe(8);
  });

  it.each([
    [[], 'the file = []'],
    [{ model_type: 'sam' }, 'model_type = "sam"'],
    [{ model_type: 'sam3', vision_config: 3 }, 'vision_config = 3'],
    [{ model_type: 'sam3', quantization_config: { bits: 4 } }, 'quantization_config = {"bits":4}'],
    [
      { model_type: 'sam3_vision_model', backbone_config: { hidden_act: 'relu' } },
      'backbone_config.hidden_act = "relu"',
    ],
    [{ ...inner, hidden_dropout: 0.1 }, 'hidden_dropout = 0.1'],
    [{ ...inner, attention_dropout: 0.1 }, 'attention_dropout = 0.1'],
    [{ ...inner, layer_scale_init_value: 0.1 }, 'layer_scale_init_value = 0.1'],
    [{ ...inner, rope_parameters: { rope_type: 'yarn' } }, 'rope_parameters.rope_type = "yarn"'],
    [{ ...inner, image_size: [1008, 504] }, 'image_size = [1008,504]'],
    [{ ...inner, image_size: 1000 }, 'image_size 1000, expected a multiple of 14'],
    [{ ...inner, window_size: 0 }, 'window_size = 0'],
    [{ ...inner, num_attention_heads: 24 }, 'hidden_size 1024, expected a multiple of 96'],
  ])('is refused where it is not computed here: %j', (json, message) => {
    expect(() => sam3TrunkFromTransformers(json)).toThrow(message);
  });
});

describeWith('transformers', 'the oracle', () => {
  it('is what transformers gives', () => {
    const script = inRepo('test', 'oracles', 'sam3_cases.py');
    const { stdout, stderr, status } = spawnSync(python, [script], { encoding: 'utf8', maxBuffer: 1 << 24 });
    expect(status, stderr).toBe(0);
    const live = (JSON.parse(stdout) as typeof oracle).cases;
    for (const [name, stored] of cases) {
      const now: Case = live[name as keyof typeof live];
      expect(now.shapes).toEqual(stored.shapes);
      expect(sam3TrunkFromTransformers(now.config)).toEqual(sam3TrunkFromTransformers(stored.config));
      const pairs: [number[], number[]][] = [
        [now.output, stored.output],
        [now.byImages, stored.byImages],
        [now.withAdapters.output, stored.withAdapters.output],
        ...Object.entries(stored.withAdapters.byAdapters).map(([path, values]): [number[], number[]] => [
          (now.withAdapters.byAdapters as Record<string, number[]>)[path],
          values,
        ]),
      ];
      for (const [a, b] of pairs) {
        expect(a.length).toBe(b.length);
        const scale = Math.max(...b.map(Math.abs));
        expect(Math.max(...b.map((value, k) => Math.abs(a[k] - value))) / scale).toBeLessThan(1e-6);
      }
    }
  }, 120_000);
});
