// What happened to a run: one line of JSON when an attempt begins and one when it ends. A line that a killed process or a
// full disk left half-written is skipped.
import { appendFileSync, closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import os from 'node:os';
import { z } from 'zod';

const attemptSchema = z.strictObject({
  /** `ended`: the process is gone without a word; its parent or successor says so. */
  event: z.enum(['began', 'done', 'failed', 'interrupted', 'ended']),
  /** ISO 8601; for readers, nothing rests on it. */
  date: z.string(),
  host: z.string(),
  pid: z.number(),
  node: z.string(),
  /** Began from a checkpoint rather than from the beginning. */
  resumed: z.boolean().optional(),
  /** Seconds of this attempt. */
  seconds: z.number().optional(),
  /** What was said when it failed. */
  error: z.string().optional(),
});

export type Attempt = z.infer<typeof attemptSchema>;

/** A line about this process. */
export function attemptNow(event: Attempt['event'], more: Partial<Attempt> = {}): Attempt {
  const { pid, versions } = process;
  return { event, date: new Date().toISOString(), host: os.hostname(), pid, node: versions.node, ...more };
}

export function appendAttempt(file: string, attempt: Attempt): void {
  appendFileSync(file, `${endsInLine(file) ? '' : '\n'}${JSON.stringify(attempt)}\n`);
}

function endsInLine(file: string): boolean {
  if (!existsSync(file)) return true;
  const handle = openSync(file, 'r');
  try {
    const { size } = fstatSync(handle);
    const last = Buffer.alloc(1);
    return size === 0 || (readSync(handle, last, 0, 1, size - 1) === 1 && last.toString() === '\n');
  } finally {
    closeSync(handle);
  }
}

export function readAttempts(file: string): Attempt[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return attemptSchema.parse(JSON.parse(line));
      } catch {
        return [];
      }
    });
}
