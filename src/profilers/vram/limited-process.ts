// A fresh process whose TensorFlow has a limit of memory: the allocator of cards is put before the processor's tensors, so that
// what does not fit fails as it would on a card. That it fits says nothing of a card's own kernels, which may need more.
import { spawn } from 'node:child_process';
import { closeSync, createReadStream, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { InputError, Interrupted } from '../../base/errors';
import type { Long } from '../../base/progress';
import { formatBytes } from '../../base/progress';
import { allocatorEnvironment } from '../allocator-log';
import type { AllocatorReading } from './allocator-account';
import { AllocatorAccount } from './allocator-account';
import type { LimitedMessage } from './limited-work';
import { limitedMessage, messagesFile } from './limited-work';

/** How a process with a limit ended. */
export interface LimitedRun {
  /**
   * It fits, or it does not; null where neither can be said, for it ended for another reason. That it does not fit is said only
   * where TensorFlow said RESOURCE_EXHAUSTED, or the process died during an upload for which the allocator had no place.
   */
  fits: boolean | null;
  /** What the work returned; null where it did not come to its end. */
  result: unknown;
  /** Why it did not come to its end. */
  error: string | null;
  /** Of the work alone where it came to its end, of the whole process else. */
  seconds: number;
  /** Null where the allocator with the limit was not in use. */
  allocator: AllocatorReading | null;
  /** Most resident memory of the whole process, what lies outside the allocator too; null where the system does not tell. */
  processBytes: number | null;
  /** What computed. */
  device: string | null;
  versions: Record<string, string>;
}

const mebibyte = 2 ** 20;

/**
 * Run a program under a limit of TensorFlow's allocator.
 * @param program  a file for Node that calls `doLimited`
 * @param request  what it finds as JSON in its first argument
 * @throws InputError for a limit that is none; Interrupted
 */
export async function runLimited(
  program: string,
  request: object,
  {
    limitBytes,
    signal,
    stage,
  }: { limitBytes: number; stage?: (what: string) => void } & Pick<Long, 'signal'>,
): Promise<LimitedRun> {
  const limitMiB = Math.floor(limitBytes / mebibyte);
  if (!(limitMiB >= 1 && Number.isFinite(limitMiB)))
    throw new InputError({
      what: 'cannot run under a limit of memory',
      given: `a limit of ${limitBytes} bytes`,
      expected: 'at least 1 MiB',
      fix: 'for example 16GiB',
    });
  const folder = mkdtempSync(path.join(os.tmpdir(), 'coc-limited-'));
  try {
    const log = path.join(folder, 'stderr');
    const run = await startAndWait([program, JSON.stringify(request)], log, limitMiB, { signal, stage });
    if (signal?.aborted) throw new Interrupted('a step under a limit of memory');
    const account = new AllocatorAccount(limitMiB * mebibyte);
    const words: string[] = [];
    // The log may be longer than a text can be.
    for await (const line of createInterface({ input: createReadStream(log) })) {
      account.line(line);
      if (words.push(line) > 3) words.shift();
    }
    return judged(run, account, words.join(' ').trim());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Ended {
  messages: LimitedMessage[];
  how: string;
  seconds: number;
  processBytes: number | null;
}

function startAndWait(
  args: string[],
  log: string,
  limitMiB: number,
  { signal, stage }: { signal?: AbortSignal; stage?: (what: string) => void },
): Promise<Ended> {
  const began = performance.now();
  // A file and no pipe: the log is long, and what writes it must never wait or be refused.
  const stderr = openSync(log, 'a');
  const child = spawn(process.execPath, args, {
    env: {
      ...process.env,
      ...allocatorEnvironment,
      TF_CPU_BFC_MEM_LIMIT_IN_MB: String(limitMiB),
      // What the host frees goes back to the system: the process's own memory is part of the answer.
      MALLOC_MMAP_THRESHOLD_: String(mebibyte),
      // The limit is the processor's allocator's.
      CUDA_VISIBLE_DEVICES: '-1',
    },
    stdio: ['ignore', 'ignore', stderr, 'pipe'],
  });
  closeSync(stderr);
  const stop = (): boolean => child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  const watch = watchResident(child.pid);
  const messages: LimitedMessage[] = [];
  createInterface({ input: child.stdio[messagesFile] as Readable }).on('line', (line) => {
    const message = limitedMessage.parse(JSON.parse(line));
    messages.push(message);
    if ('stage' in message) stage?.(message.stage);
  });
  return new Promise((resolve) => {
    const settle = (how: string): void => {
      signal?.removeEventListener('abort', stop);
      resolve({ messages, how, seconds: (performance.now() - began) / 1000, processBytes: watch.end() });
    };
    child.on('error', (error) => settle(`its process could not be started (${error.message})`));
    child.on('close', (code, by) => settle(`its process ended ${by ? `by ${by}` : `with code ${code}`}`));
  });
}

/** The most resident memory of a process, as the system keeps it; asked several times a second, for nobody can ask a dead one. */
export function watchResident(pid: number | undefined, everyMs = 100): { end(): number | null } {
  let most: number | null = null;
  const look = (): void => {
    try {
      const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      if (kib !== undefined) most = Math.max(most ?? 0, 1024 * Number(kib));
    } catch {
      // It is gone, or this system has no such file.
    }
  };
  look();
  const clock = setInterval(look, everyMs);
  return {
    end() {
      clearInterval(clock);
      return most;
    },
  };
}

function judged(
  { messages, how, seconds, processBytes }: Ended,
  account: AllocatorAccount,
  words: string,
): LimitedRun {
  const allocator = account.result();
  const opened = messages.flatMap((message) => ('opened' in message ? [message.opened] : []))[0];
  const common = {
    result: null,
    seconds,
    allocator,
    processBytes,
    device: opened?.device ?? null,
    versions: opened?.versions ?? {},
  };
  const last = messages.at(-1);
  if (last && 'done' in last) {
    const run = { ...common, result: last.done, seconds: last.seconds };
    return allocator
      ? { ...run, fits: true, error: null }
      : { ...run, fits: null, error: 'this TensorFlow did not use the allocator that has the limit' };
  }
  if (last && 'exhausted' in last)
    return allocator?.failure
      ? { ...common, fits: false, error: last.exhausted }
      : { ...common, fits: null, error: `${last.exhausted} (the allocator tells of no request that failed)` };
  if (last && 'failed' in last) return { ...common, fits: null, error: last.failed };
  const upload = account.deadlyUpload();
  if (upload !== null)
    return {
      ...common,
      fits: false,
      error: `${how} during an upload of ${formatBytes(upload)}, for which the allocator had no place`,
    };
  return { ...common, fits: null, error: words === '' ? how : `${how}; its last words: ${words}` };
}
