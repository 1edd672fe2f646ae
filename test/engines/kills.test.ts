// kill -9 at random points of a sweep: of the sweep, of one of its runs, of both at once. Nothing may be lost or
// half-written, and what comes out after it was started again is the same to the byte.
//
// Five points here; COC_KILLS=50 runs fifty on a study of ten seconds and writes kills.json.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { readJson, writeJsonAtomic } from '../../src/base/files';
import { Random } from '../../src/base/random';
import { codeState, thisDevice } from '../../src/results/provenance';
import { RunStore } from '../../src/results/run-store';
import { leftovers, newFolder, outcomesOf, request, startSweep, traceOf } from './mini-sweep';

const many = process.env.COC_KILLS !== undefined;
const points = Number(process.env.COC_KILLS ?? 5);
const spec = many ? { runs: 20, steps: 10, milliseconds: 500 } : { runs: 6, steps: 5, milliseconds: 150 };
const atOnce = many ? 4 : 1;
const seed = 1;
const record = path.resolve('test/engines/kills.json');

interface Outcome {
  point: number;
  /** What was killed, and seconds after the sweep had begun. */
  victim: 'sweep' | 'run' | 'sweep and run';
  seconds: number;
  /** Runs that were finished then, and those of them that are missing, changed or were computed again afterwards. */
  finishedBefore: number;
  lost: number;
  computedAgain: number;
  /** Steps with a checkpoint that were done twice. */
  stepsAgain: number;
  /** Results that cannot be read, temporaries, claims and checkpoints when all was over. */
  halfWritten: number;
  leftOver: number;
  identical: boolean;
  /** A sweep that lost only a run ended well by itself. */
  wentOn: boolean;
}

/** The processes of runs that a sweep has under way. */
function runsOfSweep(pid: number): number[] {
  const lines = execFileSync('ps', ['-e', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const [own, parent] = line.trim().split(/\s+/).map(Number);
    return parent === pid && line.includes('task.js') ? [own] : [];
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in this moment.
  }
}

async function killAt(point: number, duration: number, expected: Map<string, string>): Promise<Outcome> {
  const random = new Random(seed).fork(`${point}`);
  const seconds = random.uniform() * duration;
  const victim = (['sweep', 'run', 'sweep and run'] as const)[random.below(3)];
  const folder = newFolder();
  const sweep = startSweep([request('mini', spec)], folder);
  await sleep(seconds * 1000);
  const runs = runsOfSweep(sweep.child.pid!);
  if (victim !== 'sweep' && runs.length > 0) kill(runs[random.below(runs.length)]);
  if (victim !== 'run') kill(sweep.child.pid!);
  const finished = outcomesOf(folder.store);
  const ended = await sweep.ended;
  // What lies there now is all that a reader would find: it must be whole.
  let halfWritten = 0;
  const strict = new RunStore(folder.store, () => halfWritten++);
  for (const hash of strict.hashes()) strict.find(hash);
  const beginnings = (hash: string): number =>
    strict.attempts(hash).filter((a) => a.event === 'began').length;
  const before = new Map([...finished.keys()].map((hash) => [hash, beginnings(hash)]));

  const again = await startSweep([request('mini', spec)], folder).ended;
  const outcomes = outcomesOf(folder.store);
  const steps = traceOf(folder.trace).filter((line) => line.startsWith('step'));
  const result: Outcome = {
    point,
    victim,
    seconds: Math.round(seconds * 1000) / 1000,
    finishedBefore: finished.size,
    lost: [...finished].filter(([hash, text]) => outcomes.get(hash) !== text).length,
    computedAgain: [...before].filter(([hash, count]) => beginnings(hash) !== count).length,
    // A step that was done and killed before its checkpoint was written is done again; each process can lose one.
    stepsAgain: Math.max(0, steps.length - new Set(steps).size - runs.length),
    halfWritten,
    leftOver: leftovers(folder.store).length,
    identical:
      again.code === 0 && JSON.stringify([...outcomes].sort()) === JSON.stringify([...expected].sort()),
    wentOn: victim !== 'run' || ended.code === 0,
  };
  rmSync(folder.dir, { recursive: true });
  return result;
}

describe('a sweep that is killed', () => {
  it(
    `at ${points} random points loses nothing and ends with the same bytes`,
    { timeout: many ? 3_600_000 : 120_000 },
    async () => {
      const folder = newFolder();
      const began = performance.now();
      const undisturbed = await startSweep([request('mini', spec)], folder).ended;
      const duration = (performance.now() - began) / 1000;
      expect(undisturbed).toMatchObject({ code: 0, stderr: '' });
      const expected = outcomesOf(folder.store);
      expect(expected.size).toBe(spec.runs + 1);
      const outcomes: Outcome[] = [];
      // Each point has a store of its own; several at a time save waiting.
      for (let point = 1; point <= points; point += atOnce) {
        const some = Array.from({ length: Math.min(atOnce, points - point + 1) }, (_, i) => point + i);
        outcomes.push(...(await Promise.all(some.map((p) => killAt(p, duration, expected)))));
      }
      rmSync(folder.dir, { recursive: true });
      if (many) {
        const { commit } = codeState();
        const date = new Date().toISOString();
        writeJsonAtomic(record, { date, commit, device: thisDevice(), seed, spec, duration, outcomes });
      }
      for (const outcome of outcomes) {
        const clean = {
          lost: 0,
          computedAgain: 0,
          stepsAgain: 0,
          halfWritten: 0,
          leftOver: 0,
          identical: true,
        };
        expect(outcome).toMatchObject({ ...clean, identical: true, wentOn: true });
      }
    },
  );

  it.skipIf(many)('was killed at fifty points once, with the record beside this test', () => {
    const { outcomes } = readJson(record) as { outcomes: Outcome[] };
    expect(outcomes).toHaveLength(50);
    expect(
      outcomes.filter((o) => o.identical && o.wentOn && o.lost + o.computedAgain + o.halfWritten === 0),
    ).toHaveLength(50);
    expect(new Set(outcomes.map((o) => o.victim)).size).toBe(3);
  });
});
