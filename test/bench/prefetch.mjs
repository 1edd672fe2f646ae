// What prefetch hides: a training step that blocks the event loop, and the gathering of its batches in another thread.
//
//   node test/bench/prefetch.mjs [rounds]
//
// The step is a stand-in of a stated length: a busy loop (a core at work, as a CPU's step) or a sleep in Atomics.wait (as a
// wait for a card). Each round takes, in turn and for the same voxels: the steps alone, gathering alone in this thread,
// both one after the other (no prefetch), both with prefetch. Ratios are paired within a round, over
// max(steps, gathering); the limit is 1.1 for prefetch after its first batch, whose time (threads start, code is
// compiled) stands beside it. Rounds before or after which the machine
// did not give two threads a core each (busy loops side by side) do not count and are taken again, up to four times as
// many; a row without any that counts is not judged, and then the bench fails as it does for a miss. Medians. Runs against dist/.
//
// Where the limit is missed, and why (AMD EPYC, 2 shared cores, Node 20.20; 2026-11): steps of 2.5 ms and more that are longer than
// gathering held (1.01 to 1.10). Steps below a millisecond, and steps as long as gathering, came to 1.05
// to 1.3, and the same row differs by 0.2 from run to run. Three planes are 43,125 cache lines (2.8 MB) from a volume that the last cache
// cannot hold beside anything else, so two busy threads take from each other what the ratio is made of. Tried: looking at the counters for
// 0.1 ms before sleeping (1.11 to 1.29 for the same rows, no better); depth 1, 2, 4 and 8 (1.18 to 1.25 for a step of 0.15 ms, 1.05 to
// 1.10 for one of 2.5 ms: deeper rings only take more cache).
import { createRequire } from 'node:module';
import os from 'node:os';
import { Worker } from 'node:worker_threads';
import { finish, judge } from './limits.mjs';

const require = createRequire(import.meta.url);
const { Prefetch, Random, layoutOf, median, volumeOf } = require('../../dist/index.js');
const { BatchGatherer, batchForm, batchIn, voxelList } = require('../../dist/sampling/batch.js');

const rounds = Number(process.argv[2] ?? 3);
const limit = 1.1;
/** How much slower a thread may be beside another one for a round to count. */
const crowded = 1.1;
const dims = [240, 240, 155];
const random = new Random('prefetch bench');
const data = Float32Array.from({ length: dims[0] * dims[1] * dims[2] }, () => random.uniform());
const image = layoutOf(
  volumeOf(data, dims, [
    [-1, 0, 0, 0],
    [0, -1, 0, 0],
    [0, 0, 1, 0],
    [0, 0, 0, 1],
  ]),
  'file',
  { shared: true },
);
const bicubic = { kernel: 'bicubic', convention: 'torch', antialias: false };
const sources = {
  'as they are': { image },
  'to 1024, bicubic': { image, square: { size: 1024, way: 'stretch', interpolation: bicubic } },
};

const cell = new Int32Array(new SharedArrayBuffer(4));
const steps = {
  busy: (ms) => {
    const end = performance.now() + ms;
    let x = 1;
    while (performance.now() < end) for (let i = 0; i < 500; i++) x = Math.sqrt(x + i);
    return x;
  },
  sleep: (ms) => Atomics.wait(cell, 0, 0, ms),
};
const timed = (work) => {
  const begin = performance.now();
  work();
  return performance.now() - begin;
};

function gatherHere(source, size, voxels) {
  const form = batchForm(source, size);
  const gatherer = new BatchGatherer(source, form);
  const batch = batchIn(form, new ArrayBuffer(form.bytes), 0, size);
  const list = voxelList(dims, voxels);
  return (b) => gatherer.fill(list.subarray(3 * b * size, 3 * (b + 1) * size), batch);
}

async function prefetched(source, size, voxels, step) {
  const begin = performance.now();
  const prefetch = new Prefetch(source, voxels, { size });
  let first;
  while (prefetch.next()) {
    first ??= performance.now() - begin;
    step();
  }
  const all = performance.now() - begin;
  await prefetch.close();
  return { first, rest: all - first };
}

