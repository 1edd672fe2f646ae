// Eq. 2 of several samples at once is the sum of what it says of each.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import { Random } from '../../src/base/random';
import type { IntersectionPlan } from '../../src/losses/intersection';
import { allPairs, intersectionLoss } from '../../src/losses/intersection';
import type { SampleLines } from '../../src/losses/intersection-samples';
import { sampleIntersectionLoss } from '../../src/losses/intersection-samples';
import { planeNames } from '../../src/sampling/plane';
import { withoutLeak } from '../setup/leaks';

let backend: Backend;
beforeAll(async () => {
  backend = await (await loadCandidate('cpu')).open();
  await tf.setBackend('cpu');
});

const [samples, side] = [3, 5];
const random = new Random(5);
const noise = (shape: number[]): tf.Tensor =>
  tf.tensor(
    Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal()),
    shape,
  );
const sample = (x: tf.Tensor, k: number): tf.Tensor => tf.slice(x, [k], [1]);

describe('Eq. 2 of a batch', () => {
  it.each([
    ['one class', 1, allPairs],
    ['three classes, two pairs', 3, allPairs.slice(0, 2)],
  ] as const)('is the sum over its samples: %s', async (_, classes, compared) => {
    await withoutLeak(
      'the term',
      () => {
        tf.tidy(() => {
          const shape = [samples, side, side, classes];
          const logits = planeNames.map(() => noise(shape));
          const named = (all: tf.Tensor[]) => Object.fromEntries(planeNames.map((name, k) => [name, all[k]]));
          const lines: SampleLines = Object.fromEntries(
            compared.map((pair) => [pair, { first: noise([samples, side]), second: noise([samples, side]) }]),
          );
          const one = (k: number): IntersectionPlan =>
            Object.fromEntries(
              Object.entries(lines).map(([pair, { first, second }]) => [
                pair,
                {
                  first: { across: sample(first, k) as tf.Tensor2D },
                  second: { across: sample(second, k) as tf.Tensor2D },
                },
              ]),
            );
          const apart = (...all: tf.Tensor[]): tf.Scalar =>
            tf.addN(
              Array.from({ length: samples }, (_unused, k) =>
                intersectionLoss(named(all.map((x) => sample(x, k))) as never, one(k)),
              ),
            );
          const together = (...all: tf.Tensor[]): tf.Scalar =>
            sampleIntersectionLoss(named(all), lines) as tf.Scalar;
          const [found, expected] = [together, apart].map((term) => tf.valueAndGrads(term)(logits));
          expect(expected.value.dataSync()[0]).toBeGreaterThan(0.1);
          expect(found.value.dataSync()[0]).toBeCloseTo(expected.value.dataSync()[0], 4);
          found.grads.forEach((gradient, k) => {
            const theirs = expected.grads[k].dataSync();
            expect(Math.max(...theirs.map(Math.abs))).toBeGreaterThan(1e-3);
            gradient.dataSync().forEach((value, i) => expect(value).toBeCloseTo(theirs[i], 5));
          });
        });
        return Promise.resolve();
      },
      backend,
    );
  });
});
