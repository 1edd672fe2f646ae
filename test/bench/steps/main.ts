// Times every row on native TensorFlow, captured, against PyTorch, torch.compile and jax.jit, each in a process of its own
// and asked in turn; then, without goals, on the other backends and eagerly.
import { appendFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { median } from '../../../src/base/interval';
import { nets, operations } from '../nets';
import type { Plan } from '../nets';
import { goalOf, leastBytes, misses } from './goals';
import { memoryRate } from './machine';
import type { Measured, Rates, Row } from './rows';
import { exitCodeOf, head, lineOf, rowOf, verdictOf } from './rows';
import type { Program, Side } from './sides';
import { ourProgram, peerPrograms, pinned, start } from './sides';

const help = `Usage: node test/bench/steps.mjs [options]

  --rows TEXT       only rows whose name contains TEXT; several, separated by |
  --rounds N        rounds that count, after the warm-up (7)
  --threads N       of every side (2)
  --peers LIST      PyTorch,torch.compile,jax.jit: goals mean the fastest of all three, and are not judged by fewer
  --others LIST     what else of ours is timed, without goals: eager,wasm,webgpu (all that are here), or none
  --json            rows as JSON on standard output, and everything else on standard error

COC_PYTHON names the Python that has torch, jax and optax (test/peers/requirements-bench.txt).`;

/** A turn of one side lasts about so long, and is at least one step. */
const turnMs = 150;
/** A peer that is so much slower than the fastest after the warm-up is timed twice, and not in every round. */
const outOfTheRace = 3;
/** Losses of so many steps are compared. */
const compared = 4;

interface Timed {
  side: Side;
  how: string;
  losses: readonly number[];
  milliseconds: number[];
  /** Steps in a turn. */
  steps: number;
  /** Rounds that it takes part in. */
  rounds: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string', default: '' },
      rounds: { type: 'string', default: '7' },
      threads: { type: 'string', default: '2' },
      peers: { type: 'string', default: 'PyTorch,torch.compile,jax.jit' },
      others: { type: 'string', default: 'eager,wasm,webgpu' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(help);
  const say = values.json ? console.error : console.log;
  const [rounds, threads] = [Number(values.rounds), Number(values.threads)];
  const wanted = values.rows.split('|').map((text) => text.trim());
  const plans = [...operations, ...nets].filter(({ name }) => wanted.some((text) => name.includes(text)));
  if (plans.length === 0) throw new Error(`no row contains ${values.rows}`);

  const { command: pin, said } = pinned(threads);
  say(`Node ${process.version}, ${cpus()[0]?.model}, ${cpus().length} processors; every side has ${said}`);
  const begin = async (name: string, program: Program): Promise<Side[]> => {
    const side = await start(name, program, { threads, pin });
    say('says' in side ? `${name}: ${side.says}` : `not timed: ${name}: ${side.reason}`);
    return 'says' in side ? [side] : [];
  };
  const ours = await begin('ours', ourProgram('tensorflow', 'captured'));
  const peers: Side[] = [];
  const programs = Object.entries(peerPrograms(threads));
  const asked = programs.filter(([name]) => values.peers.split(',').includes(name));
  for (const [name, program] of asked) peers.push(...(await begin(name, program)));
  const others: Side[] = [];
  const listed = values.others.split(',');
  if (listed.includes('eager')) others.push(...(await begin('eager', ourProgram('tensorflow', 'eager'))));
  for (const backend of ['wasm', 'webgpu'])
    if (listed.includes(backend)) others.push(...(await begin(backend, ourProgram(backend, 'eager'))));

  const rates = await ratesOf([...ours, ...peers], threads);
  say(
    `at most ${rates.gigaflops.toFixed(0)} GFLOP/s (the fastest side's product of 2048) and ${rates.gigabytes.toFixed(0)} GB/s ` +
      `(copies by ${threads} threads); medians of ${rounds} rounds, load ${load()}`,
  );
  say(head);
  const rows: Row[] = [];
  const show = (row: Row): void => {
    rows.push(row);
    const { COC_BENCH_ROWS: collected } = process.env;
    if (collected) appendFileSync(collected, `${JSON.stringify(row)}\n`);
    say(lineOf(row, { colour: process.stdout.isTTY && !values.json }));
    for (const said of row.otherLosses) say(`    other losses: ${said}`);
    if (verdictOf(row) === 'MISSED' && row.name in misses) say(`    ${misses[row.name]}`);
  };
  for (const plan of plans) {
    const given = { flop: plan.flop, bytes: leastBytes(plan), rates };
    const { mine, theirs } = await race(plan, ours, peers, rounds, say);
    const measured = new Map(theirs.map((timed) => [timed.side.name, timed]));
    const goal = asked.length === programs.length ? goalOf(plan) : null;
    if (mine) {
      show(rowOf({ ...given, name: plan.name, goal, how: mine.how }, mine, measured));
      const others = theirs.map(({ side, how, milliseconds }) =>
        [side.name, median(milliseconds).toFixed(1), how === side.name ? '' : how].filter(Boolean).join(' '),
      );
      say(`    ${mine.how}; ${others.join(', ')}`);
    }
    for (const side of others) {
      const alone = await timeAlone(plan, side, say);
      if (alone)
        show(
          rowOf(
            { ...given, name: `${plan.name} (${side.name})`, goal: null, how: side.name },
            alone,
            measured,
          ),
        );
    }
  }
  for (const side of [...ours, ...peers, ...others]) side.end();
  say(`load ${load()}`);
  if (values.json) console.log(JSON.stringify(rows, null, 2));
  const missed = rows.filter((row) => !['held', 'no goal'].includes(verdictOf(row)));
  if (missed.length > 0) say(`${missed.length} of ${rows.length} rows missed`);
  const absent = asked.length - peers.length + failures;
  if (absent > 0)
    say(`${absent} peers or steps of theirs could not be timed: what was held may not be held against them`);
  process.exitCode = ours.length === 0 || absent > 0 ? 1 : exitCodeOf(rows);
}

/** Steps that a side of the race could not be timed on. */
let failures = 0;

const load = (): string => loadavg()[0].toFixed(1);

/** Open a plan on a side and warm it up. @returns undefined, said, where it fails */
async function prepare(plan: Plan, side: Side, say: (text: string) => void): Promise<Timed | undefined> {
  try {
    const how = await side.open(plan);
    // Whatever compiles or settles does so in these.
    const { losses, milliseconds } = await side.run(compared);
    const steps = Math.max(1, Math.min(50, Math.round(turnMs / Math.min(...milliseconds))));
    return { side, how, losses, milliseconds: [], steps, rounds: Infinity };
  } catch (error) {
    failures++;
    say(`    not timed: ${plan.name}: ${(error as Error).message}`);
    return undefined;
  }
}

/** Rounds of everybody in turn. */
async function race(
  plan: Plan,
  ours: readonly Side[],
  peers: readonly Side[],
  rounds: number,
  say: (text: string) => void,
): Promise<{ mine: Timed | undefined; theirs: Timed[] }> {
  const timed: Timed[] = [];
  for (const side of [...ours, ...peers]) {
    const ready = await prepare(plan, side, say);
    if (ready) timed.push(ready);
  }
  for (let round = 0; round < rounds; round++) {
    for (const each of timed) {
      if (round >= each.rounds) continue;
      // Threads of the side before, which may still wait actively for work, have gone to sleep by then.
      await setTimeout(20);
      each.milliseconds.push(...(await each.side.run(each.steps)).milliseconds);
    }
    if (round !== 1) continue;
    const theirs = timed.filter(({ side }) => peers.includes(side));
    const fastest = Math.min(...theirs.map(({ milliseconds }) => median(milliseconds)));
    for (const each of theirs) if (median(each.milliseconds) > outOfTheRace * fastest) each.rounds = 2;
  }
  return {
    mine: timed.find(({ side }) => ours.includes(side)),
    theirs: timed.filter(({ side }) => peers.includes(side)),
  };
}

/** A side without a goal: a few steps by itself, one where it takes longer than ten seconds. */
async function timeAlone(plan: Plan, side: Side, say: (text: string) => void): Promise<Measured | undefined> {
  try {
    await side.open(plan);
    const first = await side.run(1);
    if (first.milliseconds[0] > 10_000) return first;
    const { losses } = await side.run(compared - 1);
    const { milliseconds } = await side.run(3);
    return { milliseconds, losses: [...first.losses, ...losses] };
  } catch (error) {
    say(`    not timed: ${plan.name}: ${(error as Error).message}`);
    return undefined;
  }
}

/** What this machine can do at most. */
async function ratesOf(sides: readonly Side[], threads: number): Promise<Rates> {
  const gigabytes = await memoryRate(threads);
  const plan = operations.find(({ name }) => name === 'product 2048')!;
  let least = Infinity;
  for (const side of sides) {
    const ready = await prepare(plan, side, () => undefined);
    if (ready) least = Math.min(least, ...(await side.run(4)).milliseconds);
  }
  return { gigaflops: plan.flop / least / 1e6, gigabytes };
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
