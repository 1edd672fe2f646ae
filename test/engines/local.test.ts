import { rmSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ProgressEvent } from '../../src/base/progress';
import { requireAll, runAll } from '../../src/engines/local';
import { partsOf } from '../../src/experiments/job';
import { jobOf } from '../../src/experiments/prepare';
import { compute } from '../../src/experiments/run';
import type { StudyDefinition } from '../../src/experiments/study';
import type { RunRequest } from '../../src/results/run-record';
import { RunStore } from '../../src/results/run-store';
import { leftovers, newFolder, outcomesOf, request, startSweep, traceOf } from './mini-sweep';

// Each test starts processes, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

let folder: ReturnType<typeof newFolder>;
let store: RunStore;
let warnings: string[];
beforeEach(() => {
  folder = newFolder();
  warnings = [];
  store = new RunStore(folder.store, (line) => warnings.push(line));
  process.env.COC_TEST_TRACE = folder.trace;
});
afterEach(() => {
  delete process.env.COC_TEST_TRACE;
  rmSync(folder.dir, { recursive: true });
});

const short = { runs: 3, steps: 3, milliseconds: 60 };
/** The chain of numbers of one run, reckoned here. */
const chain = (seed: number, steps: number): number => {
  let value = seed;
  for (let i = 0; i < steps; i++) value = (value * 48271) % 2147483647;
  return value;
};
const sumOf = (runs: number, steps: number): number =>
  Array.from({ length: runs }, (_, i) => chain(i + 1, steps)).reduce((a, b) => a + b, 0);
const valueOf = (run: { outcome: unknown }): number =>
  (run.outcome as { findings: { value: number }[] }).findings[0].value;

describe('a sweep', () => {
  it('does each run once, combines them, and finds all of it the next time', async () => {
    const events: ProgressEvent[] = [];
    const options = { store, workers: 2, progress: (e: ProgressEvent) => void events.push(e) };
    // Longer than the second that lies between reports: what quicker runs say may never be seen.
    const slow = request('mini', { ...short, milliseconds: 1500 });
    const [result] = await runAll([slow], options);
    expect(result).toMatchObject({ state: 'computed', tries: 3 });
    expect(valueOf(result.run!)).toBe(sumOf(3, 3));
    expect(
      traceOf(folder.trace)
        .filter((l) => l.startsWith('begin'))
        .sort(),
    ).toEqual(['begin 1', 'begin 2', 'begin 3']);
    expect(leftovers(folder.store)).toEqual([]);

    const last = events.at(-1)!;
    expect(last).toMatchObject({
      task: 'runs',
      done: 3,
      total: 3,
      unit: 'runs',
      finished: true,
      secondsLeft: 0,
    });
    expect(events.map((e) => e.done)).toEqual(events.map((e) => e.done).sort());
    // Nothing is known at first: the study states ten seconds for three runs.
    expect(events[0].secondsLeft).toBeGreaterThan(2);
    expect(events.some((e) => e.detail?.includes('mini: steps'))).toBe(true);

    const [again] = await runAll([slow], { store });
    expect(again).toMatchObject({ state: 'found', tries: 0, hash: result.hash });
    expect(again.run).toEqual(result.run);
    expect(traceOf(folder.trace).filter((l) => l.startsWith('begin'))).toHaveLength(3);
  });

  it('shares runs with other sweeps, and runs only what is new', async () => {
    await runAll([request('mini', short)], { store });
    const [more] = await runAll([request('mini', { ...short, runs: 4 })], { store });
    expect(valueOf(more.run!)).toBe(sumOf(4, 3));
    expect(traceOf(folder.trace).filter((l) => l.startsWith('begin'))).toHaveLength(4);
  });

  it('computes anew when it is told to, and the new result takes the place of the old', async () => {
    const [first] = await runAll([request('clock', { seed: 1, steps: 1, milliseconds: 5 })], { store });
    const [forced] = await runAll([first.request], { store, force: true });
    expect(forced.state).toBe('computed');
    expect(forced.run!.record.date).not.toBe(first.run!.record.date);
    expect(store.find(first.hash)!.record.date).toBe(forced.run!.record.date);
    expect(leftovers(folder.store)).toEqual([]);
  });

  it('runs what measures time alone, after the others', async () => {
    const timed = [1, 2].map((seed) => request('clock', { seed: 10 * seed, steps: 2, milliseconds: 60 }));
    await runAll([timed[0], request('mini', short), timed[1]], { store, workers: 3 });
    const lines = traceOf(folder.trace).filter((l) => !l.startsWith('step'));
    expect(lines.slice(-4)).toEqual(['begin 10', 'end 10', 'begin 20', 'end 20']);
  });

  it('keeps to its workers', async () => {
    await runAll([request('mini', { ...short, runs: 4 })], { store, workers: 1 });
    const lines = traceOf(folder.trace).filter((l) => !l.startsWith('step'));
    expect(lines).toEqual([1, 2, 3, 4].flatMap((seed) => [`begin ${seed}`, `end ${seed}`]));
  });

  it('names a study that is not in its file', async () => {
    const wrong = { ...request('mini', {}), name: 'nothing' };
    await expect(runAll([wrong], { store })).rejects.toThrow('no export nothing in');
  });
});

