// What the tests of the engine share: requests for the small studies, a sweep in its own process, what a store holds.
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { RunResult } from '../../src/engines/local';
import type { RunRequest } from '../../src/results/run-record';

/** A request for one of the small studies. */
export function request(name: 'mini' | 'clock' | 'busy', spec: RunRequest['spec']): RunRequest {
  return { study: name, module: path.resolve('test/engines/mini.cjs'), name, mode: 'quick', spec, data: {} };
}

/** A folder for a store and a trace, made anew. */
export function newFolder(): { dir: string; store: string; trace: string } {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'coc-engine-'));
  return { dir, store: path.join(dir, 'runs'), trace: path.join(dir, 'trace') };
}

/** What the runs put down, line by line. */
export function traceOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  results: RunResult[] | undefined;
  stderr: string;
}

/** Start a sweep in a process of its own. */
export function startSweep(
  requests: RunRequest[],
  { store, trace }: { store: string; trace: string },
  { workers = 2, env = {} }: { workers?: number; env?: NodeJS.ProcessEnv } = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(
    process.execPath,
    [path.resolve('test/engines/sweep.cjs'), store, JSON.stringify(requests), `${workers}`],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, COC_TEST_TRACE: trace, ...env } },
  );
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const ended = new Promise<Ended>((resolve) =>
    child.on('close', (code, signal) => {
      const results = code === 0 ? (JSON.parse(stdout) as RunResult[]) : undefined;
      resolve({ code, signal, results, stderr });
    }),
  );
  return { child, ended };
}

/** The bytes of every finished run's outcome, by hash. */
export function outcomesOf(store: string): Map<string, string> {
  if (!existsSync(store)) return new Map();
  return new Map(
    readdirSync(store).flatMap((hash): [string, string][] => {
      const file = path.join(store, hash, 'result', 'outcome.json');
      return existsSync(file) ? [[hash, readFileSync(file, 'utf8')]] : [];
    }),
  );
}

/** Every file and folder of a store that should not be there when nothing runs. */
export function leftovers(store: string): string[] {
  return readdirSync(store, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.tmp') || /claims[/\\]|checkpoint\.json$|damaged/.test(name),
  );
}
