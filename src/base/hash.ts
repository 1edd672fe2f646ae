// SHA-256 of texts, bytes, files and values; and the one way a value becomes JSON text.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** SHA-256 of a text (as UTF-8) or of bytes, in hexadecimal. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** SHA-256 of a file's content, read in pieces: files of any size. */
export async function sha256OfFile(file: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file, { highWaterMark: 1 << 20, signal }))
    hash.update(piece as Buffer);
  return hash.digest('hex');
}

/** SHA-256 of a value through its canonical JSON: the order of keys does not matter. */
export function sha256OfValue(value: unknown): string {
  return sha256(canonicalJson(value));
}

/**
 * JSON with sorted keys and two-space indentation; keys whose value is `undefined` are left out.
 * @throws TypeError for NaN and infinities: JSON would turn them into null without a word
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(
    value,
    (key, item: unknown) => {
      if (typeof item === 'number' && !Number.isFinite(item)) {
        throw new TypeError(
          `${key || 'value'} is ${item}: JSON has no such number; leave the field out and say why`,
        );
      }
      if (item && typeof item === 'object' && !Array.isArray(item)) {
        return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
      }
      return item;
    },
    2,
  );
}