describe('a run that fails', () => {
  it('goes on at its checkpoint when its process was killed', async () => {
    const spec = { runs: 2, steps: 4, milliseconds: 40, troubles: { 2: 'once' } };
    const [result] = await runAll([request('mini', spec)], { store });
    expect(result).toMatchObject({ state: 'computed', tries: 3 });
    expect(valueOf(result.run!)).toBe(sumOf(2, 4));
    const steps = traceOf(folder.trace).filter((l) => l.startsWith('step 2'));
    expect(steps).toEqual(['step 2 1', 'step 2 2', 'step 2 3', 'step 2 4']);
    const hash = (await partHashes(spec))[1];
    expect(store.attempts(hash)).toMatchObject([
      { event: 'began', resumed: false },
      { event: 'ended', error: 'its process ended by SIGKILL' },
      { event: 'began', resumed: true },
      { event: 'done' },
    ]);
    // What the first attempt took up to its checkpoint counts.
    expect(store.find(hash)!.record.cost.seconds).toBeGreaterThan(0.035);
  });

  it.each([
    ['always', 3, 'its process ended with code 9; its last words:\nthe last words of this run'],
    ['throws', 3, 'a mistake of this study'],
    ['refuses', 1, 'cannot run: given this, expected that. What to do: do that'],
  ])('and %s does so is given up; the others go on', async (trouble, tries, words) => {
    const spec = { runs: 3, steps: 3, milliseconds: 30, troubles: { 2: trouble } };
    const results = await runAll([request('mini', spec), request('mini', short)], { store, retries: 2 });
    expect(results[0]).toMatchObject({ state: 'failed', tries: 2 + tries });
    expect(results[0].error).toContain('1 of 3 runs of mini failed');
    expect(results[0].error).toContain(`tried ${tries} times`);
    expect(results[0].error).toContain(words);
    expect(results[1].state).toBe('computed');
    expect(() => requireAll(results)).toThrow('cannot go on without mini');
    expect(() => requireAll(results)).toThrow(words);
    expect([...outcomesOf(folder.store).keys()]).toHaveLength(2 + 3 + 1);
  });
});

async function partHashes(spec: RunRequest['spec']): Promise<string[]> {
  const { mini } = (await import(path.resolve('test/engines/mini.cjs'))) as { mini: StudyDefinition };
  return partsOf(await jobOf(mini, request('mini', spec))).map((part) => part.identity.hash);
}

describe('a finished run', () => {
  it('that is lost before its sweep is combined is named, with what to do', async () => {
    const [, second] = await partHashes(short);
    let removed = false;
    const progress = (): void => {
      if (removed || !store.find(second)) return;
      rmSync(path.join(folder.store, second), { recursive: true });
      removed = true;
    };
    const [result] = await runAll([request('mini', { ...short, runs: 3 })], { store, workers: 1, progress });
    expect(result.state).toBe('failed');
    expect(result.error).toContain(`no result of run 2 of 3 (${second.slice(0, 12)}`);
    expect(result.error).toContain('start the sweep again: only the runs that are missing are computed');
    expect(() => requireAll([result])).toThrow('run 2 of 3');
    const [again] = await runAll([result.request], { store });
    expect(again).toMatchObject({ state: 'computed', tries: 1 });
  });

  it('that is damaged is set aside with a message, and computed again', async () => {
    const [first] = await runAll([request('mini', short)], { store });
    const [part] = await partHashes(short);
    const damaged = path.join(folder.store, part, 'result', 'outcome.json');
    for (const file of [damaged, path.join(folder.store, first.hash, 'result', 'run.json')])
      truncateSync(file, 10);
    const [again] = await runAll([first.request], { store });
    expect(again).toMatchObject({ state: 'computed', tries: 1 });
    expect(again.run!.outcome).toEqual(first.run!.outcome);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain(`${first.hash.slice(0, 12)} is damaged (its run.json is no JSON)`);
    expect(warnings[1]).toContain(`${part.slice(0, 12)} is damaged (its outcome does not fit its digest)`);
  });
});

