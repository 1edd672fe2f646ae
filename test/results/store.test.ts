import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codeState, thisDevice } from '../../src/results/provenance';
import type { Finding, Provenance } from '../../src/results/result';
import { checkStudy, loadResults, loadStudy, saveStudy } from '../../src/results/store';
import { noIdentity } from './made-up';

const provenance: Provenance = {
  mode: 'quick',
  date: '2026-11-22T00:00:00.000Z',
  commit: 'unknown',
  dirty: true,
  device: { cpu: 'test', cores: 2, memoryGiB: 4, platform: 'linux-x64', gpu: null, driver: null },
  versions: { node: '20.19.0' },
  seed: 1,
  inputs: [{ name: 'a', sha256: '0'.repeat(64) }],
  identity: noIdentity,
  cost: { seconds: 1.5, memoryMB: 100 },
  notes: [],
};
const finding: Finding = {
  id: 'a.b',
  title: 'A number',
  kind: 'derived',
  unit: '1',
  value: 2,
  uncertainty: null,
};

describe('the store', () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(path.join(os.tmpdir(), 'coc-store-'))));
  afterEach(() => rmSync(dir, { recursive: true }));

  it('gives back what was saved, each result with its provenance and origin', () => {
    saveStudy(dir, { study: 'a', provenance, findings: [finding] });
    const result = loadResults(dir).get('a.b')!;
    expect(result).toEqual({ ...finding, ...provenance, study: 'a', origin: 'stored' });
  });

  it('writes equal studies as equal bytes', () => {
    const file = saveStudy(dir, { study: 'a', provenance, findings: [finding] });
    const first = readFileSync(file);
    saveStudy(dir, { findings: [{ ...finding }], study: 'a', provenance: { ...provenance } });
    expect(readFileSync(file)).toEqual(first);
  });

  it('names the field that is wrong', () => {
    const broken = (change: object): unknown => ({
      study: 'a',
      provenance,
      findings: [{ ...finding, ...change }],
    });
    expect(() => checkStudy(broken({ kind: 'guessed' }), 'a.json')).toThrow('findings.0.kind');
    expect(() => checkStudy(broken({ colour: 'red' }), 'a.json')).toThrow('colour');
    expect(() => checkStudy(broken({ value: undefined }), 'a.json')).toThrow(
      'exactly one of value, table and figure',
    );
    expect(() => checkStudy(broken({ value: Infinity }), 'a.json')).toThrow('findings.0.value');
    expect(() => checkStudy(broken({ id: 'A b' }), 'a.json')).toThrow('lower-case words');
  });

  it('refuses a value that was changed by hand, and a file without its digest', () => {
    const file = saveStudy(dir, { study: 'a', provenance, findings: [finding] });
    const text = readFileSync(file, 'utf8');
    const put = (from: string, to: string): void => {
      expect(text).toContain(from);
      writeFileSync(file, text.replace(from, to));
    };
    for (const [from, to] of [
      ['"value": 2', '"value": 3'],
      ['"seconds": 1.5', '"seconds": 1'],
      ['"A number"', '"Another number"'],
    ]) {
      put(from, to);
      expect(() => loadStudy(dir, 'a')).toThrow(
        /a file that was changed by hand: its digest does not fit.*What to do: restore the file from git, or record again/,
      );
    }
    put('"digest"', '"digested"');
    expect(() => loadResults(dir)).toThrow('a file without a digest');
    // Layout is not content.
    writeFileSync(file, JSON.stringify(JSON.parse(text)));
    expect(loadStudy(dir, 'a').findings).toEqual([finding]);
  });

  it('says which study is missing and how to make it', () => {
    expect(() => loadStudy(dir, 'none')).toThrow('run `npm run reproduce -- --record`');
  });

  it('refuses one id in two studies, and files that are not JSON', () => {
    saveStudy(dir, { study: 'a', provenance, findings: [finding] });
    saveStudy(dir, { study: 'b', provenance, findings: [finding] });
    expect(() => loadResults(dir)).toThrow('the id a.b in both a and b');
    writeFileSync(path.join(dir, 'b.json'), '{ half');
    expect(() => loadResults(dir)).toThrow('b.json is not valid JSON');
  });
});

describe('provenance', () => {
  it('knows the machine, and says unknown outside git', () => {
    expect(thisDevice()).toMatchObject({ gpu: null, cores: os.availableParallelism() });
    const dir = mkdtempSync(path.join(os.tmpdir(), 'coc-nogit-'));
    expect(codeState(dir)).toEqual({ commit: 'unknown', dirty: true });
    rmSync(dir, { recursive: true });
  });
});
