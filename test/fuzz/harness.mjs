// What the fuzzers share. A child process reads mutated files; its parent watches it. A fault is: an error that is not an
// InputError, a result that contradicts itself, a read slower than 10 s, a process that dies, or more bytes allocated than
// the fuzzer allows. Each fault is printed with its seed and number, so that `--seed S --case N` repeats it alone.
// Runs against dist/ (any `coc` verb builds it). Prints a JSON summary; exit code 1 when there were faults.
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const hangMs = 10_000;
const { InputError } = createRequire(import.meta.url)('../../dist/base/errors.js');

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    case: { type: 'string' },
    worker: { type: 'boolean', default: false },
  },
});

/**
 * Run a fuzzer, as parent or as child.
 * @param fuzzer.script     path of the fuzzer's own file, which a child runs again
 * @param fuzzer.makeCase   (dice) to {place(folder), the input of a read; size, its bytes; from, for messages; yielded(), the
 *   bytes that it truly holds, asked for only when much was allocated}
 * @param fuzzer.reads      (dice) to calls under test, (input, folder); each gives what contradicts itself in its result
 * @param fuzzer.allowance  (size, yielded) to the bytes that one read may allocate in all
 */
export async function fuzz(fuzzer) {
  if (options.worker) await work(fuzzer);
  else await watch(fuzzer);
}

/** What is counted of reads, before the first. */
const nothingYet = () => ({ reads: 0, ok: 0, refused: 0, faults: [], slowestMs: 0, largestAllocation: 0 });

/** Start children one after another until the time is over; a child that hangs or dies is a fault. */
async function watch({ script }) {
  const end = Date.now() + 1000 * Number(options.seconds);
  const seed = Number(options.seed);
  const total = { ...nothingYet(), peakRssMiB: 0 };
  const messages = new Map();
  let next = options.case === undefined ? 0 : Number(options.case);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'coc-fuzz-'));
  try {
    while (Date.now() < end) {
      const only = options.case !== undefined;
      let outcome = await runChild(script, { seed, from: next, folder, end, only });
      if (outcome.silent !== undefined && !only) {
        // A busy machine can leave a child without a turn for long: only what hangs alone as well is a fault.
        const again = await runChild(script, { seed, from: outcome.silent, folder, end, only: true });
        if (again.finished) outcome = again;
      }
      for (const key of ['reads', 'ok', 'refused']) total[key] += outcome[key];
      for (const key of ['slowestMs', 'largestAllocation', 'peakRssMiB'])
        total[key] = Math.max(total[key], outcome[key]);
      for (const [message, n] of outcome.messages) messages.set(message, (messages.get(message) ?? 0) + n);
      for (const fault of outcome.faults) console.error(JSON.stringify({ seed, ...fault }));
      total.faults.push(...outcome.faults);
      const { reads, ok, refused, faults, peakRssMiB } = total;
      const said = `${reads} reads, ${ok} read, ${refused} refused, ${faults.length} faults, ${Math.round(peakRssMiB)} MiB`;
      if (options.case === undefined) console.error(`${new Date().toISOString()} ${said}`);
      next = outcome.next;
      if (options.case !== undefined || total.faults.length >= 20) break;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const told = [...messages].sort((a, b) => b[1] - a[1]);
  console.log(JSON.stringify({ seed, seconds: Number(options.seconds), ...total, messages: told }, null, 1));
  process.exitCode = total.faults.length > 0 ? 1 : 0;
}

/** One child runs at most 5000 cases, so that a slow leak shows as a rising peak and cannot end the run. */
function runChild(script, task) {
  return new Promise((resolve) => {
    const child = fork(script, ['--worker'], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    let last = { ...nothingYet(), peakRssMiB: 0, messages: [] };
    let current = task.from;
    let timer;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => child.kill('SIGKILL'), hangMs);
    };
    child.on('message', (message) => {
      alive();
      if (message.started !== undefined) current = message.started;
      else last = message;
    });
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (last.finished) return resolve(last);
      const why =
        signal === 'SIGKILL' ? `no answer for ${hangMs} ms` : `the process ended with ${signal ?? code}`;
      const silent = signal === 'SIGKILL' ? current : undefined;
      resolve({ ...last, faults: [...last.faults, { number: current, why }], next: current + 1, silent });
    });
    alive();
    child.send(task);
  });
}

