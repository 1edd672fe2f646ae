// Downloading one file into its part file: resumed by Range, tried again with growing pauses.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { open, stat, truncate } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Interrupted } from '../base/errors';
import { writeJsonAtomic } from '../base/files';
import { diskError } from './cache';
import type { Answer, Patience } from './http';
import { Unavailable, get } from './http';

/** What is to be downloaded, and what is known of it. */
export interface Download {
  url: string;
  /** The growing file. What it holds already is kept when the server agrees that it is still the same file. */
  part: string;
  /** A small file beside it: the address and validators that the part belongs to. */
  validatorFile: string;
  bytes?: number;
  /** Whether a hash will decide at the end; then a part may be resumed even from a server that sends no validators. */
  hashKnown: boolean;
}

interface Validator {
  url: string;
  etag?: string;
  lastModified?: string;
}

/**
 * Download until the part is complete.
 * @param onBytes  told of every change of the part's length; negative when it starts anew
 * @returns whether bytes from an earlier attempt were used
 * @throws Unavailable when the file cannot be had; WrongLength; InputError for the disk; Interrupted
 */
export async function download(
  job: Download,
  limits: Patience,
  onBytes: (delta: number) => void,
  signal?: AbortSignal,
): Promise<{ resumed: boolean }> {
  let resumed = false;
  for (let failures = 0; ;) {
    const before = await length(job.part);
    try {
      if (job.bytes !== undefined && before === job.bytes && readValidator(job)) return { resumed: true };
      resumed = (await attempt(job, before, limits, onBytes, signal)) || resumed;
      return { resumed };
    } catch (error) {
      if (signal?.aborted) throw new Interrupted(`The download of ${job.url}`);
      if (!(error instanceof Unavailable) || !error.again) throw error;
      failures = (await length(job.part)) > before ? 1 : failures + 1;
      if (failures >= limits.tries) throw new Unavailable(`${error.message}; ${failures} attempts`);
      const pause = error.after ?? limits.backoff * 2 ** (failures - 1) * (0.75 + Math.random() / 2);
      await sleep(pause * 1000, undefined, { signal }).catch(() => {
        throw new Interrupted(`The download of ${job.url}`);
      });
    }
  }
}

/** The server's file is not as long as the manifest says. */
export class WrongLength extends Error {}

/** One request; returns whether it went on from `have` bytes. */
async function attempt(
  job: Download,
  have: number,
  limits: Patience,
  onBytes: (delta: number) => void,
  signal?: AbortSignal,
): Promise<boolean> {
  const known = readValidator(job);
  const condition = known?.etag ?? known?.lastModified;
  const resume = have > 0 && known !== undefined && (condition !== undefined || job.hashKnown);
  const headers: Record<string, string> = {
    'user-agent': 'cost-of-consistency',
    // The bytes as they are: a compressed answer would not match the hash.
    'accept-encoding': 'identity',
    ...(resume && { range: `bytes=${have}-` }),
    ...(resume && condition !== undefined && { 'if-range': condition }),
  };
  const answer = await get(job.url, headers, limits, signal);
  try {
    const goesOn = resume && continues(answer, have, known);
    if (answer.status === 416 || (answer.status === 206 && !goesOn)) {
      await startAnew(job, have, onBytes);
      throw new Unavailable(
        `${job.url}: the part that was here does not fit the server's file any more`,
        true,
      );
    }
    if (!goesOn) {
      refuse(answer, job.url);
      await startAnew(job, have, onBytes);
      const { etag, 'last-modified': lastModified } = answer.headers;
      // A weak validator says "much the same", not "the same bytes".
      const strong = etag !== undefined && !etag.startsWith('W/') ? etag : undefined;
      try {
        writeJsonAtomic(job.validatorFile, { url: job.url, etag: strong, lastModified });
      } catch (error) {
        throw diskError(error, job.validatorFile);
      }
    }
    await receive(job, answer, goesOn ? have : 0, onBytes);
    return goesOn;
  } finally {
    answer.close();
  }
}

/** Whether a 206 carries on exactly where the part ends, in the same file. */
function continues(answer: Answer, have: number, known: Validator): boolean {
  if (answer.status !== 206) return false;
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(answer.headers['content-range'] ?? '');
  const sameFile = !known.etag || !answer.headers.etag || answer.headers.etag === known.etag;
  return range !== null && Number(range[1]) === have && sameFile;
}

/** Turn every answer that is not the whole file into the right error. */
function refuse({ status, headers }: Answer, url: string): void {
  if (status === 200) {
    if (headers['content-encoding'] && headers['content-encoding'] !== 'identity')
      throw new Unavailable(`${url}: the server compresses the file although it was asked not to`);
    return;
  }
  const after = Number(headers['retry-after']);
  const again = status === 408 || status === 429 || status >= 500;
  throw new Unavailable(
    `${url}: the server answers ${status}`,
    again,
    after > 0 && after <= 60 ? after : undefined,
  );
}

async function receive(
  job: Download,
  answer: Answer,
  from: number,
  onBytes: (delta: number) => void,
): Promise<void> {
  const announced = answer.headers['content-length'];
  const total = announced === undefined ? undefined : from + Number(announced);
  if (job.bytes !== undefined && total !== undefined && total !== job.bytes)
    throw new WrongLength(`${job.url} has ${total} bytes, the manifest says ${job.bytes}`);
  let written = from;
  const disk = async <T>(action: Promise<T>): Promise<T> =>
    action.catch((error: unknown) => {
      throw diskError(error, job.part);
    });
  const handle = await disk(open(job.part, 'a'));
  try {
    for await (const piece of answer.body) {
      await disk(handle.appendFile(piece));
      written += piece.length;
      onBytes(piece.length);
      if (job.bytes !== undefined && written > job.bytes)
        throw new WrongLength(`${job.url} has more than the ${job.bytes} bytes of the manifest`);
    }
    await disk(handle.sync());
  } finally {
    await handle.close();
  }
  const expected = job.bytes ?? total;
  if (expected !== undefined && written < expected)
    throw new Unavailable(`${job.url}: ended after ${written} of ${expected} bytes`, true);
}

async function startAnew(job: Download, have: number, onBytes: (delta: number) => void): Promise<void> {
  try {
    await truncate(job.part, 0);
  } catch (error) {
    throw diskError(error, job.part);
  }
  rmSync(job.validatorFile, { force: true });
  if (have > 0) onBytes(-have);
}

function readValidator(job: Download): Validator | undefined {
  if (!existsSync(job.validatorFile)) return undefined;
  try {
    const known = JSON.parse(readFileSync(job.validatorFile, 'utf8')) as Validator;
    return known.url === job.url ? known : undefined;
  } catch {
    return undefined;
  }
}

async function length(file: string): Promise<number> {
  return (await stat(file)).size;
}
