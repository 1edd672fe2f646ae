// Everything about engines that only a machine with a card can tell, in one command and one file of results:
//
//   node test/gpu/check.mjs [--out FILE.json] [--backends tensorflow,webgpu,wasm,cpu] [--rounds 11] [--vram-mib 1024]
//                           [--limit-s 240] [--no-torch] [--no-proof]
//
// It prints what `coc doctor` says, then for each backend in a process of its own: the self-test, the proof of all ops, readings
// of memory (the backend's own beside the driver's), and times of the same steps as test/bench/backends.mjs, against PyTorch
// on the same card where there is one. Without a card it says so and does the same on the processor. Exit code 1 when a proof
// is wrong or a backend that opened failed; a backend that cannot be opened here is a result, with its reason.
// Runs against dist/. Where nothing can be installed: pack.sh and start.sh.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createRequire } from 'node:module';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '..', '..');
const require = createRequire(import.meta.url);
const { steps } = require('../bench/engine-steps.cjs');

const { values: options } = parseArgs({
  options: {
    out: { type: 'string', default: 'gpu-check.json' },
    backends: { type: 'string', default: 'tensorflow,webgpu,wasm,cpu' },
    rounds: { type: 'string', default: '11' },
    'vram-mib': { type: 'string', default: '1024' },
    'limit-s': { type: 'string', default: '240' },
    'no-torch': { type: 'boolean', default: false },
    'no-proof': { type: 'boolean', default: false },
  },
});
const limit = Number(options['limit-s']) * 1000;

/** One line of `nvidia-smi` for the first card, or undefined. */
function card() {
  const { status, stdout } = spawnSync(
    'nvidia-smi',
    ['--query-gpu=name,driver_version,memory.total,memory.used', '--format=csv,noheader,nounits'],
    { encoding: 'utf8', timeout: 20_000 },
  );
  if (status !== 0) return undefined;
  const [name, driver, memoryMiB, usedMiB] = stdout
    .split('\n')[0]
    .split(',')
    .map((field) => field.trim());
  return { name, driver, memoryMiB: Number(memoryMiB), usedMiB: Number(usedMiB) };
}

/** The commit: of the clone, or of the pack, which has it in a file. */
function commit() {
  const noted = path.join(root, 'COMMIT');
  if (existsSync(noted)) return readFileSync(noted, 'utf8').trim();
  const git = spawnSync('git', ['describe', '--always', '--dirty', '--abbrev=12'], {
    cwd: root,
    encoding: 'utf8',
  });
  return git.status === 0 ? git.stdout.trim() : 'unknown';
}

function doctor() {
  const coc = path.join(root, 'dist', 'cli', 'main.js');
  const { stdout, stderr, status } = spawnSync(process.execPath, [coc, 'doctor'], {
    encoding: 'utf8',
    timeout: limit,
  });
  console.log((stdout || stderr || '').trim());
  const json = spawnSync(process.execPath, [coc, 'doctor', '--json'], { encoding: 'utf8', timeout: limit });
  try {
    return JSON.parse(json.stdout);
  } catch {
    return { failed: `exit code ${status}: ${(stderr || stdout || 'nothing').trim().slice(-500)}` };
  }
}

/** Run a process that answers in JSON lines, `{ note }` as it goes and `{ result }` at its end, within the limit. */
function ask(script, args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [path.join(here, script), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const clock = setTimeout(() => child.kill('SIGKILL'), limit);
    let result;
    let words = '';
    child.stderr.setEncoding('utf8').on('data', (text) => (words = (words + text).slice(-2000)));
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      if (!line.startsWith('{')) return;
      const said = JSON.parse(line);
      if ('note' in said) console.log(`  ${said.note}`);
      // What was found before an end that comes too early is kept.
      else result = { ...result, ...said.result };
    });
    child.on('close', (code, signal) => {
      clearTimeout(clock);
      if (code === 0) resolve(result);
      else {
        const how = signal ? `ended by ${signal} (limit ${options['limit-s']} s)` : `exit code ${code}`;
        const lines = words.trim().split('\n');
        const said = lines.find((line) => /error/i.test(line)) ?? lines.at(-1);
        resolve({ ...result, failed: `${how}: ${said}` });
      }
    });
  });
}

