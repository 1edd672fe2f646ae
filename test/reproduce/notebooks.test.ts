import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Interrupted } from '../../src/base/errors';
import { inRepo } from '../../src/base/paths';
import type { Notebook } from '../../src/kernel/nbformat';
import { readNotebook } from '../../src/kernel/nbformat';
import type { NotebookCode } from '../../src/reproduce/cells';
import { notebookCode } from '../../src/reproduce/cells';
import {
  identityOfNotebook,
  listNotebooks,
  planNotebooks,
  runPlanned,
  withOutputs,
} from '../../src/reproduce/notebooks';
import type { Documents } from '../../src/reproduce/reads';
import { documentsWith, readsOf } from '../../src/reproduce/reads';
import { selectionOf } from '../../src/reproduce/only';
import { reasonsText, rememberIdentity } from '../../src/reproduce/why';
import { result } from '../claims/fixtures';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'coc-notebooks-'));
const saved = process.env.COC_CACHE;
let documents: Documents;
let notebook: NotebookCode;
beforeAll(() => {
  process.env.COC_CACHE = path.join(scratch, 'cache');
  documents = documentsWith(new Map());
  notebook = listNotebooks().find((n) => n.name === '01-three-views')!;
});
afterAll(() => {
  if (saved === undefined) delete process.env.COC_CACHE;
  else process.env.COC_CACHE = saved;
  rmSync(scratch, { recursive: true });
});

const hashOf = async (code: NotebookCode, data = {}, docs = documents): Promise<string> =>
  (await identityOfNotebook(code, 'quick', data, docs)).hash;

/** The notebook after an edit of its file. */
function edited(
  change: (cells: { cell_type: string; id: string; source: string[] }[]) => void,
): NotebookCode {
  const value = JSON.parse(readFileSync(notebook.file, 'utf8')) as { cells: Parameters<typeof change>[0] };
  change(value.cells);
  const file = path.join(scratch, '01-three-views.ipynb');
  writeFileSync(file, JSON.stringify(value));
  // Its imports are resolved from where it lies.
  return { ...notebookCode(file), file: notebook.file };
}

describe('the identity of a notebook', () => {
  it('covers the library code that its cells use, the specs and the data', async () => {
    const one = await identityOfNotebook(notebook, 'quick', {}, documents);
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
      one.hash,
      (await identityOfNotebook(notebook, 'full', {}, documents)).hash,
      await hashOf(notebook, { [flair]: 'missing' }),
      await hashOf({ ...notebook, source: `${notebook.source}\nconsole.log(1)` }),
    ];
    expect(new Set(hashes).size).toBe(4);
    // Data that no study of the notebook reads does not count.
    expect(await hashOf(notebook, { other: 'x' })).toBe(one.hash);
  });

  it('does not change with prose, nor with a comment in a cell', async () => {
    const before = await hashOf(notebook);
    const prose = edited((cells) => {
      for (const cell of cells) if (cell.cell_type === 'markdown') cell.source = ['Other words.'];
    });
    expect(await hashOf(prose)).toBe(before);
    const comment = edited((cells) => {
      cells.find((cell) => cell.cell_type === 'code')!.source.push('\n// a remark');
    });
    expect(await hashOf(comment)).toBe(before);
    const code = edited((cells) => {
      cells
        .filter((cell) => cell.cell_type === 'code')
        .at(-1)!
        .source.push('\nconsole.log(1);');
    });
    expect(await hashOf(code)).not.toBe(before);
  });

  it('covers what the notebook shows of the register and the record, and no more of them', async () => {
    const before = await hashOf(notebook);
    const own = documents.register.find((c) => c.test.notebook === '01-three-views')!;
    const other = documents.register.find(
      (c) => c.test.notebook === '05-pixels' && !notebook.source.includes(`'${c.id}'`),
    )!;
    const reworded = (id: string): Documents => ({
      ...documents,
      register: documents.register.map((c) => (c.id === id ? { ...c, statement: 'Reworded.' } : c)),
    });
    expect(await hashOf(notebook, {}, reworded(own.id))).not.toBe(before);
    expect(await hashOf(notebook, {}, reworded(other.id))).toBe(before);
    // A notebook without studies shows what others found.
    const tour = { name: '00-tour', studies: [], source: '' };
    const recorded = (value: number): Documents => ({
      ...documents,
      recorded: new Map([['walk.ratio', result({ value })]]),
    });
    expect(readsOf(tour, recorded(2))).not.toEqual(readsOf(tour, recorded(3)));
    expect(readsOf(notebook, recorded(2))).toEqual(readsOf(notebook, recorded(3)));
  });
});

