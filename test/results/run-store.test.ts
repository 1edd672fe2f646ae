import fs, {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InputError } from '../../src/base/errors';
import { stateOf, thisProcess } from '../../src/base/process-name';
import { thisDevice } from '../../src/results/provenance';
import { attemptNow } from '../../src/results/run-log';
import type { RunRecord, RunRequest, StoredRun } from '../../src/results/run-record';
import { RunStore } from '../../src/results/run-store';
import { noIdentity } from './made-up';

let dir: string;
let store: RunStore;
let warnings: string[];
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'coc-runs-'));
  warnings = [];
  store = new RunStore(dir, (line) => warnings.push(line));
});
afterEach(() => rmSync(dir, { recursive: true }));

const hash = 'a'.repeat(64);
const at = (...names: string[]): string => path.join(dir, hash, ...names);
const request: RunRequest = {
  study: 's',
  module: '/s.js',
  name: 's',
  mode: 'quick',
  spec: { n: 1 },
  data: {},
};
const facts: Omit<RunRecord, 'format' | 'outcome'> = {
  study: 's',
  mode: 'quick',
  spec: { n: 1 },
  part: false,
  identity: { ...noIdentity, hash },
  date: '2026-11-22T00:00:00.000Z',
  commit: 'unknown',
  dirty: true,
  host: 'test',
  device: thisDevice(),
  versions: { node: process.versions.node },
  cost: { seconds: 1, memoryMB: 100 },
};
const publish = (outcome: unknown, options = {}): StoredRun => {
  store.claim(hash)!.release();
  return store.publish(facts, outcome, options);
};

