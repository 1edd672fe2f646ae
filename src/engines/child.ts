// Starts the process of one run, and says how it ended.
import { fork } from 'node:child_process';
import type { Problem } from '../base/errors';
import { inRepo } from '../base/paths';
import type { Progress } from '../base/progress';
import type { Job } from '../experiments/job';
import { attemptNow } from '../results/run-log';
import type { RunStore } from '../results/run-store';
import type { Order, Word } from './order';
import { exitCodes } from './order';

/** Seconds that a run has to save where it is after it was told to stop. */
const GRACE = 5;
/** Seconds that the last words of a process may come late; what it started may hold its output open for ever. */
const LATE = 0.5;
/** Characters of a run's last words that are kept. */
const TAIL = 4000;

/** How the process of a run ended. */
export interface Ending {
  how: keyof typeof exitCodes | 'vanished';
  /** What it said, or how it vanished. */
  words: string;
  problem?: Problem;
}

/** Compute a run in a process of its own. Aborting the signal tells it to stop, and ends it when it does not. */
export function runInChild(
  { request, identity, build, backend }: Job,
  store: RunStore,
  { force, signal, progress }: { force: boolean; signal: AbortSignal; progress: Progress },
): Promise<Ending> {
  const child = fork(inRepo('dist', 'engines', 'task.js'), [], {
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let tail = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (text: string) => (tail = (tail + text).slice(-TAIL)));
  let failed: Extract<Word, { failed: string }> | undefined;
  child.on('message', (word: Word) => {
    if ('progress' in word) progress(word.progress);
    else failed = word;
  });
  const order: Order = { request, identity, build, backend, store: store.dir, force };
  // It may be gone before it is told: its end says so.
  child.send(order, () => undefined);

  let killer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill('SIGTERM');
    killer = setTimeout(() => child.kill('SIGKILL'), GRACE * 1000);
  };
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  return new Promise((resolve) => {
    let started = true;
    const settle = (code: number | null, by: string): void => {
      signal.removeEventListener('abort', stop);
      clearTimeout(killer);
      const known = Object.entries(exitCodes).find(([, value]) => value === code)?.[0] as
        keyof typeof exitCodes | undefined;
      // A study may end its process with any code: what was failed in order was also said.
      if (known && (code === 0 || failed || known === 'claimed' || known === 'interrupted')) {
        resolve({
          how: known,
          words: failed?.failed ?? (known === 'interrupted' ? 'it was interrupted' : ''),
          problem: failed?.problem,
        });
        return;
      }
      const words = `its process ended ${by}${tail ? `; its last words:\n${tail.trimEnd()}` : ''}`;
      if (started) {
        try {
          store.log(identity.hash, attemptNow('ended', { pid: child.pid ?? 0, error: words }));
        } catch {
          // A disk that takes no line stops the next run anyway.
        }
      }
      resolve({ how: 'vanished', words });
    };
    child.on('error', (error) => {
      started = false;
      settle(null, `before it began (${error.message})`);
    });
    child.on('exit', (code, name) => {
      const end = (): void => settle(code, name ? `by ${name}` : `with code ${code}`);
      const late = setTimeout(() => {
        child.removeAllListeners('close');
        end();
      }, LATE * 1000);
      child.once('close', () => {
        clearTimeout(late);
        end();
      });
    });
  });
}
