// The first bytes of a gzip file, with bounded memory: what a header claims is never allocated on its word alone.
import { constants, crc32, createInflateRaw, gunzip as gunzipCallback } from 'node:zlib';
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
  if (bytes && bytes.length >= wanted) return plain(bytes, bytes.length);
  // A short or damaged file, or one with a long comment before its data.
  return gunzipInPieces(source, wanted, { notes: [], slack: -1, long: {} });
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
      if (bytes.length >= wanted) return plain(bytes, wanted);
    } catch {
      // Longer than wanted, or damaged: the slow way tells which and where.
    }
  }
  return gunzipInPieces(source, wanted, { notes, slack: slackBytes, long });
}

/** A Buffer's bytes as a Uint8Array, whose `slice` copies as the language says it does. */
function plain(buffer: Buffer, length: number): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, length);
}

/** The slow way, member by member: any size, and an exact account of what is wrong. */
async function gunzipInPieces(
  source: BytesSource,
  wanted: number,
  { notes, slack, long }: { notes: string[]; slack: number; long: Long },
): Promise<Uint8Array> {
  const meter = wanted > 2 ** 28 ? new Meter(`read ${source.name}`, 'B', wanted, long) : undefined;
  const out = new Growing(wanted, allowedAhead(source.size));
  let position = 0;
  while (!out.enough(slack)) {
    const next = await skipZeros(source, position);
    if (next === undefined) break;
    const start = await memberStart(source, next);
    if (start === undefined) {
      if (out.filled < wanted || position === 0) throw corrupt(source.name, 'bytes that are no gzip member');
      notes.push('bytes that are not gzip follow the gzip stream: they were left out');
      break;
    }
    const member = { crc: 0, length: 0 };
    const take = (piece: Uint8Array): boolean => {
      member.crc = crc32(piece, member.crc);
      member.length += piece.length;
      meter?.add(piece.length);
      out.add(piece);
      return !out.enough(slack);
    };
    position = await inflateMember(source, start, take, long);
    if (out.enough(slack)) break;
    const trailer = new DataView(await readFully(source, position, 8));
    if (trailer.getUint32(0, true) !== member.crc) throw corrupt(source.name, 'its checksum does not match');
    if (trailer.getUint32(4, true) !== member.length % 2 ** 32) {
      throw corrupt(source.name, 'its length does not match');
    }
    position += 8;
  }
  if (out.past > slack && slack > 0) {
    notes.push('the gzip stream goes on after the voxels: its rest and checksum were not read');
  }
  meter?.finish();
  return out.bytes();
}

/** A buffer that grows with what arrives, to at most `wanted` bytes. */
class Growing {
  filled = 0;
  /** Bytes that came after the wanted ones. */
  past = 0;
  private buffer: Uint8Array;

  constructor(
    private readonly wanted: number,
    ahead: number,
  ) {
    this.buffer = new Uint8Array(Math.min(wanted, ahead));
  }

  add(piece: Uint8Array): void {
    const part = piece.subarray(0, this.wanted - this.filled);
    const end = this.filled + part.length;
    if (end > this.buffer.length) {
      const larger = new Uint8Array(Math.min(this.wanted, Math.max(2 * this.buffer.length, end)));
      larger.set(this.buffer.subarray(0, this.filled));
      this.buffer = larger;
    }
    this.buffer.set(part, this.filled);
    this.filled = end;
    this.past += piece.length - part.length;
  }

  enough(slack: number): boolean {
    return this.filled >= this.wanted && this.past > slack;
  }

  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.filled);
  }
}

