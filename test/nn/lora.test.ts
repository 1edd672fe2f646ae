// Low-rank adapters: their sizes, their start, and that weights with them in compute the same.
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCandidate } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import { Random } from '../../src/base/random';
import { adapter, product } from '../../src/nn/linear';
import { loraScale, loraSpec, mergeLora, unmergeLora } from '../../src/nn/lora';
import {
  countParameters,
  drawn,
  filled,
  flattenParameters,
  normal,
  Parameter,
} from '../../src/nn/parameters';
import { withoutLeak } from '../setup/leaks';

const lora = { rank: 4, alpha: 4, first: 0 };

describe('the parameters of adapters', () => {
  it.each([
    ['ViT-B', { width: 768, depth: 12 }, 147_456],
    ['ViT-L', { width: 1024, depth: 24 }, 393_216],
    ['ViT-H', { width: 1280, depth: 32 }, 655_360],
  ])('of %s are as many as SAMed has, and grow with the rank', (_, blocks, count) => {
    expect(countParameters(loraSpec(blocks, lora))).toBe(count);
    expect(countParameters(loraSpec(blocks, { ...lora, rank: 16 }))).toBe(4 * count);
    expect(countParameters(loraSpec(blocks, { ...lora, first: blocks.depth / 2 }))).toBe(count / 2);
  });

  it('stand in the blocks from the first adapted one on', () => {
    const paths = Object.keys(flattenParameters(loraSpec({ width: 6, depth: 3 }, { ...lora, first: 2 })));
    expect(paths).toEqual(['2/q/a', '2/q/b', '2/v/a', '2/v/b']);
  });

  it.each([
    [{ rank: 0 }, 'rank 0, expected a whole number from 1 to 6'],
    [{ rank: 1.5 }, 'rank 1.5'],
    [{ rank: 7 }, 'rank 7, expected a whole number from 1 to 6'],
    [{ alpha: 0 }, 'alpha 0, expected a number above 0'],
    [{ alpha: NaN }, 'alpha NaN'],
    [{ first: 3 }, 'first adapted block 3, expected a whole number from 0 to 2'],
    [{ first: -1 }, 'first adapted block -1'],
  ])('%o is refused', (wrong, said) => {
    expect(() => loraSpec({ width: 6, depth: 3 }, { ...lora, ...wrong })).toThrow(said);
  });
});

describe('weights with adapters in them', () => {
  beforeAll(async () => {
    await (await loadCandidate('wasm')).open();
    await tf.setBackend('wasm');
  });

  const width = 8;
  const blocksOf = (depth: number, seed: number) =>
    drawn(
      Array.from({ length: depth }, () => ({
        qkv: { weight: new Parameter([width, 3 * width], normal(1)) },
      })),
      new Random(seed),
    );
  /** Adapters with noise in both factors. */
  const noisy = (depth: number, config: typeof lora, seed: number) => {
    const random = new Random(seed);
    return filled(loraSpec({ width, depth }, config), ({ size }) =>
      Float32Array.from({ length: size }, () => random.normal()),
    );
  };
  const distance = (a: tf.Tensor, b: tf.Tensor): number =>
    tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] / tf.max(tf.abs(b)).dataSync()[0]);

  it('start as they are: what is added is zero', () => {
    const low = drawn(loraSpec({ width, depth: 1 }, lora), new Random(1))[0];
    tf.tidy(() => {
      const x = tf.randomNormal([5, width], 0, 1, 'float32', 1);
      for (const one of [low.q!, low.v!]) {
        expect(tf.max(tf.abs(one.a)).dataSync()[0]).toBeGreaterThan(0);
        expect(tf.max(tf.abs(adapter(x, one))).dataSync()[0]).toBe(0);
      }
    });
    tf.dispose(low);
  });

  it('compute what the layer and its adapters compute; keys stay bit for bit; and unmerged they are as before', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: width }),
        fc.double({ min: 0.1, max: 32, noNaN: true }),
        fc.integer({ min: 0, max: 2 }),
        fc.integer(),
        async (rank, alpha, first, seed) => {
          const config = { rank, alpha, first };
          await withoutLeak('merge and unmerge', () => {
            const [blocks, adapters] = [blocksOf(3, seed), noisy(3, config, seed + 1)];
            tf.tidy(() => {
              const merged = mergeLora(blocks, adapters, config);
              const back = unmergeLora(merged, adapters, config);
              const x = tf.randomNormal([5, width], 0, 1, 'float32', seed);
              merged.forEach(({ qkv: { weight } }, k) => {
                if (k < first) {
                  expect(weight).toBe(blocks[k].qkv.weight);
                  return;
                }
                const [q, key, v] = tf.split(product(x, blocks[k].qkv.weight), 3, 1);
                const [mergedQ, mergedKey, mergedV] = tf.split(product(x, weight), 3, 1);
                const { q: lowQ, v: lowV } = adapters[k];
                expect(distance(mergedQ, tf.add(q, adapter(x, lowQ!, loraScale(config))))).toBeLessThan(1e-5);
                expect(distance(mergedV, tf.add(v, adapter(x, lowV!, loraScale(config))))).toBeLessThan(1e-5);
                expect(mergedKey.dataSync()).toEqual(key.dataSync());
                const size = tf.max(tf.abs(weight)).dataSync()[0];
                const off = tf.max(tf.abs(tf.sub(back[k].qkv.weight, blocks[k].qkv.weight))).dataSync()[0];
                expect(off / size).toBeLessThan(1e-6);
              });
            });
            tf.dispose([blocks, adapters] as unknown as tf.TensorContainer);
          });
        },
      ),
      { numRuns: 20 },
    );
  });

  it('refuse adapters of another encoder', () => {
    const [blocks, adapters] = [blocksOf(2, 1), noisy(3, lora, 2)];
    expect(() => mergeLora(blocks, adapters, lora)).toThrow('adapters of 3 blocks for 2');
    tf.dispose([blocks, adapters] as unknown as tf.TensorContainer);
  });
});