describe('two sweeps at once', () => {
  it('compute each run once and end with the same results', async () => {
    const requests = [request('mini', { runs: 6, steps: 2, milliseconds: 100 })];
    const ended = await Promise.all([startSweep(requests, folder).ended, startSweep(requests, folder).ended]);
    const [one, other] = ended.map((e) => e.results!);
    expect(one[0].run!.outcome).toEqual(other[0].run!.outcome);
    const begins = traceOf(folder.trace).filter((l) => l.startsWith('begin'));
    expect(begins.sort()).toEqual([1, 2, 3, 4, 5, 6].map((seed) => `begin ${seed}`));
    expect(leftovers(folder.store)).toEqual([]);
  });
});

describe('a sweep that is stopped', () => {
  it('by Ctrl-C ends its runs, keeps what they have, and goes on when started again', async () => {
    const requests = [request('mini', { runs: 3, steps: 20, milliseconds: 2000 })];
    const sweep = startSweep(requests, folder);
    while (traceOf(folder.trace).length < 6) await sleep(20);
    sweep.child.kill('SIGINT');
    const ended = await sweep.ended;
    expect(ended).toMatchObject({
      code: 130,
      stderr: 'the sweep was interrupted; finished parts are kept, start it again to go on\n',
    });
    const events = store.hashes().map((hash) => store.attempts(hash).map((a) => a.event));
    expect(events).toEqual([
      ['began', 'interrupted'],
      ['began', 'interrupted'],
    ]);
    expect(leftovers(folder.store).every((name) => name.endsWith('checkpoint.json'))).toBe(true);
    const again = await startSweep(requests, folder).ended;
    expect(valueOf(again.results![0].run!)).toBe(sumOf(3, 20));
    const steps = traceOf(folder.trace).filter((l) => l.startsWith('step'));
    expect(steps).toHaveLength(60);
  });

  it('before it began starts nothing', async () => {
    const stopped = runAll([request('mini', short)], { store, signal: AbortSignal.abort() });
    await expect(stopped).rejects.toThrow('the sweep was interrupted');
    expect(traceOf(folder.trace)).toEqual([]);
  });

  it('by kill -9 takes its runs with it, also one that lets nothing else happen', async () => {
    const sweep = startSweep([request('busy', { milliseconds: 60_000 })], folder);
    while (traceOf(folder.trace).length < 3) await sleep(20);
    sweep.child.kill('SIGKILL');
    await sweep.ended;
    const [hash] = store.hashes();
    for (let i = 0; store.ownerOf(hash) !== undefined; i++) {
      expect(i).toBeLessThan(100);
      await sleep(50);
    }
    const lines = traceOf(folder.trace).length;
    await sleep(100);
    expect(traceOf(folder.trace)).toHaveLength(lines);
  });
});

describe('a clock that jumps', () => {
  it('changes nothing about what is run and found', async () => {
    const requests = [request('mini', { runs: 4, steps: 2, milliseconds: 100 })];
    const env = { NODE_OPTIONS: `--require ${path.resolve('test/engines/jumping-clock.cjs')}` };
    const sweeps = [startSweep(requests, folder, { env }), startSweep(requests, folder)];
    const [one, other] = (await Promise.all(sweeps.map((s) => s.ended))).map((e) => e.results!);
    expect(one[0].run!.outcome).toEqual(other[0].run!.outcome);
    expect(valueOf(one[0].run!)).toBe(sumOf(4, 2));
    expect(traceOf(folder.trace).filter((l) => l.startsWith('begin'))).toHaveLength(4);
    const years = new Set(store.list().map((record) => record.date.slice(0, 4)));
    expect([...years].some((year) => Number(year) < 2000 || Number(year) > 2100)).toBe(true);
    expect((await runAll(requests, { store }))[0].state).toBe('found');
  });
});

describe('combining', () => {
  it('refuses while runs are missing', async () => {
    const { mini } = (await import(path.resolve('test/engines/mini.cjs'))) as { mini: StudyDefinition };
    const job = await jobOf(mini, request('mini', short));
    await expect(compute(job, { store })).rejects.toThrow('no result of run 1 of 3');
  });
});
