// Where a file comes from, why it is believed, and what happens when processes or disks get in the way.
import { fork, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { sha256 } from '../../src/base/hash';
import { cachedPath } from '../../src/datasets/cache';
import type { Report } from '../../src/datasets/fetch';
import { fetchFiles, fetchOne, verifyFiles } from '../../src/datasets/fetch';
import type { Manifest } from '../../src/datasets/manifest';
import { placeOf } from '../../src/datasets/select';
import { packed } from './archives';
import type { TestServer } from './server';
import { answer, content, manifestFor, serve, useFolders } from './server';

const folders = useFolders();
const body = content('a', 200_000);
const quick = { connect: 5, stall: 20, tries: 2, backoff: 0.02 };
let server: TestServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});
const nowhere = 'http://127.0.0.1:9/';
const unknown = { sha256: undefined, bytes: undefined, verified: false as const, note: 'a test' };

function mirror(name: string, data: Buffer): void {
  process.env.COC_DATA_MIRROR = folders.mirror;
  const file = path.join(folders.mirror, 'test-set', name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, data);
}

describe('the mirror folder', () => {
  test('is taken before the address, and left as it is', async () => {
    mirror('x/a', body);
    const m = manifestFor(nowhere, { 'x/a': { body } });
    const { outcomes } = await fetchFiles(m);
    expect(outcomes[0]).toMatchObject({
      state: 'ready',
      from: 'mirror',
      trust: 'manifest',
      sha256: sha256(body),
    });
    writeFileSync(path.join(folders.mirror, 'test-set/x/a'), 'changed later');
    expect(readFileSync(outcomes[0].place).equals(body)).toBe(true);
  });

  test('a wrong file in it is named, and the address is asked', async () => {
    mirror('a', content('b', 200_000));
    server = await serve((q, r) => answer(q, r, body));
    const { outcomes } = await fetchFiles(manifestFor(server.base, { a: { body } }));
    expect(outcomes[0]).toMatchObject({ state: 'ready', from: 'url' });
    expect(outcomes[0].reason).toMatch(/mirror\/test-set\/a: its sha256 is .*, the manifest says/);
  });

  test('a wrong file in it and no address that answers: wrong, not absent', async () => {
    mirror('a', body.subarray(1));
    const { outcomes, wrong } = await fetchFiles(manifestFor(nowhere, { a: { body } }));
    expect(wrong).toBe(1);
    expect(outcomes[0].reason).toMatch(/it has 199999 bytes, the manifest says 200000; .*cannot be reached/);
  });
});

describe('hashes that are not ours', () => {
  test('an unknown hash is trusted on first use, recorded, and held to afterwards', async () => {
    let served = body;
    server = await serve((q, r) => answer(q, r, served));
    const m = manifestFor(server.base, { a: { body, ...unknown } });
    expect((await fetchFiles(m)).outcomes[0]).toMatchObject({ trust: 'first use', sha256: sha256(body) });
    expect((await fetchFiles(m)).outcomes[0]).toMatchObject({ trust: 'recorded', from: 'data' });
    rmSync(folders.data, { recursive: true });
    rmSync(cachedPath(sha256(body)));
    served = content('b', 200_000);
    const { outcomes } = await fetchFiles(m);
    expect(outcomes[0].state).toBe('wrong');
    expect(outcomes[0].reason).toMatch(/on first use \(\d{4}-\d\d-\d\d\) .* was recorded/);
  });

  test('a quoted hash decides like ours and is called quoted', async () => {
    server = await serve((q, r) => answer(q, r, body));
    const quoted = { verified: false as const, note: 'a test' };
    expect(
      (await fetchFiles(manifestFor(server.base, { a: { body, ...quoted } }))).outcomes[0],
    ).toMatchObject({
      trust: 'quoted',
    });
    const wrong = manifestFor(server.base, { b: { body: content('b', 200_000), ...quoted } });
    expect((await fetchFiles(wrong)).wrong).toBe(1);
  });

  test('an md5 is checked where it is all there is', async () => {
    server = await serve((q, r) => answer(q, r, body));
    const m = manifestFor(server.base, { a: { body, ...unknown, md5: '0'.repeat(32) } });
    expect((await fetchFiles(m)).outcomes[0].reason).toMatch(
      /its md5 is [0-9a-f]{32}, the manifest says 0{32}/,
    );
  });
});

