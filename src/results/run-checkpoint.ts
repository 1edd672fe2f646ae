// Where a long run goes on after it was stopped: one JSON value in a file, written whole or not at all.
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { readJson, writeJsonAtomic } from '../base/files';
import { sha256OfValue } from '../base/hash';

/** What a run sees of it. */
export interface Checkpoint {
  /** What was saved last; undefined at the beginning. */
  load(): unknown;
  /** Save where the run is: a JSON value. Atomic. */
  save(value: unknown): void;
}

/** A checkpoint that also counts the seconds of earlier attempts. */
export interface FileCheckpoint extends Checkpoint {
  secondsBefore: number;
}

const checkpointSchema = z.strictObject({ sha256: z.string(), seconds: z.number(), value: z.json() });

interface Surroundings {
  /** Seconds of this attempt so far. */
  spent: () => number;
  /** Runs what writes; turns errors of the disk into what a reader can put right. */
  guard: <T>(action: () => T) => T;
  warn: (line: string) => void;
}

/** Open a checkpoint; one that is damaged is told, and not used. */
export function openCheckpoint(file: string, { spent, guard, warn }: Surroundings): FileCheckpoint {
  const saved = readSaved(file);
  if (saved === 'damaged') warn(`the checkpoint ${file} is damaged; its run starts from the beginning`);
  const { seconds: before, value } = saved && saved !== 'damaged' ? saved : { seconds: 0, value: undefined };
  let last: unknown = value;
  return {
    secondsBefore: before,
    load: () => last,
    save: (next) => {
      last = next;
      const content = { sha256: sha256OfValue(next), seconds: before + spent(), value: next };
      guard(() => writeJsonAtomic(file, content));
    },
  };
}

function readSaved(file: string): z.infer<typeof checkpointSchema> | 'damaged' | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const saved = checkpointSchema.parse(readJson(file));
    return sha256OfValue(saved.value) === saved.sha256 ? saved : 'damaged';
  } catch {
    return 'damaged';
  }
}
