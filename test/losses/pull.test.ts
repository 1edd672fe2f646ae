// The contrastive loss across planes, and how two losses pull: PyTorch's values and gradients, closed forms, cases by hand.
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCandidate } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import { balanceOf, gradientBalance, lambdaFor } from '../../src/losses/gradient-balance';
import { crossPlaneInfoNce, infoNce } from '../../src/losses/info-nce';
import { intersectionLoss, intersectionPlan } from '../../src/losses/intersection';
import { planeGrid, readPlane } from '../../src/sampling/plane';
import { volumeOf } from '../../src/volume/volume';
import oracle from '../oracles/losses.json';
import { withoutLeak } from '../setup/leaks';
import { expectCase, tensorOf } from './tensor-case';

beforeAll(async () => {
  await (await loadCandidate('cpu')).open();
  await tf.setBackend('cpu');
});
const value = (loss: tf.Tensor): number => loss.dataSync()[0];

describe('InfoNCE across planes', () => {
  it.each(Object.keys(oracle.contrast) as (keyof typeof oracle.contrast)[])(
    'has the value and gradient of PyTorch: %s',
    (name) => {
      const { shapes, temperature, ...expected } = oracle.contrast[name];
      tf.tidy(() => {
        const inputs = ['a', 'b'].map((k, i) => tensorOf(shapes[i], `${name}/${k}`));
        expectCase((a, b) => infoNce(a as tf.Tensor2D, b as tf.Tensor2D, temperature), inputs, expected);
      });
    },
  );

  it('is ln n where all features are alike, ln(1 + (n - 1) exp(-1/t)) where pairs agree at right angles', () => {
    tf.tidy(() => {
      const same = tf.ones<tf.Rank.R2>([8, 3]);
      expect(value(infoNce(same, same, 0.1))).toBeCloseTo(Math.log(8), 5);
      const apart = tf.eye(4);
      expect(value(infoNce(apart, apart, 0.5))).toBeCloseTo(Math.log(1 + 3 * Math.exp(-2)), 5);
    });
  });

  const planesOf = (
    values: (x: number, y: number, z: number) => number,
  ): {
    planes: Parameters<typeof intersectionPlan>[0];
    features: Record<'axial' | 'coronal' | 'sagittal', tf.Tensor>;
  } => {
    const dims = [4, 5, 3] as const;
    const data = Float32Array.from({ length: 60 }, (_, i) =>
      values(i % 4, Math.floor(i / 4) % 5, Math.floor(i / 20)),
    );
    const volume = volumeOf(
      data,
      [...dims],
      [
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
      ],
    );
    const at = (name: 'axial' | 'coronal' | 'sagittal') =>
      readPlane(volume, planeGrid(volume, name), [1, 2, 1]);
    const planes = { axial: [at('axial')], coronal: [at('coronal')], sagittal: [at('sagittal')] };
    // Each voxel's feature: its value on a circle.
    const feature = (name: 'axial' | 'coronal' | 'sagittal'): tf.Tensor => {
      const { columns, rows } = planes[name][0].grid;
      const pixels = Array.from(planes[name][0].pixels);
      return tf.tensor(
        pixels.flatMap((v) => [Math.cos(v), Math.sin(v)]),
        [1, rows.count, columns.count, 2],
      );
    };
    return {
      planes,
      features: { axial: feature('axial'), coronal: feature('coronal'), sagittal: feature('sagittal') },
    };
  };

  it('charges a network that says the same everywhere, where Eq. 2 says zero; and finds partners by place', () => {
    tf.tidy(() => {
      const constant = planesOf(() => 0);
      const plan = intersectionPlan(constant.planes);
      expect(value(intersectionLoss(constant.features, plan, { compare: 'logits' }))).toBe(0);
      // Lines of 4 and of 5 voxels.
      expect(value(crossPlaneInfoNce(constant.features, plan, 0.1))).toBeCloseTo(
        (Math.log(4) + Math.log(5)) / 2,
        5,
      );
      const apart = planesOf((x, y, z) => x + 1.25 * y + z);
      expect(value(crossPlaneInfoNce(apart.features, plan, 0.1))).toBeLessThan(0.05);
      const turned = { ...apart.features, coronal: tf.reverse(apart.features.coronal, 2) };
      expect(value(crossPlaneInfoNce(turned, plan, 0.1))).toBeGreaterThan(1);
    });
  });

  it('refuses what is no temperature, and rows that do not pair', () => {
    const [a, b] = [tf.ones<tf.Rank.R2>([2, 3]), tf.ones<tf.Rank.R2>([3, 3])];
    expect(() => infoNce(a, a, 0)).toThrow('a temperature of 0');
    expect(() => infoNce(a, b, 1)).toThrow('given [2, 3] and [3, 3]');
  });
});

describe('how two losses pull', () => {
  it('by hand: 3-4-5 and a right angle', () => {
    tf.tidy(() => {
      const { segmentation, consistency, ratio, cosine } = balanceOf(
        [tf.tensor1d([3, 0]), tf.tensor1d([4])],
        [tf.tensor1d([0, 10]), tf.tensor1d([0])],
      );
      expect([segmentation, consistency, ratio, cosine].map(value)).toEqual([5, 10, 2, 0]);
    });
  });

  it('of losses: the same loss has ratio 1 and cosine 1, its opposite half ratio 1/2 and cosine -1', async () => {
    const trained = { w: tf.tensor1d([1, -2]), deep: [{ b: tf.scalar(3) }] };
    const loss = ({ w, deep }: typeof trained): tf.Tensor =>
      tf.add(tf.sum(tf.square(w)), tf.mul(deep[0].b, tf.sum(w)));
    await withoutLeak('gradientBalance', () => {
      const same = gradientBalance({ segmentation: loss, consistency: loss }, trained);
      expect(value(same.ratio)).toBeCloseTo(1, 6);
      expect(value(same.cosine)).toBeCloseTo(1, 6);
      const against = gradientBalance(
        { segmentation: loss, consistency: (t) => tf.mul(loss(t), -0.5) },
        trained,
      );
      expect(value(against.ratio)).toBeCloseTo(0.5, 6);
      expect(value(against.cosine)).toBeCloseTo(-1, 6);
      return [same, against];
    });
    tf.dispose(trained);
  });

  it('lambda gives the wished ratio; where planes agree there is none', () => {
    expect(lambdaFor(0.1, 4)).toBe(0.025);
    expect(() => lambdaFor(1, 0)).toThrow('a ratio of 0, where 1 is wished for');
    expect(() => lambdaFor(-1, 2)).toThrow('cannot choose lambda');
  });
});
