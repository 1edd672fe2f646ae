// Studies that derive and run nothing: their numbers follow from oracles that were counted elsewhere.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publishedResults } from '../../src/claims/published';
import { loadRegister } from '../../src/claims/register';
import { activationStacking } from '../../src/experiments/activation-stacking';
import { intersectionStudy } from '../../src/experiments/intersection-loss';
import type { StudyDefinition } from '../../src/experiments/study';
import { tableOne } from '../../src/experiments/table-one';
import { triSiamese } from '../../src/experiments/tri-siamese';
import { models } from '../../src/models/registry';
import { samSpec } from '../../src/models/sam/sam';
import { flattenParameters } from '../../src/nn/parameters';
import { figure } from '../../src/plots/draw';
import type { Finding } from '../../src/results/result';

const oracle = JSON.parse(readFileSync(path.join(__dirname, '..', 'oracles', 'encoders.json'), 'utf8')) as {
  parameters: Record<string, { total: number; norms: Record<string, number> }>;
  saved: { precision: string; attention: string; trained: string; bytes: number }[];
};

// Masks come from a synthetic head here: no mirror, empty folders.
const saved = { ...process.env };
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'coc-on-paper-'));
  process.env.COC_DATA = path.join(dir, 'data');
  process.env.COC_CACHE = path.join(dir, 'cache');
  delete process.env.COC_DATA_MIRROR;
});
afterAll(() => {
  process.env = saved;
  rmSync(dir, { recursive: true, force: true });
});

/** The findings of a study, by the end of their ids. */
async function findingsOf<Spec>(
  study: StudyDefinition<Spec>,
): Promise<{ value: (id: string) => number; get: (id: string) => Finding; all: Finding[] }> {
  const { findings } = await study.run(study.specs.tiny, {});
  const get = (id: string): Finding => {
    const found = findings.find((f) => f.id === `${study.id}.${id}`);
    if (!found) throw new Error(`no finding ${id}`);
    return found;
  };
  expect(new Set(findings.map((f) => f.id)).size).toBe(findings.length);
  for (const f of findings.filter((f) => f.kind === 'derived' && f.value !== undefined))
    expect(f.source, `${f.id} states its formula`).toBeTruthy();
  return { get, value: (id) => get(id).value!, all: findings };
}

