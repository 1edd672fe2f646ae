// A part of the suite: one engine, one kind of question, many units, in processes of its own. What is found is kept unit by
// unit; a process that ends early costs the unit it was at, and another goes on with the rest.
import { spawn } from 'node:child_process';
import { closeSync, createReadStream, mkdtempSync, openSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { DriverMemory } from '../../backends/card';
import { watchDriver } from '../../backends/card';
import { Interrupted } from '../../base/errors';
import { formatSeconds } from '../../base/progress';
import type { Message } from './messages';
import { factsSchema, messageSchema, messagesFile, refusalSchema } from './messages';

const driverSchema = z.strictObject({ card: z.number().nullable(), process: z.number().nullable() });

const outcomeSchema = z.union([
  z.strictObject({
    result: z.json(),
    /** MiB by the driver, before and at most, where the part watches it. */
    driver: z.strictObject({ before: driverSchema, peak: driverSchema }).optional(),
    /** What was gathered from what the process printed, where the part reads it. */
    printed: z.json().optional(),
  }),
  z.strictObject({ failed: z.string() }),
]);

/** What is known of a part so far. */
export const partStateSchema = z.strictObject({
  facts: factsSchema.nullable(),
  refused: refusalSchema.nullable(),
  units: z.record(z.string(), outcomeSchema),
  seconds: z.number().nonnegative(),
});
export type PartState = z.infer<typeof partStateSchema>;

/** The state before anything was run. */
export const emptyPart = (): PartState => ({ facts: null, refused: null, units: {}, seconds: 0 });

/** Reads what a process printed on stderr. */
export interface PrintedReader {
  line(text: string): void;
  /** What it gathered, by unit; called when the process has ended. */
  results(): Record<string, Json>;
  /** What it means for a unit that its process ended early, where that is an answer and no failure. */
  ended?(unit: string, how: string): Json | undefined;
}

type Json = z.infer<ReturnType<typeof z.json>>;

export interface Part {
  /** `tensorflow checks`. */
  name: string;
  units: readonly string[];
  /** The program that runs some of the units, in their order. @param state  what is known by then */
  program(
    units: readonly string[],
    state?: PartState,
  ): { command: readonly string[]; env?: NodeJS.ProcessEnv };
  /** Seconds that a unit, or the start, may take. */
  patience: number;
  /** Every unit has a process of its own, as readings of memory need it. */
  fresh?: boolean;
  /** Ask the driver about memory meanwhile. */
  watched?: boolean;
  /** Reads what was written to stderr, when the process has ended. */
  printed?: () => PrintedReader;
}

export interface PartOptions {
  signal?: AbortSignal;
  /** No process is started after this moment (`performance.now()`). */
  until?: number;
  /** Called after every unit. */
  changed: (state: PartState, unit: string) => void;
}

/** A part ends after so many processes that ended early: the card or its driver is in no state to go on. */
const mostEnds = 12;
/** Characters of a process's last words that are kept. */
const tail = 2000;

/**
 * Run what is missing of a part.
 * @param state  what was found before; it is added to
 * @throws Interrupted; everything else becomes part of the state
 */
export async function runPart(part: Part, state: PartState, options: PartOptions): Promise<void> {
  for (let ends = 0; state.refused === null;) {
    const missing = part.units.filter((id) => !(id in state.units));
    if (missing.length === 0 || performance.now() > (options.until ?? Infinity)) return;
    const began = performance.now();
    const end = await runProcess(part, part.fresh ? missing.slice(0, 1) : missing, state, options);
    state.seconds += (performance.now() - began) / 1000;
    if (options.signal?.aborted) throw new Interrupted(`the part ${part.name}`);
    if (end.complete || state.refused !== null) continue;
    if (end.at === null) {
      state.refused = {
        reason: `its process ${end.how} before its first unit`,
        fix: '`coc doctor` says more about engines here',
      };
      return;
    }
    state.units[end.at] = end.means ?? { failed: `its process ${end.how}` };
    options.changed(state, end.at);
    if (end.means === undefined && ++ends === mostEnds) {
      for (const id of part.units)
        state.units[id] ??= { failed: `not run: processes of this part ended early ${ends} times` };
      return;
    }
  }
}

interface End {
  complete: boolean;
  /** The unit it was at; null where it had begun none. */
  at: string | null;
  how: string;
  /** What the end means for that unit, where it is an answer. */
  means?: PartState['units'][string];
}

function runProcess(
  part: Part,
  units: readonly string[],
  state: PartState,
  { signal, changed }: PartOptions,
): Promise<End> {
  const { command, env } = part.program(units, state);
  const [program, ...args] = command;
  const log = part.printed && logFile();
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', log?.descriptor ?? 'pipe', 'pipe'],
  });
  log?.close();
  const reader = part.printed?.();
  let words = '';
  const heard = (line: string): void => {
    reader?.line(line);
    words = `${words}${line}\n`.slice(-tail);
  };
  if (child.stderr) createInterface({ input: child.stderr }).on('line', heard);
  const driver = part.watched ? watchDriver(child.pid ?? 0) : undefined;
  const stop = (): boolean => child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  let late = false;
  let clock: NodeJS.Timeout | undefined;
  const wind = (): void => {
    clearTimeout(clock);
    clock = setTimeout(() => {
      late = true;
      stop();
    }, part.patience * 1000);
  };
  wind();
  let at: string | null = null;
  let before: DriverMemory = { card: null, process: null };
  const hear = (message: Message): void => {
    wind();
    if ('facts' in message) state.facts = message.facts;
    else if ('refused' in message) state.refused = message.refused;
    else if ('begin' in message) {
      at = message.begin;
      if (driver) before = driver.now();
      driver?.restart();
    } else if ('failed' in message) {
      at = message.failed;
      state.units[at] = { failed: message.message };
      changed(state, at);
    } else {
      at = message.done;
      const { result } = message;
      state.units[at] = {
        result,
        ...(driver && { driver: { before, peak: driver.peak() } }),
      };
      changed(state, at);
    }
  };
  const messages = createInterface({ input: child.stdio[messagesFile] as Readable });
  messages.on('line', (line) => {
    const read = messageSchema.safeParse(parsed(line));
    if (read.success) hear(read.data);
  });
  return new Promise((resolve, reject) => {
    const settle = async (how: string): Promise<void> => {
      clearTimeout(clock);
      driver?.end();
      await log?.read(heard);
      const results = reader?.results() ?? {};
      for (const [id, printed] of Object.entries(results)) {
        const outcome = state.units[id];
        if (outcome && 'result' in outcome) state.units[id] = { ...outcome, printed };
      }
      signal?.removeEventListener('abort', stop);
      const complete = units.every((id) => id in state.units);
      const current =
        at !== null && at in state.units ? (units.find((id) => !(id in state.units)) ?? null) : at;
      const last = words.trim().split('\n').slice(-3).join(' ');
      const answer = current === null || complete ? undefined : reader?.ended?.(current, how);
      resolve({
        complete,
        at: current,
        how: last === '' || late ? how : `${how}; its last words: ${last}`,
        ...(answer !== undefined && {
          means: { result: answer, ...(results[current!] !== undefined && { printed: results[current!] }) },
        }),
      });
    };
    const end = (how: string): void => void settle(how).catch(reject);
    child.on('error', (error) => end(`could not be started (${error.message})`));
    child.on('close', (code, by) =>
      end(
        late
          ? `said nothing for ${formatSeconds(part.patience)} and was ended`
          : by
            ? `ended by ${by}`
            : `ended with code ${code}`,
      ),
    );
  });
}

/**
 * A file for what a process prints, where that is read as a log. A pipe may be full: then TensorFlow's lines are lost, and what
 * else writes there fails.
 */
function logFile(): { descriptor: number; close(): void; read(line: (text: string) => void): Promise<void> } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'coc-card-suite-'));
  const file = path.join(folder, 'stderr');
  const descriptor = openSync(file, 'a');
  return {
    descriptor,
    close: () => closeSync(descriptor),
    async read(line) {
      // It may be longer than a text can be.
      for await (const text of createInterface({ input: createReadStream(file) })) line(text);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
