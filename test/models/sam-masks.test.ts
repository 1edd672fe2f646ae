// `coc sam masks`: a whole SAM on files, beside transformers and the original on the same weights, and what it refuses.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseBackend } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import { Random } from '../../src/base/random';
import { decoderNames } from '../../src/models/sam/decoder-names';
import { encoderNames } from '../../src/models/sam/encoder-names';
import { encodeFiles } from '../../src/models/sam/encode-files';
import type { MaskFiles } from '../../src/models/sam/mask-files';
import { maskFiles } from '../../src/models/sam/mask-files';
import { sam, samSpec } from '../../src/models/sam/sam';
import { fromTransformers } from '../../src/models/sam/transformers-config';
import { readNpy, writeNpy } from '../../src/nn/npy';
import { drawn, flattenParameters } from '../../src/nn/parameters';
import { openSafetensors, writeSafetensors } from '../../src/nn/safetensors';
import { loadWeights, toTheirs } from '../../src/nn/weights';
import { leavesOf, prefixed } from '../../src/backends/tree';
import { describeWith, python } from '../setup/peers';

const folder = mkdtempSync(path.join(tmpdir(), 'coc-sam-masks-'));
const at = (name: string): string => path.join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(async () => {
  await chooseBackend({ backend: 'wasm' });
});

/** The largest difference as a share of the largest value. */
async function apart(found: string, expected: string): Promise<number> {
  const [a, b] = [await readNpy(at(found)), await readNpy(at(expected))];
  expect(a.shape).toEqual(b.shape);
  const largest = b.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return b.values.reduce((most, value, k) => Math.max(most, Math.abs(a.values[k] - value)), 0) / largest;
}

