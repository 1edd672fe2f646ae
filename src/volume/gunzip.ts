// The first bytes of a gzip file, with bounded memory: what a header claims is never allocated on its word alone.
import { constants, createGunzip, gunzip as gunzipCallback } from 'node:zlib';
import { promisify } from 'node:util';
import { InputError, Interrupted } from '../base/errors';
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import type { BytesSource } from './bytes-source';

const gunzip = promisify(gunzipCallback);

/** Deflate cannot shrink data by more than this factor. */
const greatestRatio = 1032;
/** A stream that goes on for longer than this after the wanted bytes is not read to its end. */
const slackBytes = 1 << 20;
const pieceBytes = 1 << 20;

/** Whether the bytes begin like a gzip stream. */
export function isGzip(head: Uint8Array): boolean {
  return head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b;
}

/** The most bytes that a gzip file of this size can hold. */
export function mostInflated(compressedBytes: number): number {
  return greatestRatio * compressedBytes;
}

/** Whether so many bytes can be allocated without having seen them: 64 times the file and 1 MiB. */
function allowedAhead(compressedBytes: number): number {
  return 64 * compressedBytes + slackBytes;
}

/** The first `wanted` bytes inside a gzip file, or a few more or less; reads only the beginning of a long file. */
export async function gunzipHead(source: BytesSource, wanted: number): Promise<Uint8Array> {
  const compressed = new Uint8Array(Math.min(2048, source.size));
  await source.read(compressed, 0);
  const bytes = await gunzip(compressed, { finishFlush: constants.Z_SYNC_FLUSH }).catch(() => undefined);
  if (bytes && bytes.length >= wanted) return bytes;
  // A short or damaged file, or one with a long comment before its data.
  return gunzipInPieces(source, wanted, [], {});
}

/**
 * The first `wanted` bytes inside a gzip file, of one member or several. The checksum is verified; zero bytes and
 * other bytes after the stream are let pass, the latter with a note, as gzip(1) and Python do.
 * @returns the bytes (fewer when the stream ends early)
 * @throws InputError when the stream is damaged or breaks off
 */
export async function gunzipStart(
  source: BytesSource,
  wanted: number,
  notes: string[],
  long: Long = {},
): Promise<Uint8Array> {
  if (source.size <= 2 ** 28 && wanted <= 2 ** 30) {
    const compressed = new Uint8Array(source.size);
    await source.read(compressed, 0);
    try {
      // One output chunk of the right size: Node then hands it over without copying.
      const bytes = await gunzip(compressed, {
        chunkSize: Math.max(64, Math.min(wanted + 64, allowedAhead(source.size))),
        maxOutputLength: wanted + 64,
      });
      if (bytes.length >= wanted) return bytes.subarray(0, wanted);
    } catch {
      // Longer than wanted, or damaged: the slow way tells which and where.
    }
  }
  return gunzipInPieces(source, wanted, notes, long);
}

/** The slow way: any size, and an exact account of what is wrong. */
async function gunzipInPieces(
  source: BytesSource,
  wanted: number,
  notes: string[],
  long: Long,
): Promise<Uint8Array> {
  const meter = wanted > 2 ** 28 ? new Meter(`read ${source.name}`, 'B', wanted, long) : undefined;
  let out = new Uint8Array(Math.min(wanted, allowedAhead(source.size)));
  let filled = 0;
  let past = 0;
  const take = (piece: Uint8Array): void => {
    const part = piece.subarray(0, wanted - filled);
    if (filled + part.length > out.length) {
      const larger = new Uint8Array(Math.min(wanted, Math.max(2 * out.length, filled + part.length)));
      larger.set(out.subarray(0, filled));
      out = larger;
    }
    out.set(part, filled);
    filled += part.length;
    past += piece.length - part.length;
    meter?.add(part.length);
  };
  let position = 0;
  for (;;) {
    const consumed = await inflateMembers(source, position, take, () => past > slackBytes, long).catch(
      (error: unknown) => {
        if (error instanceof Interrupted) throw error;
        if (filled >= wanted && isTrailing(error)) {
          notes.push('bytes that are not gzip follow the gzip stream: they were left out');
          return undefined;
        }
        throw corrupt(source.name, error);
      },
    );
    if (past > slackBytes) {
      notes.push('the gzip stream goes on after the voxels: its rest and checksum were not read');
      break;
    }
    if (consumed === undefined) break;
    // Node stops at zero bytes; another member may follow them.
    const next = await skipZeros(source, position + consumed);
    if (next === undefined) break;
    position = next;
  }
  meter?.finish();
  return out.subarray(0, filled);
}

/** Inflate from `position` to the end of the last adjoining member. Returns how many compressed bytes that were. */
async function inflateMembers(
  source: BytesSource,
  position: number,
  take: (piece: Uint8Array) => void,
  enough: () => boolean,
  { signal }: Long,
): Promise<number> {
  const stream = createGunzip({ chunkSize: pieceBytes });
  let failure: unknown;
  let ended = false;
  const settled = new Promise<void>((resolve) => {
    stream.on('data', (piece: Buffer) => {
      try {
        take(piece);
      } catch (error) {
        failure = error;
      }
      if (failure ?? enough()) stream.destroy();
    });
    stream.on('error', (error) => (failure ??= error));
    stream.on('end', () => (ended = true));
    stream.on('close', resolve);
  });
  for (let at = position; at < source.size && !stream.destroyed && !enough();) {
    if (signal?.aborted) {
      failure = new Interrupted(`reading ${source.name}`);
      break;
    }
    const piece = new Uint8Array(Math.min(pieceBytes, source.size - at));
    const got = await source.read(piece, at);
    if (got === 0) break;
    at += got;
    await new Promise<void>((resolve) => {
      stream.once('close', resolve);
      stream.write(piece.subarray(0, got), () => {
        stream.off('close', resolve);
        resolve();
      });
    });
  }
  if (enough() || failure) stream.destroy();
  else stream.end();
  await settled;
  if (failure) throw failure as Error;
  if (!ended && !enough()) throw new Error('unexpected end of file');
  return stream.bytesWritten;
}

async function skipZeros(source: BytesSource, from: number): Promise<number | undefined> {
  const piece = new Uint8Array(65536);
  for (let at = from; at < source.size;) {
    const got = await source.read(piece, at);
    if (got === 0) return undefined;
    const nonZero = piece.subarray(0, got).findIndex((b) => b !== 0);
    if (nonZero >= 0) return at + nonZero;
    at += got;
  }
  return undefined;
}

/** Node's errors for bytes after a member that are no further member. */
function isTrailing(error: unknown): boolean {
  const { message } = error as Error;
  return message === 'incorrect header check' || message === 'unknown compression method';
}

function corrupt(file: string, error: unknown): InputError {
  const { message } = error as Error;
  const given =
    message === 'unexpected end of file'
      ? 'a gzip stream that breaks off'
      : message === 'incorrect data check' || message === 'incorrect length check'
        ? `a gzip stream whose checksum does not match its content (${message})`
        : `a corrupt gzip stream (${message})`;
  return new InputError(
    {
      what: `cannot read ${file}`,
      given,
      expected: 'a whole gzip stream',
      fix: 'copy or download the file again',
    },
    { cause: error },
  );
}
