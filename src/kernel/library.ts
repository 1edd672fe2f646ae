// Keeps the library that cells import equal to src/: builds what changed before a cell, and drops the old modules, so
// that running the import cell again brings the new code. Tensors, backends and packages stay.
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { inRepo } from '../base/paths';
import type { BuildReply } from './builder';
import type { CellError } from './cell-error';
import { cocBuild } from './coc-build';

const { cache } = createRequire(__filename);

export class Library {
  private builder: ChildProcess | undefined;
  private stamp = readStamp();
  private broken: { state: string; error: CellError } | undefined;

  /** Bring dist/ up to date; milliseconds when nothing changed. Returns the type errors of src/, if it has any. */
  async refresh(): Promise<CellError | undefined> {
    if (!cocBuild.isFresh()) {
      const state = cocBuild.stampOf();
      if (this.broken?.state !== state) {
        const { errors } = await this.build();
        this.broken = errors.length > 0 ? { state, error: buildError(errors) } : undefined;
      }
      if (this.broken) return this.broken.error;
    }
    const stamp = readStamp();
    if (stamp !== this.stamp) {
      // All of it: modules that import a changed one hold on to the old one. What the kernel runs on it keeps by reference.
      const library = inRepo('dist') + path.sep;
      for (const file of Object.keys(cache)) if (file.startsWith(library)) delete cache[file];
      this.stamp = stamp;
    }
    return undefined;
  }

  private build(): Promise<BuildReply> {
    if (!this.builder?.connected) {
      // Not with the kernel's heap; what it prints is for the terminal.
      this.builder = fork(path.join(__dirname, 'builder.js'), [], {
        execArgv: [],
        stdio: ['ignore', 2, 2, 'ipc'],
      });
      this.builder.unref();
    }
    const { builder } = this;
    return new Promise((resolve) => {
      const onExit = (code: number | null): void =>
        resolve({ errors: [`the build process ended (code ${code}); the kernel's terminal says why`] });
      builder.once('exit', onExit);
      builder.once('message', (reply: BuildReply) => {
        builder.off('exit', onExit);
        resolve(reply);
      });
      builder.send('build', (error) => {
        if (error) resolve({ errors: [`the build process cannot be reached: ${error.message}`] });
      });
    });
  }
}

function buildError(errors: string[]): CellError {
  return {
    ename: 'BuildError',
    evalue: `src/ does not build: ${errors[0]}`,
    traceback: ['src/ does not build; cells run again when it does:', ...errors],
  };
}

function readStamp(): string {
  try {
    return readFileSync(cocBuild.stampFile, 'utf8');
  } catch {
    return '';
  }
}
