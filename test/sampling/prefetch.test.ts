import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { InputError, Interrupted } from '../../src/base/errors';
import { sha256 } from '../../src/base/hash';
import { Random } from '../../src/base/random';
import { KernelClient } from '../../src/kernel/client';
import { identityOf } from '../../src/results/identity';
import type { Batch, BatchSource } from '../../src/sampling/batch';
import type { LayoutName } from '../../src/sampling/layout';
import { layoutNames, layoutOf } from '../../src/sampling/layout';
import { planeGrid, planeNames, readPlane } from '../../src/sampling/plane';
import type { PrefetchOptions } from '../../src/sampling/prefetch';
import { Prefetch } from '../../src/sampling/prefetch';
import { Ring, ringMemory } from '../../src/sampling/ring';
import { fitSquare, toSquare } from '../../src/sampling/square';
import type { Triple, Volume } from '../../src/volume/volume';
import { arrayTypes, bytesOf, counted } from './volumes';

const shared = (volume: Volume, name: LayoutName = 'file') => layoutOf(volume, name, { shared: true });

function someVoxels({ dims }: Pick<Volume, 'dims'>, count: number): Triple[] {
  const random = new Random('voxels');
  return Array.from({ length: count }, () => dims.map((d) => random.below(d)) as Triple);
}

/** Hold the thread, event loop and all, as a native call does. */
const block = (milliseconds: number): void =>
  void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);

/** Digests of what the pictures must be: planes read one by one in this thread, in none of the code of batches. */
function expected(
  volume: Volume,
  voxels: Triple[],
  square?: BatchSource['square'],
  labels = false,
): string[] {
  return planeNames.map((name) => {
    const grid = planeGrid(volume, name);
    const pictures = voxels.map((voxel) => {
      const { pixels } = readPlane(volume, grid, voxel);
      if (!square) return bytesOf(pixels);
      const interpolation = labels
        ? { kernel: 'nearest' as const, convention: 'pil' as const, antialias: false }
        : square.interpolation;
      const fit = fitSquare(grid.columns.count, grid.rows.count, square.size, square.way, interpolation);
      return bytesOf(toSquare(pixels, fit));
    });
    return sha256(Buffer.concat(pictures));
  });
}

const found = (stacks: Batch['image']): string[] =>
  planeNames.map((name) => sha256(bytesOf(stacks[name].pixels)));

const bicubic = { kernel: 'bicubic', convention: 'torch', antialias: false } as const;
const squares: BatchSource['square'][] = [
  undefined,
  { size: 24, way: 'stretch', interpolation: bicubic },
  { size: 24, way: 'pad', interpolation: { kernel: 'bilinear', convention: 'pil', antialias: true } },
];