describe('what cannot be downloaded', () => {
  test('a gated file says what to do, and no request is made', async () => {
    server = await serve((q, r) => answer(q, r, body));
    const licence = {
      id: 'x',
      name: 'x',
      readAt: 'x',
      shareAlike: false,
      nonCommercial: false,
      gated: 'sign there',
    };
    const { outcomes } = await fetchFiles(manifestFor(server.base, { a: { body } }, { licence }));
    expect(outcomes[0]).toMatchObject({ state: 'absent', reason: 'not for free download: sign there' });
    expect(server.seen).toEqual([]);
  });

  test('a file of a Debian package is taken where the package puts it, else the package is named', async () => {
    const source = {
      kind: 'debian',
      package: 'p',
      version: '1',
      folder: path.join(folders.root, 'usr'),
      sha256: sha256(''),
      bytes: 1,
    };
    const m = manifestFor(nowhere, { a: { body } }, { source });
    expect((await fetchFiles(m)).outcomes[0].reason).toMatch(
      /it comes in the Debian package p 1: install it/,
    );
    mkdirSync(source.folder);
    writeFileSync(path.join(source.folder, 'a'), body);
    expect((await fetchFiles(m)).outcomes[0]).toMatchObject({ state: 'ready', from: 'package' });
  });
});

describe('fetchOne', () => {
  test('gives the path, the hash and the origin', async () => {
    mirror('a', body);
    const own = path.join(folders.root, 'test-set.json');
    writeFileSync(own, JSON.stringify(manifestFor(nowhere, { a: { body } })));
    expect(await fetchOne(own, 'a')).toEqual({
      path: path.join(folders.data, 'test-set', 'a'),
      sha256: sha256(body),
      from: 'mirror',
    });
    expect((await fetchOne(own, 'a')).from).toBe('data');
  });

  test('fails within the connection limit and names what was tried', async () => {
    const own = path.join(folders.root, 'test-set.json');
    writeFileSync(own, JSON.stringify(manifestFor(nowhere, { a: { body } })));
    process.env.COC_DATA_MIRROR = folders.mirror;
    const began = performance.now();
    await expect(fetchOne(own, 'a')).rejects.toThrow(
      /cannot get a of .*: given not in the mirror .*; 127.0.0.1:9 cannot be reached .* What to do: go online, or set COC_DATA_MIRROR/,
    );
    expect(performance.now() - began).toBeLessThan(3500);
    await expect(fetchOne(own, 'b')).rejects.toThrow(
      /has no such file: given "b", expected a path of its manifest, e.g. a/,
    );
    await expect(fetchOne('brats', 'b')).rejects.toThrow(
      /no such data set: given "brats", expected one of brats2015-deepmedic,/,
    );
  });
});

describe('archives', () => {
  test('are unpacked beside, once, and again when the archive is another', async () => {
    let tar = await packed([{ name: 'T/x.txt', data: 'one' }], true);
    server = await serve((q, r) => answer(q, r, tar, { etag: `"${sha256(tar)}"` }));
    const archive = { ...unknown, role: 'archive' as const, extractTo: 'T' };
    const m = manifestFor(server.base, { 'T.tar.gz': { body, ...archive } });
    expect((await fetchFiles(m)).outcomes[0]).toMatchObject({
      state: 'ready',
      unpacked: 1,
      trust: 'first use',
    });
    const member = path.join(folders.data, 'test-set', 'T', 'T', 'x.txt');
    expect(readFileSync(member, 'utf8')).toBe('one');
    writeFileSync(member, 'touched');
    expect((await fetchFiles(m)).outcomes[0]).toMatchObject({ from: 'data', unpacked: 1 });
    expect(readFileSync(member, 'utf8')).toBe('touched');
    tar = await packed([{ name: 'T/x.txt', data: 'two' }], true);
    const again = manifestFor(server.base, { 'T.tar.gz': { body: tar, role: 'archive', extractTo: 'T' } });
    expect((await fetchFiles(again)).outcomes[0]).toMatchObject({ from: 'url', unpacked: 1 });
    expect(readFileSync(member, 'utf8')).toBe('two');
  });

  test('a hostile one stops with its reason and leaves nothing', async () => {
    const tar = await packed([{ name: '../x.txt', data: 'one' }]);
    server = await serve((q, r) => answer(q, r, tar));
    const m = manifestFor(server.base, { 'T.tar': { body: tar, role: 'archive', extractTo: 'T' } });
    await expect(fetchFiles(m)).rejects.toThrow(/T.tar was not unpacked: given the member "..\/x.txt"/);
    expect(readdirSync(path.join(folders.data, 'test-set'))).toEqual(['T.tar']);
  });
});

