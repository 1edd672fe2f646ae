// A run as it is asked for, and as it lies in the store when it is finished.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { sha256, sha256OfValue } from '../base/hash';
import type { Identity } from './identity';
import { provenanceSchema } from './result';

const { mode, date, commit, dirty, device, versions } = provenanceSchema.shape;

/** What a run was asked for. */
export const requestSchema = z.strictObject({
  /** Id of the study. */
  study: z.string(),
  /** The built file of the study, absolute, and its export. */
  module: z.string(),
  name: z.string(),
  mode,
  /** The spec of the study; of one run of its sweep where `part` is set. */
  spec: z.json(),
  part: z.literal(true).optional(),
  /** Digests of the data by name; `missing` for what cannot be had. */
  data: z.record(z.string(), z.string()),
});

/** A run as it was asked for. */
export type RunRequest = z.infer<typeof requestSchema>;

const recordSchema = z.strictObject({
  format: z.literal('coc run 1'),
  study: z.string(),
  mode,
  spec: z.json(),
  part: z.boolean(),
  identity: z.custom<Identity>((v) => typeof (v as Partial<Identity> | null)?.hash === 'string'),
  date,
  commit,
  dirty,
  host: z.string(),
  device,
  versions,
  /** Seconds of all attempts that led to the result, and the peak memory of the last one's process in MB (1e6 bytes). */
  cost: z.strictObject({ seconds: z.number().nonnegative(), memoryMB: z.number().nonnegative() }),
  outcome: z.strictObject({ bytes: z.number(), sha256: z.string() }),
});

/** What is known about a finished run, beside its outcome. */
export type RunRecord = z.infer<typeof recordSchema>;

/** A finished run. */
export interface StoredRun {
  record: RunRecord;
  outcome: unknown;
}

/** A stored run is not what was written; the message says how. */
export class Damaged extends Error {}

/** Read a finished run from its folder `result`. @returns undefined when there is none @throws Damaged */
export function readRun(result: string, hash: string): StoredRun | undefined {
  const record = readRecord(result, hash);
  if (!record) return undefined;
  const text = textOf(path.join(result, 'outcome.json'));
  if (text === undefined || sha256(text) !== record.outcome.sha256)
    throw new Damaged('its outcome does not fit its digest');
  return { record, outcome: JSON.parse(text) as unknown };
}

/** The same without its outcome. @throws Damaged */
export function readRecord(result: string, hash: string): RunRecord | undefined {
  const text = textOf(path.join(result, 'run.json'));
  if (text === undefined) {
    if (existsSync(result)) throw new Damaged('it has no run.json');
    return undefined;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Damaged('its run.json is no JSON');
  }
  const { digest, ...rest } = value as { digest?: unknown };
  const record = recordSchema.safeParse(rest);
  if (!record.success || sha256OfValue(rest) !== digest)
    throw new Damaged('its run.json does not fit its digest');
  if (record.data.identity.hash !== hash) throw new Damaged('it is the run of another request');
  return record.data;
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
