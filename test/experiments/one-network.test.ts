// Eq. 1 on a network that runs: what the study observes, and that its comparisons would see what they are there to see.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChosenBackend } from '../../src/backends/choose';
import { chooseBackend } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import { syntheticHead } from '../../src/datasets/synthetic-head';
import {
  count,
  largest,
  lengthOf,
  minus,
  only,
  plus,
  relativeDifference,
} from '../../src/experiments/compare-values';
import { oneNetwork } from '../../src/experiments/one-network';
import { isMatrix, perPlane, SmallNetwork } from '../../src/experiments/small-network';
import type { StudyOutcome } from '../../src/experiments/study';
import { planeGrid, planeNames, readPlane } from '../../src/sampling/plane';
import type { Volume } from '../../src/volume/volume';
import { withoutLeak } from '../setup/leaks';

const saved = { ...process.env };
let dir: string;
let backend: ChosenBackend;
beforeAll(async () => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'coc-one-network-'));
  process.env.COC_DATA = path.join(dir, 'data');
  process.env.COC_CACHE = path.join(dir, 'cache');
  delete process.env.COC_DATA_MIRROR;
  backend = await chooseBackend({ backend: 'wasm' });
});
afterAll(() => {
  process.env = saved;
  rmSync(dir, { recursive: true, force: true });
});

describe('numbers of tensors', () => {
  const [a, b] = [
    { x: [1, 2], y: [3] },
    { x: [1, 2.5], y: [-4] },
  ];

  it('are compared as worked out by hand', () => {
    expect(minus(a, b)).toEqual({ x: Float64Array.of(0, -0.5), y: Float64Array.of(7) });
    expect(plus(a, b)).toEqual({ x: Float64Array.of(2, 4.5), y: Float64Array.of(-1) });
    expect(largest(b)).toBe(4);
    expect(lengthOf({ x: [2, 3], y: [6] })).toBe(7);
    expect(relativeDifference(a, b)).toBe(7 / 4);
    expect([count(a), count(minus(a, b), 'not zero')]).toEqual([3, 2]);
    expect(Object.keys(only(a, (name) => name === 'y'))).toEqual(['y']);
  });

  it('that are no numbers do not pass for small', () => {
    expect(largest({ x: [1, NaN, 2] })).toBeNaN();
  });
});

describe('one-network', () => {
  let outcome: StudyOutcome;
  const value = (id: string): number => outcome.findings.find((f) => f.id === `one-network.${id}`)!.value!;
  beforeAll(async () => {
    await withoutLeak('the study', async () => {
      outcome = await oneNetwork.run(oneNetwork.specs.tiny, { backend });
    });
  });

  it('has one f for three planes: masks go with their planes, gradients add up', () => {
    for (const id of ['swap', 'calls', 'gradient-sum']) expect(value(id), id).toBeLessThan(1e-5);
    // Two planes have different masks: to swap them means something.
    expect(value('apart')).toBeGreaterThan(0.1);
  });

  it('weighs as much as one SAM ViT-H and its adapters, less what nobody asks it for', () => {
    // Three of four hypernetworks, and the prompt encoder but for the token of no mask.
    const hypernetwork = 256 * 256 + 256 + (256 * 256 + 256) + (256 * 32 + 32);
    expect(value('network.left-out')).toBe(3 * hypernetwork + 6220 - 256);
    expect([value('network.over-one'), value('network.adapters')]).toEqual([1, 1]);
    expect(value('network.trained-share')).toBeCloseTo(
      (655_360 + 4_058_340 + 256 - 132_612 - 3 * hypernetwork) /
        (641_090_608 + 655_360 - 3 * hypernetwork - 5964),
      12,
    );
  });

  it('trains adapters and the decoder, and leaves frozen weights as they are, bit for bit', () => {
    expect([value('frozen-change'), value('elsewhere'), value('features-without')]).toEqual([0, 0, 0]);
    expect(value('features-change')).toBeGreaterThan(1e-3);
    expect(value('moved-share.adapters')).toBeGreaterThan(0.99);
    // Units of a rectified layer that are silent for these planes get no gradient.
    expect(value('moved-share.head')).toBeGreaterThan(0.5);
  });

  it('starts with adapters that add nothing; B learns first, and only then A', () => {
    for (const id of ['start', 'start-gradient.a', 'first-step.a']) expect(value(id), id).toBe(0);
    for (const id of ['start-gradient.b', 'first-step.b', 'last-step.a'])
      expect(value(id), id).toBeGreaterThan(0);
    expect(value('merge')).toBeLessThan(1e-4);
    expect(value('unmerge')).toBeLessThan(1e-6);
  });

  it('pulls at the two lines of Eq. 2 and not at the third', () => {
    const of = (sum: string): number[] =>
      ['axial-coronal', 'axial-sagittal', 'coronal-sagittal'].map((pair) => value(`pull.${sum}.${pair}`));
    expect(of('eq2')).toEqual([1, 1, 0]);
    expect(of('all')).toEqual([1, 1, 1]);
  });

  it('says what it was computed on and of what', () => {
    expect(outcome.notes.at(-1)).toContain('computed on wasm');
    expect(outcome.notes[0]).toContain('synthetic head instead of');
    expect(outcome.inputs[0].name).toMatch(/^synthetic/);
    for (const f of outcome.findings.filter((f) => f.kind === 'measured' && !f.table))
      expect(f, f.id).toMatchObject({ uncertainty: { n: oneNetwork.specs.tiny.draws } });
  });

  it('needs a backend', async () => {
    await expect(oneNetwork.run(oneNetwork.specs.tiny, {})).rejects.toThrow('cannot run one-network');
  });
});

describe('what it compares with', () => {
  const head = syntheticHead({ seed: 3, dims: [40, 40, 40], spacing: [5, 6, 5] });
  const planes = (volume: Volume) =>
    perPlane((name) => readPlane(volume, planeGrid(volume, name), [20, 18, 22]));

  it('is a gradient that lacks something where a plane is left out, and other weights where one has its own', async () => {
    const drawn = { images: planes(head.image), labels: planes(head.labels), seed: 'a' };
    const small = new SmallNetwork(backend, drawn, 'tiny-64');
    const other = new SmallNetwork(backend, { ...drawn, seed: 'b' }, 'tiny-64');
    const [{ tensors: at, values }, own] = [small.weights(true), other.weights(true)];
    expect(largest(only(values, (name) => isMatrix('b', name)))).toBe(0);
    expect(largest(only(small.weights(false).values, (name) => isMatrix('b', name)))).toBeGreaterThan(0);

    const together = await small.gradient('three', at, (p) => small.segmentation(p));
    const sent = await Promise.all(
      planeNames
        .slice(0, 2)
        .map((name) => small.gradient(name, at, (p) => small.share(small.mask(p, small.planes[name]), name))),
    );
    expect(lengthOf(minus(sent.reduce(plus), together)) / lengthOf(together)).toBeGreaterThan(0.1);
    const masks = await small.read('one', () => perPlane((name) => small.mask(at, small.planes[name])));
    const apart = await small.read('own', () =>
      perPlane((name) => small.mask(name === 'coronal' ? own.tensors : at, small.planes[name])),
    );
    expect(relativeDifference(apart, masks)).toBeGreaterThan(0.1);
    tf.dispose([at, own.tensors] as unknown as tf.TensorContainer);
    small.dispose();
    other.dispose();
  });
});
