// Losses of segmentation: MONAI's and PyTorch's values and gradients (test/oracles/losses_peer.py), MONAI's own test values,
// and cases by hand.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import type { DiceOptions, SegmentationLoss } from '../../src/losses/segmentation';
import { diceLoss, focalLoss, segmentationLosses } from '../../src/losses/segmentation';
import oracle from '../oracles/losses.json';
import { withoutLeak } from '../setup/leaks';
import { expectCase, tensorOf } from './tensor-case';

const near = [1e-5, 1e-5] as const;
const dice =
  (options: DiceOptions): SegmentationLoss =>
  (logits, labels) =>
    logits.shape.at(-1) === 1
      ? diceLoss(tf.sigmoid(logits), tf.expandDims(tf.cast(labels, 'float32'), -1), options)
      : diceLoss(tf.softmax(logits), tf.oneHot(labels, logits.shape.at(-1)!, 1, 0, 'float32'), options);
const each: DiceOptions = { per: 'sample and class', smooth: near };

const losses: Record<keyof typeof oracle.segmentation, SegmentationLoss> = {
  'dice, one class': segmentationLosses.dice,
  'dice, three classes': segmentationLosses.dice,
  'dice over the batch': dice({ per: 'class', smooth: near }),
  'dice, squared': dice({ ...each, squared: true }),
  'dice, jaccard': dice({ ...each, jaccard: true }),
  'dice, soft target': dice({ ...each, softTarget: true }),
  'cross-entropy, one class': segmentationLosses['cross-entropy'],
  'cross-entropy, three classes': segmentationLosses['cross-entropy'],
  'focal, one class': segmentationLosses.focal,
  'focal, gamma 3, alpha': (logits, labels) => focalLoss(logits, labels, { gamma: 3, alpha: 0.25 }),
  'focal, three classes': segmentationLosses.focal,
  'samed, one class': segmentationLosses.samed,
  'samed, three classes': segmentationLosses.samed,
};

describe.each(['cpu', 'wasm'] as const)('losses of segmentation on %s', (name) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await (await loadCandidate(name)).open();
    await tf.setBackend(name);
  });

  it.each(Object.keys(losses) as (keyof typeof losses)[])('%s', async (loss) => {
    const { shapes, labels, ...expected } = oracle.segmentation[loss];
    await withoutLeak(
      loss,
      () =>
        tf.tidy(() => {
          const y = tf.tensor(labels, shapes[0].slice(0, -1), 'int32');
          expectCase((x) => losses[loss](x, y), [tensorOf(shapes[0], `${loss}/logits`)], expected);
        }),
      backend,
    );
  });
});

describe("Dice in MONAI's own tests", () => {
  beforeAll(async () => {
    await (await loadCandidate('cpu')).open();
    await tf.setBackend('cpu');
  });
  const value = (loss: tf.Tensor): number => loss.dataSync()[0];
  // One sample, one class, 2 x 2.
  const logits = [1, -1, -1, 1];
  const as = (values: number[], shape = [1, 2, 2, 1]): tf.Tensor => tf.tensor(values, shape);
  const both = 'sample and class';

  it('one picture: plain, squared, Jaccard', () => {
    const [p, t] = [tf.sigmoid(as(logits)), as([1, 0, 1, 1])];
    expect(value(diceLoss(p, t, { per: both, smooth: [1e-6, 1e-6] }))).toBeCloseTo(0.307576, 6);
    expect(value(diceLoss(p, t, { per: both, smooth: near, squared: true }))).toBeCloseTo(0.178337, 6);
    expect(value(diceLoss(p, t, { per: both, smooth: near, jaccard: true }))).toBeCloseTo(0.470451, 5);
  });

  it('two pictures', () => {
    const p = tf.sigmoid(as([...logits, ...logits], [2, 2, 2, 1]));
    const t = as([1, 1, 1, 1, 1, 0, 1, 0], [2, 2, 2, 1]);
    expect(value(diceLoss(p, t, { per: both, smooth: [1e-4, 1e-4] }))).toBeCloseTo(0.416657, 5);
  });

  it('two classes by softmax and by sigmoid', () => {
    // MONAI: [batch, class, 3]; here [batch, 3, class].
    const x = tf.transpose(tf.tensor([-1, 0, 1, 1, 0, -1, 0, 0, 0, 0, 0, 0], [2, 2, 3]), [0, 2, 1]);
    const t = tf.oneHot(tf.tensor2d([1, 0, 0, 1, 1, 0], [2, 3], 'int32'), 2, 1, 0, 'float32');
    const smooth = [1e-4, 1e-4] as const;
    expect(value(diceLoss(tf.softmax(x), t, { per: both, smooth }))).toBeCloseTo(0.383713, 6);
    expect(value(diceLoss(tf.sigmoid(x), t, { per: both, smooth }))).toBeCloseTo(0.43505, 6);
  });

  it('soft targets: a perfect prediction costs nothing, a product of both does', () => {
    const t = as([0.3, 0.4, 0.7, 0.9, 1, 0.1, 0.5, 0.3], [2, 2, 2, 1]);
    expect(value(diceLoss(t, t, { per: both, smooth: near, softTarget: true }))).toBeCloseTo(0, 6);
    expect(value(diceLoss(t, t, { per: both, smooth: [1e-4, 1e-4] }))).toBeCloseTo(0.307773, 6);
  });
});

describe('by hand', () => {
  const value = (loss: tf.Tensor): number => loss.dataSync()[0];

  it('without a word Dice is of everything, with 1 above and below', () => {
    // (2 * 1 + 1) / (1.5 + 2 + 1)
    const [p, t] = [tf.tensor1d([1, 0, 0.5]), tf.tensor1d([1, 1, 0])];
    expect(value(diceLoss(p, t))).toBeCloseTo(1 - 3 / 4.5, 6);
  });

  it('focal loss with gamma 0 is cross-entropy, for one class and for more', () => {
    const one = tf.tensor([2, -1, 0.5], [3, 1]);
    const labels = tf.tensor1d([1, 1, 0], 'int32');
    expect(value(focalLoss(one, labels, { gamma: 0 }))).toBeCloseTo(
      value(segmentationLosses['cross-entropy'](one, labels)),
      6,
    );
    const many = tf.tensor([2, -1, 0.5, 1, 1, 3], [3, 2]);
    expect(value(focalLoss(many, labels, { gamma: 0 }))).toBeCloseTo(
      value(segmentationLosses['cross-entropy'](many, labels)),
      6,
    );
  });

  it('stays finite where predictions are certain, and so do gradients', () => {
    const labels = tf.tensor([1, 0, 1, 0], [1, 4], 'int32');
    const certain = tf.tensor([90, -90, -90, 90], [1, 4, 1]);
    for (const [name, loss] of Object.entries(segmentationLosses)) {
      const { value: found, grad } = tf.valueAndGrad((x: tf.Tensor) => loss(x, labels).asScalar())(certain);
      expect([...found.dataSync(), ...grad.dataSync()].every(Number.isFinite), name).toBe(true);
    }
  });

  it('refuses what there is not', () => {
    const [x, y] = [tf.zeros([2, 1]), tf.zeros([2], 'int32')];
    expect(() => focalLoss(x, y, { gamma: 0.5 })).toThrow('given gamma 0.5');
    expect(() => focalLoss(x, y, { alpha: 2 })).toThrow('given alpha 2');
    expect(() => focalLoss(tf.zeros([2, 3]), y, { alpha: 0.5 })).toThrow('alpha 0.5 for 3 classes');
    expect(() => diceLoss(x, x, { squared: true, softTarget: true })).toThrow('soft targets and squares');
  });
});