describe('a published run', () => {
  it('is found with its outcome; the first result wins unless it is replaced', () => {
    expect(store.find(hash)).toBeUndefined();
    expect(publish({ b: 1, a: [2] }).outcome).toEqual({ a: [2], b: 1 });
    expect(publish({ b: 2 }).outcome).toEqual({ a: [2], b: 1 });
    expect(store.find(hash)!.record).toMatchObject(facts);
    expect(publish({ b: 3 }, { replace: true }).outcome).toEqual({ b: 3 });
    expect(store.find(hash)!.outcome).toEqual({ b: 3 });
    expect(readdirSync(at()).sort()).toEqual(['claims', 'result']);
    expect(warnings).toEqual([]);
  });

  it('is listed, the latest first, and removed', () => {
    publish(1);
    const other = {
      ...facts,
      identity: { ...noIdentity, hash: 'b'.repeat(64) },
      date: '2026-11-23T00:00:00.000Z',
    };
    store.claim('b'.repeat(64))!.release();
    store.publish(other, 2);
    expect(store.list().map((r) => r.identity.hash[0])).toEqual(['b', 'a']);
    store.remove(hash);
    expect(store.list().map((r) => r.identity.hash[0])).toEqual(['b']);
    expect(readdirSync(dir)).toEqual(['b'.repeat(64)]);
  });

  it('refuses an outcome that JSON cannot hold, and leaves nothing', () => {
    expect(() => publish({ x: NaN })).toThrow('x is NaN: JSON has no such number');
    expect(store.find(hash)).toBeUndefined();
    expect(readdirSync(at())).toEqual(['claims']);
  });

  it.each([
    [
      'an outcome cut short',
      () => truncateSync(at('result', 'outcome.json'), 3),
      'its outcome does not fit its digest',
    ],
    ['no outcome', () => rmSync(at('result', 'outcome.json')), 'its outcome does not fit its digest'],
    ['a record cut short', () => truncateSync(at('result', 'run.json'), 50), 'its run.json is no JSON'],
    [
      'another cost',
      () => edit('run.json', '"seconds": 1', '"seconds": 2'),
      'its run.json does not fit its digest',
    ],
    ['no record', () => rmSync(at('result', 'run.json')), 'it has no run.json'],
  ])('with %s is set aside with a message and can be published again', (_, harm, why) => {
    publish({ list: [1, 2, 3] });
    harm();
    expect(store.find(hash)).toBeUndefined();
    expect(store.list()).toEqual([]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(
      `the stored run ${hash.slice(0, 12)} is damaged (${why}) and counts as missing; it is set aside as`,
    );
    expect(publish({ list: [] }).outcome).toEqual({ list: [] });
  });

  it('of another request does not pass for this one', () => {
    publish(1);
    renameSync(at(), path.join(dir, 'c'.repeat(64)));
    expect(store.find('c'.repeat(64))).toBeUndefined();
    expect(warnings[0]).toContain('it is the run of another request');
  });

  function edit(file: string, from: string, to: string): void {
    const text = readFileSync(at('result', file), 'utf8');
    expect(text).toContain(from);
    writeFileSync(at('result', file), text.replace(from, to));
  }
});

describe('a claim', () => {
  it('is held by one at a time, also within one process', () => {
    const mine = store.claim(hash)!;
    expect(store.claim(hash)).toBeUndefined();
    expect(store.ownerOf(hash)).toBe(`process ${process.pid}`);
    mine.release();
    mine.release();
    expect(store.ownerOf(hash)).toBeUndefined();
    store.claim(hash)!.release();
    expect(readdirSync(at('claims'))).toEqual([]);
  });

  it('of a dead process, or of one whose number another has now, is void', () => {
    const { place, start } = thisProcess();
    const dead = [`${place}-999999999-1-aa`, `${place}-${process.pid}-1${start}-bb`];
    mkdirSync(at('claims'), { recursive: true });
    for (const name of dead) writeFileSync(at('claims', name), '');
    store.claim(hash)!.release();
    expect(readdirSync(at('claims'))).toEqual([]);
    expect(stateOf({ place, pid: process.pid, start })).toBe('alive');
    expect(stateOf({ place: 'elsewhere', pid: process.pid, start })).toBe('elsewhere');
  });

  it('of another machine holds while it gives signs of life, whatever its clock says', () => {
    const now = vi.spyOn(performance, 'now');
    const look = (seconds: number): boolean => {
      now.mockReturnValue(seconds * 1000);
      return store.ownerOf(hash) !== undefined;
    };
    mkdirSync(at('claims'), { recursive: true });
    const file = at('claims', 'ffffffff-1-1-aa');
    writeFileSync(file, '');
    expect(look(0)).toBe(true);
    utimesSync(file, 5e9, 5e9);
    expect(look(50)).toBe(true);
    utimesSync(file, 1, 1);
    expect([look(100), look(159)]).toEqual([true, true]);
    expect(look(161)).toBe(false);
    expect(existsSync(file)).toBe(false);
    now.mockRestore();
  });
});

describe('what a killed run leaves', () => {
  it('is swept when the run begins again, and after a run that was killed right after publishing', () => {
    const held = store.claim(hash)!;
    for (const name of ['request.json.1-aa.tmp', 'checkpoint.json.2-bb.tmp']) writeFileSync(at(name), 'half');
    mkdirSync(at('result.3-cc.tmp'));
    store.begin(hash, request);
    expect(readdirSync(at()).sort()).toEqual(['claims', 'request.json']);
    expect(store.request(hash)).toEqual(request);
    store.checkpoint(hash, () => 1).save({ step: 1 });
    held.release();
    publish(1);
    writeFileSync(at('checkpoint.json'), '{}');
    mkdirSync(at('result.4-dd.tmp'));
    writeFileSync(at('claims', `${thisProcess().place}-999999999-1-aa`), '');
    store.tidy(hash);
    expect(readdirSync(at()).sort()).toEqual(['claims', 'request.json', 'result']);
    expect(readdirSync(at('claims'))).toEqual([]);
  });

  it('is a checkpoint to go on at, with the seconds that were spent; a damaged one is told and not used', () => {
    store.claim(hash)!.release();
    store.checkpoint(hash, () => 2.5).save({ step: 3 });
    const next = store.checkpoint(hash, () => 1);
    expect([next.load(), next.secondsBefore]).toEqual([{ step: 3 }, 2.5]);
    next.save({ step: 4 });
    expect(store.checkpoint(hash, () => 0).secondsBefore).toBe(3.5);
    const text = readFileSync(at('checkpoint.json'), 'utf8');
    for (const damaged of [text.slice(0, 20), text.replace('"step": 4', '"step": 5')]) {
      writeFileSync(at('checkpoint.json'), damaged);
      expect(store.checkpoint(hash, () => 0).load()).toBeUndefined();
    }
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain('checkpoint.json is damaged; its run starts from the beginning');
  });

  it('is a list of attempts in which a half-written line does no harm', () => {
    store.claim(hash)!.release();
    store.log(hash, attemptNow('began', { resumed: false }));
    appendFileSync(at('attempts.jsonl'), '{"event":"do');
    store.log(hash, attemptNow('failed', { error: 'two\nlines' }));
    expect(store.attempts(hash).map((a) => a.event)).toEqual(['began', 'failed']);
    expect(store.attempts(hash)[1]).toMatchObject({ pid: process.pid, error: 'two\nlines' });
  });
});

describe.each([
  ['full', 'ENOSPC', 'no space left on device'],
  ['read-only', 'EROFS', 'read-only file system'],
])('a disk that is %s', (_, code, words) => {
  const real = { writeSync: fs.writeSync, mkdirSync: fs.mkdirSync, writeFileSync: fs.writeFileSync };
  const break_ = (names: (keyof typeof real)[]): void => {
    for (const name of names) {
      fs[name] = () => {
        throw Object.assign(new Error(`${code}: ${words}, write`), { code });
      };
    }
    syncBuiltinESMExports();
  };
  afterEach(() => {
    Object.assign(fs, real);
    syncBuiltinESMExports();
  });
  const problem = (action: () => unknown): InputError['problem'] => {
    try {
      action();
    } catch (error) {
      if (error instanceof InputError) return error.problem;
      throw error;
    }
    throw new Error('nothing was thrown');
  };

  it('stops a run with a message that says what to do, and nothing is lost', () => {
    const held = store.claim(hash)!;
    const checkpoint = store.checkpoint(hash, () => 1);
    checkpoint.save({ step: 1 });
    break_(['writeSync']);
    for (const action of [() => store.publish(facts, [1]), () => checkpoint.save({ step: 2 })]) {
      expect(problem(action)).toMatchObject({
        what: `cannot write ${at()}`,
        given: `${code}: ${words}, write`,
        expected: 'a folder with room and permission to write',
      });
      expect(problem(action).fix).toContain(
        'COC_CACHE; finished runs and checkpoints are kept, so start again',
      );
    }
    Object.assign(fs, real);
    syncBuiltinESMExports();
    held.release();
    expect(readdirSync(at()).sort()).toEqual(['checkpoint.json', 'claims']);
    expect(store.checkpoint(hash, () => 0).load()).toEqual({ step: 1 });
    expect(publish([1]).outcome).toEqual([1]);
  });

  it('bars a claim with the same message, and still gives what is stored', () => {
    publish({ a: 1 });
    break_(['writeSync', 'mkdirSync', 'writeFileSync']);
    expect(store.find(hash)!.outcome).toEqual({ a: 1 });
    expect(problem(() => store.claim(hash)).given).toContain(code);
  });
});
