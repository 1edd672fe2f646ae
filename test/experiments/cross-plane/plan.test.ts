// The plan is what the study runs: cases that are apart, arms that differ in what they say, and runs that leave nothing out.
import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { filesOf } from '../../../src/experiments/cross-plane/data';
import { encoderFile } from '../../../src/experiments/cross-plane/encoder-file';
import { maskedPretraining } from '../../../src/experiments/cross-plane/pretraining';
import { greys, labelMaps } from '../../../src/experiments/cross-plane/pretraining-data';
import { armNames, arms, plan } from '../../../src/experiments/cross-plane/plan';
import { runOf, scoredRuns } from '../../../src/experiments/cross-plane/runs';
import { fetchOne } from '../../../src/datasets/fetch';
import { loadManifest } from '../../../src/datasets/manifest';
import { loadStudy, recordedDir } from '../../../src/results/store';

const subjects = (
  purpose: 'learn' | 'choose' | 'score',
  of: 'hippocampus' | 'brats' = 'hippocampus',
): string[] => filesOf(of, purpose).map(({ subject }) => subject);

describe('the plan', () => {
  it('keeps cases apart, and the manifest’s test cases closed', () => {
    const { learn, choose, score } = plan.hippocampus;
    const all = [...subjects('learn'), ...subjects('choose'), ...subjects('score')];
    expect(all.length).toBe(learn + choose + score);
    expect(new Set(all).size).toBe(all.length);
    const { splits } = loadManifest(plan.hippocampus.dataset);
    expect(all.filter((subject) => splits.test.includes(subject))).toEqual([]);
    expect(subjects('score').every((subject) => splits.validation.includes(subject))).toBe(true);
    expect(
      subjects('learn', 'brats').filter((subject) => subjects('score', 'brats').includes(subject)),
    ).toEqual([]);
  });

  it('has an image and labels for every case', () => {
    for (const purpose of ['learn', 'choose', 'score'] as const)
      for (const of of ['hippocampus', 'brats'] as const)
        for (const { image, labels } of filesOf(of, purpose)) {
          const { files } = loadManifest(image.dataset);
          expect(files.find(({ path }) => path === image.path)?.role).toBe('image');
          expect(files.find(({ path }) => path === labels.path)?.role).toBe('label');
        }
  });

  it('learns beforehand from nothing that is scored', () => {
    const scored = new Set(['msd-task04-hippocampus', 'brats2015-deepmedic']);
    for (const { dataset, path } of [...greys, ...labelMaps]) {
      expect(scored.has(dataset)).toBe(false);
      expect(loadManifest(dataset).files.map((file) => file.path)).toContain(path);
    }
  });

  it('begins with the weights that the record of their recipe names', async () => {
    const { sha256, path } = await fetchOne(encoderFile.dataset, encoderFile.path);
    const { provenance } = loadStudy(recordedDir(), maskedPretraining.id);
    expect(provenance.notes.join('; ')).toContain(`weights: sha256 ${sha256}`);
    expect(statSync(path).size).toBeLessThan(12 * 2 ** 20);
  });

  it('shows arms of equal FLOPs as many planes as triplets, and equal steps a third of them', () => {
    const planes = ({ draw, length }: (typeof arms)[keyof typeof arms]): number =>
      length * (draw === 'triplets' ? 3 : 1);
    expect(armNames.filter((name) => name.endsWith('equal-flops')).map((name) => planes(arms[name]))).toEqual(
      [3, 3],
    );
    expect(armNames.filter((name) => name.endsWith('equal-steps')).map((name) => planes(arms[name]))).toEqual(
      [1, 1],
    );
    expect(planes(arms.triplets)).toBe(3);
  });

  it('runs every arm with every seed once, and only the primary pair differs in lambda', () => {
    const by = { learningRate: 1e-3, steps: 100, lambda: 0.5 };
    const runs = scoredRuns(by);
    const keys = runs.map((run) => JSON.stringify(run));
    expect(new Set(keys).size).toBe(keys.length);
    const count = (name: keyof typeof arms): number => runs.filter(({ arm, data, thick }) => arm.title === arms[name].title && data === 'hippocampus' && thick.factor === 1).length; // prettier-ignore
    for (const name of armNames)
      expect(count(name)).toBe(name === plan.primary.of || name === plan.primary.against ? 5 : 3);
    expect(runs.filter(({ lambda }) => lambda > 0).every(({ arm }) => arm.consistent)).toBe(true);
    const [a, b] = [runOf(plan.primary.of, 1, by), runOf(plan.primary.against, 1, by)];
    expect({ ...a, arm: null, lambda: 0 }).toEqual({ ...b, arm: null });
    expect({ ...a.arm, title: '', consistent: false }).toEqual({ ...b.arm, title: '' });
    // Twice five, six times three; three arms by two and two arms by two, three seeds each.
    expect(runs.length).toBe(10 + 18 + 3 * (3 * 2 + 2 * 2));
  });
});
