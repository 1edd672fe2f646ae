// SAM's image encoder against both references as they are installed: larger configurations than the stored cases, and the
// command line on files that transformers wrote.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadCandidate } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import { encodeFiles } from '../../src/models/sam/encode-files';
import { readNpy } from '../../src/nn/npy';
import { openSafetensors, writeSafetensors } from '../../src/nn/safetensors';
import { describeWith, python } from '../setup/peers';
import { compare, type EncoderCase, encoderOracle, sources } from './encoder-cases';

/** Heads as wide as ViT-H's in windows of 14, a grid that these do not fill; and patches of one pixel. */
const live = {
  'heads of 80, windows of 14': {
    batch: 2,
    rank: 4,
    first: 1,
    config: { hidden_size: 160, image_size: 320, patch_size: 16, window_size: 14, output_channels: 32 },
  },
  'one head, four blocks': {
    batch: 1,
    rank: 1,
    first: 3,
    config: {
      hidden_size: 20,
      num_attention_heads: 1,
      num_hidden_layers: 4,
      image_size: 11,
      patch_size: 1,
      window_size: 5,
      global_attn_indexes: [0, 2],
    },
  },
};

describeWith(['transformers', 'segment-anything'], 'live references of the image encoder', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'coc-sam-'));
  let cases: Record<string, EncoderCase> = {};
  beforeAll(async () => {
    await (await loadCandidate('wasm')).open();
    await tf.setBackend('wasm');
    const file = path.join(folder, 'cases.json');
    writeFileSync(file, JSON.stringify(live));
    const written = execFileSync(python, ['test/oracles/sam_encoder.py', file], { maxBuffer: 1e8 });
    cases = encoderOracle.parse(JSON.parse(written.toString())).cases;
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(Object.keys(live).flatMap((key) => sources.map((source) => ({ key, source }))))(
    '$key: as $source',
    ({ key, source }) => compare(cases[key], source),
    120_000,
  );
});

describeWith(['transformers', 'segment-anything', 'safetensors'], 'coc sam encode', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'coc-sam-'));
  const at = (name: string): string => path.join(folder, name);
  const files = { config: at('config.json'), input: at('x.npy'), output: at('ours.npy') };
  beforeAll(() => void execFileSync(python, ['test/oracles/sam_files.py', folder], { stdio: 'pipe' }));
  afterAll(() => rmSync(folder, { recursive: true }));

  const difference = async (file: string): Promise<number> => {
    const [ours, theirs] = [await readNpy(files.output), await readNpy(at(file))];
    expect(ours.shape).toEqual(theirs.shape);
    const largest = Math.max(...theirs.values.map(Math.abs));
    return Math.max(...theirs.values.map((value, k) => Math.abs(value - ours.values[k]))) / largest;
  };

  it('gives what transformers gives, from its own files', async () => {
    const given = Object.entries({ ...files, weights: at('model.safetensors') });
    const options = given.flatMap(([name, file]) => [`--${name}`, file]);
    const env = { ...process.env, COC_BACKEND: 'wasm' };
    const told = execFileSync(process.execPath, ['src/cli/coc.cjs', 'sam', 'encode', ...options, '--json'], {
      env,
      stdio: 'pipe',
    });
    expect(JSON.parse(told.toString())).toMatchObject({ source: 'transformers', features: [2, 16, 10, 10] });
    expect(await difference('y.npy')).toBeLessThan(1e-4);
  });

  it('gives what the original gives, by its names', async () => {
    const done = await encodeFiles({ ...files, weights: at('original.safetensors') });
    expect(done.source).toBe('original');
    expect(await difference('y-original.npy')).toBeLessThan(1e-4);
  });

  it('lists what is missing, too many and of another shape by name, and computes nothing', async () => {
    const weights = await openSafetensors(at('original.safetensors'));
    const tensors = await Promise.all(
      weights
        .names()
        .map(async (name) => ({ name, shape: weights.shapeOf(name), data: await weights.read(name) })),
    );
    await weights.close();
    const changed = tensors
      .filter(({ name }) => !name.endsWith('blocks.2.attn.rel_pos_w'))
      .map((tensor) => (tensor.name.endsWith('neck.3.bias') ? { ...tensor, shape: [4, 4] } : tensor));
    const more = { name: 'image_encoder.blocks.4.norm1.bias', shape: [1], data: new Float32Array(1) };
    await writeSafetensors(at('wrong.safetensors'), [...changed, more]);
    const told = encodeFiles({ ...files, weights: at('wrong.safetensors'), output: at('none.npy') });
    await expect(told).rejects.toThrow(/image_encoder\.blocks\.2\.attn\.rel_pos_w/);
    await expect(told).rejects.toThrow(/image_encoder\.neck\.3\.bias/);
    await expect(told).rejects.toThrow(/image_encoder\.blocks\.4\.norm1\.bias/);
    await expect(readNpy(at('none.npy'))).rejects.toThrow();
  });

  it('wants images of its size, and says which option turns them', async () => {
    const turned = encodeFiles({ ...files, weights: at('model.safetensors'), channelsLast: true });
    await expect(turned).rejects.toThrow(/\[2, 3, 80, 80\].*\[batch, 80, 80, 3\].*leave out --channels-last/);
    const missing = encodeFiles({ ...files, config: at('nowhere.json'), weights: at('model.safetensors') });
    await expect(missing).rejects.toThrow(/nowhere\.json: given no such file/);
  });
});
