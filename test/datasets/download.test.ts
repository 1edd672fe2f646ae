// Fetching from a real server on loopback that cuts, stalls, lies and redirects.
import { chmodSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { ProgressEvent } from '../../src/base/progress';
import { sha256 } from '../../src/base/hash';
import { cachedPath } from '../../src/datasets/cache';
import { fetchFiles } from '../../src/datasets/fetch';
import type { Manifest } from '../../src/datasets/manifest';
import { placeOf } from '../../src/datasets/select';
import type { Handler, TestServer } from './server';
import { answer, content, cut, manifestFor, serve, useFolders } from './server';

const folders = useFolders();
const body = content('a', 300_000);
// Patient with a busy machine; only the tests of silence are not.
const quick = { connect: 5, stall: 20, tries: 3, backoff: 0.02 };
const hasty = { ...quick, stall: 0.4 };
let server: TestServer;
afterEach(() => server.close());

async function one(handler: Handler, file: object = {}): Promise<Manifest> {
  server = await serve(handler);
  return manifestFor(server.base, { 'a.nii.gz': { body, ...file } });
}

const fetchAll = (m: Manifest, options: object = {}) => fetchFiles(m, {}, { patience: quick, ...options });
const placed = (m: Manifest, i = 0) => readFileSync(placeOf(m, m.files[i]));
const partFiles = () => {
  const folder = path.join(folders.cache, 'downloads', 'parts');
  return existsSync(folder) ? readdirSync(folder) : [];
};

describe('a sound server', () => {
  test('a file is fetched once, kept in the cache and placed', async () => {
    const m = await one((q, r) => answer(q, r, body));
    expect((await fetchAll(m)).outcomes[0]).toMatchObject({ state: 'ready', from: 'url', trust: 'manifest' });
    expect(placed(m).equals(body)).toBe(true);
    expect((await fetchAll(m)).outcomes[0]).toMatchObject({ state: 'ready', from: 'data' });
    rmSync(placeOf(m, m.files[0]));
    expect((await fetchAll(m)).outcomes[0]).toMatchObject({ state: 'ready', from: 'cache' });
    expect(server.seen).toHaveLength(1);
    expect(partFiles()).toEqual([]);
  });

  test('a file in place that was changed is replaced, and this is said', async () => {
    const m = await one((q, r) => answer(q, r, body));
    await fetchAll(m);
    const place = placeOf(m, m.files[0]);
    rmSync(place);
    writeFileSync(place, 'something else');
    chmodSync(place, 0o644);
    const { outcomes } = await fetchAll(m);
    expect(outcomes[0]).toMatchObject({ state: 'ready', from: 'cache' });
    expect(outcomes[0].reason).toContain(
      'the file in place is replaced: it has 14 bytes, the manifest says 300000',
    );
    expect(placed(m).equals(body)).toBe(true);
  });

  test('a damaged file in the cache is fetched again', async () => {
    const m = await one((q, r) => answer(q, r, body));
    await fetchAll(m);
    rmSync(placeOf(m, m.files[0]));
    const cached = cachedPath(sha256(body));
    chmodSync(cached, 0o644);
    writeFileSync(cached, 'rot');
    expect((await fetchAll(m)).outcomes[0]).toMatchObject({ state: 'ready', from: 'url' });
    expect(placed(m).equals(body)).toBe(true);
  });

  test('several at once, no more than asked, in the order of the manifest', async () => {
    let now = 0;
    let most = 0;
    server = await serve(async (_, r) => {
      most = Math.max(most, ++now);
      await sleep(40);
      now--;
      r.end(body);
    });
    const names = Array.from({ length: 9 }, (_, i) => `f${i}`);
    // Different hashes, so that they are different downloads: the server is at fault for eight of them.
    const m = manifestFor(
      server.base,
      Object.fromEntries(names.map((n, i) => [n, { body: i === 4 ? body : content(n, 300_000) }])),
    );
    const report = await fetchAll(m, { parallel: 3 });
    expect(most).toBe(3);
    expect(report.outcomes.map((o) => o.path)).toEqual(names);
    expect(report).toMatchObject({ ready: 1, wrong: 8, absent: 0 });
  });

  test('one content under two paths is downloaded once', async () => {
    server = await serve((q, r) => answer(q, r, body));
    const m = manifestFor(server.base, { 'x/licence': { body }, 'y/licence': { body } });
    expect(await fetchAll(m)).toMatchObject({ ready: 2 });
    expect(server.seen).toHaveLength(1);
  });

  test('progress counts every byte once, also over a cut', async () => {
    const m = await one((q, r, nth) => answer(q, r, body, nth === 0 ? { upTo: 100_000 } : {}));
    const events: ProgressEvent[] = [];
    await fetchAll(m, { progress: (e: ProgressEvent) => events.push(e) });
    expect(events.at(-1)).toMatchObject({ finished: true, done: 300_000, total: 300_000, unit: 'B' });
  });
});

describe('a connection that is cut', () => {
  test('is taken up where it broke, within one call', async () => {
    const m = await one((q, r, nth) => answer(q, r, body, nth === 0 ? { upTo: 120_000 } : {}));
    expect((await fetchAll(m)).ready).toBe(1);
    expect(server.seen.map((s) => s.range)).toEqual([undefined, 'bytes=120000-']);
    expect(server.seen[1].ifRange).toBe('"one"');
    expect(placed(m).equals(body)).toBe(true);
  });

  test('is taken up in a later call too; until then nothing lies under the final name', async () => {
    const m = await one((q, r, nth) => answer(q, r, body, nth === 0 ? { upTo: 50_000 } : {}));
    const first = await fetchAll(m, { patience: { ...quick, tries: 1 } });
    expect(first).toMatchObject({ ready: 0, absent: 1, wrong: 0 });
    expect(first.outcomes[0].reason).toMatch(/the connection was cut .*1 attempts/);
    expect(existsSync(placeOf(m, m.files[0]))).toBe(false);
    expect(existsSync(cachedPath(sha256(body)))).toBe(false);
    expect((await fetchAll(m)).ready).toBe(1);
    expect(server.seen[1].range).toBe('bytes=50000-');
    expect(placed(m).equals(body)).toBe(true);
  });

  test('again and again is no failure as long as bytes arrive', async () => {
    const m = await one((q, r) => {
      const from = Number(/(\d+)/.exec(q.headers.range ?? '0')![1]);
      answer(q, r, body, { upTo: Math.min(body.length, from + 40_000) });
    });
    expect((await fetchAll(m)).ready).toBe(1);
    expect(server.seen.length).toBe(8);
    expect(server.sent).toBe(300_000);
  });

  test('a server that ignores Range starts anew', async () => {
    const m = await one((_, r, nth) => {
      r.writeHead(200, { 'content-length': body.length, etag: '"one"' });
      if (nth === 0) cut(r, body.subarray(0, 120_000));
      else r.end(body);
    });
    expect((await fetchAll(m)).ready).toBe(1);
    expect(placed(m).equals(body)).toBe(true);
  });

  test('a file that changed meanwhile (If-Range fails) starts anew', async () => {
    const old = content('old', 300_000);
    const m = await one((q, r, nth) =>
      nth === 0 ? answer(q, r, old, { etag: '"old"', upTo: 99_000 }) : answer(q, r, body, { etag: '"new"' }),
    );
    expect((await fetchAll(m)).ready).toBe(1);
    expect(server.seen[1]).toMatchObject({ range: 'bytes=99000-', ifRange: '"old"' });
    expect(placed(m).equals(body)).toBe(true);
  });

  test('a 206 with another ETag, or from another byte, is not joined to the old part', async () => {
    for (const lie of [
      { etag: '"new"', 'content-range': 'bytes 99000-299999/300000' },
      { etag: '"one"', 'content-range': 'bytes 98000-299999/300000' },
    ]) {
      const m = await one((q, r, nth) => {
        if (nth === 0) answer(q, r, body, { upTo: 99_000 });
        else if (q.headers.range) {
          r.writeHead(206, lie);
          r.end(content('wrong tail', 201_000));
        } else answer(q, r, body, { etag: '"new"' });
      });
      expect((await fetchAll(m)).ready).toBe(1);
      expect(server.seen.map((s) => s.range)).toEqual([undefined, 'bytes=99000-', undefined]);
      rmSync(folders.root, { recursive: true });
      await server.close();
    }
  });

  test('without validators a part is taken up only when a hash can decide', async () => {
    const bare: Handler = (q, r, nth) => {
      const from = Number(/(\d+)/.exec(q.headers.range ?? '0')![1]);
      r.writeHead(from ? 206 : 200, from ? { 'content-range': `bytes ${from}-299999/300000` } : {});
      if (nth === 0) cut(r, body.subarray(0, 80_000));
      else r.end(body.subarray(from));
    };
    expect((await fetchAll(await one(bare))).ready).toBe(1);
    expect(server.seen[1]).toMatchObject({ range: 'bytes=80000-', ifRange: undefined });
    await server.close();
    const unknown = { sha256: undefined, verified: false as const, note: 'a test', path: 'b' };
    expect((await fetchAll(await one(bare, unknown))).ready).toBe(1);
    expect(server.seen[1].range).toBeUndefined();
  });

  test('a rotten part is found out by the hash and downloaded from the start', async () => {
    const m = await one((q, r, nth) => answer(q, r, body, nth === 0 ? { upTo: 120_000 } : {}));
    await fetchAll(m, { patience: { ...quick, tries: 1 } });
    const part = partFiles().find((name) => name.endsWith('.part'))!;
    writeFileSync(path.join(folders.cache, 'downloads', 'parts', part), content('rot', 120_000));
    expect((await fetchAll(m)).ready).toBe(1);
    expect(server.seen.map((s) => s.range)).toEqual([undefined, 'bytes=120000-', undefined]);
    expect(placed(m).equals(body)).toBe(true);
  });
});

describe('a server that is slow or silent', () => {
  test('slow but steady is fine', async () => {
    const m = await one(async (_, r) => {
      for (let at = 0; at < body.length; at += 50_000) {
        r.write(body.subarray(at, at + 50_000));
        expect(existsSync(placeOf(m, m.files[0]))).toBe(false);
        await sleep(150);
      }
      r.end();
    });
    expect((await fetchAll(m, { patience: { ...quick, stall: 0.8 } })).ready).toBe(1);
    expect(server.seen).toHaveLength(1);
  });

  test('silence in the middle is given up and taken up again', async () => {
    const m = await one((q, r, nth) => {
      if (nth > 0) return answer(q, r, body);
      r.writeHead(200, { 'content-length': body.length, etag: '"one"' });
      r.write(body.subarray(0, 70_000));
    });
    expect((await fetchAll(m, { patience: hasty })).ready).toBe(1);
    expect(server.seen[1].range).toBe('bytes=70000-');
  });

  test('silence from the start is given up after the tries', async () => {
    const m = await one(() => undefined);
    const { outcomes } = await fetchAll(m, { patience: hasty });
    expect(outcomes[0]).toMatchObject({ state: 'absent' });
    expect(outcomes[0].reason).toMatch(/sent nothing for 0.4 s; 3 attempts/);
    expect(server.seen).toHaveLength(3);
  });

  test('a server that cannot be reached is asked once for all files, not tried again', async () => {
    server = await serve(() => undefined);
    const { base } = server;
    await server.close();
    const m = manifestFor(base, { a: { body }, b: { body: content('b', 9) } });
    const began = performance.now();
    const report = await fetchAll(m);
    expect(performance.now() - began).toBeLessThan(4000);
    expect(report).toMatchObject({ ready: 0, absent: 2, wrong: 0 });
    expect(report.outcomes[1].reason).toMatch(/cannot be reached \(ECONNREFUSED\)/);
  });

  test('an abort stops it, keeps the part, and the next call goes on', async () => {
    const stop = new AbortController();
    const m = await one((q, r, nth) => {
      if (nth > 0) return answer(q, r, body);
      r.writeHead(200, { 'content-length': body.length, etag: '"one"' });
      r.write(body.subarray(0, 60_000), () => setTimeout(() => stop.abort(), 300));
    });
    await expect(fetchAll(m, { signal: stop.signal })).rejects.toThrow(
      /interrupted; finished parts are kept/,
    );
    expect((await fetchAll(m)).ready).toBe(1);
    expect(server.seen[1].range).toBe('bytes=60000-');
  });
});

describe('a server that answers something else', () => {
  test('404: absent at the first answer, and the other files come', async () => {
    server = await serve((q, r) => {
      if (q.url === '/gone') r.writeHead(404).end('no');
      else answer(q, r, body);
    });
    const m = manifestFor(server.base, { gone: { body: content('g', 10) }, here: { body } });
    const report = await fetchAll(m);
    expect(report).toMatchObject({ ready: 1, absent: 1, wrong: 0 });
    expect(report.outcomes[0].reason).toBe(`${server.base}gone: the server answers 404`);
    expect(server.seen.filter((s) => s.path === '/gone')).toHaveLength(1);
  });

  test('500 twice and then fine; 503 with Retry-After is waited for', async () => {
    const m = await one((q, r, nth) => {
      if (nth === 0) r.writeHead(500).end();
      else if (nth === 1) r.writeHead(503, { 'retry-after': '1' }).end();
      else answer(q, r, body);
    });
    const began = performance.now();
    expect((await fetchAll(m)).ready).toBe(1);
    expect(performance.now() - began).toBeGreaterThan(990);
  });

  test('500 for ever: absent after the tries', async () => {
    const m = await one((_, r) => void r.writeHead(500).end());
    expect((await fetchAll(m)).outcomes[0].reason).toMatch(/the server answers 500; 3 attempts/);
    expect(server.seen).toHaveLength(3);
  });

  test('other content of the right length: wrong, nothing placed, nothing kept, the others come', async () => {
    const other = content('other', 300_000);
    server = await serve((q, r) => answer(q, r, q.url === '/bad' ? other : content('good', 5)));
    const m = manifestFor(server.base, { bad: { body }, good: { body: content('good', 5) } });
    const report = await fetchAll(m);
    expect(report).toMatchObject({ ready: 1, absent: 0, wrong: 1 });
    expect(report.outcomes[0].reason).toContain(
      `its sha256 is ${sha256(other)}, the manifest says ${sha256(body)}`,
    );
    expect(existsSync(placeOf(m, m.files[0]))).toBe(false);
    expect(existsSync(cachedPath(sha256(other)))).toBe(false);
    expect(partFiles()).toEqual([]);
  });

  test('another length is refused before the body is read, a longer stream when it gets too long', async () => {
    const m = await one((_, r) => {
      r.writeHead(200, { 'content-length': 400_000 });
      r.end(content('long', 400_000));
    });
    expect((await fetchAll(m)).outcomes[0]).toMatchObject({
      state: 'wrong',
      reason: `${server.base}a.nii.gz has 400000 bytes, the manifest says 300000`,
    });
    await server.close();
    const chunked = await one((_, r) => void r.end(Buffer.concat([body, body])));
    server.seen.length = 0;
    const { outcomes } = await fetchAll(chunked);
    expect(outcomes[0]).toMatchObject({ state: 'wrong' });
  });

  test('a redirect is followed, with Range; a loop and a chain without end are not', async () => {
    const m = await one((q, r, nth) => {
      if (q.url === '/a.nii.gz') r.writeHead(302, { location: '/elsewhere/x' }).end();
      else answer(q, r, body, nth === 0 ? { upTo: 10_000 } : {});
    });
    expect((await fetchAll(m)).ready).toBe(1);
    expect(server.seen.map((s) => `${s.path} ${s.range ?? ''}`)).toEqual([
      '/a.nii.gz ',
      '/elsewhere/x ',
      '/a.nii.gz bytes=10000-',
      '/elsewhere/x bytes=10000-',
    ]);
    await server.close();
    const loop = await one((q, r) => void r.writeHead(301, { location: q.url }).end(), {
      sha256: sha256('never served'),
    });
    const { outcomes } = await fetchAll(loop);
    expect(outcomes[0].reason).toContain('redirects more than 5 times');
    expect(server.seen).toHaveLength(6);
  });

  test('a redirect to something that is not http is refused', async () => {
    const m = await one((_, r) => void r.writeHead(302, { location: 'file:///etc/passwd' }).end());
    expect((await fetchAll(m)).outcomes[0].reason).toContain(
      'redirects to file:///etc/passwd, which is not https',
    );
  });
});
