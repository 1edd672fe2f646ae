// Fetching through a real pip from an index of our own that cuts, forgets and lies.
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { installNative } from '../../../src/backends/native/install';
import type { Pip } from '../../../src/backends/native/pip';
import { fetchWheel, findPip } from '../../../src/backends/native/pip';
import type { Wheel } from '../../../src/backends/native/recipe';
import { InputError, Interrupted, messageOf } from '../../../src/base/errors';
import type { Handler, TestServer } from '../../datasets/server';
import { answer, serve } from '../../datasets/server';
import { describeWith, hasPeer, python } from '../../setup/peers';
import { fakeMachine, filesBelow } from './fake';

const machine = fakeMachine();
const realPython = hasPeer('pip')
  ? spawnSync(python, ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).stdout.trim()
  : '';

// Every pip takes its second or two to start.
vi.setConfig({ testTimeout: 60_000 });

describeWith('pip', 'a wheel by pip', () => {
  let server: TestServer | undefined;
  let wheel: Wheel;
  let content: Buffer;
  let dir: string;

  beforeEach(() => {
    wheel = machine.host.recipe.wheels.cpu;
    content = readFileSync(path.join(machine.wheels, wheel.file));
    dir = path.join(machine.host.home, 'downloads');
    vi.stubEnv('COC_PYTHON', realPython);
    // The user's own set-up of pip, and of proxies, stays out of it.
    for (const name of Object.keys(process.env)) if (/^PIP_|_proxy$/i.test(name)) vi.stubEnv(name, undefined);
    vi.stubEnv('PIP_CONFIG_FILE', '/dev/null');
    vi.stubEnv('PIP_RETRIES', '0');
  });
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });

  /** An index with our wheel; `file` answers for the wheel itself. */
  async function index(file: Handler, name = wheel.file): Promise<void> {
    server = await serve((request, response, nth) => {
      const { pathname } = new URL(request.url ?? '', 'http://proxy.invalid');
      if (pathname === '/simple/tensorflow-cpu/') {
        response.writeHead(200, { 'content-type': 'text/html' });
        response.end(`<!DOCTYPE html><html><body><a href="/files/${name}">${name}</a></body></html>`);
      } else if (pathname === `/files/${name}`) return file(request, response, nth);
      else response.writeHead(404).end();
    });
    vi.stubEnv('PIP_INDEX_URL', `${server.base}simple`);
  }

  const whole: Handler = (request, response) => answer(request, response, content);
  /** Sends so many bytes, then cuts the connection. */
  const cutAfter =
    (bytes: number): Handler =>
    (request, response) => {
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response.writeHead(from > 0 ? 206 : 200, { 'content-length': content.length - from });
      response.write(content.subarray(from, from + bytes), () => response.destroy());
    };
  const ranges = (): (string | undefined)[] =>
    server!.seen.filter(({ path: asked }) => asked.includes('/files/')).map(({ range }) => range);
  const fetch = (long = {}, pip: Pip = { command: [realPython, '-m', 'pip'], python: realPython }) =>
    fetchWheel(pip, wheel, dir, long);

  it('comes from the index that pip is set up to ask, with progress in bytes', async () => {
    await index(whole);
    const done: number[] = [];
    const file = await fetch({ progress: (event: { done: number }) => done.push(event.done) });
    expect(readFileSync(file).equals(content)).toBe(true);
    expect(done.at(-1)).toBe(wheel.bytes);
    expect(filesBelow(dir)).toEqual([wheel.file]);
  });

  it('comes through the proxy that pip is set up to use', async () => {
    await index(whole);
    vi.stubEnv('PIP_PROXY', server!.base);
    vi.stubEnv('PIP_INDEX_URL', 'http://index.invalid/simple');
    vi.stubEnv('PIP_TRUSTED_HOST', 'index.invalid');
    expect(readFileSync(await fetch()).equals(content)).toBe(true);
    expect(server!.seen.every((seen) => seen.path.startsWith('http://index.invalid/'))).toBe(true);
  });

  it('that is cut goes on where it was cut, in one run', async () => {
    vi.stubEnv('PIP_RETRIES', '2');
    await index((request, response, nth) => (nth === 0 ? cutAfter(200_000) : whole)(request, response, nth));
    await fetch();
    expect(ranges()).toEqual([undefined, 'bytes=200000-']);
  });

  it('that stays cut says so, keeps its part, and goes on in the next run', async () => {
    let cut = true;
    await index((request, response, nth) => (cut ? cutAfter(150_000) : whole)(request, response, nth));
    const error = await fetch().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    expect(messageOf(error)).toMatch(
      /^cannot fetch .*: given 150 kB of 351 kB, then: .*, expected the whole file\. What to do: see to the network/,
    );
    expect(filesBelow(dir)).toEqual([`${wheel.file}.part`]);
    expect(statSync(path.join(dir, `${wheel.file}.part`)).size).toBe(150_000);
    cut = false;
    const said: string[] = [];
    expect(await installNative({ say: (line) => said.push(line) }, machine.host)).toMatchObject({
      installed: 'cpu',
    });
    expect(ranges()).toEqual([undefined, 'bytes=150000-']);
    // What is said first is what is still to be fetched.
    expect(said[0]).toContain('201 kB to fetch by pip');
  });

  it('that is stopped keeps its part, and goes on in the next run', async () => {
    let stop = true;
    await index((request, response, nth) => {
      if (!stop) return whole(request, response, nth);
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 300_000));
    });
    const controller = new AbortController();
    const progress = ({ done }: { done: number }): void => void (done > 0 && controller.abort());
    await expect(fetch({ progress, signal: controller.signal })).rejects.toBeInstanceOf(Interrupted);
    const size = statSync(path.join(dir, `${wheel.file}.part`)).size;
    expect(size).toBeGreaterThan(0);
    stop = false;
    await fetch();
    expect(ranges()).toEqual([undefined, `bytes=${size}-`]);
  });

  it('from a server that cannot go on is begun anew', async () => {
    let nth = 0;
    await index((request, response) => {
      if (nth++ === 0) return cutAfter(150_000)(request, response, 0);
      response.writeHead(200, { 'content-length': content.length });
      response.end(content);
    });
    await fetch().catch(() => undefined);
    expect(readFileSync(await fetch()).equals(content)).toBe(true);
  });

  it('that is another one is removed, with both hashes named', async () => {
    const other = Buffer.from(content);
    other[5000] ^= 1;
    await index((request, response) => answer(request, response, other));
    await expect(fetch()).rejects.toThrow(
      /is not the file that it should be, and was removed: given 35\d+ bytes/,
    );
    expect(filesBelow(dir)).toEqual([]);
  });

  it('that the server refuses says with what', async () => {
    await index((_, response) => void response.writeHead(403).end());
    await expect(fetch()).rejects.toThrow(/given 0 B of 351 kB, then: the server answers 403/);
  });

  it('that the index does not have says what to look at', async () => {
    await index(whole, 'tensorflow_cpu-9.9.8-cp312-cp312-manylinux_2_27_x86_64.whl');
    await expect(fetch()).rejects.toThrow(
      /given no such file; 1 of tensorflow-cpu that fit, expected tensorflow-cpu 9\.9\.9 in the index that pip is set up to ask/,
    );
  });

  it('from an index that does not answer says so', async () => {
    await index(whole);
    await server!.close();
    server = undefined;
    await expect(fetch()).rejects.toThrow(
      /given 0 B of 351 kB, then: Could not fetch URL .*connection error/,
    );
  });

  it('that is whole already is not asked for', async () => {
    await index(whole);
    await fetch();
    const seen = server!.seen.length;
    await fetch();
    expect(server!.seen).toHaveLength(seen);
  });

  it('comes by plain `pip download` where pip is built differently', async () => {
    await index(whole);
    // A Python whose pip has no such modules: it says so by the script's exit code.
    const wrapper = path.join(machine.scratch, 'other-python');
    writeFileSync(wrapper, `#!/bin/sh\n[ "$1" = -c ] && exit 5\nexec "${realPython}" "$@"\n`, {
      mode: 0o755,
    });
    vi.stubEnv('COC_PYTHON', wrapper);
    expect(readFileSync(await fetch({}, await findPip())).equals(content)).toBe(true);
    expect(filesBelow(dir)).toEqual([wheel.file]);
  });
});