describe('why a notebook would run', () => {
  it('is told: never run, forced, unchanged, or the module that changed', async () => {
    const reason = async (force = false): Promise<unknown> =>
      (await planNotebooks([notebook], 'quick', {}, documents, { force }))[0].reason;
    const about = { kind: 'notebook', id: '01-three-views' };
    expect(await reason()).toEqual({ ...about, runs: true, why: ['never run in mode quick here'] });
    expect(await reason(true)).toEqual({ ...about, runs: true, why: ['forced'] });
    const identity = await identityOfNotebook(notebook, 'quick', {}, documents);
    const earlier = { ...identity.modules, 'src/sampling/plane.ts': 'earlier' };
    rememberIdentity('notebook', notebook.name, 'quick', {
      ...identity,
      ...{ hash: 'earlier', code: 'earlier', modules: earlier },
    });
    expect(await reason()).toEqual({ ...about, runs: true, why: ['src/sampling/plane.ts changed'] });
    rememberIdentity('notebook', notebook.name, 'quick', identity);
    expect(await reason()).toEqual({ ...about, runs: true, why: ['its last run is no longer in the cache'] });
    mkdirSync(path.join(scratch, 'cache', 'notebooks', identity.hash), { recursive: true });
    expect(await reason()).toEqual({ ...about, runs: false, why: [] });
    rmSync(path.join(scratch, 'cache', 'notebooks'), { recursive: true });
  });
});

describe('what a step did', () => {
  it('is one line: the unchanged are counted, what runs for one reason is told together', () => {
    const reason = (id: string, ...why: string[]): Parameters<typeof reasonsText>[0][number] => ({
      reason: { kind: 'study', id, runs: why.length > 0, why },
    });
    const steps = [reason('a'), reason('b', 'x changed'), reason('c', 'forced'), reason('d', 'x changed')];
    expect(reasonsText(steps)).toBe('1 unchanged, not run again; b, d: run, x changed; c: run, forced');
    expect(reasonsText([])).toBe('none');
  });
});

describe('the outputs of a run', () => {
  it('go into the notebook as it is now, cell by cell, with its present prose', () => {
    const present = readNotebook(notebook.file);
    const run: Notebook = {
      ...present,
      cells: present.cells.map((cell) =>
        cell.cell_type === 'code'
          ? {
              ...cell,
              source: `${cell.source} // earlier`,
              outputs: [{ output_type: 'stream', name: 'stdout', text: cell.id }],
              execution_count: 7,
            }
          : { ...cell, source: 'Earlier prose.' },
      ),
    };
    const both = withOutputs(present, { ...run, cells: run.cells.slice(0, -1).reverse() });
    expect(both.cells.map((c) => [c.id, c.source])).toEqual(present.cells.map((c) => [c.id, c.source]));
    for (const cell of both.cells) {
      if (cell.cell_type !== 'code') continue;
      const ran = cell.id !== run.cells.at(-1)!.id;
      expect(cell.outputs).toEqual(ran ? [{ output_type: 'stream', name: 'stdout', text: cell.id }] : []);
    }
  });
});

describe('a run that is interrupted', () => {
  it('says so and leaves nothing in the cache', { timeout: 60_000 }, async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 1500);
    const [planned] = await planNotebooks([notebook], 'quick', {}, documents);
    await expect(runPlanned(planned, 'quick', { signal: controller.signal })).rejects.toThrow(Interrupted);
    expect(readdirSync(path.join(scratch, 'cache', 'notebooks'))).toEqual([]);
  });
});

describe('--only', () => {
  const figure = result({
    id: 'strides.figure',
    study: 'strides',
    figure: { builder: 'stride-times', data: {} },
    value: undefined,
  });
  const select = (id?: string): ReturnType<typeof selectionOf> =>
    selectionOf(id, listNotebooks(inRepo('notebooks')), new Map([[figure.id, figure]]));

  it('takes a study, a notebook or a figure, and everything without it', () => {
    expect(select('pixels')).toMatchObject({ studies: ['pixels'], notebooks: [], whole: false });
    expect(select('06-strides')).toMatchObject({ studies: ['strides'], notebooks: [{ name: '06-strides' }] });
    const drawn = select('strides.figure');
    expect(drawn).toMatchObject({ studies: ['strides'], notebooks: [] });
    expect([figure, { ...figure, id: 'strides.ladder' }].map((r) => drawn.draws(r))).toEqual([true, false]);
    expect(select().whole).toBe(true);
  });

  it('names what is near an id that nothing has', () => {
    expect(() => select('stride')).toThrow(
      /no study, notebook or figure of this name.*near it are .*strides/,
    );
    expect(() => select('06-stride')).toThrow('06-strides');
  });
});