async function work({ makeCase, reads, allowance }) {
  const task = await new Promise((resolve) => process.once('message', resolve));
  const counter = countAllocations();
  const state = { ...nothingYet(), messages: new Map() };
  const last = task.only ? task.from + 1 : task.from + 5000;
  let number = task.from;
  for (; number < last && (task.only || Date.now() < task.end); number++) {
    process.send({ started: number });
    const dice = new Dice(task.seed, number);
    const { place, size, from, yielded } = makeCase(dice);
    const fault = (why) => state.faults.push({ number, why: String(why).slice(0, 500), from });
    const input = place(task.folder);
    for (const read of reads(dice)) {
      state.reads++;
      counter.reset();
      const before = performance.now();
      try {
        const problem = await read(input, task.folder);
        if (problem) fault(problem);
        state.ok++;
      } catch (error) {
        if (error instanceof InputError) {
          state.refused++;
          const kind = kindOf(error);
          state.messages.set(kind, (state.messages.get(kind) ?? 0) + 1);
        } else fault(error.stack ?? error);
      }
      const ms = performance.now() - before;
      state.slowestMs = Math.max(state.slowestMs, ms);
      const allocated = counter.bytes();
      state.largestAllocation = Math.max(state.largestAllocation, allocated);
      if (ms > hangMs) fault(`took ${ms} ms`);
      if (allocated > allowance(size, 0)) {
        const most = allowance(size, counter.pause(yielded));
        if (allocated > most) fault(`allocated ${allocated} bytes for ${size}; the allowance is ${most}`);
      }
    }
    if (state.faults.length >= 20) break;
  }
  const peakRssMiB = process.resourceUsage().maxRSS / 1024;
  process.send({ ...state, messages: [...state.messages], peakRssMiB, finished: true, next: number }, () =>
    process.exit(),
  );
}

/** An error's text with its numbers and names left out, to count kinds. */
function kindOf(error) {
  return error.problem.given
    .replace(/-?\d[\d.e+-]*/g, '#')
    .replace(/"[^"]*"/g, '"..."')
    .replace(/the tensor \S*/, 'the tensor ...')
    .replace(/(ENOENT|it is not).*/, '$1')
    .slice(0, 60);
}

/** Counts what typed arrays and zlib's chunks ask for. Views of other buffers are free. */
function countAllocations() {
  let bytes = 0;
  let paused = false;
  const add = (n) => {
    if (!paused) bytes += n;
  };
  for (const name of ['Int8', 'Uint8', 'Int16', 'Uint16', 'Int32', 'Uint32', 'Float32', 'Float64']) {
    const Original = globalThis[`${name}Array`];
    globalThis[`${name}Array`] = new Proxy(Original, {
      construct(target, args, newTarget) {
        if (typeof args[0] === 'number') add(args[0] * target.BYTES_PER_ELEMENT);
        return Reflect.construct(target, args, newTarget === globalThis[`${name}Array`] ? target : newTarget);
      },
    });
  }
  for (const name of ['alloc', 'allocUnsafe', 'allocUnsafeSlow']) {
    const original = Buffer[name];
    Buffer[name] = (size, ...rest) => {
      add(size);
      return original.call(Buffer, size, ...rest);
    };
  }
  return {
    reset: () => (bytes = 0),
    bytes: () => bytes,
    pause(body) {
      paused = true;
      try {
        return body();
      } finally {
        paused = false;
      }
    },
  };
}

/** Small seeded random numbers (splitmix32): a case depends on the seed and its number alone. */
class Dice {
  constructor(seed, number) {
    this.state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b)) | 0;
    for (let i = 0; i < 4; i++) this.next();
  }
  next() {
    this.state = (this.state + 0x9e3779b9) | 0;
    let t = this.state ^ (this.state >>> 16);
    t = Math.imul(t, 0x21f0aaad);
    t = Math.imul(t ^ (t >>> 15), 0x735a2d97);
    return (t ^ (t >>> 15)) >>> 0;
  }
  below(n) {
    return Math.floor((this.next() / 2 ** 32) * n);
  }
  chance(p) {
    return this.next() / 2 ** 32 < p;
  }
  pick(list) {
    return list[this.below(list.length)];
  }
  bytes(n) {
    return Buffer.from(Uint8Array.from({ length: n }, () => this.below(256)));
  }
}
