import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { thisDevice } from '../../src/results/provenance';
import { attemptNow } from '../../src/results/run-log';
import { RunStore } from '../../src/results/run-store';
import { noIdentity } from '../results/made-up';

const dir = mkdtempSync(path.join(os.tmpdir(), 'coc-runs-cli-'));
const runsDir = path.join(dir, 'runs');
const store = new RunStore(runsDir);
const hashes = ['a', 'b', 'c'].map((letter) => letter.repeat(64));
const [old, fresh, unfinished] = hashes;
const request = {
  study: 'walk',
  module: '/w.js',
  name: 'walk',
  mode: 'quick' as const,
  spec: { n: 1 },
  data: {},
};

beforeAll(() => {
  for (const [i, hash] of hashes.entries()) {
    const claim = store.claim(hash)!;
    store.begin(hash, request);
    store.log(hash, attemptNow('began', { resumed: i === 1 }));
    if (hash !== unfinished) {
      store.log(hash, attemptNow('done', { seconds: 61 }));
      const identity = { ...noIdentity, hash, data: { head: 'f'.repeat(64) }, modules: { 'src/a.ts': 'x' } };
      const date = hash === old ? '2020-01-01T00:00:00.000Z' : new Date().toISOString();
      const { study, mode, spec } = request;
      const code = { commit: 'abc', dirty: true, host: 'h', device: thisDevice(), versions: {} };
      const cost = { seconds: 61, memoryMB: 250 };
      store.publish({ study, mode, spec, part: hash === fresh, identity, date, ...code, cost }, { x: 1 });
    }
    claim.release();
  }
  mkdirSync(path.join(runsDir, `${'d'.repeat(64)}.1-aa.tmp`));
});
afterAll(() => rmSync(dir, { recursive: true }));

const env = { ...process.env, COC_CACHE: dir };
const coc = (...args: string[]): string =>
  execFileSync(process.execPath, ['src/cli/coc.cjs', 'runs', ...args], { encoding: 'utf8', env });

describe('coc runs', () => {
  it('lists what is stored, the latest first, and what is not finished', () => {
    const lines = coc().trimEnd().split('\n');
    expect(lines[0]).toMatch(
      /^bbbbbbbbbbbb {2}walk \(of a sweep\) +quick 2\d{3}-\d\d-\d\d \d\d:\d\d +61 s +250 MB +[\d.]+ kB$/,
    );
    expect(lines[1]).toMatch(/^aaaaaaaaaaaa {2}walk +quick 2020-01-01 00:00/);
    expect(lines[2]).toBe('cccccccccccc  walk: not finished, attempts 1');
    expect(lines[3]).toMatch(/^2 runs in .*, [\d.]+ kB$/);
    const json = JSON.parse(coc('--json')) as {
      runs: { id: string; seconds: number }[];
      unfinished: unknown[];
    };
    expect(json.runs.map((r) => r.id)).toEqual([fresh, old]);
    expect(json.unfinished).toEqual([{ id: unfinished, study: 'walk', attempts: 1, by: null }]);
  });

  it('shows one run with its attempts', () => {
    const text = coc('show', 'bbb');
    expect(text).toContain(`id        ${fresh}`);
    expect(text).toContain('spec      {"n":1}');
    expect(text).toContain('commit    abc with changes');
    expect(text).toContain('data      head ffffffffffff');
    expect(text).toMatch(/began at its checkpoint, process \d+ on .*, Node 2\d\.\d+\.\d+\n/);
    expect(text).toMatch(/done after 61 s, process/);
    const json = JSON.parse(coc('show', 'ccc', '--json')) as { record: unknown; attempts: unknown[] };
    expect(json).toMatchObject({ record: null, attempts: [{ event: 'began' }] });
    const wrong = spawnSync(process.execPath, ['src/cli/coc.cjs', 'runs', 'show', 'zz'], {
      encoding: 'utf8',
      env,
    });
    expect(wrong).toMatchObject({ status: 1 });
    expect(wrong.stderr).toContain('given zz, which no run of');
  });

  it('prunes on a clear word only', () => {
    const vague = spawnSync(process.execPath, ['src/cli/coc.cjs', 'runs', 'prune'], {
      encoding: 'utf8',
      env,
    });
    expect(vague.stderr).toContain('given neither --older-than nor --keep');
    expect(coc('prune', '--older-than', '365', '--dry-run')).toMatch(
      /aaaaaaaaaaaa.*\n1 runs, [\d.]+ kB would go\n$/,
    );
    expect(store.hashes()).toEqual(hashes);
    expect(coc('prune', '--keep', '1')).toContain('1 runs, ');
    expect(readdirSync(runsDir).sort()).toEqual([fresh, unfinished]);
    const held = store.claim(unfinished)!;
    expect(coc('prune', '--older-than', '0', '--keep', '5')).toContain('0 runs, ');
    held.release();
    expect(JSON.parse(coc('prune', '--older-than', '0', '--json'))).toMatchObject({
      removed: [{ id: fresh }, { id: unfinished, study: null }],
    });
    expect(store.hashes()).toEqual([]);
  });
});