// What the machine gives two threads that compute and share nothing: 1 when it has two free cores, 2 when it has one.
const spin = (n) => {
  let x = 1;
  for (let i = 0; i < n; i++) x = Math.sqrt(x + i);
  return x;
};
const turn = new Int32Array(new SharedArrayBuffer(4));
const other = new Worker(
  `const { turn } = require('node:worker_threads').workerData; const spin = ${spin};
  for (;;) { Atomics.wait(turn, 0, 0); while (Atomics.load(turn, 0) === 1) spin(1e4); }`,
  { eval: true, workerData: { turn } },
);
const setTurn = (value) => {
  Atomics.store(turn, 0, value);
  Atomics.notify(turn, 0);
};
const piece = 5e6;
for (let i = 0; i < 20; i++) spin(piece);
const quietSpin = Math.min(...Array.from({ length: 20 }, () => timed(() => spin(piece))));
function crowding() {
  setTurn(1);
  Atomics.wait(cell, 0, 0, 2);
  const beside = timed(() => spin(piece));
  setTurn(0);
  return beside / quietSpin;
}

let leastCrowded = Infinity;
function tooCrowded() {
  const now = crowding();
  leastCrowded = Math.min(leastCrowded, now);
  return now > crowded;
}

/** One row: a source, a batch size, a kind and length of step. */
async function measure(source, size, kind, share) {
  const draw = (n) => Array.from({ length: n * size }, () => dims.map((d) => random.below(d)));
  const probe = gatherHere(source, size, draw(15));
  for (let b = 0; b < 5; b++) probe(b);
  const one =
    timed(() => {
      for (let b = 5; b < 15; b++) probe(b);
    }) / 10;
  const length = share * one;
  const step = () => steps[kind](length);
  // A quarter of a second of the longer of the two.
  const n = Math.max(8, Math.ceil(250 / Math.max(one, length)));
  const voxels = draw(n);
  const each = (work) =>
    timed(() => {
      for (let b = 0; b < n; b++) work(b);
    });
  const found = [];
  for (let round = 0; found.length < rounds && round < 4 * rounds; round++) {
    if (tooCrowded()) continue;
    const gather = gatherHere(source, size, voxels);
    const stepping = each(step);
    const gathering = each(gather);
    const inTurn = each((b) => {
      gather(b);
      step();
    });
    const { first, rest } = await prefetched(source, size, voxels, step);
    if (tooCrowded()) continue;
    const longer = Math.max(stepping, gathering);
    found.push({
      step: stepping / n,
      gather: gathering / n,
      without: inTurn / longer,
      with: rest / longer,
      first,
    });
  }
  if (found.length === 0) return undefined;
  const middle = (key) => median(found.map((f) => f[key]));
  const ratio = middle('with');
  return {
    size,
    kind,
    n,
    ...Object.fromEntries(['step', 'gather', 'without', 'first'].map((k) => [k, middle(k)])),
    rounds: found.length,
    ratio,
    least: Math.min(...found.map((f) => f.with)),
  };
}

const load = () => os.loadavg()[0].toFixed(2);
let unjudged = 0;
console.log(
  `Prefetch, planes of ${dims.join(' x ')} float32, file order, depth 2. Node ${process.version}, ${os.cpus().length} cores, ${rounds} rounds, medians; load ${load()}`,
);
for (const [name, source] of Object.entries(sources)) {
  for (const size of [1, 2, 4]) {
    console.log(`planes ${name}, batches of ${size}`);
    for (const kind of ['busy', 'sleep']) {
      for (const share of [0.25, 0.5, 1, 2]) {
        const r = await measure(source, size, kind, share);
        if (!r) {
          unjudged++;
          console.log(`  not judged: ${kind} step, ${share} of gathering: no round with two free cores`);
          continue;
        }
        const ms = (t) => `${t.toFixed(t < 10 ? 2 : 0)} ms`;
        judge(
          `${kind} step ${ms(r.step)}, gathering ${ms(r.gather)}, first batch after ${ms(r.first)}; without prefetch ${r.without.toFixed(2)}, with it (least ${r.least.toFixed(2)}, ${r.rounds} rounds)`,
          { value: r.ratio },
          { atMost: limit },
        );
      }
    }
  }
}
console.log(
  `${unjudged} not judged; load ${load()}, a thread beside another takes at least ${leastCrowded.toFixed(2)} times as long as alone`,
);
await other.terminate();
if (unjudged > 0) process.exitCode = 1;
finish();
