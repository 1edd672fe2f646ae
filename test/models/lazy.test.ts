// The models as a user of the library gets them, along README's example at the size of a test: a file of weights, the network
// of three planes, masks.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { chooseBackend, models, Random, samModels } from '../../src/index';
import { decoderNames } from '../../src/models/sam/decoder-names';
import { encoderNames } from '../../src/models/sam/encoder-names';
import { prefixed } from '../../src/backends/tree';

it('gives a SAM’s file to the network of three planes', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'coc-lazy-'));
  try {
    const { tf } = await chooseBackend({ backend: 'wasm' });
    const {
      flattenParameters,
      loadTriSiamese,
      openSafetensors,
      samHead,
      samSpec,
      toTheirs,
      triSiamese,
      writeSafetensors,
    } = await samModels();
    const { config } = models['tiny-64'];
    const random = new Random(1);
    const values = Object.fromEntries(
      Object.entries(flattenParameters(samSpec(config))).map(([name, { size }]) => {
        const stream = random.fork(name);
        return [name, Float32Array.from({ length: size }, () => 0.05 * stream.normal())];
      }),
    );
    const names = {
      ...prefixed('imageEncoder', encoderNames(config.encoder, 'original')),
      ...decoderNames(config, 'original'),
    };
    const file = path.join(folder, 'sam.safetensors');
    await writeSafetensors(file, toTheirs(samSpec(config), values, names));

    const lora = { rank: 4, alpha: 4, first: 0 };
    const network = { encoder: config.encoder, lora, head: samHead(config), input: 'images' } as const;
    const weights = await openSafetensors(file);
    const parameters = await loadTriSiamese(network, weights, { seed: 1 });
    await weights.close();
    tf.tidy(() => {
      const plane = (seed: number) => tf.randomNormal([1, 64, 64, 3], 0, 1, 'float32', seed);
      const masks = triSiamese(network, parameters, {
        axial: plane(1),
        coronal: plane(2),
        sagittal: plane(1),
      });
      expect(masks.axial.shape).toEqual([1, 32, 32, 1]);
      const [axial, coronal, sagittal] = [masks.axial, masks.coronal, masks.sagittal].map((x) =>
        x.dataSync(),
      );
      expect(axial.every(Number.isFinite)).toBe(true);
      expect(sagittal).toEqual(axial);
      expect(coronal).not.toEqual(axial);
    });
    tf.dispose(parameters as never);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
