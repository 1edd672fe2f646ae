// Predictions of volumes by networks that are known: what they say must come to the voxel that it was said of.
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random';
import { Interrupted } from '../../src/base/errors';
import type { PlanePredictor } from '../../src/inference/volume';
import { averaged, likeliest, predictAlong } from '../../src/inference/volume';
import { layoutOf } from '../../src/sampling/layout';
import { planeNames } from '../../src/sampling/plane';
import { diagonalAffine } from '../../src/volume/affine';
import { volumeOf } from '../../src/volume/volume';

const resize = { kernel: 'bilinear', convention: 'pil', antialias: true } as const;

/** A network that says `f` of every pixel of its picture. */
function saying(
  size: number,
  classes: number,
  f: (grey: number, c: number) => number,
): PlanePredictor & { calls: number } {
  return {
    size,
    side: size,
    channels: 3,
    classes,
    batch: 3,
    flops: 10,
    resize,
    calls: 0,
    logits(pictures) {
      this.calls++;
      const pixels = pictures.length / 3;
      expect(pixels).toBe(3 * size * size);
      const logits = new Float32Array(pixels * classes);
      for (let i = 0; i < pixels; i++)
        for (let c = 0; c < classes; c++) logits[i * classes + c] = f(pictures[3 * i], c);
      return Promise.resolve(logits);
    },
  };
}

const random = new Random(1);
// Axes in another order and direction than the world's.
const volume = volumeOf(Float32Array.from({ length: 512 }, () => random.normal()), [8, 8, 8], [[0, 0, -1, 3], [2, 0, 0, 1], [0, -1, 0, 5], [0, 0, 0, 1]]); // prettier-ignore
const image = layoutOf(volume, 'file');

describe('a prediction', () => {
  it.each(planeNames)(
    'along %s slices says of every voxel what the network said of its pixel',
    async (along) => {
      const network = saying(8, 1, (grey) => 2 * grey);
      const { classes, probabilities, cost } = await predictAlong(image, along, network);
      expect(classes).toBe(2);
      volume.data.forEach((value, i) => {
        expect(probabilities[512 + i]).toBeCloseTo(1 / (1 + Math.exp(-2 * value)), 5);
        expect(probabilities[i] + probabilities[512 + i]).toBeCloseTo(1, 6);
      });
      expect(cost).toEqual({ slices: 8, calls: 3, flop: 80 });
      expect(network.calls).toBe(3);
    },
  );

  it('of several classes is a softmax, and the mean of three axes that of each', async () => {
    const network = saying(8, 3, (grey, c) => c * grey);
    const each = await Promise.all(planeNames.map((along) => predictAlong(image, along, network)));
    const mean = averaged(each);
    const labels = likeliest(mean);
    volume.data.forEach((value, i) => {
      const powers = [0, 1, 2].map((c) => Math.exp(c * value));
      const sum = powers.reduce((a, b) => a + b, 0);
      powers.forEach((power, c) => expect(mean.probabilities[c * 512 + i]).toBeCloseTo(power / sum, 5));
      expect(labels[i]).toBe(value > 0 ? 2 : 0);
    });
    expect(mean.cost).toEqual({ slices: 24, calls: 9, flop: 240 });
    const unknown = { ...each[0], cost: { ...each[0].cost, flop: null } };
    expect(averaged([each[0], unknown]).cost.flop).toBeNull();
  });

  it('comes back from the square to planes of other sizes', async () => {
    // The left half is high: so it is in 6 x 10 x 4 voxels as in 16 x 16 samples.
    const data = Float32Array.from({ length: 240 }, (_, i) => (i % 6 < 3 ? 1 : -1));
    const wide = layoutOf(volumeOf(data, [6, 10, 4], diagonalAffine([1, 1, 1])), 'file');
    for (const along of ['axial', 'coronal'] as const) {
      const labels = likeliest(
        await predictAlong(
          wide,
          along,
          saying(16, 1, (grey) => grey),
        ),
      );
      expect([...labels]).toEqual([...data].map((value) => Number(value > 0)));
    }
  });

  it('takes the lower class of two that are as likely', () => {
    const probabilities = Float32Array.from([0.5, 0.2, 0.5, 0.8]);
    expect([...likeliest({ classes: 2, probabilities, cost: { slices: 0, calls: 0, flop: null } })]).toEqual([
      0, 1,
    ]);
  });

  it('is refused for other orders of voxels and for unlike predictions, and stops when asked', async () => {
    const network = saying(8, 1, (grey) => grey);
    await expect(predictAlong(layoutOf(volume, 'bricks'), 'axial', network)).rejects.toThrow('given its voxels in the order bricks, expected file order'); // prettier-ignore
    expect(() => averaged([])).toThrow('cannot average predictions: given none');
    const [a, b] = [await predictAlong(image, 'axial', network), await predictAlong(image, 'axial', saying(8, 3, () => 0))]; // prettier-ignore
    expect(() => averaged([a, b])).toThrow('given 2 classes of 512 voxels, 3 classes of 512 voxels');
    await expect(predictAlong(image, 'axial', network, { signal: AbortSignal.abort() })).rejects.toThrow(
      Interrupted,
    );
  });
});
