// Trees of parameters: drawn from a seed, left blank, counted.
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCandidate } from '../../src/backends/choose';
import { flattenTree } from '../../src/backends/training-step';
import { tf } from '../../src/backends/tf';
import { Random } from '../../src/base/random';
import { linearSpec } from '../../src/nn/linear';
import { normSpec } from '../../src/nn/norm';
import {
  blank,
  constant,
  countParameters,
  drawn,
  flattenParameters,
  normal,
  Parameter,
  uniform,
} from '../../src/nn/parameters';
import { withoutLeak } from '../setup/leaks';

const model = {
  position: new Parameter([3, 40], uniform(2, 4)),
  blocks: [linearSpec(100, 50)],
  end: { norm: normSpec(7) },
  scale: new Parameter([], constant(2)),
};

beforeAll(async () => {
  await (await loadCandidate('cpu')).open();
});

describe('a tree of parameters', () => {
  it('is counted and listed without tensors', () => {
    const before = tf.memory().numTensors;
    expect(countParameters(model)).toBe(120 + 5050 + 14 + 1);
    expect(Object.keys(flattenParameters(model))).toEqual([
      'position',
      'blocks/0/weight',
      'blocks/0/bias',
      'end/norm/gain',
      'end/norm/bias',
      'scale',
    ]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is drawn as it says, the same for one seed, whatever stands beside', async () => {
    await withoutLeak('drawing', () => {
      const all = drawn(model, new Random(1));
      const alone = drawn({ blocks: [linearSpec(100, 50)] }, new Random(1));
      const other = drawn(model, new Random(2));
      const weight = [...all.blocks[0].weight.dataSync()];
      expect([...alone.blocks[0].weight.dataSync()]).toEqual(weight);
      expect([...other.blocks[0].weight.dataSync()]).not.toEqual(weight);
      const deviation = Math.sqrt(weight.reduce((sum, x) => sum + x * x, 0) / weight.length);
      // Of 5000 values the deviation is within 4 standard errors, 4 %.
      expect(deviation / 0.1).toBeGreaterThan(0.96);
      expect(deviation / 0.1).toBeLessThan(1.04);
      const position = [...all.position.dataSync()];
      expect(Math.min(...position)).toBeGreaterThanOrEqual(2);
      expect(Math.max(...position)).toBeLessThan(4);
      expect([...all.end.norm.gain.dataSync()]).toEqual(Array(7).fill(1));
      expect(all.scale.arraySync()).toBe(2);
      return { all, alone, other } as never;
    });
  });

  it('is left blank: zeros of its shapes', async () => {
    await withoutLeak('blank', () => {
      const tensors = blank(model);
      const flat = flattenTree(tensors);
      for (const [path, { shape }] of Object.entries(flattenParameters(model))) {
        expect(flat[path].shape).toEqual(shape);
        expect(flat[path].dataSync().every((x) => x === 0)).toBe(true);
      }
      return tensors as never;
    });
  });

  it('starts a normal parameter by its deviation', () => {
    expect(normal(0.5)).toEqual({ kind: 'normal', deviation: 0.5 });
  });
});
