// A study that asks for a backend: decided once, part of the run's identity, computed on exactly that one.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { chooseBackend } from '../../src/backends/choose';
import type { Decision } from '../../src/backends/probe';
import type { RunResult } from '../../src/engines/local';
import type { runAll } from '../../src/engines/local';
import { fallbackNotes } from '../../src/experiments/on-backend';
import { jobOf } from '../../src/experiments/prepare';
import { compute } from '../../src/experiments/run';
import { studyOf } from '../../src/experiments/run-study';
import type { StudyDefinition, StudyOutcome } from '../../src/experiments/study';
import { changesBetween } from '../../src/results/changes';
import type { RunRequest } from '../../src/results/run-record';
import { RunStore } from '../../src/results/run-store';

vi.setConfig({ testTimeout: 120_000 });

const file = path.resolve('test/backends/on-backend.cjs');
const { onBackend } = createRequire(__filename)(file) as { onBackend: StudyDefinition };
const request: RunRequest = {
  study: 'on-backend',
  module: file,
  name: 'onBackend',
  mode: 'quick',
  spec: { n: 3 },
  data: {},
};
const decision = (changes: Partial<Decision> = {}): Decision => ({
  name: 'wasm',
  device: 'a processor, 1 thread',
  gpu: null,
  driver: null,
  versions: { tfjs: '4.22.0', 'tfjs-backend-wasm': '4.22.0' },
  notes: [],
  why: 'the first that works here',
  rejected: [{ name: 'tensorflow', reason: 'not installed', fix: 'run `npx coc native install`' }],
  ...changes,
});

const saved = { ...process.env };
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'coc-on-backend-'));
  vi.resetModules();
});
afterEach(() => {
  process.env = { ...saved };
  rmSync(dir, { recursive: true });
});

/** The engine in a process that has decided nothing yet. */
async function runOn(backend: string): Promise<RunResult> {
  process.env.COC_BACKEND = backend;
  const engine = (await import('../../src/engines/local.js')) as { runAll: typeof runAll };
  const [result] = await engine.runAll([request], {
    store: new RunStore(path.join(dir, 'runs')),
    retries: 0,
  });
  return result;
}

it('is another run on another backend, and each says what it was computed on', async () => {
  const wasm = await runOn('wasm');
  expect(wasm).toMatchObject({ state: 'computed' });
  expect((await runOn('wasm')).state).toBe('found');
  vi.resetModules();
  const cpu = await runOn('cpu');
  expect(cpu.state).toBe('computed');
  const [before, now] = [wasm, cpu].map(({ run }) => run!.record.identity);
  expect(before.backend).toMatchObject({ name: 'wasm', tfjs: '4.22.0', 'tfjs-backend-wasm': '4.22.0' });
  expect(changesBetween(before, now)).toEqual(['backend wasm -> cpu']);
  expect(
    changesBetween(before, { ...before, hash: '', backend: { ...before.backend, tfjs: '4.23.0' } }),
  ).toEqual(['backend wasm: tfjs 4.22.0 -> 4.23.0']);
  expect(wasm.run!.record.versions).toMatchObject({
    node: process.versions.node,
    'tfjs-backend-wasm': '4.22.0',
  });
  expect(wasm.run!.record.device).toMatchObject({ gpu: null, driver: null });
  expect((wasm.run!.outcome as StudyOutcome).findings[0]).toMatchObject({
    title: 'the sum on wasm',
    value: 27,
  });
  expect((wasm.run!.outcome as StudyOutcome).notes).toEqual(['its own note']);
});

it('keeps a fallback among its notes', async () => {
  const store = new RunStore(path.join(dir, 'runs'));
  const job = await jobOf(onBackend, request, () => Promise.resolve(decision()));
  const run = (await compute(job, { store }))!;
  const note = 'computed on wasm (a processor, 1 thread): tensorflow could not be used (not installed)';
  expect(studyOf(run, 'quick').provenance.notes).toEqual([note, 'its own note']);
  expect(fallbackNotes(decision({ rejected: [], notes: ['found no card'] }))).toEqual(['found no card']);
});

it('fails where the backend is not the one that was decided', async () => {
  const store = new RunStore(path.join(dir, 'runs'));
  const decided = decision({ versions: { tfjs: '4.22.0', 'tfjs-backend-wasm': '4.0.0' } });
  const job = await jobOf(onBackend, request, () => Promise.resolve(decided));
  await expect(compute(job, { store })).rejects.toThrow(
    'cannot run on-backend: given the backend name wasm, tfjs 4.22.0, tfjs-backend-wasm 4.22.0, expected name wasm, tfjs 4.22.0, ' +
      'tfjs-backend-wasm 4.0.0, under which the run is stored. What to do: start again: the backend is chosen anew',
  );
  (await chooseBackend({ backend: 'wasm' })).flush();
});

it('leaves the identity of others as it was', async () => {
  const plain = await jobOf({ ...onBackend, backend: undefined }, request, () =>
    Promise.reject(new Error('not asked')),
  );
  expect(plain.identity.backend).toEqual({});
});
