// `coc vram` as it is called: answers, choices, the table, what is kept, and what is refused.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
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
  return vramWith({}, ...args);
}
function vramWith(env: NodeJS.ProcessEnv, ...args: string[]) {
  const ran = spawnSync(process.execPath, [path.join(repoRoot, 'src', 'cli', 'coc.cjs'), 'vram', ...args], {
    encoding: 'utf8',
    env: { ...process.env, COC_CACHE: cache, ...env },
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
    expect(stdout).toMatch(/RTX 4090 +23\.99 GiB +fits; largest batch \d+ +fits; largest batch \d+\n/);
    expect(stdout).toContain('TensorFlow.js (dry run): what');
  });

  it('says of a card that fits no batch that there is none, and of one that fits a smaller batch which', () => {
    // PyTorch's stack alone: TensorFlow.js has no such numbers, and nothing is run.
    const torch = ['--precision', 'amp', '--card', 't4'];
    expect(vram(...torch).stdout).toMatch(/T4 +15\.00 GiB +does not fit; largest batch none\n/);
    const decoder = ['--model', 'sam-vit-b', '--train', 'decoder', ...torch];
    expect(vram(...decoder, '--batch', '500').stdout).toMatch(/does not fit; largest batch [1-9]\d*\n/);
    const { stdout } = vram('--precision', 'amp', '--table');
    const plain = stdout.split('\n').find((line) => line.startsWith('tape '))!;
    expect(plain).toMatch(/ none +\S+$/);
    expect(plain).not.toMatch(/ 0(?: |$)/);
  });

  it('refuses to try what it cannot', () => {
    const try_ = ['--try', '--limit', '64MiB', ...small];
    for (const [args, message] of [
      [['--try'], 'given no limit'],
      [['--limit', '1GiB'], 'given no --try'],
      [['--bisect'], 'given no --try'],
      [[...try_, '--table'], 'given --table beside it'],
      [['--try', '--limit', '1GiB', '--stack', 'pytorch'], 'given --stack pytorch beside it'],
      [[...try_, '--precision', 'amp'], 'TensorFlow.js has no tensors of 16 bits'],
    ] as const) {
      const { lines, status, stdout } = vram(...args);
      expect([status, stdout, lines.length]).toEqual([1, '', 1]);
      expect(lines[0]).toContain(message);
    }
  });

  it('refuses to try on a card, and says whether there is one', () => {
    const asked = ['--try', '--limit', '64MiB', ...small, '--card', 't4'];
    const none = vramWith({ PATH: cache }, ...asked);
    expect(none.status).toBe(1);
    expect(none.lines).toEqual([
      "cannot try the step on a card: given --card t4 on a machine without a card (nvidia-smi lists none), expected no card: the step runs on the processor, with TensorFlow's allocator of cards. What to do: leave out --card; as much memory as it has is --limit 15360MiB",
    ]);
    writeFileSync(path.join(cache, 'nvidia-smi'), '#!/bin/sh\necho "Planted card, 1.0, 15360"\n', { mode: 0o755 }); // prettier-ignore
    const one = vramWith({ PATH: `${cache}${path.delimiter}${process.env.PATH}` }, ...asked);
    expect(one.status).toBe(1);
    expect(one.lines[0]).toContain(
      'on a machine with Planted card, whose memory TensorFlow.js can put no limit on',
    );
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
