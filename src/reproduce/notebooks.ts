// Step 3: the notebooks. One that is unchanged (cells, imported code, packages, data, specs, what it shows of the
// register) is not run again; its prose may change at any time.
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { InputError, Interrupted } from '../base/errors';
import { keepNewest, temporaryName, writeJsonAtomic } from '../base/files';
import { cacheDir, inRepo } from '../base/paths';
import type { Long } from '../base/progress';
import { isRehearsal } from '../experiments/mode';
import { decideBackend } from '../backends/probe';
import { publishedDigests } from '../experiments/data';
import { backendIdentity } from '../experiments/prepare';
import { studies } from '../experiments/registry';
import { inputName } from '../experiments/study';
import type { Notebook } from '../kernel/nbformat';
import { readNotebook, writeNotebook } from '../kernel/nbformat';
import type { Failure } from '../kernel/runner';
import { runNotebook } from '../kernel/runner';
import type { Identity } from '../results/identity';
import { identityOf } from '../results/identity';
import type { Mode } from '../results/result';
import type { NotebookCode } from './cells';
import { notebookCode } from './cells';
import type { Documents } from './reads';
import { readsOf } from './reads';
import type { Reason } from './why';
import { reasonOf, rememberIdentity } from './why';

/** How many runs of notebooks are kept. */
const kept = 200;

/** A notebook before it runs. */
export interface PlannedNotebook {
  notebook: NotebookCode;
  identity: Identity;
  reason: Reason;
}

/** The notebooks of the paper, in order. @throws InputError for one that names a study there is not */
export function listNotebooks(dir: string = inRepo('notebooks')): NotebookCode[] {
  const notebooks = readdirSync(dir)
    .filter((file) => file.endsWith('.ipynb'))
    .sort()
    .map((file) => notebookCode(path.join(dir, file)));
  for (const { name, studies: ids } of notebooks) {
    const unknown = ids.filter((id) => !(id in studies));
    if (unknown.length === 0) continue;
    throw new InputError({
      what: `cannot use the notebook ${name}`,
      given: `the study ${unknown.join(', ')} in its metadata (coc.studies)`,
      expected: Object.keys(studies).sort().join(', '),
      fix: 'mend the metadata, or register the study in src/experiments/registry.ts',
    });
  }
  return notebooks;
}

/** What must change before a notebook is run again. @param data  digests of the data sets by name */
export async function identityOfNotebook(
  notebook: NotebookCode,
  mode: Exclude<Mode, 'stored'>,
  data: Record<string, string>,
  documents: Documents,
): Promise<Identity> {
  const size = isRehearsal() ? 'tiny' : mode;
  const specs = Object.fromEntries(notebook.studies.map((id) => [id, studies[id].specs[size]]));
  const computes = notebook.studies.some((id) => studies[id].backend);
  const wanted = notebook.studies.flatMap((id) => studies[id].needs.map(inputName));
  const tables = notebook.studies.flatMap((id) => Object.entries(publishedDigests(studies[id])));
  return identityOf(notebook.source, {
    resolveDir: path.dirname(notebook.file),
    spec: { mode, specs, cells: notebook.cells },
    backend: computes ? await backendIdentity(await decideBackend()) : {},
    data: {
      ...Object.fromEntries(Object.entries(data).filter(([name]) => wanted.includes(name))),
      ...Object.fromEntries(tables),
      ...readsOf(notebook, documents),
    },
  });
}

/** What would be run of some notebooks, and why. */
export async function planNotebooks(
  notebooks: readonly NotebookCode[],
  mode: Exclude<Mode, 'stored'>,
  data: Record<string, string>,
  documents: Documents,
  { force = false }: { force?: boolean } = {},
): Promise<PlannedNotebook[]> {
  const planned: PlannedNotebook[] = [];
  for (const notebook of notebooks) {
    const identity = await identityOfNotebook(notebook, mode, data, documents);
    const stored = existsSync(folderOf(identity));
    const known = { kind: 'notebook' as const, id: notebook.name, mode, identity, stored, force };
    planned.push({ notebook, identity, reason: reasonOf(known) });
  }
  return planned;
}

