import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { chooseMode, currentMode } from '../../src/experiments/mode';
import { planeReads } from '../../src/experiments/plane-reads';
import { studyJob } from '../../src/experiments/prepare';
import { runStudy } from '../../src/experiments/run-study';
import type { RunLong, StudyDefinition, StudyOutcome } from '../../src/experiments/study';
import { sweepStudy } from '../../src/experiments/study';
import { loadStudy, quickDir, recordedDir } from '../../src/results/store';

const saved = { ...process.env };
let dir: string;
let said: string[];
const say = (line: string): void => void said.push(line);
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'coc-run-study-'));
  said = [];
  process.env.COC_CACHE = path.join(dir, 'cache');
  process.env.COC_RUN_DIR = path.join(dir, 'out');
});
afterEach(() => {
  process.env = { ...saved };
  rmSync(dir, { recursive: true });
});

/** Machines may be slow. */
const patience = { timeout: 20_000 };

let runs = 0;
const outcome = (value: number, inputs: StudyOutcome['inputs'] = []): StudyOutcome => ({
  findings: [
    { id: 'plane-reads.n', title: 'A number', kind: 'derived', unit: '1', value, uncertainty: null },
  ],
  inputs,
  notes: ['a note'],
  seed: 7,
});
/** A small study under the code of a real one, so that there is code to have an identity. */
const study = (changes: Partial<StudyDefinition> = {}): StudyDefinition => ({
  ...(planeReads as StudyDefinition),
  needs: [],
  specs: { tiny: { n: 0 }, quick: { n: 1 }, full: { n: 2 } },
  cost: { quick: { seconds: 5, memoryGiB: 0.1 }, full: { seconds: 100, memoryGiB: 2.5 } },
  run: (spec) => {
    runs++;
    return Promise.resolve(outcome((spec as { n: number }).n));
  },
  ...changes,
});

describe('a study in quick and full', () => {
  it('is computed once; after that its run is found, and one line says when and where it ran', async () => {
    runs = 0;
    const first = await runStudy(study(), { mode: 'quick', say });
    expect(said).toEqual([]);
    const second = await runStudy(study(), { mode: 'quick', say });
    expect(runs).toBe(1);
    expect(second.results).toEqual(first.results);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(
      /^plane-reads: found in the run store, nothing is run again \(2\d{3}-\d\d-\d\d \d\d:\d\d UTC, 0\.\d s on .*, \d+ cores\)$/,
    );
    expect(first.get('n')).toMatchObject({
      value: 1,
      mode: 'quick',
      seed: 7,
      notes: ['a note'],
      origin: 'fresh',
    });
    expect(first.get('n').cost.memoryMB).toBeGreaterThan(10);
    const kept = loadStudy(path.join(dir, 'out'), 'plane-reads');
    expect(kept.provenance.identity).toEqual(first.get('n').identity);
  });

  it('says what a run above half a minute will take, before it starts', async () => {
    let before = -1;
    const run = (): Promise<StudyOutcome> => {
      before = said.length;
      return Promise.resolve(outcome(1));
    };
    await runStudy(study({ run }), { mode: 'full', say });
    expect(before).toBe(1);
    expect(said).toEqual([
      'plane-reads: starts now, about 100 s and 2.5 GiB of memory (as the study states)',
    ]);
    // Other data makes another run of the same size: what the first one took is known now.
    const other = study({ needs: [{ dataset: 'open-ms-data', path: 'none' }] });
    await runStudy(other, { mode: 'full', say });
    expect(said).toHaveLength(1);
  });

  it('waits for another process that computes it already', async () => {
    let finish: (() => void) | undefined;
    const slow = study({
      run: async () => {
        await new Promise<void>((resolve) => (finish = resolve));
        return outcome(3);
      },
    });
    const one = runStudy(slow, { mode: 'quick', say });
    await vi.waitFor(() => expect(finish).toBeDefined(), patience);
    const other = runStudy(slow, { mode: 'quick', say });
    const waits = [`plane-reads: process ${process.pid} computes it already; waiting for its result`];
    await vi.waitFor(() => expect(said).toEqual(waits), patience);
    finish!();
    expect((await other).results).toEqual((await one).results);
  });

  it('does the runs of a sweep one by one, and goes on after a failure with what is missing', async () => {
    const done: number[] = [];
    let broken = true;
    const sweep = sweepStudy<unknown, number, number>({
      ...study(),
      sweep: {
        specs: () => [1, 2, 3],
        runOne: (n, { checkpoint }: RunLong) => {
          expect(checkpoint!.load()).toBe(n === 2 && done.includes(2) ? 'half' : undefined);
          done.push(n);
          checkpoint!.save('half');
          if (n === 2 && broken) throw new Error('a mistake');
          return Promise.resolve(10 * n);
        },
        combine: (_, parts) => outcome(parts.reduce((a, b) => a + b, 0)),
      },
    }) as StudyDefinition;
    await expect(runStudy(sweep, { mode: 'quick', say })).rejects.toThrow('a mistake');
    broken = false;
    expect((await runStudy(sweep, { mode: 'quick', say })).get('n').value).toBe(60);
    expect(done).toEqual([1, 2, 2, 3]);
  });

  it('is not kept when its data changed while it ran', async () => {
    const need = { dataset: 'open-ms-data', path: 'mni/no-such-file.nii.gz' };
    const run = (): Promise<StudyOutcome> =>
      Promise.resolve(outcome(1, [{ name: 'open-ms-data/mni/no-such-file.nii.gz', sha256: 'a'.repeat(64) }]));
    const changed = runStudy(study({ needs: [need], run }), { mode: 'quick', say });
    await expect(changed).rejects.toThrow('no-such-file.nii.gz, which came while it ran');
    expect(existsSync(path.join(dir, 'out'))).toBe(false);
  });

  it('ends when its signal is aborted', async () => {
    const stop = new AbortController();
    const run = (): Promise<StudyOutcome> => {
      stop.abort();
      return Promise.resolve(outcome(1));
    };
    const stopped = runStudy(study({ run }), { mode: 'quick', say, signal: stop.signal });
    await expect(stopped).rejects.toThrow('the run of plane-reads was interrupted');
  });
});