/** Times of the steps on PyTorch, on the card where it sees one. */
async function torch() {
  const python = process.env.COC_PYTHON ?? 'python3';
  const sees = 'import torch; print("cuda" if torch.cuda.is_available() else "cpu")';
  const probe = spawnSync(python, ['-c', sees], { encoding: 'utf8', timeout: limit });
  if (probe.status !== 0) return { missing: `no PyTorch in ${python} (COC_PYTHON names another)` };
  const device = probe.stdout.trim();
  const script = path.join(here, '..', 'bench', 'engine_steps.py');
  const child = spawn(python, [script, `${cpus().length}`, device], { stdio: ['pipe', 'pipe', 'inherit'] });
  const clock = setTimeout(() => child.kill('SIGKILL'), limit);
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const says = (await answers.next()).value;
  console.log(`PyTorch: ${says}`);
  const times = {};
  for (const name of Object.keys(steps)) {
    const list = [];
    for (let round = -3; round < Number(options.rounds); round++) {
      child.stdin.write(`${name}\n`);
      const line = (await answers.next()).value;
      if (line === undefined) break;
      const [milliseconds, value] = line.split(' ').map(Number);
      if (round >= 0) list.push(milliseconds);
      if (round === -3) times[name] = { value };
    }
    list.sort((a, b) => a - b);
    times[name] = { ...times[name], milliseconds: list[list.length >> 1] };
    console.log(`  ${name}: ${times[name].milliseconds?.toFixed(3)} ms`);
  }
  clearTimeout(clock);
  child.kill();
  return { says, device, times };
}

const found = card();
console.log(
  found
    ? `card: ${found.name}, driver ${found.driver}, ${found.memoryMiB} MiB`
    : 'no card: nvidia-smi does not answer',
);
const report = {
  date: new Date().toISOString(),
  commit: commit(),
  node: process.version,
  system: `${process.platform} ${process.arch} ${release()}`,
  processor: `${cpus()[0]?.model.trim()}, ${cpus().length} cores`,
  card: found ?? null,
  options,
  doctor: doctor(),
  backends: {},
};
const save = () => writeFileSync(options.out, `${JSON.stringify(report, null, 2)}\n`);
save();
for (const name of options.backends.split(',')) {
  console.log(`${name}:`);
  const args = [name, options.rounds, options['vram-mib'], ...(options['no-proof'] ? ['--no-proof'] : [])];
  report.backends[name] = await ask('check-backend.mjs', args);
  const { refused, failed } = report.backends[name] ?? {};
  if (refused) console.log(`  not here: ${refused}`);
  if (failed) console.log(`  FAILED: ${failed}`);
  save();
}
if (!options['no-torch']) {
  report.torch = await torch();
  if (report.torch.missing) console.log(report.torch.missing);
}
console.log('ratios of times to PyTorch:');
for (const [name, { times }] of Object.entries(report.backends)) {
  for (const [step, { milliseconds }] of Object.entries(times ?? {})) {
    const peer = report.torch?.times?.[step]?.milliseconds;
    if (peer && milliseconds) console.log(`  ${name}, ${step}: ${(milliseconds / peer).toFixed(2)}`);
  }
}
save();
const bad = Object.entries(report.backends).filter(
  ([, one]) => !one || one.failed || one.proof?.wrong?.length > 0,
);
for (const [name] of bad) console.log(`RED: ${name}`);
console.log(`${found ? '' : 'no card; '}everything is in ${path.resolve(options.out)}`);
process.exitCode = bad.length > 0 ? 1 : 0;
