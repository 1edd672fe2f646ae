// An error as Jupyter shows it.
import { inspect } from 'node:util';

export interface CellError {
  ename: string;
  evalue: string;
  traceback: string[];
}

/** Lines of a stack that lead into the kernel and say nothing about the reader's code. */
const ours =
  /[\\/]node_modules[\\/]tslab[\\/]|node:vm:|node:internal|node:async_hooks|[\\/]dist[\\/]kernel[\\/]|AsyncLocalStorage\.run/;

/** What was thrown, whatever it was. */
export function toCellError(thrown: unknown, before: string[] = []): CellError {
  const text = inspect(thrown);
  const stack = text.split('\n').filter((line, i) => i === 0 || !(/^\s+at /.test(line) && ours.test(line)));
  const traceback = [...before, ...stack];
  // An error of another realm (a worker's) is no instance of this one's Error.
  const error = thrown as Partial<Error> | null;
  if (typeof error === 'object' && typeof error?.stack === 'string') {
    return { ename: error.name ?? 'Error', evalue: error.message ?? '', traceback };
  }
  return { ename: 'Thrown', evalue: text, traceback };
}
