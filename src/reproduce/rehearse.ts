// `--rehearse`: the whole path of a mode, recording included, with the smallest specs, in a copy of the clone.
//
// A copy, so that nothing here can be touched by mistake: all paths of the code start from the folder it lies in. The
// copy has a cache of its own, so that everything really runs; packages and data are shared.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Interrupted } from '../base/errors';
import { dataDir, repoRoot } from '../base/paths';
import type { Mode } from '../results/result';

/** What is not copied: what is shared, built again, or of no use there. */
const left = new Set(['node_modules', '.git', '.data', '.cache', '.ci', '.github', 'test', 'quick']);

export interface RehearseOptions {
  mode: Exclude<Mode, 'stored'>;
  only?: string;
  json?: boolean;
  signal?: AbortSignal;
}

/**
 * Rehearse a reproduce. What it says goes to this process's own output; of its results nothing is kept.
 * @returns its exit code
 * @throws Interrupted
 */
export async function rehearse({ mode, only, json, signal }: RehearseOptions): Promise<number> {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'coc-rehearsal-'));
  try {
    const clone = path.join(scratch, 'clone');
    copyClone(repoRoot, clone);
    const args = ['reproduce', '--mode', mode, '--record', ...(only ? ['--only', only] : [])];
    const child = spawn(
      process.execPath,
      [path.join(clone, 'src', 'cli', 'coc.cjs'), ...args, ...(json ? ['--json'] : [])],
      {
        stdio: ['ignore', 'inherit', 'inherit'],
        cwd: clone,
        env: {
          ...process.env,
          COC_SPECS: 'tiny',
          COC_NATIVE: '0',
          COC_CACHE: path.join(scratch, 'cache'),
          COC_DATA: dataDir(),
        },
      },
    );
    const onAbort = (): void => void child.kill('SIGINT');
    signal?.addEventListener('abort', onAbort, { once: true });
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (exit) => resolve(exit ?? 1));
    });
    signal?.removeEventListener('abort', onAbort);
    if (signal?.aborted) throw new Interrupted('the rehearsal');
    return code;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Copy a clone without its history, results of quick runs and caches; the packages are linked. */
export function copyClone(from: string, to: string): void {
  for (const name of readdirSync(from)) {
    if (left.has(name)) continue;
    cpSync(path.join(from, name), path.join(to, name), {
      recursive: true,
      // The build is known to be fresh by the times of the sources.
      preserveTimestamps: true,
      filter: (file) => !left.has(path.basename(file)),
    });
  }
  symlinkSync(path.join(from, 'node_modules'), path.join(to, 'node_modules'), 'junction');
}
