// What a process of the suite says while it works: lines of JSON on file 3, which nothing else writes to.
import { writeSync } from 'node:fs';
import { z } from 'zod';

/** What computes in a process: what `Backend` and torch_card.py tell of it. */
export const factsSchema = z.strictObject({
  device: z.string(),
  /** Null on a processor. */
  gpu: z.string().nullable(),
  driver: z.string().nullable().optional(),
  versions: z.record(z.string(), z.string()),
  notes: z.array(z.string()),
});

/** Why an engine cannot be had here, and what would help. */
export const refusalSchema = z.strictObject({ reason: z.string(), fix: z.string() });

export const messageSchema = z.union([
  z.strictObject({ facts: factsSchema }),
  z.strictObject({ refused: refusalSchema }),
  /** A unit begins. */
  z.strictObject({ begin: z.string() }),
  /** It is done, and this came out. */
  z.strictObject({ done: z.string(), result: z.json() }),
  /** It failed; the process goes on with the next. */
  z.strictObject({ failed: z.string(), message: z.string() }),
]);
export type Message = z.infer<typeof messageSchema>;

/** The file that messages are written to. */
export const messagesFile = 3;

/** Say it at once: the next kernel may end this process. */
export function say(message: Message): void {
  writeSync(messagesFile, `${JSON.stringify(message)}\n`);
}

/** Lines on stderr around a unit, so that what libraries print in between can be told apart; both are of one length. */
export const unitMark = { begin: 'card suite begins ', end: 'card suite ended  ' };