/** Where the deflate data of the gzip member at `at` begin (RFC 1952); undefined when no member begins there. */
async function memberStart(source: BytesSource, at: number): Promise<number | undefined> {
  const head = new Uint8Array(Math.min(10, source.size - at));
  await source.read(head, at);
  if (!isGzip(head) || (head.length > 2 && head[2] !== 8)) return undefined;
  if (head.length < 10) throw corrupt(source.name, breaksOff);
  const flags = head[3];
  let position = at + 10;
  if (flags & 4) {
    position += 2 + new DataView(await readFully(source, position, 2)).getUint16(0, true);
  }
  // Name, then comment: texts that end with a zero.
  for (const flag of [8, 16]) if (flags & flag) position = await skipText(source, position);
  if (flags & 2) position += 2;
  if (position >= source.size) throw corrupt(source.name, breaksOff);
  return position;
}

/** Inflate one member from `start`; `take` returns false when it has enough. Returns where the trailer begins. */
async function inflateMember(
  source: BytesSource,
  start: number,
  take: (piece: Uint8Array) => boolean,
  { signal }: Long,
): Promise<number> {
  // Small pieces first: a file may consist of thousands of tiny members (bgzip's hold 64 KiB).
  let pieceBytes = 4096;
  const left = source.size - start;
  const chunkSize = Math.max(1024, Math.min(16 * left, left > 1 << 24 ? 1 << 20 : 1 << 16));
  const stream = createInflateRaw({ chunkSize });
  let failure: unknown;
  let done = false;
  const settled = new Promise<void>((resolve) => {
    stream.on('data', (piece: Buffer) => {
      try {
        done ||= !take(piece);
      } catch (error) {
        failure = error;
      }
      if (done || failure) stream.destroy();
    });
    stream.on('error', (error) => (failure ??= corrupt(source.name, error.message, error)));
    stream.on('end', () => (done = true));
    stream.on('close', resolve);
  });
  for (let at = start; at < source.size && !done && !failure && !stream.destroyed;) {
    if (signal?.aborted) failure = new Interrupted(`reading ${source.name}`);
    const piece = new Uint8Array(Math.min(pieceBytes, source.size - at));
    const got = await source.read(piece, at);
    if (got === 0 || failure) break;
    at += got;
    pieceBytes = Math.min(4 * pieceBytes, 1 << 20);
    await new Promise<void>((resolve) => {
      stream.once('close', resolve);
      stream.write(piece.subarray(0, got), () => {
        stream.off('close', resolve);
        resolve();
      });
    });
  }
  if (failure) stream.destroy();
  else if (!stream.destroyed) stream.end();
  await settled;
  if (failure) throw failure as Error;
  return start + stream.bytesWritten;
}

async function readFully(source: BytesSource, at: number, length: number): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  if ((await source.read(bytes, at)) < length) throw corrupt(source.name, breaksOff);
  return bytes.buffer;
}

async function skipText(source: BytesSource, from: number): Promise<number> {
  const end = await find(source, from, (b) => b === 0);
  if (end === undefined) throw corrupt(source.name, breaksOff);
  return end + 1;
}

/** Zero bytes may pad the space between members and after the last. */
function skipZeros(source: BytesSource, from: number): Promise<number | undefined> {
  return find(source, from, (b) => b !== 0);
}

async function find(
  source: BytesSource,
  from: number,
  wanted: (byte: number) => boolean,
): Promise<number | undefined> {
  const piece = new Uint8Array(Math.max(0, Math.min(4096, source.size - from)));
  for (let at = from; at < source.size;) {
    const got = await source.read(piece, at);
    if (got === 0) return undefined;
    const found = piece.subarray(0, got).findIndex(wanted);
    if (found >= 0) return at + found;
    at += got;
  }
  return undefined;
}

const breaksOff = 'unexpected end of file';

function corrupt(file: string, reason: string, cause?: unknown): InputError {
  return new InputError(
    {
      what: `cannot read ${file}`,
      given: reason === breaksOff ? 'a gzip stream that breaks off' : `a corrupt gzip stream (${reason})`,
      expected: 'a whole gzip stream',
      fix: 'copy or download the file again',
    },
    { cause },
  );
}
