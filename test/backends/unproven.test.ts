// The check that ends every test run: what runs must be in the proof's table.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { provenLines, provenOf } from '../../src/backends/proof/proven';
import { unproven, unprovenMessage } from '../setup/kernels';

const folder = mkdtempSync(path.join(os.tmpdir(), 'coc-unproven-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function trace(place: string, ...lines: string[]): void {
  const dir = path.join(folder, place);
  mkdirSync(dir, { recursive: true });
  writeFileSync(path.join(dir, '1-a.txt'), lines.join('\n') + '\n');
}

it('names what is not proven, with test file, notebook and process', () => {
  trace('test/nn/layer.test.ts', '# /x/node_modules/vitest/dist/workers/forks.js', 'wasm kernel Elu');
  trace(
    '.',
    `# ${path.resolve('notebooks/02-tri-siamese.ipynb')}`,
    'wasm kernel Elu',
    'cpu gradient Conv3D by x',
    'wasm kernel Add',
    'wasm kernel PlantedAdd',
    'wasm gradient custom planted thing',
  );
  const missing = unproven(
    folder,
    new Set(['wasm kernel Add', 'cpu kernel Elu', 'cpu gradient Conv3D by filter']),
  );
  expect(Object.fromEntries(missing)).toEqual({
    'cpu gradient Conv3D by x': ['notebooks/02-tri-siamese.ipynb'],
    'wasm kernel Elu': ['notebooks/02-tri-siamese.ipynb', 'test/nn/layer.test.ts'],
  });
  const message = unprovenMessage(missing);
  expect(message).toContain('2 names ran');
  expect(message).toContain(
    '  wasm kernel Elu\n    ran in notebooks/02-tri-siamese.ipynb\n    ran in test/nn/layer.test.ts',
  );
  expect(message).toContain('add a case');
});

it('counts as proven what ran and came out right, and nothing of what is refused or wrong', () => {
  const file = path.join(folder, 'proven.json');
  const outcomes = [
    { status: 'right', kernels: ['Add', 'Sum'], gradientKernels: ['Add by a'] },
    { status: 'right', kernels: ['Add'], gradientKernels: [] },
    { status: 'refused', kernels: ['Conv3D'], gradientKernels: [] },
    { status: 'wrong', kernels: ['MaxPool'], gradientKernels: ['MaxPool by x'] },
  ];
  writeFileSync(file, JSON.stringify({ cpu: provenOf(outcomes), wasm: [] }));
  expect(provenLines(file)).toEqual(new Set(['cpu kernel Add', 'cpu kernel Sum', 'cpu gradient Add by a']));
});

it('ends a run red whose tests all pass', () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/cases/unproven-kernel/vitest.mts'],
    { encoding: 'utf8', env: { ...process.env, COC_TRACE_KERNELS: path.join(folder, 'nested') } },
  );
  expect(stdout).toContain('1 passed');
  expect(stderr).toContain('cpu kernel Unheard\n    ran in test/cases/unproven-kernel/unproven.case.ts');
  expect(status).toBe(1);
});
