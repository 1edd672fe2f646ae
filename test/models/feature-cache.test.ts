// Features before the first adapted block on disk: their bytes are said first, they are the numbers that the encoder makes, and
// others have another folder. And adapters alone in a file.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadCandidate } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import { flattenTree } from '../../src/backends/training-step';
import { Random } from '../../src/base/random';
import type { PlaneAt } from '../../src/models/feature-cache';
import { featureBytes, FeatureCache, weightsDigest } from '../../src/models/feature-cache';
import { featuresBefore, imageEncoderSpec } from '../../src/models/sam/image-encoder';
import { loraSpec } from '../../src/nn/lora';
import { readLora, writeLora } from '../../src/nn/lora-file';
import { drawn, filled } from '../../src/nn/parameters';
import { withoutLeak } from '../setup/leaks';
import { smallEncoder as config } from './encoder-cases';

const planes: PlaneAt[] = [
  { name: 'axial', index: 0 },
  { name: 'axial', index: 1 },
  { name: 'sagittal', index: 0 },
];
const image = ({ name, index }: PlaneAt): tf.Tensor =>
  tf.randomNormal([1, 12, 12, 3], 0, 1, 'float32', name.length + 10 * index);
const of = { config, block: 2, weights: 'w', volume: 'v', preparation: { kernel: 'bicubic' } };

let folder: string;
beforeAll(async () => {
  await (await loadCandidate('wasm')).open();
  await tf.setBackend('wasm');
});
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'features-'))));
afterEach(() => rmSync(folder, { recursive: true }));

describe('kept features', () => {
  it('take 13.3 GB for one BraTS volume with ViT-H, as derived', () => {
    const vitH = { ...config, imageSize: 1024, patchSize: 16, width: 1280 };
    expect(featureBytes(vitH, 1)).toBe(20_971_520);
    expect(featureBytes(vitH, 155 + 240 + 240)).toBe(13_316_915_200);
    const cache = new FeatureCache(folder, { ...of, config: vitH });
    const all = Array.from({ length: 155 }, (_, index): PlaneAt => ({ name: 'axial', index }));
    expect(cache.missing(all)).toMatchObject({
      planes: 155,
      bytes: 155 * 20_971_520,
      text: '155 planes, 3.25 GB',
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('are written only when their bytes were agreed to, once, and read as they were made', async () => {
    await withoutLeak('a cache', async () => {
      const parameters = drawn(imageEncoderSpec(config), new Random(1));
      const cache = new FeatureCache(folder, of);
      const bytes = 3 * 9 * 8 * 4;
      const said: object[] = [];
      const refused = await cache.fill(parameters, planes, image, (size) => {
        said.push(size);
        return false;
      });
      expect(refused).toBe(false);
      expect(said).toEqual([{ folder: cache.folder, planes: 3, bytes, text: '3 planes, 864 B' }]);
      expect(readdirSync(folder)).toEqual([]);
      expect(await cache.fill(parameters, planes.slice(0, 1), image, () => true)).toBe(true);
      expect(cache.missing(planes).planes).toBe(2);
      const asked: PlaneAt[] = [];
      const counting = (plane: PlaneAt): tf.Tensor => {
        asked.push(plane);
        return image(plane);
      };
      expect(await cache.fill(parameters, planes, counting, () => true)).toBe(true);
      expect(asked).toEqual(planes.slice(1));
      // Nothing is missing: nobody is asked.
      expect(await cache.fill(parameters, planes, counting, () => false)).toBe(true);
      for (const plane of planes) {
        const kept = await cache.read(plane);
        const made = tf.tidy(() => featuresBefore(parameters, image(plane), config, 2));
        expect(kept.shape).toEqual([1, 3, 3, 8]);
        expect(kept.dataSync()).toEqual(made.dataSync());
        tf.dispose([kept, made]);
      }
      tf.dispose(Object.values(flattenTree(parameters)));
    });
  });

  it('stop between planes, and what is there stays', async () => {
    const parameters = drawn(imageEncoderSpec(config), new Random(1));
    const cache = new FeatureCache(folder, of);
    const stop = new AbortController();
    const stopping = (plane: PlaneAt): tf.Tensor => {
      if (plane.index === 1) stop.abort();
      return image(plane);
    };
    await expect(
      cache.fill(parameters, planes, stopping, () => true, { signal: stop.signal }),
    ).rejects.toThrow('was interrupted');
    expect(planes.map((plane) => cache.has(plane))).toEqual([true, true, false]);
    tf.dispose(Object.values(flattenTree(parameters)));
  });

  it('of other weights, another block, volume or preparation lie elsewhere', async () => {
    const folders = [
      of,
      { ...of, block: 1 },
      { ...of, weights: 'x' },
      { ...of, volume: 'x' },
      { ...of, preparation: { kernel: 'bilinear' } },
      { ...of, config: { ...config, epsilon: 1e-5 } },
    ].map((one) => new FeatureCache(folder, one).folder);
    expect(new Set(folders).size).toBe(folders.length);
    const parameters = drawn(imageEncoderSpec(config), new Random(1));
    const first = await weightsDigest(parameters, 2);
    const changedAfter = { ...parameters, blocks: [...parameters.blocks.slice(0, 2), parameters.blocks[0]] };
    const changedBefore = { ...parameters, blocks: [parameters.blocks[1], ...parameters.blocks.slice(1)] };
    expect(await weightsDigest(changedAfter, 2)).toBe(first);
    expect(await weightsDigest(changedBefore, 2)).not.toBe(first);
    tf.dispose(Object.values(flattenTree(parameters)));
  });

  it('that are damaged or not there are refused', async () => {
    const parameters = drawn(imageEncoderSpec(config), new Random(1));
    const cache = new FeatureCache(folder, of);
    await expect(cache.read(planes[0])).rejects.toThrow('axial-0000.safetensors');
    await cache.fill(parameters, planes.slice(0, 1), image, () => true);
    writeFileSync(path.join(cache.folder, 'axial-0000.safetensors'), 'short');
    await expect(cache.read(planes[0])).rejects.toThrow('5 bytes');
    tf.dispose(Object.values(flattenTree(parameters)));
  });
});

describe('adapters alone in a file', () => {
  const lora = { rank: 2, alpha: 3, first: 1 };
  const random = new Random(3);

  it('come back as they were, with their rank, alpha and first block', async () => {
    await withoutLeak('write and read', async () => {
      const adapters = filled(loraSpec(config, lora), ({ size }) =>
        Float32Array.from({ length: size }, () => random.normal()),
      );
      const file = path.join(folder, 'adapters.safetensors');
      await writeLora(file, adapters, lora, config.width);
      const back = await readLora(file, config);
      expect(back.config).toEqual(lora);
      const [before, after] = [flattenTree(adapters), flattenTree(back.adapters)];
      expect(Object.keys(after)).toEqual(Object.keys(before));
      for (const [name, tensor] of Object.entries(before))
        expect(after[name].dataSync()).toEqual(tensor.dataSync());
      await expect(readLora(file, { width: 8, depth: 4 })).rejects.toThrow(
        'given adapters for 3 blocks of width 8, expected those for 4 of 8',
      );
      tf.dispose([...Object.values(before), ...Object.values(after)]);
    });
  });
});
