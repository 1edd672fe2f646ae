// Running another program to its end: its output, and an end when the work is stopped.
import { spawn } from 'node:child_process';
import { Interrupted } from '../../base/errors';

export interface Ended {
  /** Exit code; null when a signal ended it, or it could not be started. */
  code: number | null;
  /** The last part of what it said. */
  stdout: string;
  /** The last part of what it said, or why it could not be started. */
  stderr: string;
}

export interface RunOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Milliseconds. */
  timeout?: number;
  signal?: AbortSignal;
  /** Receives each line of stdout at once. */
  onLine?: (line: string) => void;
}

/** Run a program. A program that is not there is an end with code null. @throws Interrupted */
export async function runProgram(
  [program, ...args]: readonly string[],
  { env = process.env, cwd, timeout, signal, onLine }: RunOptions,
): Promise<Ended> {
  const stopped = (): Interrupted => new Interrupted('the install of native TensorFlow');
  if (signal?.aborted) throw stopped();
  // A group of its own, so that what the program starts (a compiler's passes) ends with it.
  const child = spawn(program, args, {
    env,
    cwd,
    detached: process.platform !== 'win32',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = (): void => {
    try {
      if (child.pid !== undefined) process.kill(process.platform === 'win32' ? child.pid : -child.pid);
    } catch {
      // It has ended by itself.
    }
  };
  signal?.addEventListener('abort', stop, { once: true });
  // Not spawn's own `timeout`: for a program that is not there it is never cleared, and keeps this process waiting.
  const late = timeout === undefined ? undefined : setTimeout(stop, timeout);
  let stdout = '';
  let stderr = '';
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout = (stdout + text).slice(-100_000);
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (onLine && !signal?.aborted) for (const line of lines) onLine(line);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-100_000)));
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      if (child.pid !== undefined) return;
      stderr = error.message;
      resolve(null);
    });
    child.once('close', resolve);
  });
  clearTimeout(late);
  signal?.removeEventListener('abort', stop);
  if (signal?.aborted) throw stopped();
  return { code, stdout, stderr };
}

/** The last lines that say something, on one line. */
export function lastWords(text: string, lines = 3): string {
  return text
    .split('\n')
    .map((line) => line.trim().replace(/^ERROR: /, ''))
    .filter((line) => line !== '' && !/^(\[notice\]|WARNING:)/.test(line))
    .slice(-lines)
    .join(' ')
    .slice(0, 600);
}
