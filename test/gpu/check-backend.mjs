// One backend for check.mjs: `BACKEND ROUNDS VRAM-MIB [--no-proof]`. Says `{ note }` and `{ result }` in lines of JSON, and each
// part of the result as soon as it is there.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

// A reading of memory is of what is used, not of a pool that takes the whole card at once.
process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
const require = createRequire(import.meta.url);
const { chooseBackend } = require('../../dist/backends/choose.js');
const { steps } = require('../bench/engine-steps.cjs');

const [name, rounds, vram, noProof] = process.argv.slice(2);
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const note = (text) => say({ note: text });

/** MiB in use on the first card, by its driver; null without one. */
function driverMiB() {
  const { status, stdout } = spawnSync(
    'nvidia-smi',
    ['--query-gpu=memory.used', '--format=csv,noheader,nounits'],
    { encoding: 'utf8', timeout: 20_000 },
  );
  return status === 0 ? Number(stdout.split('\n')[0]) : null;
}

const atStart = driverMiB();
const began = performance.now();
let backend;
try {
  backend = await chooseBackend({ backend: name });
} catch (error) {
  if (error.name !== 'InputError') throw error;
  say({ result: { refused: error.message } });
  process.exit();
}
const { tf } = require('../../dist/backends/tf.js');
const seconds = (performance.now() - began) / 1000;
note(`${backend.device}${backend.gpu ? '' : ' (no card)'}, open and self-tested in ${seconds.toFixed(1)} s`);
const { device, gpu, driver, versions, notes = [] } = backend;
say({ result: { device, gpu, driver, versions, notes: [...notes], openSeconds: seconds } });

if (noProof === undefined) {
  const { cases } = require('../../dist/backends/proof/cases.js');
  const { prove } = require('../../dist/backends/proof/prove.js');
  const rows = await prove(backend, cases);
  const of = (status) => rows.filter((row) => row.status === status);
  const worst = Math.max(
    ...rows.map(({ valueError, gradientError }) => Math.max(valueError ?? 0, gradientError ?? 0)),
  );
  note(
    `proof: ${of('right').length} right, ${of('refused').length} refused, ${of('wrong').length} wrong; largest right error ${worst.toExponential(1)}`,
  );
  for (const { case: which, message } of of('wrong')) note(`WRONG ${which}: ${message}`);
  const brief = ({ case: which, message }) => ({ case: which, message });
  const proof = {
    right: of('right').length,
    refused: of('refused').map(brief),
    wrong: of('wrong').map(brief),
    worst,
  };
  say({ result: { proof } });
}

/** What the backend holds, beside what the driver sees beyond the start. */
function reading(what) {
  const { tensors, tensorBytes, bufferBytes, note: why } = backend.memory();
  const driverNow = driverMiB();
  const driver = driverNow === null ? null : driverNow - atStart;
  const mib = (bytes) => (bytes === null ? `not told (${why})` : `${(bytes / 2 ** 20).toFixed(1)} MiB`);
  note(
    `${what}: backend ${mib(bufferBytes)}, tensors ${mib(tensorBytes)}, driver ${driver ?? 'none'}${driver === null ? '' : ' MiB'}`,
  );
  return { what, tensors, tensorBytes, bufferBytes, driverMiB: driver };
}

const memory = [reading('opened')];
try {
  // Four tensors: no backend's limit of one buffer is met.
  const count = (Number(vram) * 2 ** 20) / 4 / 4;
  const held = await backend.step('a block of memory', () =>
    Array.from({ length: 4 }, () => tf.fill([count], 1)),
  );
  memory.push(reading(`${vram} MiB in four tensors`));
  tf.dispose(held);
} catch (error) {
  note(`${vram} MiB do not fit: ${error.message.split('\n')[0]}`);
  memory.push({ what: `${vram} MiB in four tensors`, failed: error.message });
}
backend.flush();
memory.push(reading('freed and flushed'));
say({ result: { memory } });

const times = {};
let rate = Infinity;
for (const [step, { make, flop }] of Object.entries(steps)) {
  // On a software adapter a large product takes minutes, and tells nothing.
  const expected = flop / rate / 1e9;
  if (expected > 20) {
    times[step] = { leftOut: `about ${expected.toFixed(0)} s at the rate of the step before` };
    note(`${step}: left out, ${times[step].leftOut}`);
    continue;
  }
  const run = make(tf);
  const list = [];
  let value;
  for (let round = -3; round < Number(rounds); round++) {
    const start = performance.now();
    const out = await backend.step(step, run);
    const first = tf.tidy(() => tf.slice(tf.reshape(out, [-1]), [0], [1]));
    const [read] = await first.data();
    const milliseconds = performance.now() - start;
    tf.dispose([out, first]);
    value ??= read;
    if (round >= 0 || milliseconds > 5000) list.push(milliseconds);
    if (milliseconds > 5000) break;
  }
  list.sort((a, b) => a - b);
  const milliseconds = list[list.length >> 1];
  rate = flop / milliseconds / 1e6;
  times[step] = { milliseconds, value, gflops: rate };
  note(`${step}: ${milliseconds.toFixed(3)} ms, ${rate.toFixed(2)} GFLOP/s`);
  say({ result: { times } });
}
memory.push(reading('after all steps'));
say({ result: { memory } });
// Machine code may be slow to end.
process.exit();