describeWith(['transformers', 'segment-anything', 'safetensors'], 'beside the references', () => {
  beforeAll(() => {
    execFileSync(python, ['test/models/sam_masks_peer.py', folder], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  });

  const kinds = {
    none: {},
    points: { points: 'points.npy', labels: 'labels.npy' },
    boxes: { boxes: 'boxes.npy' },
    'points-boxes': { points: 'points.npy', labels: 'labels.npy', boxes: 'boxes.npy' },
    masks: { masks: 'masks.npy' },
    all: { points: 'points.npy', labels: 'labels.npy', boxes: 'boxes.npy', masks: 'masks.npy' },
  };
  const cases = (['transformers', 'original'] as const).flatMap((source) =>
    Object.entries(kinds).flatMap(([kind, prompts]) =>
      [false, true].map((several) => ({ source, kind, prompts, several, how: several ? 'several' : 'one' })),
    ),
  );

  it.each(cases)('$kind, $how, by the names of $source', async ({ source, kind, prompts, several, how }) => {
    const given = Object.fromEntries(Object.entries(prompts).map(([name, file]) => [name, at(file)]));
    // transformers has one mask for all prompts of an image.
    if (source === 'transformers' && 'masks' in given) given.masks = at('shared.npy');
    const done = await maskFiles({
      config: at('config.json'),
      weights: at(`${source}.safetensors`),
      input: at('images.npy'),
      ...given,
      one: !several,
      output: at('masks-out.npy'),
      quality: at('quality-out.npy'),
    });
    expect(done.source).toBe(source);
    expect(await apart('masks-out.npy', `${source}-${kind}-${how}.masks.npy`)).toBeLessThan(1e-5);
    expect(await apart('quality-out.npy', `${source}-${kind}-${how}.quality.npy`)).toBeLessThan(1e-5);
  });

  it('from the features of transformers', async () => {
    await maskFiles({
      config: at('config.json'),
      weights: at('transformers.safetensors'),
      features: at('features.npy'),
      boxes: at('boxes.npy'),
      output: at('masks-out.npy'),
    });
    expect(await apart('masks-out.npy', 'transformers-boxes-several.masks.npy')).toBeLessThan(1e-4);
  });
});

const json = {
  model_type: 'sam',
  vision_config: {
    hidden_size: 16,
    output_channels: 32,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    image_size: 24,
    patch_size: 8,
    window_size: 2,
    global_attn_indexes: [1],
    num_pos_feats: 16,
  },
  prompt_encoder_config: { hidden_size: 32, image_size: 24, patch_size: 8 },
  mask_decoder_config: { hidden_size: 32, mlp_dim: 40, num_attention_heads: 2, iou_head_hidden_dim: 24 },
};
const config = fromTransformers(json);

describe('by itself', () => {
  const files: MaskFiles = {
    config: at('tiny.json'),
    weights: at('tiny.safetensors'),
    input: at('tiny-images.npy'),
    boxes: at('tiny-boxes.npy'),
    output: at('tiny-masks.npy'),
  };
  const names = {
    ...prefixed('imageEncoder', encoderNames(config.encoder, 'original')),
    ...decoderNames(config, 'original'),
  };
  const random = new Random('coc sam masks');
  const array = (shape: number[], scale = 1): { shape: number[]; values: Float32Array } => ({
    shape,
    values: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => scale * random.normal()),
  });

  beforeAll(async () => {
    writeFileSync(files.config, JSON.stringify(json));
    const parameters = drawn(samSpec(config), random);
    const leaves = leavesOf<tf.Tensor>(parameters, (node) => node instanceof tf.Tensor);
    const values = Object.fromEntries(
      Object.entries(leaves).map(([name, leaf]) => [name, leaf.dataSync() as Float32Array]),
    );
    await writeSafetensors(files.weights, toTheirs(samSpec(config), values, names));
    tf.dispose(Object.values(leaves));
    await writeNpy(files.input!, array([2, 3, 24, 24]));
    await writeNpy(files.boxes!, array([2, 2, 4], 8));
  });

  it('says what it wrote, and writes what the model computes', async () => {
    const said = execFileSync(
      process.execPath,
      ['src/cli/coc.cjs', 'sam', 'masks', '--config', files.config, '--weights', files.weights, '--input', files.input!, '--boxes', files.boxes!, '--output', files.output, '--quality', at('tiny-quality.npy'), '--json'], // prettier-ignore
      { encoding: 'utf8', env: { ...process.env, COC_BACKEND: 'cpu' }, stdio: ['ignore', 'pipe', 'ignore'] },
    );
    expect(JSON.parse(said)).toMatchObject({ masks: [2, 2, 3, 12, 12], source: 'original' });

    const weights = await openSafetensors(files.weights);
    const parameters = await loadWeights(samSpec(config), weights, names);
    await weights.close();
    const [images, boxes] = [await readNpy(files.input!), await readNpy(files.boxes!)];
    const { masks, quality } = tf.tidy(() => {
      const batch = tf.transpose(tf.tensor(images.values, images.shape), [0, 2, 3, 1]);
      const made = sam(parameters, batch, { boxes: tf.tensor(boxes.values, boxes.shape) }, config);
      const first = tf.reshape(made.masks, [4, 12, 12, 3]); // prompts of both images
      return {
        masks: tf.reshape(tf.transpose(first, [0, 3, 1, 2]), [2, 2, 3, 12, 12]),
        quality: made.quality,
      };
    });
    await writeNpy(at('ours.npy'), { shape: masks.shape, values: masks.dataSync() as Float32Array });
    await writeNpy(at('ours-quality.npy'), {
      shape: quality.shape,
      values: quality.dataSync() as Float32Array,
    });
    tf.dispose([masks, quality]);
    tf.dispose(Object.values(leavesOf<tf.Tensor>(parameters, (node) => node instanceof tf.Tensor)));
    expect(await apart('tiny-masks.npy', 'ours.npy')).toBeLessThan(1e-5);
    expect(await apart('tiny-quality.npy', 'ours-quality.npy')).toBeLessThan(1e-5);
  });

  it('takes the features of `coc sam encode`, and channels last', async () => {
    await maskFiles(files);
    const features = at('tiny-features.npy');
    await encodeFiles({
      config: files.config,
      weights: files.weights,
      input: files.input!,
      output: features,
    });
    await maskFiles({ ...files, input: undefined, features, output: at('from-features.npy') });
    expect(await apart('from-features.npy', 'tiny-masks.npy')).toBeLessThan(1e-6);

    const { shape, values } = await readNpy(files.input!);
    const turned = tf.tidy(
      () => tf.transpose(tf.tensor(values, shape), [0, 2, 3, 1]).dataSync() as Float32Array,
    );
    await writeNpy(at('last.npy'), { shape: [2, 24, 24, 3], values: turned });
    await maskFiles({ ...files, input: at('last.npy'), channelsLast: true, output: at('masks-last.npy') });
    const [last, first] = [await readNpy(at('masks-last.npy')), await readNpy(files.output)];
    expect(last.shape).toEqual([2, 2, 12, 12, 3]);
    for (const [k, value] of first.values.entries()) {
      const [prompt, rest] = [Math.floor(k / 432), k % 432];
      expect(last.values[prompt * 432 + (rest % 144) * 3 + Math.floor(rest / 144)]).toBeCloseTo(value, 5);
    }
  });

  const refused: [string, () => Promise<Partial<MaskFiles>>, RegExp][] = [
    [
      'neither images nor features',
      () => Promise.resolve({ input: undefined }),
      /give --input or --features/,
    ],
    ['both', () => Promise.resolve({ features: files.input }), /given images and features/],
    [
      'features in the place of images',
      async () => (await writeNpy(at('f.npy'), array([2, 32, 3, 3])), { input: at('f.npy') }),
      /expected \[batch, 3, 24, 24\]/,
    ],
    [
      'prompts of other images',
      async () => (await writeNpy(at('b.npy'), array([3, 2, 4])), { boxes: at('b.npy') }),
      /boxes of \[3, 2, 4\] with 2 images/,
    ],
    [
      'points without labels',
      async () => (await writeNpy(at('p.npy'), array([2, 2, 5, 2])), { points: at('p.npy') }),
      /expected points and labels together/,
    ],
    [
      'a label that there is not',
      async () => (
        await writeNpy(at('l.npy'), { shape: [2, 1, 1], values: Float32Array.of(1, 7) }),
        { labels: at('l.npy') }
      ),
      /given a label 7, expected -10 \(absent\), -1 \(notAPoint\), 0 \(background\), 1 \(foreground\)/,
    ],
    [
      'a point that is nowhere',
      async () => (
        await writeNpy(at('p.npy'), { shape: [2, 1, 1, 2], values: Float32Array.of(1, 2, NaN, 4) }),
        { points: at('p.npy') }
      ),
      /given NaN among the points, expected numbers/,
    ],
    [
      'an output below a file',
      () => Promise.resolve({ output: path.join(files.input!, 'masks.npy') }),
      /cannot write .*masks\.npy: .*expected a folder, or a place for one/,
    ],
    [
      'boxes of five numbers',
      async () => (await writeNpy(at('b.npy'), array([2, 2, 5])), { boxes: at('b.npy') }),
      /given boxes \[2, 2, 5\], expected boxes \[2, 2, 4\]/,
    ],
    [
      'other prompts for points than for boxes',
      async () => {
        await writeNpy(at('p.npy'), array([2, 3, 1, 2]));
        await writeNpy(at('l.npy'), { shape: [2, 3, 1], values: new Float32Array(6) });
        return { points: at('p.npy'), labels: at('l.npy') };
      },
      /expected boxes \[2, 3, 4\]/,
    ],
    [
      'masks of another size',
      async () => (await writeNpy(at('m.npy'), array([2, 1, 24, 24])), { masks: at('m.npy') }),
      /expected masks \[2, 2 or 1, 12, 12\]/,
    ],
  ];
  it.each(refused)('refuses %s before the weights are opened', async (_, change, message) => {
    const { numTensors } = tf.memory();
    const asked = { ...files, weights: at('not-there.safetensors'), ...(await change()) };
    await expect(maskFiles(asked)).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  it('lists the tensors that are missing, too many or of another shape', async () => {
    const source = await openSafetensors(files.weights);
    const tensors = [];
    for (const name of source.names()) {
      if (name === 'mask_decoder.iou_token.weight') continue;
      const shape = source.shapeOf(name);
      const data = await source.read(name);
      if (name === 'prompt_encoder.no_mask_embed.weight') tensors.push({ name, shape: [2, 16], data });
      else tensors.push({ name, shape, data });
    }
    await source.close();
    tensors.push({ name: 'mask_decoder.more', shape: [1], data: new Float32Array(1) });
    await writeSafetensors(at('wrong.safetensors'), tensors);
    const { numTensors } = tf.memory();
    const made = maskFiles({ ...files, weights: at('wrong.safetensors') });
    await expect(made).rejects.toThrow(/missing: mask_decoder.iou_token.weight/);
    await expect(made).rejects.toThrow(/mask_decoder.more/);
    await expect(made).rejects.toThrow(/no_mask_embed.weight \[2, 16\] where \[1, 32\] is needed/);
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  it('tells the command line of mistakes in one line', () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [
        'src/cli/coc.cjs',
        'sam',
        'masks',
        '--config',
        files.config,
        '--weights',
        files.weights,
        '--output',
        at('no.npy'),
      ],
      { encoding: 'utf8' },
    );
    expect(status).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(
      /given neither images nor features, expected one of them. What to do: give --input/,
    );
  });

  it('has every parameter by both names', () => {
    const spec = samSpec(config);
    for (const source of ['transformers', 'original'] as const) {
      const all = {
        ...prefixed('imageEncoder', encoderNames(config.encoder, source)),
        ...decoderNames(config, source),
      };
      expect(Object.keys(all).sort()).toEqual(Object.keys(flattenParameters(spec)).sort());
    }
  });
});