describe('activation-stacking', () => {
  let found: Awaited<ReturnType<typeof findingsOf>>;
  beforeAll(async () => (found = await findingsOf(activationStacking)));

  it('gives each regime within one per cent of PyTorch, three views thrice that, and the step on top', () => {
    const { value } = found;
    for (const { precision, attention, trained, bytes } of oracle.saved) {
      const id = `${precision}-${attention}-${trained}`;
      expect(Math.abs((1e9 * value(`saved.${id}.one`)) / bytes - 1)).toBeLessThan(0.01);
      expect(value(`saved.${id}.three`)).toBeCloseTo(3 * value(`saved.${id}.one`), 9);
      expect(value(`step.${id}.three`)).toBeCloseTo(value(`state.${id}`) + value(`saved.${id}.three`), 9);
    }
    const weights = oracle.parameters['sam-vit-h'].total * 4e-9;
    expect(value('state.fp32-naive-adapters')).toBeCloseTo(weights + 3 * 655_360 * 4e-9, 9);
  });

  it('fits as many samples as fill the card and no more', () => {
    const { value, get } = found;
    for (const row of get('readings').table!.rows) expect(row).toMatchObject({ driver: 'not tested yet' });
    for (const { precision, attention, trained } of oracle.saved) {
      const id = `${precision}-${attention}-${trained}`;
      const [state, three, n] = [`state.${id}`, `saved.${id}.three`, `batch.a100-40.${id}`].map(value);
      const shown = 40_960 * 2 ** 20 * 1e-9;
      if (n > 0) expect(state + n * three).toBeLessThanOrEqual(shown);
      expect(state + (n + 1) * three).toBeGreaterThan(shown);
    }
    // 2.5 + 2 x 18 = 38.5 GB by the study's own numbers.
    expect(value('batch.by-published-numbers')).toBe(2);
  });

  it('has remedies that need less and work more', () => {
    const { value } = found;
    const regime = 'fp32-naive-adapters';
    expect(value(`saved.per-view.${regime}`)).toBe(value(`saved.${regime}.one`));
    expect(value(`saved.recompute.${regime}`)).toBeLessThan(value(`saved.${regime}.one`));
    expect(value(`saved.both.${regime}`)).toBeLessThan(value(`saved.recompute.${regime}`));
    expect(value('work.both') - 1).toBeCloseTo(2 * (value('work.per-view') - 1), 12);
  });

  it('counts the norms that the modules have, none of them over a batch', () => {
    const { get, value } = found;
    const norms = Object.values(oracle.parameters['sam-vit-h'].norms);
    expect(get('norms').table!.rows[0].layer).toBe(norms.reduce((a, b) => a + b));
    expect(Object.keys(oracle.parameters['sam-vit-h'].norms).join()).not.toMatch(/batch/i);
    expect(value('batch-norm-layers')).toBe(0);
  });

  it('has dry runs of our own step: three views are three by the plain tape, and one when taken one at a time', () => {
    const { value, get } = found;
    expect(value('dry-run.ratio.tape')).toBeGreaterThan(2.8);
    expect(value('dry-run.tape.2') / value('dry-run.tape.1')).toBeGreaterThan(1.9);
    // The small network holds as much beside its planes as they do.
    expect(value('dry-run.over-one.per-plane')).toBeLessThan(1.05);
    expect(value('dry-run.work.lean')).toBe(1);
    const rows = get('policies').table!.rows;
    const least = rows.reduce((low, row) => (row.three! < low.three! ? row : low));
    expect(least.policy).toBe('all four together');
    expect(get('remedies').table!.rows[0].dry).toBe(value('dry-run.tape.3'));
  });

  it('draws Figure 2 with its published numbers', () => {
    const { all } = found;
    const published = publishedResults(loadRegister());
    const results = new Map(
      [...published, ...all.map((f) => ({ ...published[0], ...f }))].map((r) => [r.id, r]),
    );
    const drawn = figure('activation-stacking.figure', results);
    expect(drawn.rows.filter((r) => r.kind === 'paper' && r.quantity !== 'Memory of a card')).toHaveLength(2);
    expect(drawn.caption).toContain('Not tested yet: measured.');
  });
});

describe('tri-siamese', () => {
  it('weighs what the modules weigh, shares them once, and tables what it found', async () => {
    const { value } = await findingsOf(triSiamese);
    for (const name of ['sam-vit-b', 'sam-vit-l', 'sam-vit-h']) {
      const { total } = oracle.parameters[name];
      expect(value(`parameters.${name}`)).toBeCloseTo(total / 1e6, 9);
      expect(value(`weights.${name}.fp32`)).toBeCloseTo(4e-9 * total, 9);
    }
    expect(value('streams.own') / value('streams.shared')).toBe(3);
    expect(value('lora.sam-vit-h.qv.4')).toBe(655_360);
    // Rank 4 on everything: per block and rank 2 x 1280 for each of four layers, 1280 + 5120 for each of the MLP's two.
    expect(value('lora.sam-vit-h.linear.4')).toBe(32 * 4 * (4 * 2560 + 2 * 6400));
  });

  it('counts twice, part by part: the models have what their layers weigh, but for one position of SAM 3', async () => {
    const { value, get, all } = await findingsOf(triSiamese);
    const rows = get('counted').table!.rows;
    const row = (part: string): (typeof rows)[number] => rows.find((r) => r.part === part)!;
    expect(row('One block, windows')).toMatchObject({
      'sam-vit-h-layers': 19_681_760,
      'sam-vit-h-model': 19_681_760,
    });
    expect(row('Whole model')).toMatchObject({
      'sam-vit-h-model': 641_090_608,
      'sam3-layers': null,
      'sam3-model': null,
    });
    expect(row('Image encoder')).toMatchObject({ 'sam3-layers': 446_237_696, 'sam3-model': 446_236_672 });
    const ratios = all.filter(
      (f) => /^tri-siamese\.counted\.[^.]+\.[^.]+$/.test(f.id) && !f.id.endsWith('.dropped'),
    );
    const others = ratios.filter((f) => f.value !== 1).map((f) => f.id.replace('tri-siamese.counted.', ''));
    expect(ratios.length).toBe(4 * 10 + 7);
    expect(others).toEqual(['sam3.positions', 'sam3.encoder']);
    expect(value('counted.sam3.dropped')).toBe(1024);
  });

  it('agrees with the length of the published files up to their names and shapes', async () => {
    const { value } = await findingsOf(triSiamese);
    for (const name of ['sam-vit-b', 'sam-vit-l', 'sam-vit-h', 'medsam'] as const) {
      const { total } = oracle.parameters[name === 'medsam' ? 'sam-vit-b' : name];
      const beyond = value(`file.${name}`) - 4 * (total + 256);
      // A torch zip has two entries of its directory and a few bytes of pickle for each tensor.
      const tensors = Object.keys(flattenParameters(samSpec(models[name].config))).length;
      expect(beyond / tensors).toBeGreaterThan(300);
      expect(beyond / tensors).toBeLessThan(350);
      expect(value(`file-ratio.${name}`)).toBeCloseTo(1 + beyond / (4 * (total + 256)), 12);
    }
  });
});

