// Time of every backend of this machine against PyTorch, in turn, on products, a convolution with its gradients, and two
// training steps (engine-steps.cjs, engine_steps.py: the same weights, so the same losses, which are compared):
//
//   COC_PYTHON=.../python node test/bench/backends.mjs [rounds] [engines, e.g. tensorflow,wasm,torch-1]
//
// Prints medians, GFLOP/s, the ratio of each to PyTorch on one thread and on two, and the share of the fastest product's
// rate: no limits, the machine decides. A step that takes longer than ten seconds is run once. Runs against dist/.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { cpus, loadavg } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const { steps } = require('./engine-steps.cjs');
const { median } = require('../../dist/index.js');
const rounds = Number(process.argv[2] ?? 11);
const all = ['tensorflow', 'wasm', 'stock-wasm', 'webgpu', 'cpu', 'torch-1', 'torch-2'];
const wanted = process.argv[3]?.split(',') ?? all;

/** A process that times what it is told, one line a measurement; undefined where it cannot be had here. */
async function start(name) {
  const threads = /^torch-(\d+)$/.exec(name)?.[1];
  const [program, args] = threads
    ? [process.env.COC_PYTHON ?? 'python3', [path.join(here, 'engine_steps.py'), threads]]
    : [process.execPath, [path.join(here, 'engine-steps-node.mjs'), name]];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (errors = (errors + text).slice(-2000)));
  child.stdin.on('error', () => undefined);
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const says = (await answers.next()).value;
  if (says === undefined) {
    console.log(`not timed: ${name}: ${errors.trim().split('\n').at(-1)}`);
    return undefined;
  }
  console.log(says);
  const ask = async (step) => {
    child.stdin.write(`${step}\n`);
    const line = (await answers.next()).value ?? 'failed its process ended';
    if (line.startsWith('failed ')) return { failed: line.slice(7) };
    const [milliseconds, value] = line.split(' ').map(Number);
    return { milliseconds, value };
  };
  return { name, ask, end: () => child.kill() };
}

const engines = [];
for (const name of wanted) {
  const engine = await start(name);
  if (engine) engines.push(engine);
}
console.log(`Node ${process.version}, ${cpus()[0]?.model}, ${cpus().length} cores`);

const rates = new Map();
for (const [step, { flop, training }] of Object.entries(steps)) {
  console.log(`${step}: ${(flop / 1e9).toFixed(2)} GFLOP, load ${loadavg()[0].toFixed(1)}`);
  const times = new Map(engines.map(({ name }) => [name, []]));
  const firstValues = new Map();
  for (let round = -2; round < rounds; round++) {
    for (const { name, ask } of engines) {
      const list = times.get(name);
      if (list === undefined || list[0] > 10_000) continue;
      const { milliseconds, value, failed } = await ask(step);
      if (failed) {
        console.log(`  ${name}: ${failed}`);
        times.delete(name);
        continue;
      }
      if (!firstValues.has(name)) firstValues.set(name, value);
      // The first two warm up, unless one is long enough to tell.
      if (round >= 0 || milliseconds > 10_000) list.push(milliseconds);
    }
  }
  const [reference] = [...firstValues.values()].slice(-1);
  for (const [name, list] of times) {
    const ms = median(list);
    const rate = flop / ms / 1e6;
    if (step.startsWith('product')) rates.set(step, Math.max(rates.get(step) ?? 0, rate));
    const best = Math.max(...rates.values());
    const ratios = ['torch-1', 'torch-2']
      .filter((peer) => peer !== name && times.get(peer)?.length)
      .map((peer) => `${(ms / median(times.get(peer))).toFixed(2)} of ${peer}'s time`);
    const far = Math.abs(firstValues.get(name) - reference) > 1e-4 * Math.abs(reference);
    console.log(
      `  ${name.padEnd(11)} ${ms.toFixed(2).padStart(9)} ms  ${rate.toFixed(1).padStart(6)} GFLOP/s` +
        `, ${((100 * rate) / best).toFixed(0).padStart(3)} % of the fastest product  ${ratios.join(', ')}` +
        (far ? `  ANOTHER ${training ? 'LOSS' : 'VALUE'}: ${firstValues.get(name)}, not ${reference}` : ''),
    );
  }
}
for (const { end } of engines) end();
