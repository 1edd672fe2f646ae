// What the studies of the plan make of their runs: choices as they were tried, a replay beside the record, scores else.
import { describe, expect, it } from 'vitest';
import { crossPlaneChoices } from '../../../src/experiments/cross-plane/choices';
import type { TrainedRun, TrainingRun } from '../../../src/experiments/cross-plane/run';
import { choiceRuns, runOf, shortRun } from '../../../src/experiments/cross-plane/runs';
import { plan } from '../../../src/experiments/cross-plane/plan';
import { crossPlane } from '../../../src/experiments/cross-plane/study';

/** A run that ended with this Dice for both of its cases. */
function ended(run: TrainingRun, dice: number, notes: string[] = []): TrainedRun {
  const scores = ['a', 'b'].map((name) => ({
    name,
    dice: {
      axial: [dice, dice, dice] as [number, number, number],
      mean: [dice, dice, dice] as [number, number, number],
    },
    jitter: { axial: 0, mean: 0 },
    agreement: { disagree: 0.1, right: 0.8, wrong: 0.1 },
  }));
  return {
    run,
    device: 'made up',
    curves: {
      steps: [{ step: 1, values: { loss: 1, segmentation: 1, consistency: 2 } }],
      watched: [{ step: 1, values: { dice, ratio: 0.5, cosine: -0.1 } }],
    },
    scores: { before: scores, after: scores },
    flop: { step: 1, axial: 1, mean: 3 },
    seconds: 1,
    inputs: [{ name: 'an image', sha256: '0'.repeat(64) }],
    notes,
  };
}

describe('the choices', () => {
  it('say the Dice of everything that was tried', () => {
    const runs = choiceRuns();
    expect(runs.every(({ scored }) => scored === 'choose')).toBe(true);
    const { findings, inputs } = crossPlaneChoices.sweep!.combine({ runs }, runs.map((run, k) => ended(run, 0.5 + k / 100))); // prettier-ignore
    const { learningRates, steps } = plan.choices;
    const id = `cross-plane-choices.dice.learning-rate-${learningRates[0]}.steps-${steps[1]}`;
    expect(findings.find((finding) => finding.id === id)?.value).toBeCloseTo(0.51, 10);
    expect(findings.find((finding) => finding.id === 'cross-plane-choices.tried')?.table?.rows.length).toBe(
      runs.length,
    );
    expect(inputs.length).toBe(1);
  });
});

describe('a replay', () => {
  it('is not compared where its cases are others than the record’s', () => {
    const runs = [shortRun(plan.primary.against, 1), shortRun(plan.primary.of, 1)];
    const { findings, notes } = crossPlane.sweep!.combine({ runs }, runs.map((run) => ended(run, 0.5, ['synthetic heads']))); // prettier-ignore
    expect(findings.map(({ id }) => id)).toEqual([`cross-plane.replay.steps.${plan.primary.against}`, `cross-plane.replay.steps.${plan.primary.of}`]); // prettier-ignore
    expect(notes.join('; ')).toMatch(
      /not compared with the record, which is of other cases; .*synthetic heads/,
    );
  });
});

describe('the plan', () => {
  it('is not run before everything is chosen', async () => {
    const run = runOf('triplets', 1, { learningRate: 0, steps: 0, lambda: 0 });
    await expect(crossPlane.sweep!.runOne(run, {})).rejects.toThrow(
      'cannot run the plan of training: given a learning rate, a number of steps or a lambda that is not chosen yet',
    );
  });
});
