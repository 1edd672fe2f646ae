// Backends tried in a process of their own. Machine code can end a process, or never come back; and who only wants to know
// what would be chosen need not hold TensorFlow in memory.
import { fork } from 'node:child_process';
import type { Problem } from '../base/errors';
import { InputError, Interrupted } from '../base/errors';
import { inRepo } from '../base/paths';
import { formatSeconds } from '../base/progress';
import type { BackendName, Rejection } from './backend';
import type { ProofRow } from './proof/prove';
import type { SelfTest } from './self-test';

/** Seconds that a backend has to open, to pass its self-test and to multiply a matrix or two; and for the whole proof. */
const patience = { trial: 60, proof: 1200 };
/** Characters of a process's last words that are kept. */
const tail = 2000;

/** What a process is asked: one backend, or what would be chosen. */
export type Question =
  { try: BackendName; asked: boolean; speed: boolean; prove: boolean } | { choose: true };

/** A backend without what computes: what can be told to another process. */
export interface BackendFacts {
  name: BackendName;
  device: string;
  gpu: string | null;
  driver: string | null;
  versions: Record<string, string>;
  notes: string[];
}

/** A backend that opened and passed its self-test. */
export interface Tried extends BackendFacts {
  openSeconds: number;
  selfTest: SelfTest;
  /** The best of a few products of two square matrices. */
  speed?: { gflops: number; size: number };
  proof?: ProofRow[];
}

export interface TryOptions {
  /** As if it was asked for by name. */
  asked?: boolean;
  /** Measure its speed, too. */
  speed?: boolean;
  /** Run the whole proof of ops on it. */
  prove?: boolean;
  signal?: AbortSignal;
}

/** What would be chosen. */
export interface Decision extends BackendFacts {
  why: string;
  rejected: Rejection[];
}

/** What a process answers. */
export type Answer = { tried: Tried } | { decision: Decision } | { problem: Problem };

/**
 * Try one backend.
 * @throws InputError with its reason and how to get it; a crash and a hang are such reasons; Interrupted
 */
export async function tryBackend(
  name: BackendName,
  { asked = true, speed = false, prove = false, signal }: TryOptions = {},
): Promise<Tried> {
  const question = { try: name, asked, speed, prove };
  const seconds = prove ? patience.proof : patience.trial;
  const answer = await ask(question, `cannot use the backend ${name}`, seconds, signal);
  if ('tried' in answer) return answer.tried;
  throw new InputError('problem' in answer ? answer.problem : noAnswer(name));
}

let decision: Promise<Decision> | undefined;

/**
 * What `chooseBackend()` would choose here. Asked once in a process: what is decided stays.
 * @throws InputError as `chooseBackend()` does
 */
export function decideBackend(signal?: AbortSignal): Promise<Decision> {
  decision ??= decide(signal).catch((error: unknown) => {
    decision = undefined;
    throw error;
  });
  return decision;
}

async function decide(signal?: AbortSignal): Promise<Decision> {
  const answer = await ask({ choose: true }, 'cannot choose a backend', 4 * patience.trial, signal);
  if ('decision' in answer) return answer.decision;
  throw new InputError('problem' in answer ? answer.problem : noAnswer('any'));
}

function noAnswer(name: string): Problem {
  return {
    what: `cannot use the backend ${name}`,
    given: 'another answer than was asked for',
    expected: 'a build of one version',
    fix: '`node src/cli/coc.cjs build`, and start again',
  };
}

function ask(question: Question, what: string, patience: number, signal?: AbortSignal): Promise<Answer> {
  const child = fork(inRepo('dist', 'backends', 'probe-task.js'), [], {
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Warnings tell why a library finds no card.
    env: { TF_CPP_MIN_LOG_LEVEL: '1', ...process.env },
  });
  let words = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-tail)));
  let answer: Answer | undefined;
  child.on('message', (message: Answer) => {
    answer = message;
    // Who has answered has nothing left to do, and machine code may be slow or unable to end.
    child.kill('SIGKILL');
  });
  child.send(question, () => undefined);
  let late = false;
  const clock = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, patience * 1000);
  const stop = (): boolean => child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  return new Promise((resolve, reject) => {
    const settle = (by: string): void => {
      clearTimeout(clock);
      signal?.removeEventListener('abort', stop);
      if (answer) resolve(answer);
      else if (signal?.aborted) reject(new Interrupted('the choice of a backend'));
      else {
        const how = late ? `it did not end in ${formatSeconds(patience)}` : `its process ended ${by}`;
        const last = words.trim();
        resolve({
          problem: {
            what,
            given: `${how}${last ? `; its last words: ${last}` : ''}`,
            expected: 'a backend that opens and computes',
            fix: 'choose another with COC_BACKEND; `coc doctor` lists what works here',
          },
        });
      }
    };
    child.on('error', (error) => settle(`before it began (${error.message})`));
    child.on('close', (code, name) => settle(name ? `by ${name}` : `with code ${code}`));
  });
}