describe('table-one', () => {
  it('counts volumes as facts do that were worked out apart from this code', async () => {
    const { value } = await findingsOf(tableOne);
    expect(1e6 * value('parameters.unet')).toBeCloseTo(31_199_796, 3);
    // 482.89 GMAC a patch, 8 patches, 8 mirrorings; 2980.54 GMAC an encoder, 155 and 635 slices.
    expect(value('flops.unet-plain')).toBeCloseTo(2 * 8 * 0.48289, 3);
    expect(value('flops.unet-mirrored') / value('flops.unet-plain')).toBeCloseTo(8, 9);
    expect(value('flops.sam-axial')).toBeCloseTo(2 * 155 * 2.98054, 1);
    expect(value('flops.sam-three')).toBeCloseTo(2 * 635 * 2.98054, 0);
    expect(value('ratio.axial-over-plain')).toBeCloseTo(119.6, 1);
    expect(value('ratio.axial-over-default')).toBeCloseTo(14.95, 2);
    expect(value('passes.unet')).toBe(64);
    expect(value('narrow.parameters')).toBeLessThan(3);
    // 1000 x 250 x 2 patches, three passes' work each, against 1000 x 64 passes.
    expect(value('training-over-thousand')).toBeCloseTo((3 * 1000 * 250 * 2) / (1000 * 64), 9);
  });
});

describe('intersection-loss', () => {
  it('counts lines and pixels as worked out by hand for 240 x 240 x 155 voxels', async () => {
    const { value } = await findingsOf(intersectionStudy);
    expect([value('samples.eq2'), value('samples.all')]).toEqual([480, 635]);
    // Axial picture: a row and a column that cross; coronal and sagittal: the line with the axial plane.
    const pixels = 240 * 240 + 2 * 240 * 155;
    expect(value('pixels-share.eq2')).toBeCloseTo((479 + 240 + 240) / pixels, 12);
    expect(value('pixels-share.all')).toBeCloseTo((479 + 2 * (240 + 155 - 1)) / pixels, 12);
    expect([value('on-a-row.native'), value('on-a-row.square')]).toEqual([1, 0]);
  });

  it('finds the truth without cost on its grid and with cost on the square, constants without any', async () => {
    const { value } = await findingsOf(intersectionStudy);
    expect(value('truth.native')).toBe(0);
    expect(value('truth.square.nearest')).toBe(0);
    expect(value('truth.square.bicubic')).toBeGreaterThan(0);
    expect(value('consistent.eq2')).toBe(0);
    expect(value('unseen.eq2')).toBe(0);
    // Each planted disagreement is a difference of one.
    expect(value('unseen.all')).toBe(value('unseen.voxels'));
    expect(value('unseen.voxels')).toBeGreaterThan(0);
  });

  it('has the gradient that differences give, and the contrastive losses that formulas give', async () => {
    const { value } = await findingsOf(intersectionStudy);
    expect(value('gradient.error')).toBeLessThan(1e-6);
    expect(value('gradient.partner')).toBe(1);
    expect(value('constant.nt-xent')).toBeCloseTo(Math.log(15), 12);
    expect(value('apart.nt-xent')).toBeCloseTo(Math.log(1 + 14 * Math.exp(-2)), 12);
  });
});
