// A real HTTP server on loopback that misbehaves as told, and the folders and manifests that go with it.
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { sha256 } from '../../src/base/hash';
import type { Manifest } from '../../src/datasets/manifest';
import { parseManifest } from '../../src/datasets/manifest';

export interface Seen {
  path: string;
  range?: string;
  ifRange?: string;
}

export interface TestServer {
  base: string;
  /** Every request in order. */
  seen: Seen[];
  /** Body bytes handed to the network, all answers together. */
  sent: number;
  close: () => Promise<void>;
}

export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  nth: number,
) => void | Promise<void>;

/** Serve with one handler; `nth` counts the requests to the same path from 0. */
export async function serve(handler: Handler): Promise<TestServer> {
  const counts = new Map<string, number>();
  const self: TestServer = { base: '', seen: [], sent: 0, close: () => Promise.resolve() };
  const server = http.createServer((request, response) => {
    const name = request.url ?? '';
    const nth = counts.get(name) ?? 0;
    counts.set(name, nth + 1);
    self.seen.push({
      path: name,
      range: request.headers.range,
      ifRange: request.headers['if-range'] as string | undefined,
    });
    const write = response.write.bind(response);
    const end = response.end.bind(response);
    response.write = ((piece: Buffer, ...rest: []) => {
      self.sent += piece.length;
      return write(piece, ...rest);
    }) as typeof response.write;
    response.end = ((piece?: Buffer, ...rest: []) => {
      if (Buffer.isBuffer(piece)) self.sent += piece.length;
      return end(piece, ...rest);
    }) as typeof response.end;
    void handler(request, response, nth);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  self.base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  self.close = () =>
    new Promise((done) => {
      server.closeAllConnections();
      server.close(() => done());
    });
  return self;
}

/** Answer as a good server does: whole, or from the asked byte on when the validator still holds. */
export function answer(
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  { etag = '"one"', upTo }: { etag?: string; upTo?: number } = {},
): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const holds = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
  const start = holds ? from : 0;
  response.writeHead(start > 0 ? 206 : 200, {
    etag,
    'content-length': body.length - start,
    ...(start > 0 && { 'content-range': `bytes ${start}-${body.length - 1}/${body.length}` }),
  });
  if (upTo === undefined) response.end(body.subarray(start));
  else cut(response, body.subarray(start, upTo));
}

/**
 * Send a piece, then cut the connection. The client gets time to take the piece up first: what lies in its buffers when
 * the connection breaks is lost, and the tests say from which byte it must go on.
 */
export function cut(response: ServerResponse, piece: Buffer): void {
  response.write(piece, () => setTimeout(() => response.destroy(), 250));
}

/** Bytes that do not repeat, the same for the same name. */
export function content(name: string, length: number): Buffer {
  const out = Buffer.alloc(length);
  let state = parseInt(sha256(name).slice(0, 8), 16) | 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    out[i] = state >>> 24;
  }
  return out;
}

/** A manifest with these files at `base`; what is left out of a file is that of `body`. */
export function manifestFor(
  base: string,
  files: Record<string, { body: Buffer } & Partial<Manifest['files'][number]>>,
  rest: object = {},
): Manifest {
  return parseManifest(
    {
      name: 'test-set',
      title: 'Test set',
      modality: 'none',
      licence: { id: 'CC0-1.0', name: 'CC0', readAt: 'this test', shareAlike: false, nonCommercial: false },
      citation: ['nobody'],
      source: { kind: 'url', base },
      labels: {},
      splits: {},
      files: Object.entries(files).map(([name, { body, ...more }]) => ({
        path: name,
        sha256: sha256(body),
        bytes: body.length,
        role: 'image',
        ...more,
      })),
      ...rest,
    },
    'test manifest',
  );
}

/** Fresh COC_CACHE and COC_DATA for each test, no mirror. Returns where they are. */
export function useFolders(): { root: string; cache: string; data: string; mirror: string } {
  const folders = { root: '', cache: '', data: '', mirror: '' };
  const names = ['COC_CACHE', 'COC_DATA', 'COC_DATA_MIRROR'] as const;
  const before = names.map((name) => process.env[name]);
  beforeEach(() => {
    folders.root = mkdtempSync(path.join(os.tmpdir(), 'coc-data-'));
    folders.cache = process.env.COC_CACHE = path.join(folders.root, 'cache');
    folders.data = process.env.COC_DATA = path.join(folders.root, 'data');
    folders.mirror = path.join(folders.root, 'mirror');
    delete process.env.COC_DATA_MIRROR;
  });
  afterEach(() => {
    names.forEach((name, i) => {
      if (before[i] === undefined) delete process.env[name];
      else process.env[name] = before[i];
    });
    rmSync(folders.root, { recursive: true, force: true });
  });
  return folders;
}