describe('batches', () => {
  const open: Prefetch[] = [];
  const start = (...given: ConstructorParameters<typeof Prefetch>): Prefetch => {
    const prefetch = new Prefetch(...given);
    open.push(prefetch);
    return prefetch;
  };
  afterEach(() => Promise.all(open.splice(0).map((prefetch) => prefetch.close())));

  it.each(arrayTypes.map((make) => ({ make, type: make.name })))(
    'of $type are the bytes read in this thread, as they are and as squares, the last one shorter',
    ({ make }) => {
      const volume = counted([9, 11, 7], 'LIP', { make });
      const mask = counted([9, 11, 7], 'LIP', { make: Uint8Array });
      const voxels = someVoxels(volume, 8);
      squares.forEach((square, i) => {
        const source = { image: shared(volume, layoutNames[i]), labels: shared(mask), square };
        let first = 0;
        for (const batch of start(source, voxels, { size: 3, depth: i + 1 })) {
          const wanted = voxels.slice(first, first + 3);
          expect([batch.first, batch.voxels]).toEqual([first, wanted]);
          expect(found(batch.image)).toEqual(expected(volume, wanted, square));
          expect(found(batch.labels!)).toEqual(expected(mask, wanted, square, true));
          const { pixels, width, height } = batch.image.sagittal;
          expect(pixels.constructor).toBe(square ? Float32Array : volume.data.constructor);
          expect(pixels.length).toBe(wanted.length * width * height);
          first += 3;
        }
        expect(first).toBe(9);
      });
    },
  );

  it('are the same in the same order whatever the depth and whoever is slower', () => {
    const volume = counted([40, 50, 60], 'RAS', { make: Float32Array });
    const voxels = someVoxels(volume, 40);
    const wanted = voxels.map((voxel) => expected(volume, [voxel]));
    for (const [depth, pause] of [
      [1, 0],
      [2, 0],
      [5, 3],
      [100, 0],
    ]) {
      const prefetch = start({ image: shared(volume) }, voxels, { size: 1, depth });
      const batches = [...iterateWith(prefetch, () => block(pause))];
      expect(batches).toEqual(wanted);
    }
    function* iterateWith(prefetch: Prefetch, pauseFor: () => void): Generator<string[]> {
      for (const batch of prefetch) {
        pauseFor();
        yield found(batch.image);
      }
    }
  });

  it('stay as they are while they are in hand, though others are gathered meanwhile', () => {
    const volume = counted([20, 20, 20], 'RAS');
    const voxels = someVoxels(volume, 12);
    const prefetch = start({ image: shared(volume) }, voxels, { size: 1, depth: 1 });
    for (const batch of prefetch) {
      block(20);
      expect(found(batch.image)).toEqual(expected(volume, batch.voxels));
    }
  });

  it('take the memory they say', () => {
    const image = shared(counted([5, 6, 7], 'RAS', { make: Int16Array }));
    // Three batches of two voxels in planes of 5x6, 5x7 and 6x7 of 2 bytes, each stack filled up to 8 bytes, and 16 400 for
    // counters and an error's text.
    const three = 3 * (120 + 144 + 168) + 16_400;
    expect(start({ image }, someVoxels({ dims: [5, 6, 7] }, 9), { size: 2 }).bytes).toBe(three);
    // Not more slots than batches.
    const one = start({ image }, [[0, 0, 0]], { size: 2, depth: 9 });
    expect([one.bytes, one.batches]).toEqual([120 + 144 + 168 + 16_400, 1]);
  });

  it('of no voxels are none', () => {
    const prefetch = start({ image: shared(counted([2, 2, 2], 'RAS')) }, [], { size: 1 });
    expect([prefetch.batches, prefetch.next(), prefetch.next()]).toEqual([0, undefined, undefined]);
  });

  it('that were ready come before an error of the thread, which keeps its message', () => {
    const image = shared(counted([4, 4, 8], 'RAS'));
    // Only the planes 0 to 3 can be found.
    image.starts.axial = image.starts.axial.slice(0, 4);
    const voxels = [0, 1, 2, 3, 5, 1].map((z): Triple => [0, 0, z]);
    const prefetch = start({ image }, voxels, { size: 2, depth: 3 });
    expect([prefetch.next()?.first, prefetch.next()?.first]).toEqual([0, 2]);
    let thrown: unknown;
    try {
      prefetch.next();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(InputError);
    expect(thrown).toMatchObject({
      message:
        'cannot take the axial plane: given index 5, expected a whole number from 0 to 3. What to do: choose a voxel inside the volume',
      problem: { given: 'index 5' },
      cause: expect.stringContaining('prefetch-thread') as string,
    });
    expect(() => prefetch.next()).toThrow('a thread to gather planes that was closed');
  });

  it('end when closed, at any time, any number of times', async () => {
    const volume = counted([30, 30, 30], 'RAS');
    const voxels = someVoxels(volume, 50);
    for (const taken of [0, 1, 4, 50]) {
      const prefetch = start({ image: shared(volume) }, voxels, { size: 1 });
      for (let i = 0; i < taken; i++) expect(prefetch.next()?.first).toBe(i);
      await Promise.all([prefetch.close(), prefetch.close()]);
      prefetch[Symbol.dispose]();
      await prefetch.close();
      if (taken < 50)
        expect(() => prefetch.next()).toThrow('given a thread to gather planes that was closed');
      else expect(prefetch.next()).toBeUndefined();
    }
  });

  it('end when a loop over them is left', () => {
    const volume = counted([10, 10, 10], 'RAS');
    const prefetch = start({ image: shared(volume) }, someVoxels(volume, 50), { size: 1 });
    for (const batch of prefetch) if (batch.first === 2) break;
    expect(() => prefetch.next()).toThrow('a thread to gather planes that was closed');
  });

  it('end when the signal is aborted', async () => {
    const volume = counted([10, 10, 10], 'RAS');
    const aborting = new AbortController();
    const options: PrefetchOptions = { size: 1, signal: aborting.signal };
    const prefetch = start({ image: shared(volume) }, someVoxels(volume, 50), options);
    expect(prefetch.next()?.first).toBe(0);
    aborting.abort();
    expect(() => prefetch.next()).toThrow(Interrupted);
    await prefetch.close();
    expect(() => start({ image: shared(volume) }, [[0, 0, 0]], options)).toThrow(Interrupted);
  });

  it('are not started from what cannot work', () => {
    const volume = counted([4, 5, 6], 'RAS');
    const image = shared(volume);
    const attempt =
      (source: BatchSource, voxels: Triple[] = [[0, 0, 0]], options = {}) =>
      () =>
        start(source, voxels, { size: 1, ...options });
    expect(attempt({ image }, undefined, { size: 0 })).toThrow('given size 0, expected a whole number');
    expect(attempt({ image }, undefined, { depth: 1.5 })).toThrow('given depth 1.5, expected a whole number');
    expect(attempt({ image: layoutOf(volume, 'file') })).toThrow(
      'a layout of the image in memory of this thread alone',
    );
    expect(attempt({ image, labels: layoutOf(volume, 'file') })).toThrow('a layout of the labels in memory');
    expect(attempt({ image, labels: shared(counted([4, 5, 7], 'RAS')) })).toThrow(
      'labels of 4 x 5 x 7 voxels',
    );
    expect(attempt({ image, labels: shared(counted([4, 5, 6], 'LAS')) })).toThrow(
      'the same voxels in the same directions',
    );
    expect(
      attempt({ image }, [
        [3, 4, 5],
        [3, 5, 5],
      ]),
    ).toThrow('voxel (3, 5, 5) at place 1 of the list, expected whole numbers from (0, 0, 0) to (3, 4, 5)');
    expect(attempt({ image }, [[0, 0, 0.5]])).toThrow('voxel (0, 0, 0.5)');
    const square = { size: 1e7, way: 'stretch', interpolation: bicubic } as const;
    expect(attempt({ image, square })).toThrow('choose a smaller size, square or depth');
  });

  it('belong, thread and all, to the code of whoever imports them', async () => {
    const source = "import { Prefetch } from '../dist';\nconsole.log(Prefetch);\n";
    const { modules } = await identityOf(source, { resolveDir: path.resolve('notebooks') });
    expect(Object.keys(modules)).toEqual(
      expect.arrayContaining(
        ['prefetch', 'prefetch-thread', 'ahead', 'ahead-watch', 'ring', 'batch', 'layout', 'square'].map(
          (name) => `src/sampling/${name}.ts`,
        ),
      ),
    );
  });
});

describe('a ring', () => {
  it('that nobody fills and nobody watches is given up', () => {
    expect(() => new Ring(ringMemory(2, 8)).waitForBatch(0, 1)).toThrow(
      'the thread that works ahead did not start or was lost: no sign of it for 1 s',
    );
  });

  it('hands over a long error, cut, and the first one only', () => {
    const ring = new Ring(ringMemory(2, 8));
    ring.put();
    ring.fail(new Error('\u0001'.repeat(1e5)));
    ring.fail(new Error('second'));
    ring.waitForBatch(0);
    expect(() => ring.waitForBatch(1)).toThrow(/^\u0001{2048}$/);
  });
});

// The built library in a place of its own, so that its thread can be broken.
describe('a process', () => {
  let clone: string;
  const thread = (): string => path.join(clone, 'dist', 'sampling', 'prefetch-thread.js');
  beforeAll(() => {
    clone = mkdtempSync(path.join(os.tmpdir(), 'coc-prefetch-'));
    for (const room of ['base', 'volume', 'sampling'])
      cpSync(path.resolve('dist', room), path.join(clone, 'dist', room), { recursive: true });
  });
  afterAll(() => rmSync(clone, { recursive: true }));

  /** Run a script in which `start(n)` is a prefetch of n voxels, from another folder. */
  const run = (script: string, node: string[] = [], env: NodeJS.ProcessEnv = {}) => {
    const head = `
      const { Prefetch } = require(${JSON.stringify(path.join(clone, 'dist/sampling/prefetch.js'))});
      const { layoutOf } = require(${JSON.stringify(path.join(clone, 'dist/sampling/layout.js'))});
      const dims = [100, 100, 100];
      const volume = { data: new Float32Array(1e6), dims, spacing: [1, 1, 1], axisCodes: 'RAS' };
      const image = layoutOf(volume, 'file', { shared: true });
      const start = (n) => new Prefetch({ image }, Array(n).fill([1, 2, 3]), { size: 1 });
      const told = (work) => { try { work(); return 'nothing'; } catch (error) { return error.message; } };
    `;
    const done = spawnSync(process.execPath, [...node, '-e', head + script], {
      cwd: os.tmpdir(),
      encoding: 'utf8',
      timeout: 25_000,
      env: { ...process.env, ...env },
    });
    return { code: done.status, out: done.stdout.trim(), err: done.stderr };
  };

  it('that leaves without closing ends, from any folder', () => {
    const { code, out, err } = run('console.log(start(1000).next().first)');
    expect([code, out, err]).toEqual([0, '0', '']);
  });

  it('blocked for good is no hindrance, nor is what NODE_OPTIONS preloads', () => {
    const preload = path.join(clone, 'preload.cjs');
    // In a thread, it would wait for an answer of the blocked main thread for ever.
    writeFileSync(
      preload,
      "if (!require('node:worker_threads').isMainThread) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
    );
    const script = 'let n = 0; for (const batch of start(20)) n++; console.log(n);';
    expect(run(script, [], { NODE_OPTIONS: `--require ${preload}` })).toEqual({
      code: 0,
      out: '20',
      err: '',
    });
  });

  it('hears of every way in which the thread can die, though its event loop is blocked', () => {
    const whole = readFileSync(thread(), 'utf8');
    const ways = {
      'throw new Error("no good")': 'no good',
      'process.exit(3)': 'the thread that should gather planes ended early, with code 3',
      'let a = ;': "Unexpected token ';'",
      "require('./nowhere')": /^Cannot find module '.\/nowhere'/,
      '': 'the thread that should gather planes ended early, with code 0',
      'const a = []; for (;;) a.push(new Array(1e6).fill(a))':
        'Worker terminated due to reaching memory limit: JS heap out of memory',
    };
    try {
      for (const [way, message] of Object.entries(ways)) {
        // Main and watcher must still find what they import from it.
        writeFileSync(
          thread(),
          `exports.gatherFile = __filename; exports.gatherTask = 'gather planes'; if (require('node:worker_threads').workerData?.task === 'gather planes') { ${way} }`.replace(
            /.*let a = ;.*/,
            "exports.gatherFile = __filename + '.broken.js'; exports.gatherTask = 'gather planes';",
          ),
        );
        writeFileSync(`${thread()}.broken.js`, way);
        const { code, out, err } = run('console.log(told(() => start(5).next()))', [
          '--max-old-space-size=64',
        ]);
        expect([way, code, err]).toEqual([way, 0, '']);
        expect(out).toMatch(message);
      }
    } finally {
      writeFileSync(thread(), whole);
    }
  });

  it('is told when the built library has gone', () => {
    const whole = readFileSync(thread(), 'utf8');
    const { out } = run(
      `require('node:fs').rmSync(${JSON.stringify(thread())}); console.log(told(() => start(5)))`,
    );
    writeFileSync(thread(), whole);
    expect(out).toMatch(
      /^cannot start prefetch: given no file .*prefetch-thread\.js, expected the built library/,
    );
  });

  it('holds neither threads nor memory of 100 that were opened and closed', () => {
    const { code, out, err } = run(
      `const { readFileSync } = require('node:fs');
      const threads = () => process.platform === 'linux' ? Number(/Threads:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) : 0;
      const take = async () => { const prefetch = start(30); prefetch.next(); await prefetch.close(); };
      (async () => {
        for (let i = 0; i < 5; i++) await take();
        gc();
        const before = [threads(), process.memoryUsage().rss];
        for (let i = 0; i < 100; i++) await take();
        gc();
        const after = [threads(), process.memoryUsage().rss];
        console.log(JSON.stringify([after[0] - before[0], Math.round((after[1] - before[1]) / 1e6)]));
      })();`,
      ['--expose-gc'],
    );
    expect([code, err]).toEqual([0, '']);
    const [threads, megabytes] = JSON.parse(out) as [number, number];
    expect(threads).toBe(0);
    // Each takes 17 MB of threads and 0.4 MB of batches while it is open.
    expect(megabytes).toBeLessThan(100);
  });
});

describe('a notebook cell', () => {
  it('trains on batches that arrive while it blocks the kernel', async () => {
    const kernel = await KernelClient.start({ cwd: 'notebooks' });
    try {
      let said = '';
      kernel.listenTo(({ header, content }) => {
        if (header.msg_type === 'stream') said += String(content.text);
      });
      const { done } = kernel.execute(`
        import { Prefetch, layoutOf, syntheticHead } from '../dist';
        const { image } = syntheticHead({ seed: 1, dims: [40, 48, 32], spacing: [4, 4, 4] });
        const source = { image: layoutOf(image, 'bricks', { shared: true }) };
        let places = '';
        for (const batch of new Prefetch(source, Array(6).fill([20, 30, 20]), { size: 4 })) {
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
          places += batch.first + ' ' + batch.image.axial.pixels.length + ' ';
        }
        console.log(places);`);
      expect(await done).toMatchObject({ status: 'ok' });
      expect(said.trim()).toBe('0 7680 4 3840');
    } finally {
      await kernel.shutdown();
    }
  });
});
