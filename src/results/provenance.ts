// What a result must say about the machine and the code that made it.
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import { repoRoot } from '../base/paths';
import type { Device, Provenance } from './result';

/** The machine this process runs on. A study that computes on a GPU adds its name and driver. */
export function thisDevice(): Device {
  return {
    cpu: os.cpus()[0]?.model.trim() || process.arch,
    cores: os.availableParallelism(),
    memoryGiB: Math.round((os.totalmem() / 2 ** 30) * 10) / 10,
    platform: `${process.platform}-${process.arch}`,
    gpu: null,
    driver: null,
  };
}

/** The commit of the clone and whether tracked files differ from it; `unknown` outside git (a source archive). */
export function codeState(root: string = repoRoot): { commit: string; dirty: boolean } {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', root, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    // A clone inside somebody else's repository has that one's commit: then the code has none of its own.
    if (git('rev-parse', '--show-cdup') !== '') return { commit: 'unknown', dirty: true };
    // What a build rewrites (figures, notebook outputs) is no change of the code.
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', 'src', 'package-lock.json');
    return { commit: git('rev-parse', 'HEAD'), dirty: changed !== '' };
  } catch {
    return { commit: 'unknown', dirty: true };
  }
}

/** What the process has taken so far: call it when the work is done. @param began  `performance.now()` at its start */
export function costSince(began: number): Provenance['cost'] {
  return {
    seconds: Math.round(performance.now() - began) / 1000,
    // maxRSS is in KiB on every platform.
    memoryMB: Math.round((process.resourceUsage().maxRSS * 1024) / 1e6),
  };
}
