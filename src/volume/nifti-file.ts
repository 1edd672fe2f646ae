// The files of one NIfTI image: `.nii`, `.nii.gz`, or a pair `.hdr`/`.img`, each part plain or gzipped.
import { existsSync } from 'node:fs';
import type { Long } from '../base/progress';
import { formatBytes } from '../base/progress';
import type { BytesSource } from './bytes-source';
import { fromBytes, openFile } from './bytes-source';
import { gunzipHead, gunzipStart, isGzip, mostInflated } from './gunzip';
import { problemIn } from './file-errors';
import type { NiftiExtension } from './nifti-extensions';
import { readExtensions } from './nifti-extensions';
import type { NiftiHeader } from './nifti-header';
import { headBytes, parseNiftiHeader } from './nifti-header';

/** A path, or the bytes of a single-file image. */
export type NiftiInput = string | Uint8Array;

/** An image whose header is read and whose voxels can be. */
export interface NiftiFile {
  /** The path, or `bytes in memory`. */
  name: string;
  /** e.g. `NIfTI-1 .nii.gz, int16, little-endian`. */
  format: string;
  header: NiftiHeader;
  /** How many bytes the header says the voxels take. */
  voxelBytes: number;
  extensions(): Promise<NiftiExtension[]>;
  /** The stored bytes of the voxels, in file order: all, or a part of them. The caller may change them. */
  voxels(from?: number, length?: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Open an image and read its header.
 * @throws InputError for everything that `parseNiftiHeader` refuses, for a missing `.img`, and for a header that asks
 *   for more bytes than the file can hold
 */
export async function openNifti(input: NiftiInput, long: Long = {}): Promise<NiftiFile> {
  const name = typeof input === 'string' ? input : 'bytes in memory';
  const pair = typeof input === 'string' ? pairOf(input) : undefined;
  const open = (file: string): Promise<BytesSource> => openFile(file, long.signal);
  const first = typeof input === 'string' ? await open(pair?.header ?? input) : fromBytes(input, name);
  let second: BytesSource | undefined;
  const close = async (): Promise<void> => {
    await first.close();
    await second?.close();
  };
  try {
    const { head, gzipped } = await readHead(first);
    const header = await parseNiftiHeader(head, first.name, pair === undefined);
    const flags = header.headerBytes;
    const voxelBytes = bytesOfVoxels(header);
    if (pair) second = await openImage(pair);
    const image = second ?? first;
    const imageGzipped = second ? isGzip(await beginning(second)) : gzipped;
    checkSize(image, imageGzipped, header, voxelBytes);
    const suffix = `${pair ? '.hdr/.img' : '.nii'}${imageGzipped ? '.gz' : ''}`;
    return {
      name,
      format: `NIfTI-${header.version} ${suffix}, ${header.type.name}, ${header.littleEndian ? 'little' : 'big'}-endian`,
      header,
      voxelBytes,
      close,
      async extensions() {
        if (head.length < flags + 4 || head[flags] === 0) return [];
        const end = pair ? Infinity : header.voxOffset;
        const bytes = await start(first, gzipped, end, header.notes, long);
        return readExtensions(bytes, flags, header.littleEndian, header.notes);
      },
      async voxels(from = 0, length = voxelBytes) {
        if (imageGzipped) {
          const wanted = header.voxOffset + voxelBytes;
          const bytes = await gunzipStart(image, wanted, header.notes, long);
          if (bytes.length < wanted) throw truncated(image.name, bytes.length - header.voxOffset, voxelBytes);
          if (length === voxelBytes) return bytes.subarray(header.voxOffset);
          // A copy: a view would keep the rest in memory.
          return bytes.slice(header.voxOffset + from, header.voxOffset + from + length);
        }
        const bytes = new Uint8Array(length);
        const got = await image.read(bytes, header.voxOffset + from);
        if (got < length) throw truncated(image.name, from + got, voxelBytes);
        return bytes;
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function bytesOfVoxels({ dims, type }: NiftiHeader): number {
  return dims.reduce((product, d) => product * d, 1) * type.bytes * type.components;
}

async function beginning(source: BytesSource): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.min(headBytes, source.size));
  return bytes.subarray(0, await source.read(bytes, 0));
}

async function readHead(source: BytesSource): Promise<{ head: Uint8Array; gzipped: boolean }> {
  const bytes = await beginning(source);
  if (!isGzip(bytes)) return { head: bytes, gzipped: false };
  return { head: await gunzipHead(source, headBytes), gzipped: true };
}

/** The first bytes of a file, uncompressed; all of it for Infinity. A header file with extensions is small. */
async function start(
  source: BytesSource,
  gzipped: boolean,
  end: number,
  notes: string[],
  long: Long,
): Promise<Uint8Array> {
  if (gzipped) return gunzipStart(source, Math.min(end, mostInflated(source.size)), [...notes], long);
  const bytes = new Uint8Array(Math.min(end, source.size));
  return bytes.subarray(0, await source.read(bytes, 0));
}

/** Checked before anything is allocated. */
function checkSize(source: BytesSource, gzipped: boolean, header: NiftiHeader, voxelBytes: number): void {
  const end = header.voxOffset + voxelBytes;
  if (!gzipped && end > source.size) throw truncated(source.name, source.size - header.voxOffset, voxelBytes);
  if (gzipped && end > mostInflated(source.size)) {
    throw problemIn(source.name)(
      `a header that asks for ${formatBytes(end)} (dims ${header.dims.join(' x ')}, ${header.type.name})`,
      `at most ${formatBytes(mostInflated(source.size))}, all that a gzip file of ${formatBytes(source.size)} can hold`,
      'the header is damaged or the file truncated: copy or download it again',
    );
  }
}

function truncated(file: string, got: number, wanted: number): Error {
  return problemIn(file)(
    `${Math.max(0, got)} bytes of voxels`,
    `the ${wanted} bytes that the header asks for`,
    'the file is truncated or its header damaged: copy or download it again',
  );
}

interface Pair {
  header: string;
  /** Where the image may lie, the likeliest first. */
  images: string[];
}

/** `.hdr` and `.img` belong together, with or without `.gz` each, and share the case of their letters. */
function pairOf(file: string): Pair | undefined {
  const match = /^(.*\.)(hdr|img)(\.gz)?$/i.exec(file);
  if (!match) return undefined;
  const [, stem, extension, gz = ''] = match;
  const like = (word: string): string => (extension === extension.toUpperCase() ? word.toUpperCase() : word);
  const other = gz ? '' : '.gz';
  const headers = [gz, other].map((suffix) => `${stem}${like('hdr')}${suffix}`);
  const isHeader = extension.toLowerCase() === 'hdr';
  return {
    header: isHeader ? file : (headers.find((name) => existsSync(name)) ?? headers[0]),
    images: isHeader ? [gz, other].map((suffix) => `${stem}${like('img')}${suffix}`) : [file],
  };
}

async function openImage({ header, images }: Pair): Promise<BytesSource> {
  const image = images.find((name) => existsSync(name));
  if (image) return openFile(image);
  throw problemIn(header)(
    `a header without its voxels`,
    `a file ${images.join(' or ')} beside it`,
    'put the .img file of the same name into the same folder',
  );
}
