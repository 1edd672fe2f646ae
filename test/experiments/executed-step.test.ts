// The executed step at its smallest: every stack runs the same numbers, and limits do what they say.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { executedStep } from '../../src/experiments/executed-step';
import { drawnFiles, networkOf } from '../../src/experiments/executed-step-files';
import { dryBytes } from '../../src/experiments/executed-step-ours';
import { torchStep } from '../../src/experiments/executed-step-torch';
import { flattenParameters } from '../../src/nn/parameters';
import { openSafetensors } from '../../src/nn/safetensors';
import { triSiameseSpec } from '../../src/models/tri-siamese';
import { describeWith, hasPeer } from '../setup/peers';

const saved = { ...process.env };
let cache: string;
beforeAll(() => {
  // Weights alone: native TensorFlow stays where it is.
  cache = mkdtempSync(path.join(os.tmpdir(), 'coc-executed-'));
});
afterAll(() => {
  process.env = saved;
  rmSync(cache, { recursive: true });
});

const { tiny, full } = executedStep.specs;

describe('its files', () => {
  it('have every weight by the names of the original, drawn from the seed and from nothing else', async () => {
    const numbers = async (place: string) => {
      process.env.COC_CACHE = path.join(cache, place);
      const folder = await drawnFiles(tiny.drawn);
      process.env.COC_CACHE = saved.COC_CACHE;
      if (saved.COC_CACHE === undefined) delete process.env.COC_CACHE;
      const sam = await openSafetensors(path.join(folder, 'sam.safetensors'));
      const lora = await openSafetensors(path.join(folder, 'lora.safetensors'));
      const values = await sam.read('image_encoder.blocks.0.attn.rel_pos_h');
      const b = await lora.read('5/q/b');
      const names = [sam.names(), lora.names()];
      await Promise.all([sam.close(), lora.close()]);
      return { values, b, names };
    };
    const [one, two] = [await numbers('one'), await numbers('two')];
    expect(two).toEqual(one);
    const spec = triSiameseSpec(networkOf(tiny.drawn));
    const { adapters, ...rest } = { ...spec.trained, ...spec.frozen };
    expect(one.names[1]).toEqual(Object.keys(flattenParameters(adapters)));
    expect(one.names[0].length).toBe(
      Object.keys(flattenParameters({ ...rest, head: { t: spec.trained.head, f: spec.frozen.head } })).length,
    );
    // Neither what starts at zero is zero, nor are two numbers of it the same.
    for (const values of [one.values, one.b])
      expect(new Set(values).size).toBeGreaterThan(0.99 * values.length);
  });
});

describe('its dry run', () => {
  it('of SAM ViT-H has three planes under 6 GiB, and one plane by the plain tape far above a T4', () => {
    const of = (policy: string, planes: 1 | 3): number =>
      dryBytes({ drawn: full.drawn, folder: '', policy, planes, blocks: [] });
    expect(of(full.policy, 3)).toBeLessThan(6 * 2 ** 30);
    expect(of('tape', 1)).toBeGreaterThan(3 * 15 * 2 ** 30);
  });
});

describe('PyTorch that is not there', () => {
  it('is the reason why nothing is known', async () => {
    process.env.COC_PYTHON = '/nowhere/python';
    const run = await torchStep({ drawn: tiny.drawn, folder: cache, planes: 1, checkpointed: false, limitBytes: null, blocks: [] }); // prettier-ignore
    if (saved.COC_PYTHON === undefined) delete process.env.COC_PYTHON;
    else process.env.COC_PYTHON = saved.COC_PYTHON;
    expect(run).toMatchObject({ fits: null, executed: null });
    expect(run.error).toMatch(/could not be started .*ENOENT/);
  });
});

describeWith('native-tensorflow', 'the study', () => {
  it('runs every stack on the same numbers, with gradients that agree', { timeout: 120_000 }, async () => {
    const { findings, notes } = await executedStep.run(tiny, {});
    const value = (id: string): number | undefined =>
      findings.find((f) => f.id === `executed-step.${id}`)?.value;
    expect(value('fits.ours-three')).toBe(1);
    expect(value('fits.tape-one')).toBe(1);
    expect(value('inside.ours-three')! / value('dry.ours-three')!).toBeGreaterThan(0.6);
    expect(value('inside.ours-three')! / value('dry.ours-three')!).toBeLessThan(1.2);
    const rows = findings.find((f) => f.id === 'executed-step.runs')!.table!.rows;
    expect(rows).toHaveLength(5);
    if (!hasPeer('torch') || !hasPeer('safetensors')) {
      expect(notes.join()).toContain('not known, for');
      return;
    }
    expect(value('fits.torch-one')).toBe(1);
    expect(value('gradient-difference')).toBeLessThan(1e-4);
    expect(value('loss-difference')).toBeLessThan(1e-5);
    expect(value('with-gradient.ours')).toBe(1);
  });
});

describeWith('torch', 'PyTorch under a limit of address space', () => {
  it('says that it does not fit', { timeout: 60_000 }, async () => {
    const folder = await drawnFiles(tiny.drawn);
    const run = await torchStep({ drawn: tiny.drawn, folder, planes: 3, checkpointed: false, limitBytes: 24 * 2 ** 20, blocks: [] }); // prettier-ignore
    expect(run).toMatchObject({ fits: false, executed: null });
    expect(run.error).toMatch(/can't allocate memory|MemoryError/);
  });
});
