// Step 2: the notebooks. One that is unchanged (cells, imported code, packages, data, specs) is not run again.
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Interrupted } from '../base/errors';
import { temporaryName, writeJsonAtomic } from '../base/files';
import { cacheDir, inRepo } from '../base/paths';
import type { Long } from '../base/progress';
import { studies } from '../experiments/registry';
import type { Failure } from '../kernel/runner';
import { runNotebook } from '../kernel/runner';
import type { Identity } from '../results/identity';
import { identityOf } from '../results/identity';
import type { Mode } from '../results/result';
import { quickDir, recordedDir } from '../results/store';
import type { NotebookCode } from './cells';
import { notebookCode } from './cells';

/** A notebook's run, done now or found in the run store. */
export interface NotebookRun {
  notebook: NotebookCode;
  identity: Identity;
  /** Folder of the run: `notebook.ipynb`, `studies/*.json`, `identity.json`. */
  dir: string;
  reused: boolean;
}

/** The notebooks of the paper, in order. */
export function listNotebooks(dir: string = inRepo('notebooks')): NotebookCode[] {
  return readdirSync(dir)
    .filter((file) => file.endsWith('.ipynb'))
    .sort()
    .map((file) => notebookCode(path.join(dir, file)));
}

/** What must change before a notebook is run again. */
export function identityOfNotebook(
  notebook: NotebookCode,
  mode: Exclude<Mode, 'stored'>,
  data: Record<string, string>,
): Promise<Identity> {
  const specs = Object.fromEntries(notebook.studies.map((id) => [id, studies[id].specs[mode]]));
  const wanted = notebook.studies.flatMap((id) =>
    studies[id].needs.map((n) => path.posix.join(n.dataset, n.path)),
  );
  return identityOf(notebook.source, {
    resolveDir: path.dirname(notebook.file),
    spec: { mode, specs },
    data: Object.fromEntries(Object.entries(data).filter(([name]) => wanted.includes(name))),
  });
}

/**
 * Run a notebook, or take its run from the store when nothing it depends on has changed.
 * @throws Error naming the cell when the notebook fails; nothing is stored then
 */
export async function runOrReuse(
  notebook: NotebookCode,
  mode: Exclude<Mode, 'stored'>,
  data: Record<string, string>,
  { force = false, ...long }: Long & { force?: boolean } = {},
): Promise<NotebookRun> {
  const identity = await identityOfNotebook(notebook, mode, data);
  const dir = cacheDir('runs', identity.hash);
  const reused = existsSync(dir) && !force;
  if (!reused) {
    const temporary = temporaryName(dir);
    mkdirSync(temporary, { recursive: true });
    try {
      const run = await runNotebook(notebook.file, {
        out: path.join(temporary, 'notebook.ipynb'),
        env: { COC_MODE: mode, COC_RUN_DIR: path.join(temporary, 'studies') },
        ...long,
      });
      if (run.failure?.kind === 'interrupted') throw new Interrupted(`notebook ${notebook.name}`);
      if (run.failure) throw failureOf(notebook, run.failure);
      writeJsonAtomic(path.join(temporary, 'identity.json'), identity);
      rmSync(dir, { recursive: true, force: true });
      renameSync(temporary, dir);
    } catch (error) {
      rmSync(temporary, { recursive: true, force: true });
      throw error;
    }
  }
  // The last quick run stands beside the recorded results and replaces none of them.
  cpSync(path.join(dir, 'studies'), quickDir(), { recursive: true });
  cpSync(path.join(dir, 'notebook.ipynb'), inRepo('notebooks', 'quick', `${notebook.name}.ipynb`));
  return { notebook, identity, dir, reused };
}

/** Make runs the record: their studies and the notebooks with their outputs become tracked files. */
export function record(runs: NotebookRun[]): void {
  for (const run of runs) {
    cpSync(path.join(run.dir, 'studies'), recordedDir(), { recursive: true });
    cpSync(path.join(run.dir, 'notebook.ipynb'), run.notebook.file);
  }
}

/** The error that stops a reproduce: which notebook, which cell, what happened there. */
function failureOf(notebook: NotebookCode, { cell, ename, evalue, traceback }: Failure): Error {
  const trace = traceback.length ? `\n${traceback.join('\n')}` : '';
  return new Error(`notebook ${notebook.name}, cell ${cell}: ${ename}: ${evalue}${trace}`);
}
