// SAM's image encoder against transformers and the original segment_anything (test/oracles/sam_encoder.py): features and
// gradients by everything, by either's names.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend, BackendName } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import oracle from '../oracles/sam-encoder.json';
import { withoutLeak } from '../setup/leaks';
import { describeWith } from '../setup/peers';
import type { ImageEncoder } from '../../src/models/sam/image-encoder';
import { featuresBefore, imageEncoder } from '../../src/models/sam/image-encoder';
import { encoderFromTransformers } from '../../src/models/sam/transformers-config';
import { adaptersOf, compare, encoderOracle, filledLike, sources, tensor } from './encoder-cases';

const { cases } = encoderOracle.parse(oracle);

const onBackend = (name: BackendName): void => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await (await loadCandidate(name)).open();
    await tf.setBackend(name);
  });

  describe.each(sources)('is that of %s', (source) => {
    it.each(Object.keys(cases))('%s', async (key) => {
      await withoutLeak(key, () => compare(cases[key], source), backend);
    });
  });
};
describe.each(['cpu', 'wasm'] as const)('the image encoder on %s', onBackend);
describeWith('native-tensorflow', 'the image encoder on tensorflow', () => onBackend('tensorflow'));

describe('the image encoder from a block on', () => {
  const one = cases['a window wider than the grid'];
  const config = encoderFromTransformers(one.config);
  const { width, depth, imageSize: size } = config;
  let parameters: ImageEncoder;
  let images: tf.Tensor;
  beforeAll(async () => {
    await (await loadCandidate('cpu')).open();
    await tf.setBackend('cpu');
    parameters = filledLike(config, 'original');
    images = tensor([2, size, size, 3], 'images', 2);
  });

  it('gives from features what it gives from images, where no block before has adapters', () => {
    tf.tidy(() => {
      const adapted = { adapters: adaptersOf(one, config), scale: 0.5 };
      expect(adapted.adapters.map((block) => 'q' in block)).toEqual([false, true, true]);
      const whole = imageEncoder(parameters, images, config, adapted);
      for (const from of [0, one.first!]) {
        const features = featuresBefore(parameters, images, config, from);
        expect(features.shape).toEqual([2, 5, 5, width]);
        const rest = imageEncoder(parameters, features, config, { ...adapted, from });
        expect([...rest.dataSync()]).toEqual([...whole.dataSync()]);
      }
    });
  });

  it('is the neck alone after the last block', () => {
    tf.tidy(() => {
      const features = featuresBefore(parameters, images, config, depth);
      const found = imageEncoder(parameters, features, config, { from: depth });
      expect([...found.dataSync()]).toEqual([...imageEncoder(parameters, images, config).dataSync()]);
    });
  });

  it('refuses what does not fit, and says what would', () => {
    const wrong = tensor([2, size, size + 1, 3], 'wrong', 1);
    const few = Array.from({ length: depth + 1 }, () => ({}));
    expect(() => imageEncoder(parameters, wrong, config)).toThrow(/\[2, 20, 21, 3\].*\[any, 20, 20, 3\]/);
    expect(() => imageEncoder(parameters, images, config, { from: 1 })).toThrow(
      /before block 1.*\[any, 5, 5, 16\]/,
    );
    expect(() => featuresBefore(parameters, images, config, depth + 1)).toThrow(/block 4.*from 0 to 3/);
    expect(() => imageEncoder(parameters, images, config, { adapters: few })).toThrow(
      /adapters of 4 blocks.*at most 3/,
    );
  });
});