describe('a rehearsal', () => {
  beforeEach(() => (process.env.COC_SPECS = 'tiny'));

  it('runs the smallest spec, says so in a note, and stays out of the results', async () => {
    const before = existsSync(quickDir()) ? readdirSync(quickDir()) : [];
    const rehearsed = await runStudy(study(), { mode: 'full', say });
    expect(rehearsed.get('n')).toMatchObject({ value: 0, mode: 'full' });
    expect(rehearsed.get('n').notes[0]).toMatch(/^rehearsal: /);
    expect(said).toEqual([]);
    delete process.env.COC_RUN_DIR;
    await runStudy(study(), { mode: 'full', say });
    expect(existsSync(quickDir()) ? readdirSync(quickDir()) : []).toEqual(before);
    for (const folder of [quickDir(), recordedDir()]) {
      process.env.COC_RUN_DIR = folder;
      await expect(runStudy(study(), { mode: 'full', say })).rejects.toThrow(
        'cannot keep the results of a rehearsal',
      );
    }
  });

  it('has a run of its own, and knows no other word', async () => {
    const tiny = await studyJob(study(), 'full', {});
    process.env.COC_SPECS = '';
    expect((await studyJob(study(), 'full', {})).identity.hash).not.toBe(tiny.identity.hash);
    process.env.COC_SPECS = 'small';
    await expect(runStudy(study(), { mode: 'full', say })).rejects.toThrow(
      'given COC_SPECS=small, expected tiny',
    );
  });
});

describe('the mode of a notebook', () => {
  it('is the word in its first cell, unless COC_MODE is set; studies keep to it', async () => {
    const write = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
    delete process.env.COC_MODE;
    expect(chooseMode('quick')).toBe('quick');
    expect(currentMode()).toBe('quick');
    expect((await runStudy(study())).get('n').mode).toBe('quick');
    process.env.COC_MODE = 'full';
    expect(chooseMode('stored')).toBe('full');
    expect(currentMode()).toBe('full');
    const lines = write.mock.calls.map(([line]) => line as string);
    write.mockRestore();
    delete (globalThis as Record<symbol, unknown>)[Symbol.for('cost-of-consistency.mode')];
    expect(lines[0]).toMatch(
      /^Mode: quick \(the word in this cell; the others are stored and full\): studies run on this machine/,
    );
    expect(lines[1]).toMatch(
      /^Mode: full \(by COC_MODE, which wins over the word in this cell\): .*size of the paper/,
    );
    expect(lines).toHaveLength(2);
  });
});
