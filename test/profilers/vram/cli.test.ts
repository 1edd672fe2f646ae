// `coc vram` as it is called: answers, choices, the table, what is kept, and what is refused.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repoRoot } from '../../../src/base/paths';
import type { Answer, PolicyRow } from '../../../src/profilers/vram/answer';

let cache: string;
beforeAll(() => {
  cache = mkdtempSync(path.join(os.tmpdir(), 'coc-vram-cli-'));
});
afterAll(() => rmSync(cache, { recursive: true }));

function vram(...args: string[]) {
  const ran = spawnSync(process.execPath, [path.join(repoRoot, 'src', 'cli', 'coc.cjs'), 'vram', ...args], {
    encoding: 'utf8',
    env: { ...process.env, COC_CACHE: cache },
  });
  return { ...ran, lines: ran.stderr.trim().split('\n') };
}
function json<T>(...args: string[]): T {
  const { stdout, stderr, status } = vram(...args, '--json');
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as T;
}

const small = ['--model', 'tiny-64', '--stack', 'tfjs'];

describe('coc vram', () => {
  it('answers for both stacks, in one policy, chosen where that is asked for', () => {
    const best = json<Answer>(...small, '--policy', 'best');
    expect(best).toMatchObject({
      stack: 'tfjs',
      kind: 'dry run',
      setting: { model: 'tiny-64', size: 64, views: 3, batch: 1, precision: 'fp32', optimiser: 'adam' },
      otherMissing: null,
    });
    expect(best.peakBeyondWeightsBytes).toBe(best.peakBytes - best.weightsBytes);
    expect(Object.values(best.byCategory).reduce((a, b) => a + b)).toBe(best.peakBytes);
    expect(best.other).toMatchObject({ stack: 'pytorch', kind: 'derived' });
    expect(best.cards.find(({ card }) => card === 't4')).toMatchObject({
      tfjs: { fits: true },
      pytorch: { fits: true },
    });

    // Now kept: the same again without a run, and the table of every policy agrees.
    const files = readdirSync(path.join(cache, 'vram')).length;
    const again = vram(...small, '--policy', 'best', '--json');
    expect(JSON.parse(again.stdout)).toEqual(best);
    expect(again.stderr).toBe('');
    const { policies } = json<{ policies: PolicyRow[] }>(...small, '--table', '1,2');
    expect(readdirSync(path.join(cache, 'vram')).length).toBeGreaterThan(files);
    expect(policies).toHaveLength(16);
    expect(policies[0]).toMatchObject({ policy: best.policy });
    expect(policies[0].peakBytes[0]).toBe(best.peakBytes);
    const tape = policies.find(({ policy }) => policy === 'tape')!;
    expect(tape.flopsOverTape).toBe(1);
    for (const { peakBytes } of policies) {
      expect(peakBytes[0]).toBeGreaterThanOrEqual(best.peakBytes);
      expect(peakBytes[1]).toBeGreaterThan(peakBytes[0]);
      expect(peakBytes[0]).toBeLessThanOrEqual(tape.peakBytes[0]);
    }

    const cheapest = json<Answer>(...small, '--policy', 'cheapest', '--card', 't4');
    expect(cheapest.flopsOverTape).toBe(Math.min(...policies.map((row) => row.flopsOverTape)));
    expect(cheapest.cards).toHaveLength(1);
  }, 120_000);

  it('prints tables, and says what a number is', () => {
    const { stdout, status } = vram(...small, '--policy', 'lean+per-plane', '--views', '1');
    expect(status).toBe(0);
    expect(stdout).toContain(
      'SAM tiny, 64 px, 64 px, 1 view, batch 1, fp32, adapters of rank 4 from block 0 on',
    );
    expect(stdout).toContain('policy per-plane+lean, stack tfjs');
    expect(stdout).toMatch(/RTX 4090 +23\.99 GiB +yes, batch \d+ at most/);
    expect(stdout).toContain('TensorFlow.js (dry run): what');
  });

  it('refuses what there is not, in one line', () => {
    for (const [args, message] of [
      [['--stack', 'tfjs', '--precision', 'bf16'], 'TensorFlow.js has no tensors of 16 bits'],
      [['--policy', 'quick'], 'cannot read the memory policy'],
      [['--policy', 'cheapest'], 'given no card'],
      [['--size', '1000'], 'expected a multiple of 16'],
      [['--train', 'decoder', '--rank', '4'], 'given --rank beside it'],
      [['--table', '--policy', 'lean'], 'given --policy beside it'],
      [['--batch', 'many'], 'expected a whole number'],
    ] as const) {
      const { lines, status, stdout } = vram(...args);
      expect([status, stdout, lines.length]).toEqual([1, '', 1]);
      expect(lines[0]).toContain(message);
    }
    expect(vram('--card', 'voodoo').status).toBe(2);
    expect(vram('--help').stdout).toContain('coc vram --stack tfjs --policy cheapest --card t4');
  });
});