describe('verify', () => {
  test('tells ready, wrong and absent apart and fetches nothing', async () => {
    const files = Object.fromEntries(['a', 'b', 'c'].map((n) => [n, { body: content(n, 50), subject: n }]));
    const splits = { splits: { train: ['a', 'b'], test: ['c'] } };
    const m = manifestFor(nowhere, files, splits);
    mirror('a', content('a', 50));
    mirror('b', content('b', 50));
    await fetchFiles(m, { split: 'train' });
    chmodSync(placeOf(m, m.files[1]), 0o644);
    writeFileSync(placeOf(m, m.files[1]), content('x', 50));
    const report = await verifyFiles(m);
    expect(report.outcomes.map((o) => o.state)).toEqual(['ready', 'wrong', 'absent']);
    expect(report).toMatchObject({ ready: 1, wrong: 1, absent: 1 });
    expect(await verifyFiles(m, { split: 'test' })).toMatchObject({ ready: 0, wrong: 0, absent: 1 });
  });
});

describe('disks', () => {
  // A path that cannot become a folder is an error for root too, unlike one without permission.
  test('a place that cannot be written is an error that names it, not a wrong file', async () => {
    mirror('a', body);
    writeFileSync(folders.data, 'a file where a folder should be');
    const m = manifestFor(nowhere, { a: { body } });
    await expect(fetchFiles(m)).rejects.toThrow(
      /cannot write .*data.test-set.a: given E(NOTDIR|EXIST).* COC_DATA/,
    );
  });

  test('a cache that cannot be written is an error that names it', async () => {
    writeFileSync(folders.cache, 'a file where a folder should be');
    server = await serve((q, r) => answer(q, r, body));
    const m = manifestFor(server.base, { a: { body } });
    await expect(fetchFiles(m)).rejects.toThrow(/cannot write .*cache.downloads.*COC_CACHE/);
  });

  test('a read-only cache folder is an error that names it', async () => {
    mkdirSync(folders.cache);
    chmodSync(folders.cache, 0o555);
    // Root writes everywhere but into kernel folders.
    if (process.getuid?.() === 0) process.env.COC_CACHE = '/sys/kernel';
    server = await serve((q, r) => answer(q, r, body));
    const m = manifestFor(server.base, { a: { body } });
    await expect(fetchFiles(m)).rejects.toThrow(
      /cannot write .*downloads.*: given (EACCES|EPERM|EROFS).* COC_CACHE/,
    );
  });
});

describe('processes', () => {
  const script = path.join(__dirname, 'fetch-child.cjs');

  function childFetch(m: Manifest): Promise<Report> {
    const child = fork(script, [JSON.stringify(m)], { silent: true });
    return new Promise((resolve, reject) => {
      child.once('message', (report) => resolve(report as Report));
      child.once('exit', (code) => reject(new Error(`exit ${code}`)));
    });
  }

  test('three at once: one downloads, the others wait for it, all have it', async () => {
    server = await serve(async (_, r) => {
      r.writeHead(200, { 'content-length': body.length, etag: '"one"' });
      for (let at = 0; at < body.length; at += 20_000) {
        r.write(body.subarray(at, at + 20_000));
        await sleep(60);
      }
      r.end();
    });
    const m = manifestFor(server.base, { a: { body } });
    const reports = await Promise.all([childFetch(m), childFetch(m), childFetch(m)]);
    expect(reports.map((r) => r.ready)).toEqual([1, 1, 1]);
    expect(server.sent).toBe(body.length);
    expect(readFileSync(placeOf(m, m.files[0])).equals(body)).toBe(true);
    expect(readdirSync(path.join(folders.cache, 'downloads', 'parts'))).toEqual([]);
  });

  test('kill -9 in the middle leaves nothing under the final name; the next process goes on from the part', async () => {
    server = await serve((q, r, nth) => {
      if (nth > 0) return answer(q, r, body);
      r.writeHead(200, { 'content-length': body.length, etag: '"one"' });
      r.write(body.subarray(0, 90_000), () => setTimeout(() => process.kill(child.pid!, 'SIGKILL'), 200));
    });
    const m = manifestFor(server.base, { a: { body } });
    const child = spawn(process.execPath, [script, JSON.stringify(m)]);
    const [, signal] = await new Promise<[number | null, string | null]>((done) =>
      child.once('exit', (code, name) => done([code, name])),
    );
    expect(signal).toBe('SIGKILL');
    expect(existsSync(placeOf(m, m.files[0]))).toBe(false);
    expect(existsSync(cachedPath(sha256(body)))).toBe(false);
    expect((await fetchFiles(m, {}, { patience: quick })).ready).toBe(1);
    expect(server.seen[1].range).toBe('bytes=90000-');
    expect(readFileSync(placeOf(m, m.files[0])).equals(body)).toBe(true);
  });
});
