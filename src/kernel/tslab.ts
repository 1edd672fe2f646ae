// The one place that knows tslab. Its compiler and its executor are used as they are; its Jupyter server is not, because
// it hides errors, loses output and drops cells (gate.ts and cells.ts are ours instead).
import { statSync } from 'node:fs';
import * as ts from '@tslab/typescript-for-tslab';
import { createConverter, isCompleteCode } from 'tslab/dist/converter';
import { createExecutor } from 'tslab/dist/executor';
import { printQuickInfo } from 'tslab/dist/inspect';
import * as tslabJupyter from 'tslab/dist/jupyter';
import { version } from 'tslab/package.json';
import { format } from 'node:util';
import { InputError } from '../base/errors';
import type { CellError } from './cell-error';
import { toCellError } from './cell-error';
import type { Bundle } from './hub';

const supported = '1.0.22';

/** How a cell's code ended. */
export type Outcome = { ok: true; value?: unknown } | { ok: false; error: CellError };

export interface Completion {
  matches: string[];
  start: number;
  end: number;
}

/** tslab's compiler and executor with one session's declarations and values. */
export interface Tslab {
  /** Run a cell's code. Resolves when its top-level awaits are done; never rejects. */
  run(code: string): Promise<Outcome>;
  /** Let go of a cell that still awaits: it keeps none of its declarations. */
  abandon(): void;
  /** Whether the compiler is at work (it must not be cut off in the middle). */
  readonly compiling: boolean;
  /** Look for changed type declarations and sources that cells import. */
  refreshTypes(): void;
  complete(code: string, position: number): Completion;
  /** What is known of the name at the position. */
  inspect(code: string, position: number): string | undefined;
  isComplete(code: string): { status: 'complete' } | { status: 'incomplete'; indent: string };
}

/**
 * Start tslab in the current folder.
 * @throws InputError for any version but the one that this file was written for
 */
export function startTslab(): Tslab {
  if (version !== supported) {
    throw new InputError({
      what: 'cannot start the notebook kernel',
      given: `tslab ${version}`,
      expected: `tslab ${supported}, whose inner parts the kernel uses`,
      fix: 'run `npm ci`',
    });
  }
  const refreshTypes = watchByHand();
  const converter = createConverter({ isJS: false, isBrowser: false });
  let compiling = false;
  const convert: typeof converter.convert = (declarations, code) => {
    compiling = true;
    try {
      return converter.convert(declarations, code);
    } finally {
      compiling = false;
    }
  };
  let record: { value?: unknown; error?: CellError } = {};
  const executor = createExecutor(
    process.cwd(),
    { node: { ...converter, convert }, browser: converter, close: () => converter.close() },
    {
      log: (value: unknown) => {
        record.value = value;
      },
      error: (...parts: unknown[]) => {
        // TypeScript's diagnostics come as a format, one call each; anything else is what the cell threw.
        if (typeof parts[0] === 'string' && parts[0].startsWith('%s%d:%d - ')) {
          const line = format(...parts);
          record.error ??= { ename: 'TypeScriptError', evalue: line, traceback: [] };
          record.error.traceback.push(line);
        } else record.error = toCellError(parts[0]);
      },
    },
  );
  return {
    async run(code) {
      record = {};
      const mine = record;
      const ok = await executor.execute(code);
      if (mine.error) return { ok: false, error: mine.error };
      if (!ok) throw new Error('tslab failed a cell without saying why');
      return 'value' in mine ? { ok: true, value: mine.value } : { ok: true };
    },
    abandon: () => executor.interrupt(),
    get compiling() {
      return compiling;
    },
    refreshTypes,
    complete(code, position) {
      const { candidates, start, end } = executor.complete(code, position);
      return { matches: candidates, start, end };
    },
    inspect(code, position) {
      const info = executor.inspect(code, position) as ReturnType<typeof executor.inspect> | undefined;
      return info && printQuickInfo(info);
    },
    isComplete(code) {
      const { completed, indent } = isCompleteCode(code);
      return completed ? { status: 'complete' } : { status: 'incomplete', indent: indent ?? '' };
    },
  };
}

/** tslab's own `display` and `newDisplay` show through this. */
export function setTslabDisplay(
  show: (bundle: Bundle, id: string | undefined, update: boolean) => void,
): void {
  const place = tslabJupyter as { lastWriteDisplayData: unknown };
  place.lastWriteDisplayData = (
    content: {
      data: Record<string, unknown>;
      metadata: Record<string, unknown>;
      transient?: { display_id?: string };
    },
    update: boolean,
  ) => show({ data: content.data, metadata: content.metadata }, content.transient?.display_id, update);
}

/**
 * Take tslab's file watchers in hand. Left alone they notice a change at some later time, and the cell that runs right
 * after a rebuild would be checked against old types; packages do not change under a running kernel.
 */
function watchByHand(): () => void {
  const inPackages = (file: string): boolean => /[\\/]node_modules[\\/]/.test(file);
  const timeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const watched = new Map<ts.FileWatcherCallback, { file: string; time: number }>();
  ts.sys.watchFile = (file, callback) => {
    if (inPackages(file)) return { close: () => undefined };
    watched.set(callback, { file, time: timeOf(file) });
    return { close: () => watched.delete(callback) };
  };
  const watchDirectory = ts.sys.watchDirectory?.bind(ts.sys);
  ts.sys.watchDirectory = (directory, callback, ...rest) =>
    inPackages(`${directory}/`) || !watchDirectory
      ? { close: () => undefined }
      : watchDirectory(directory, callback, ...rest);
  return () => {
    for (const [callback, entry] of [...watched]) {
      const time = timeOf(entry.file);
      if (time === entry.time) continue;
      const kind = ts.FileWatcherEventKind;
      const event = time === 0 ? kind.Deleted : entry.time === 0 ? kind.Created : kind.Changed;
      entry.time = time;
      callback(entry.file, event);
    }
  };
}
