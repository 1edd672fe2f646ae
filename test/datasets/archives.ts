// Tar archives made in memory, good and hostile.
import { gzipSync } from 'node:zlib';
import type { Header } from 'tar-stream';
import { pack } from 'tar-stream';

export type Member = Partial<Header> & { name: string; data?: string | Buffer };

/** An archive of these members, gzipped or not. */
export async function packed(members: Member[], gzip = false): Promise<Buffer> {
  const tar = pack();
  for (const { data, ...header } of members) {
    tar.entry(header, data ?? '');
  }
  tar.finalize();
  const pieces: Buffer[] = [];
  for await (const piece of tar as AsyncIterable<Buffer>) pieces.push(piece);
  const all = Buffer.concat(pieces);
  return gzip ? gzipSync(all) : all;
}
