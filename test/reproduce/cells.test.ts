import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { Interrupted } from '../../src/base/errors';
import { inRepo } from '../../src/base/paths';
import { joinCells } from '../../src/reproduce/cells';
import { identityOfNotebook, listNotebooks, runOrReuse } from '../../src/reproduce/notebooks';

describe('the cells of a notebook as one module', () => {
  it('puts imports first, each name once, and lets cells declare a name again', () => {
    const source = joinCells([
      "import { a, b as c } from '../dist';\nimport d from 'd';\nconst x = a(c);",
      "import { a } from '../dist';\nimport type { T } from 't';\nimport 'side';\nconst x = a(2); // again",
    ]);
    expect(source.split('\n').filter((line) => line.startsWith('import'))).toEqual([
      "import { a } from '../dist';",
      "import { b as c } from '../dist';",
      "import d from 'd';",
      "import { T } from 't';",
      "import 'side';",
    ]);
    expect(source).toContain('const x = a(c);');
    expect(source).toContain('const x = a(2);');
  });
});

describe('the identity of a notebook', () => {
  const notebook = listNotebooks(inRepo('notebooks')).find((n) => n.name === '01-three-views')!;

  it('covers the library code that its cells use, the specs and the data', async () => {
    const one = await identityOfNotebook(notebook, 'quick', {});
    const modules = Object.keys(one.modules);
    expect(modules).toEqual(
      expect.arrayContaining([
        'src/sampling/plane.ts',
        'src/experiments/plane-reads.ts',
        'src/volume/nifti.ts',
      ]),
    );
    expect(modules).not.toContain('src/publish/paper.ts');
    const flair = 'brats2015-deepmedic/brats_2013_pat0005_1/Flair_subtrMeanDivStd.nii.gz';
    const hashes = [
      one,
      await identityOfNotebook(notebook, 'full', {}),
      await identityOfNotebook(notebook, 'quick', { [flair]: 'synthetic head' }),
      await identityOfNotebook({ ...notebook, source: `${notebook.source}\nconsole.log(1)` }, 'quick', {}),
    ].map((i) => i.hash);
    expect(new Set(hashes).size).toBe(4);
    // Data that no study of the notebook reads does not count.
    expect((await identityOfNotebook(notebook, 'quick', { other: 'x' })).hash).toBe(one.hash);
  });
});

describe('a run that is interrupted', () => {
  it('says so and leaves nothing in the run store', { timeout: 60_000 }, async () => {
    const cache = mkdtempSync(path.join(os.tmpdir(), 'coc-interrupt-'));
    const saved = process.env.COC_CACHE;
    process.env.COC_CACHE = cache;
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 1500);
    const [notebook] = listNotebooks(inRepo('notebooks'));
    await expect(runOrReuse(notebook, 'quick', {}, { signal: controller.signal })).rejects.toThrow(
      Interrupted,
    );
    expect(readdirSync(path.join(cache, 'runs'))).toEqual([]);
    if (saved === undefined) delete process.env.COC_CACHE;
    else process.env.COC_CACHE = saved;
    rmSync(cache, { recursive: true });
  });
});
