// What the studies of the plan make of their runs: choices as they were tried, a replay beside the record, scores else.
import { describe, expect, it } from 'vitest';
import { amendments } from '../../../src/experiments/cross-plane/amendments';
import { chosenLambda } from '../../../src/experiments/cross-plane/chosen-lambda';
import { chosenRate } from '../../../src/experiments/cross-plane/chosen-rate';
import { crossPlaneLambda } from '../../../src/experiments/cross-plane/lambda-choice';
import { crossPlaneRate } from '../../../src/experiments/cross-plane/rate-choice';
import type { TrainedRun, TrainingRun } from '../../../src/experiments/cross-plane/run';
import { lambdaRuns, rateRuns, shortRun } from '../../../src/experiments/cross-plane/runs';
import { plan } from '../../../src/experiments/cross-plane/plan';
import { crossPlane } from '../../../src/experiments/cross-plane/study';
import { loadStudy, recordedDir } from '../../../src/results/store';

const picture = { name: 'a case', slice: 3, rows: ['0123', '4567'] };

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
    leftOut: { disagree: 0.1, right: 0.8, wrong: 0.1 },
  }));
  return {
    run,
    device: 'made up',
    curves: {
      steps: [{ step: 1, values: { loss: 1, segmentation: 1, consistency: 2 } }],
      watched: [{ step: 1, values: { dice, ratio: 0.5, cosine: -0.1 } }],
    },
    scores: { before: scores, after: scores },
    pictures: { before: picture, after: picture },
    flop: { step: 1, axial: 1, mean: 3 },
    seconds: 1,
    coreSeconds: 1,
    inputs: [{ name: 'an image', sha256: '0'.repeat(64) }],
    notes,
  };
}

describe('the choices', () => {
  const { learningRates, enoughDice } = plan.choices;
  const { steps } = amendments;
  /** The rate of the middle is the best; its longer training is better by this. */
  const rates = (gain: number): TrainedRun[] =>
    rateRuns().map((run) => ended(run, 0.5 + (run.learningRate === learningRates[1] ? 0.1 : 0) + (run.steps === steps[1] ? gain : 0))); // prettier-ignore
  const found = (parts: TrainedRun[]): Record<string, number | undefined> =>
    Object.fromEntries(crossPlaneRate.sweep!.combine(crossPlaneRate.specs.full, parts).findings.map(({ id, value }) => [id.replace('cross-plane-rate.', ''), value])); // prettier-ignore

  it('say the Dice of everything that was tried, on cases that are not scored', () => {
    expect(rateRuns().every(({ scored }) => scored === 'choose')).toBe(true);
    const { findings, inputs } = crossPlaneRate.sweep!.combine(crossPlaneRate.specs.full, rates(0.02));
    expect(inputs.length).toBe(1);
    const tried = findings.find(({ id }) => id === 'cross-plane-rate.tried')!.table!;
    expect(tried.rows.length).toBe(learningRates.length * steps.length);
    expect(found(rates(0.02))[`dice.learning-rate-${learningRates[1]}.steps-${steps[0]}`]).toBeCloseTo(0.6, 10); // prettier-ignore
  });

  it('take the best rate, and the longer training where it is worth it', () => {
    expect(found(rates(2 * enoughDice))).toMatchObject({ 'chosen.learning-rate': learningRates[1], 'chosen.steps': steps[1] }); // prettier-ignore
    expect(found(rates(enoughDice / 2))).toMatchObject({ 'chosen.steps': steps[0] });
    expect(found(rates(-0.1))).toMatchObject({ 'chosen.steps': steps[0] });
  });

  it('take the lambda with the highest Dice', () => {
    const { lambdas } = plan.choices;
    const runs = lambdaRuns({ learningRate: 1e-3, steps: 10 });
    const parts = runs.map((run) => ended(run, run.lambda === lambdas[3] ? 0.7 : 0.6));
    const { findings } = crossPlaneLambda.sweep!.combine({ runs }, parts);
    expect(findings.find(({ id }) => id === 'cross-plane-lambda.chosen.lambda')?.value).toBe(lambdas[3]);
  });

  it.each([
    ['cross-plane-rate', { 'learning-rate': chosenRate.learningRate, steps: chosenRate.steps }],
    ['cross-plane-lambda', { lambda: chosenLambda }],
  ])('of %s are those of the record', (study, chosen) => {
    const { findings } = loadStudy(recordedDir(), study);
    for (const [what, value] of Object.entries(chosen))
      expect(findings.find(({ id }) => id === `${study}.chosen.${what}`)?.value).toBe(value);
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

  it('of the recorded steps is equal, and one that went elsewhere is told', () => {
    const { runs } = crossPlane.specs.quick;
    const { findings: recorded } = loadStudy(recordedDir(), 'cross-plane');
    /** The recorded losses of the first steps, a little more in the last of them. */
    const again = (run: TrainingRun, more: number): TrainedRun => {
      const name = run.arm.consistent ? plan.primary.of : plan.primary.against;
      const { rows } = recorded.find(({ id }) => id === `cross-plane.curve.${name}`)!.table!;
      const steps = rows.slice(0, run.only).map(({ step, loss }, k) => ({ step: Number(step), values: { loss: Number(loss) * (k + 1 === run.only ? 1 + more : 1) } })); // prettier-ignore
      return { ...ended(run, 0.5), curves: { steps, watched: [] } };
    };
    const replay = (more: number) => crossPlane.sweep!.combine({ runs }, runs.map((run) => again(run, more))); // prettier-ignore
    const differences = (more: number) => replay(more).findings.filter(({ id }) => id.includes('difference')).map(({ value }) => value); // prettier-ignore
    expect(differences(0)).toEqual([0, 0]);
    expect(replay(0).notes).toEqual([]);
    for (const value of differences(0.02)) expect(value).toBeCloseTo(0.02, 10);
    expect(replay(0.02).notes.join('; ')).toMatch(/triplets, no consistency: .*NOT those of the record, by 2\.0 % of a loss; triplets, consistency/); // prettier-ignore
  });
});
