import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identityOf } from '../../src/results/identity';

/** A clone in small: two rooms, a barrel, a lock with one package that needs another. */
const files: Record<string, string> = {
  'package.json': '{ "sideEffects": false }',
  'package-lock.json': JSON.stringify({
    packages: {
      'node_modules/used': { version: '1.0.0', integrity: 'sha512-a', dependencies: { needed: '^1' } },
      'node_modules/needed': { version: '1.2.0', integrity: 'sha512-b' },
      'node_modules/linter': { version: '3.0.0', integrity: 'sha512-c' },
    },
  }),
  'src/index.ts': "export * from './sampling/plane';\nexport * from './plots/theme';\n",
  'src/sampling/plane.ts':
    "import { half } from './half';\nimport 'used';\nexport const mid = (n: number): number => half(n);\n",
  'src/sampling/half.ts':
    '// Half of it.\nexport function half(n: number): number {\n  return n / 2;\n}\nexport const unused = 1;\n',
  'src/plots/theme.ts': "export const ink = '#222';\n",
};
const cells = "import { mid } from '../dist';\nconsole.log(mid(4));\n";

describe('identity', () => {
  let root: string;
  const put = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  };
  const change = (file: string, from: string, to: string): void => {
    const text = readFileSync(path.join(root, file), 'utf8');
    expect(text).toContain(from);
    put(file, text.replace(from, to));
  };
  const identity = (source = cells, extra = {}): ReturnType<typeof identityOf> =>
    identityOf(source, { resolveDir: path.join(root, 'notebooks'), root, ...extra });

  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'coc-identity-'));
    for (const [file, text] of Object.entries(files)) put(file, text);
    mkdirSync(path.join(root, 'notebooks'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('does not depend on comments, layout, unused exports or code that is not imported', async () => {
    const before = await identity();
    change('src/sampling/half.ts', '// Half of it.', '// The half.\n\n');
    change('src/sampling/half.ts', 'unused = 1', 'unused = 2');
    change('src/plots/theme.ts', '#222', '#333');
    change('package-lock.json', 'sha512-c', 'sha512-d');
    const after = await identity(`// a remark\n${cells}`);
    expect(after.hash).toBe(before.hash);
  });

  it('changes with imported code and names the module', async () => {
    const before = await identity();
    change('src/sampling/half.ts', 'n / 2', 'n * 0.5');
    const after = await identity();
    expect(after.code).not.toBe(before.code);
    expect(Object.keys(after.modules).filter((m) => after.modules[m] !== before.modules[m])).toEqual([
      'src/sampling/half.ts',
    ]);
  });

  it('changes with the cells, the spec, the data and a package that a package needs', async () => {
    const before = await identity();
    const others = [
      await identity(cells.replace('4', '5')),
      await identity(cells, { spec: { voxels: 2 } }),
      await identity(cells, { data: { 'a.nii': 'f'.repeat(64) } }),
    ];
    change('package-lock.json', 'sha512-b', 'sha512-e');
    others.push(await identity());
    expect(new Set([before.hash, ...others.map((o) => o.hash)]).size).toBe(5);
    expect(Object.keys(before.packages)).toEqual(['node_modules/needed', 'node_modules/used']);
  });

  it('says what does not resolve', async () => {
    await expect(identity("import { x } from '../dist/nowhere'; x();")).rejects.toThrow('nowhere');
  });
});
