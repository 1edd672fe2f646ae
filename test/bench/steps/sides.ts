// Who is timed: each side is a process that opens a step and runs it when it is asked, one side at a time.
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import type { Plan } from '../nets';
import { planForPeer } from '../nets';
import type { Measured } from './rows';

export interface Side {
  /** `PyTorch`, `jax.jit`, `tensorflow, captured` */
  name: string;
  /** What it says of itself: versions, threads. */
  says: string;
  /** Open a step; what was open before is closed. @returns how it runs, where there is more than one way */
  open(plan: Plan): Promise<string>;
  /** Run the open step so many times. @throws Error when it fails */
  run(steps: number): Promise<Measured>;
  end(): void;
}

const answer = z.union([
  z.object({ failed: z.string() }),
  z.object({ milliseconds: z.array(z.number()), losses: z.array(z.number()) }),
  z.object({ opened: z.string(), how: z.string().optional() }),
  z.object({ says: z.string() }),
]);

/** The same processors for every side, where the system can hold a process to some. */
export function pinned(threads: number): { command: readonly string[]; said: string } {
  if (availableParallelism() <= threads) return { command: [], said: `all ${threads} processors` };
  if (spawnSync('taskset', ['-V'], { stdio: 'ignore' }).status !== 0)
    return { command: [], said: `${threads} threads; JAX takes all processors, as there is no taskset` };
  return { command: ['taskset', '-c', `0-${threads - 1}`], said: `processors 0 to ${threads - 1}` };
}

/** Threads, in the words of every engine. One thread too few between operations keeps independent views waiting. */
const environment = (threads: number): Record<string, string> => ({
  TF_NUM_INTRAOP_THREADS: `${threads}`,
  TF_NUM_INTEROP_THREADS: `${threads}`,
  OMP_NUM_THREADS: `${threads}`,
  MKL_NUM_THREADS: `${threads}`,
  XLA_FLAGS: '--xla_cpu_multi_thread_eigen=true',
  TF_CPP_MIN_LOG_LEVEL: '2',
  // Its own: another process that compiles at the same time may leave half a file in the shared one.
  TORCHINDUCTOR_CACHE_DIR: path.resolve('.cache/bench/inductor'),
});

/** A process to be: its program, and how a plan is put to it. */
export interface Program {
  command: readonly string[];
  asks: (plan: Plan) => object;
}

/** Start a side. @returns the reason where it cannot be had here */
export async function start(
  name: string,
  program: Program,
  { threads, pin }: { threads: number; pin: readonly string[] },
): Promise<Side | { name: string; reason: string }> {
  const [command, ...args] = [...pin, ...program.command];
  const env = { ...process.env, ...environment(threads) };
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-2000)));
  child.stdin.on('error', () => undefined);
  child.on('error', (error) => (errors = error.message));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const lastError = (): string => errors.trim().split('\n').at(-1) ?? '';
  const next = async (): Promise<z.infer<typeof answer>> => {
    for (;;) {
      const line = await lines.next();
      if (line.done) return { failed: `its process ended: ${lastError()}` };
      // An engine may print lines of its own.
      if (line.value.startsWith('{')) return answer.parse(JSON.parse(line.value));
    }
  };
  const first = await next();
  if (!('says' in first))
    return { name, reason: 'failed' in first ? first.failed : 'it does not say who it is' };
  const ask = async (request: object): Promise<z.infer<typeof answer>> => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    const given = await next();
    if ('failed' in given) throw new Error(`${name}: ${given.failed}`);
    return given;
  };
  return {
    name,
    says: first.says,
    open: async (plan) => {
      const given = await ask(program.asks(plan));
      return 'opened' in given && given.how ? given.how : name;
    },
    run: async (steps) => {
      const given = await ask({ steps });
      if ('milliseconds' in given) return given;
      throw new Error(`${name}: no times in its answer`);
    },
    end: () => child.kill(),
  };
}

const peersFolder = path.resolve(__dirname, '../../test/bench/peers');

/** The programs of the peers. */
export function peerPrograms(threads: number): Record<string, Program> {
  const python = (file: string, ...args: string[]): Program => ({
    command: [process.env.COC_PYTHON ?? 'python3', path.join(peersFolder, file), `${threads}`, ...args],
    asks: (plan) => ({ plan: planForPeer(plan) }),
  });
  return {
    PyTorch: python('torch_steps.py', 'eager'),
    'torch.compile': python('torch_steps.py', 'compile'),
    'jax.jit': python('jax_steps.py'),
  };
}

/** The program of ours on a backend. */
export function ourProgram(backend: string, how: 'captured' | 'eager'): Program {
  const command = [process.execPath, process.env.COC_BENCH_WORKER!, backend, how];
  return { command, asks: ({ name }) => ({ row: name }) };
}
