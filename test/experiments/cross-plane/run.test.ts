// Trainings of the plan, their first steps only: on the network of the plan, on heads of our own where data cannot be had.
import { existsSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import type { ChosenBackend } from '../../../src/backends/choose';
import { chooseBackend } from '../../../src/backends/choose';
import { Interrupted } from '../../../src/base/errors';
import type { Progress } from '../../../src/base/progress';
import { pretrain } from '../../../src/experiments/cross-plane/pretraining-run';
import { maskedPretraining } from '../../../src/experiments/cross-plane/pretraining';
import { networkOf, trainArm } from '../../../src/experiments/cross-plane/run';
import { shortRun } from '../../../src/experiments/cross-plane/runs';
import { planeNetworkSpec } from '../../../src/memory/network-parts';
import { countParameters } from '../../../src/nn/parameters';
import { describeWith } from '../../setup/peers';

describeWith('native-tensorflow', 'a training of the plan', () => {
  let backend: ChosenBackend;
  beforeAll(async () => {
    backend = await chooseBackend();
  });

  it('starts alike for arms that differ in lambda alone, and ends with scores of every case', async () => {
    const [without, withIt] = [
      await trainArm(backend, { ...shortRun('random-encoder', 3), lambda: 0 }),
      await trainArm(backend, { ...shortRun('random-encoder', 3), arm: { ...shortRun('random-encoder', 3).arm, consistent: true }, lambda: 0.1 }), // prettier-ignore
    ];
    expect(withIt.scores.before).toEqual(without.scores.before);
    const [a, b] = [without, withIt].map(({ curves }) => curves.steps.map(({ values }) => values));
    // The first step sees the same parameters and planes; its loss has the second term or not.
    expect(b[0].segmentation).toBeCloseTo(a[0].segmentation!, 5);
    expect(b[0].loss! - b[0].segmentation!).toBeCloseTo(0.1 * b[0].consistency!, 5);
    expect(a[0].loss).toBe(a[0].segmentation);
    for (const { scores, flop, curves } of [without, withIt]) {
      expect(curves.steps.length).toBe(3);
      expect(scores.after.length).toBe(2);
      expect(flop.mean).toBeGreaterThan(2 * flop.axial);
      expect(flop.step).toBeGreaterThan(0);
      for (const { dice, agreement, leftOut } of scores.after) {
        for (const value of [...dice.axial, ...dice.mean]) expect(value).toBeLessThanOrEqual(1);
        for (const { disagree, right, wrong } of [agreement, leftOut])
          expect(disagree + right + wrong).toBeCloseTo(1, 6);
      }
    }
  });

  it('goes on where it was interrupted, from a state that its checkpoint names', async () => {
    // One plane a step: no lines, and no gradients to compare.
    const run = shortRun('axial-equal-steps', 8);
    let kept: unknown;
    const checkpoint = { load: () => kept, save: (value: unknown) => void (kept = value) };
    const stopping = new AbortController();
    const progress: Progress = ({ unit, done }) => {
      if (unit === 'steps' && done >= 2) stopping.abort();
    };
    await expect(trainArm(backend, run, { signal: stopping.signal, progress, checkpoint })).rejects.toThrow(Interrupted); // prettier-ignore
    expect(existsSync(kept as string)).toBe(true);
    const again: number[] = [];
    const count: Progress = ({ unit, done }) => void (unit === 'steps' && again.push(done));
    const { curves } = await trainArm(backend, run, { progress: count, checkpoint });
    // 0 is where its bar begins.
    expect(Math.min(...again.filter((done) => done > 0))).toBeGreaterThanOrEqual(2);
    expect(curves.steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(existsSync(kept as string)).toBe(false);
  });

  it('trains adapters and decoder, or everything', () => {
    const trained = (arm: 'adapters' | 'all'): number => countParameters(planeNetworkSpec(networkOf({ trained: arm })).trained); // prettier-ignore
    expect(trained('adapters')).toBeLessThan(0.3 * trained('all'));
  });

  it('learns beforehand, and writes weights that are there', async () => {
    const { curve, file, pictures } = await pretrain(maskedPretraining.specs.tiny, { backend });
    expect(pictures).toBe(8);
    expect(curve.length).toBe(4);
    expect(curve.every(({ value }) => value > 0 && value < 10)).toBe(true);
    expect(file).toMatch(/^sha256 [0-9a-f]{64}$/);
  });
});