/**
 * Run a notebook if it must run.
 * @param env  beside the mode: where it finds the record
 * @returns the notebook with the outputs of its run and its present prose
 * @throws Error naming the cell when the notebook fails, InputError when it runs a study that it does not name; nothing
 *   is kept then
 */
export async function runPlanned(
  { notebook, identity, reason }: PlannedNotebook,
  mode: Exclude<Mode, 'stored'>,
  { env = {}, ...long }: Long & { env?: NodeJS.ProcessEnv } = {},
): Promise<Notebook> {
  const dir = folderOf(identity);
  if (reason.runs) {
    const temporary = temporaryName(dir);
    mkdirSync(temporary, { recursive: true });
    try {
      const found = path.join(temporary, 'studies');
      const run = await runNotebook(notebook.file, {
        out: path.join(temporary, 'notebook.ipynb'),
        env: { ...env, COC_MODE: mode, COC_RUN_DIR: found },
        ...long,
      });
      if (run.failure?.kind === 'interrupted') throw new Interrupted(`notebook ${notebook.name}`);
      if (run.failure) throw failureOf(notebook, run.failure);
      requireNamed(notebook, existsSync(found) ? readdirSync(found) : []);
      writeJsonAtomic(path.join(temporary, 'identity.json'), identity);
      rmSync(dir, { recursive: true, force: true });
      renameSync(temporary, dir);
      keepNewest(path.dirname(dir), kept);
    } catch (error) {
      rmSync(temporary, { recursive: true, force: true });
      throw error;
    }
  }
  rememberIdentity('notebook', notebook.name, mode, identity);
  return withOutputs(readNotebook(notebook.file), readNotebook(path.join(dir, 'notebook.ipynb')));
}

/** The notebook as it is now, with the outputs of a run: those of a code cell are found by its id. */
export function withOutputs(present: Notebook, run: Notebook): Notebook {
  const ran = new Map(run.cells.map((cell) => [cell.id, cell]));
  const { kernelspec, language_info } = run.metadata;
  return {
    ...present,
    metadata: { ...present.metadata, kernelspec, language_info },
    cells: present.cells.map((cell) => {
      if (cell.cell_type !== 'code') return cell;
      const from = ran.get(cell.id);
      const { outputs, execution_count } =
        from?.cell_type === 'code' ? from : { outputs: [], execution_count: null };
      return { ...cell, outputs, execution_count };
    }),
  };
}

/** Write notebooks with their outputs into a folder. */
export function writeNotebooks(dir: string, notebooks: ReadonlyMap<string, Notebook>): void {
  for (const [name, notebook] of notebooks) writeNotebook(path.join(dir, `${name}.ipynb`), notebook);
}

/** A copy of a folder of results for notebooks to read, with other results in place of those of the same name. */
export function stageRecord(recorded: string, fresh: string, ids: readonly string[], staged: string): void {
  cpSync(recorded, staged, { recursive: true });
  for (const id of ids) cpSync(path.join(fresh, `${id}.json`), path.join(staged, `${id}.json`));
}

const folderOf = (identity: Identity): string => cacheDir('notebooks', identity.hash);

function requireNamed(notebook: NotebookCode, files: readonly string[]): void {
  const ran = files.filter((f) => f.endsWith('.json')).map((f) => path.basename(f, '.json'));
  const unnamed = ran.filter((id) => !notebook.studies.includes(id));
  if (unnamed.length === 0) return;
  throw new InputError({
    what: `cannot keep the run of notebook ${notebook.name}`,
    given: `a run of ${unnamed.join(', ')}, which its metadata does not name`,
    expected:
      'every study that a notebook runs in metadata.coc.studies: its data and spec decide when it runs again',
    fix: `add ${unnamed.join(', ')} to metadata.coc.studies of ${path.basename(notebook.file)}`,
  });
}

/** The error that stops a reproduce: which notebook, which cell, what happened there. */
function failureOf(notebook: NotebookCode, { cell, ename, evalue, traceback }: Failure): Error {
  const trace = traceback.length ? `\n${traceback.join('\n')}` : '';
  return new Error(`notebook ${notebook.name}, cell ${cell}: ${ename}: ${evalue}${trace}`);
}
