// Which backend is chosen, what is said of those that are not, and that nothing they do ends the process.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ChosenBackend } from '../../src/backends/choose';
import { chooseBackend } from '../../src/backends/choose';
import { cloneWith, chosenIn, inClone } from './clone';

const slow = 120_000;

describe('the choice by name', () => {
  beforeEach(() => void delete process.env.COC_BACKEND);

  it('refuses a word that names no backend, in code and in COC_BACKEND', () => {
    expect(() => chooseBackend({ backend: 'cuda' as 'cpu' })).toThrow(
      'cannot choose a backend: given cuda, expected tensorflow, webgpu, wasm, cpu. What to do: choose one of these, or none',
    );
    process.env.COC_BACKEND = 'gpu';
    expect(() => chooseBackend()).toThrow('given COC_BACKEND=gpu, expected tensorflow, webgpu, wasm, cpu');
  });

  it('opens that one, keeps it, leaves no tensor, and changes only when none is alive', async () => {
    process.env.COC_BACKEND = 'wasm';
    const cpu = await chooseBackend({ backend: 'cpu' });
    expect(cpu).toMatchObject({ name: 'cpu', why: 'asked for by its name', rejected: [], gpu: null });
    const { tf } = cpu;
    expect(tf.memory()).toMatchObject({ numTensors: 0, numBytes: 0 });
    expect(Object.keys(cpu)).not.toContain('tf');
    expect(await chooseBackend({ backend: 'cpu' })).toBe(cpu);

    const kept = tf.zeros([2]);
    await expect(chooseBackend()).rejects.toThrow(
      'cannot change from the backend cpu to wasm: given 1 tensors that are alive on cpu',
    );
    expect(tf.getBackend()).toBe('cpu');
    kept.dispose();
    const wasm = await chooseBackend();
    expect(wasm).toMatchObject({ name: 'wasm', why: 'asked for by COC_BACKEND' });
    expect(tf.getBackend()).toBe('wasm');
    expect(tf.memory()).toMatchObject({ numTensors: 0, numBytes: 0 });
    delete process.env.COC_BACKEND;
    expect(await chooseBackend()).toBe(wasm);
  });

  it('gives one backend to calls at the same time', async () => {
    const all: ChosenBackend[] = await Promise.all([chooseBackend(), chooseBackend(), chooseBackend()]);
    expect(new Set(all).size).toBe(1);
  });
});

describe('a step', () => {
  it('that fails says which it was, and frees what it made', async () => {
    const backend = await chooseBackend({ backend: 'wasm' });
    const { tf } = backend;
    await expect(
      backend.step('the forward pass', () => {
        tf.ones([3]);
        return tf.matMul(tf.ones([2, 3]), tf.ones([2, 3]));
      }),
    ).rejects.toThrow(/^the forward pass: .*matMul.*inner/);
    expect(backend.memory()).toMatchObject({ tensors: 0, tensorBytes: 0 });
    const product = await backend.step('a product', () => tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])));
    expect(backend.memory().tensors).toBe(1);
    product.dispose();
  });
});

describe('a machine without native TensorFlow', () => {
  let clone: ReturnType<typeof cloneWith>;
  beforeAll(() => void (clone = cloneWith(null)));
  afterAll(() => clone.remove());

  it(
    'computes on wasm, and says why and how to get more',
    () => {
      const { name, why, rejected, product } = chosenIn(clone.dir);
      expect({ name, why, product }).toEqual({
        name: 'wasm',
        why: 'the first that works here of tensorflow, webgpu, wasm, cpu',
        product: [17, 39],
      });
      expect(rejected!.map((r) => r.name)).toEqual(['tensorflow', 'webgpu']);
      expect(rejected![0]).toMatchObject({ reason: 'not installed', fix: 'run `npx coc native install`' });
      expect(rejected![1].reason).toContain('the npm package webgpu, which is optional, is not installed');
    },
    slow,
  );

  it(
    'fails when tensorflow is asked for: nothing takes its place',
    () => {
      expect(chosenIn(clone.dir, { COC_BACKEND: 'tensorflow' }).error).toBe(
        'cannot open the backend tensorflow: given not installed, expected native TensorFlow. What to do: run `npx coc native install`',
      );
    },
    slow,
  );

  it(
    'is told by the doctor in 80 columns',
    () => {
      const { stdout, status } = inClone(clone.dir, ['dist/cli/main.js']);
      expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
      const doctor = (env: NodeJS.ProcessEnv, ...args: string[]): ReturnType<typeof inClone> =>
        inClone(
          clone.dir,
          ['-e', `require('./dist/cli/main.js').main(['doctor', ...process.argv.slice(1)])`, '--', ...args],
          env,
        );
      const { stdout: text, status: code } = doctor({});
      expect(code).toBe(0);
      expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
      expect(text).toMatch(/^Node {10}v\d+/);
      expect(text).toMatch(/^ {2}tensorflow {2}no {5}not installed\n {21}-> run `npx coc native install`$/m);
      expect(text).toMatch(/^\* wasm {8}ok +[\d.]+ GFLOP\/s +self-test [\d.]+ s/m);
      expect(text).toContain('* is chosen: the first in order that works.');
      const { stdout: json, status: unusable } = doctor({ COC_BACKEND: 'tensorflow' }, '--json');
      expect(unusable).toBe(1);
      expect(JSON.parse(json)).toMatchObject({
        chosen: null,
        why: 'COC_BACKEND=tensorflow asks for what does not work here; nothing takes its place',
        backends: [{ name: 'tensorflow', reason: 'not installed' }, {}, { tried: { versions: {} } }, {}],
      });
      expect(doctor({ COC_BACKEND: 'cuda' })).toMatchObject({
        status: 1,
        stdout: expect.stringContaining(
          'Nothing is chosen: cannot choose a backend: given COC_BACKEND=cuda',
        ) as string,
      });
    },
    slow,
  );
});

const compiler = spawnSync('g++', ['--version'], { stdio: 'ignore' }).status === 0;

describe('a library that does not fit', () => {
  it(
    'is a reason, with what the linker says',
    () => {
      const clone = cloneWith('no library');
      const { name, rejected } = chosenIn(clone.dir);
      clone.remove();
      expect(name).toBe('wasm');
      expect(rejected![0].reason).toMatch(
        /^a library that does not load \(.*\): .*(?:file too short|invalid ELF header)/,
      );
      expect(rejected![0].fix).toBe('`npx coc native remove` and `npx coc native install` make it anew');
    },
    slow,
  );

  it.skipIf(!compiler)(
    'and ends the process that loads it ends no process of ours [needs g++]',
    () => {
      const folder = mkdtempSync(path.join(os.tmpdir(), 'coc-fatal-'));
      const [source, library] = ['fatal.cc', 'fatal.node'].map((name) => path.join(folder, name));
      writeFileSync(
        source,
        `#include <cstdio>\n#include <cstdlib>
       __attribute__((constructor)) static void load() { fputs("no such processor\\n", stderr); abort(); }`,
      );
      expect(spawnSync('g++', ['-shared', '-fPIC', source, '-o', library]).status).toBe(0);
      const clone = cloneWith(readFileSync(library));
      rmSync(folder, { recursive: true });
      const { name, rejected } = chosenIn(clone.dir);
      clone.remove();
      expect(name).toBe('wasm');
      expect(rejected![0]).toMatchObject({
        name: 'tensorflow',
        reason: 'its process ended by SIGABRT; its last words: no such processor',
      });
    },
    slow,
  );
});
