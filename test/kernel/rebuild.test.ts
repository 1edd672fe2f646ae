// Edit src/, run the import cell again: the new code and its types are there. Tried in a copy of the clone.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inRepo } from '../../src/base/paths';
import { KernelClient } from '../../src/kernel/client';

const clone = mkdtempSync(path.join(os.tmpdir(), 'coc-clone-'));
const edited = path.join(clone, 'src', 'base', 'interval.ts');
let kernel: KernelClient;
let value: unknown;
beforeAll(async () => {
  for (const name of [
    'src',
    'dist',
    'data-manifests',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
  ]) {
    cpSync(inRepo(name), path.join(clone, name), { recursive: true, preserveTimestamps: true });
  }
  symlinkSync(inRepo('node_modules'), path.join(clone, 'node_modules'));
  const notebooks = path.join(clone, 'notebooks');
  mkdirSync(notebooks);
  const launcher = path.join(clone, 'src', 'cli', 'coc.cjs');
  const argv = [process.execPath, launcher, 'kernel', 'start', '--connection-file', '{connection_file}'];
  kernel = await KernelClient.start({ cwd: notebooks, spec: { argv, display_name: '', language: '' } });
  kernel.listenTo(({ header, content }) => {
    if (header.msg_type === 'execute_result') value = (content.data as Record<string, unknown>)['text/plain'];
  });
});
afterAll(async () => {
  await kernel.shutdown();
  rmSync(clone, { recursive: true });
});

describe('the library under a running kernel', () => {
  it('follows src/, its types too', async () => {
    const source = readFileSync(edited, 'utf8');
    const use = "import { added } from '../dist'; added + 1";
    expect(await kernel.execute(use).done).toMatchObject({ ename: 'TypeScriptError' });
    for (const number of [1, 2]) {
      writeFileSync(edited, `${source}\nexport const added: number = ${number};\n`);
      expect(await kernel.execute(use).done).toMatchObject({ status: 'ok' });
      expect(value).toBe(`${number + 1}`);
    }
    // A type that changed is known to the very next cell.
    writeFileSync(edited, `${source}\nexport const added: string = 'three';\n`);
    expect(await kernel.execute("import { added } from '../dist'; added.length").done).toMatchObject({
      status: 'ok',
    });

    writeFileSync(edited, `${source}\nexport const added: number = 'four';\n`);
    const broken = await kernel.execute('1').done;
    expect(broken).toMatchObject({ ename: 'BuildError' });
    expect(String(broken.evalue)).toMatch(/src\/base\/interval\.ts:\d+:14 - error TS2322/);
    writeFileSync(edited, source);
    expect(await kernel.execute('1').done).toMatchObject({ status: 'ok' });
  }, 300_000);
});
