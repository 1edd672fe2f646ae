// The way of a picture into SAM's input, and of masks back, against segment_anything (test/oracles/sam_processing.py).
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCandidate } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import { prepareImage, restoreMasks, toInput } from '../../src/models/sam/processing';
import { uniform } from '../../src/nn/parameters';
import { valuesOf } from '../bench/nets/values';
import oracle from '../oracles/sam-processing.json';

const near = (found: ArrayLike<number>, expected: readonly number[]): void => {
  expect(found.length).toBe(expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  const apart = Math.max(...expected.map((value, k) => Math.abs(found[k] - value)));
  expect(apart / scale).toBeLessThan(2e-6);
};

describe.each(['cpu', 'wasm'] as const)('on %s', (backend) => {
  beforeAll(async () => {
    await (await loadCandidate(backend)).open();
    await tf.setBackend(backend);
  });

  it.each(Object.entries(oracle.cases))('a picture of %s', (name, expected) => {
    const [height, width] = expected.picture;
    const { size } = expected;
    const picture = valuesOf(height * width * 3, uniform(0, 255), `picture ${name}`);
    const { values, fit } = prepareImage(picture, [height, width, 3], size);
    near(values, expected.prepared);
    const points = valuesOf(8, uniform(0, Math.min(height, width)), `points ${name}`);
    near(toInput(points, fit), expected.points);

    const side = size / 4;
    tf.tidy(() => {
      // Two images with one prompt each.
      const low = tf.tensor(valuesOf(2 * side * side * 3, uniform(-1, 1), `masks ${name}`), [
        2,
        1,
        side,
        side,
        3,
      ]);
      const back = restoreMasks(low, fit);
      expect(back.shape).toEqual([2, 1, height, width, 3]);
      near(back.dataSync(), expected.masks);
      const cotangent = tf.tensor(valuesOf(back.size, uniform(-1, 1), `cotangent ${name}`), back.shape);
      const gradient = tf.grad((x) => tf.sum(tf.mul(restoreMasks(x, fit), cotangent)))(low);
      near(gradient.dataSync(), expected.gradient);
    });
  });
});

describe('what does not fit', () => {
  it('is a grey picture', () => {
    expect(() => prepareImage(new Float32Array(12), [3, 4, 1], 16)).toThrow(/repeat a grey one three times/);
  });
  it('is a picture with a side that vanishes', () => {
    expect(() => prepareImage(new Float32Array(300), [1, 100, 3], 16)).toThrow(/cannot pad to a square/);
  });
});
