// Puts the notebook kernel together: `coc kernel start --connection-file FILE`.
import { Interrupted } from '../base/errors';
import { asyncStackEmptier } from './async-stack';
import { Cells } from './cells';
import { Gate } from './gate';
import type { Request } from './gate';
import { setHub } from './hub';
import { allowImportOnlyPackages } from './import-only';
import { endLeftovers, releaseLostImmediates } from './leftovers';
import { Library } from './library';
import { catchStrays } from './strays';
import type { Tslab } from './tslab';
import { setTslabDisplay, startTslab } from './tslab';
import type { Content } from './wire';
import { readConnection } from './wire';

/** Start the kernel in this process; it ends with the front end's shutdown request, or when its parent process ends. */
export function startKernel(connectionFile: string): void {
  const connection = readConnection(connectionFile);
  allowImportOnlyPackages();
  // The door opens first: requests wait in it while tslab's compiler starts.
  const gate = new Gate(connection, {
    request: (request) => {
      if (request.header.msg_type === 'execute_request') cells.enqueue(request);
      else gate.reply(...answer(tslab, request), request);
    },
    interrupt: () => {
      // Node takes the signal's listeners away while a cell's script runs; a script that was cut off never gave them back.
      if (!process.listeners('SIGINT').includes(onSignal)) process.on('SIGINT', onSignal);
      cells.interrupt();
    },
    shutdown: () => process.exit(0),
  });
  process.on('exit', () => gate.close(500));
  const tslab = startTslab();
  const library = new Library();
  const cells: Cells = new Cells(gate, {
    prepare: async () => {
      const error = await library.refresh();
      tslab.refreshTypes();
      return error;
    },
    run: (code) => tslab.run(code),
    abandon: () => tslab.abandon(),
  });

  // A signal may come late, after its cell; it must not reach the next one.
  const onSignal = (): void => cells.current?.interrupt();
  setTslabDisplay((bundle, id, update) => {
    const cell = cells.owner();
    if (cell && !cell.stopped) cell.output.display(bundle, id, update);
  });
  const emptyAsyncStack = asyncStackEmptier();
  setHub({
    cell: () => cells.owner()?.long,
    display: (bundle, id) => {
      const cell = cells.owner();
      if (cell?.stopped) throw new Interrupted('the cell');
      cell?.output.display(bundle, id);
    },
    mayCutOff: () => !tslab.compiling && cells.mayCutOff(),
    cutOff: () => {
      cells.cutOff();
      emptyAsyncStack();
      releaseLostImmediates();
      // Hold still until the order to end has arrived as well.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    },
  });
  redirect('stdout', cells);
  redirect('stderr', cells);
  endLeftovers(() => {
    const cell = cells.contextOwner();
    return cell && (() => cell.stopped);
  });
  catchStrays((kind, thrown) => cells.stray(kind, thrown));
  process.on('SIGINT', onSignal);
}

/** What the front end asks while typing. A fault in tslab's answer must not end the kernel. */
function answer(tslab: Tslab, { header, content }: Request): [type: string, content: Content] {
  const code = typeof content.code === 'string' ? content.code : '';
  const position = typeof content.cursor_pos === 'number' ? content.cursor_pos : code.length;
  const type = header.msg_type.replace(/request$/, 'reply');
  switch (header.msg_type) {
    case 'complete_request': {
      const { matches, start, end } = attempt(() => tslab.complete(code, position)) ?? {
        matches: [],
        start: position,
        end: position,
      };
      return [type, { status: 'ok', matches, cursor_start: start, cursor_end: end, metadata: {} }];
    }
    case 'inspect_request': {
      const text = attempt(() => tslab.inspect(code, position));
      const data = text === undefined ? {} : { 'text/plain': text };
      return [type, { status: 'ok', found: text !== undefined, data, metadata: {} }];
    }
    default:
      return [type, { ...(attempt(() => tslab.isComplete(code)) ?? { status: 'unknown' }) }];
  }
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** What is written to a standard stream goes to the cell that writes it, also after that cell has ended. */
function redirect(name: 'stdout' | 'stderr', cells: Cells): void {
  const stream = process[name];
  const terminal = stream.write.bind(stream) as (...values: unknown[]) => boolean;
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    const cell = cells.owner();
    if (!cell) return terminal(chunk, ...rest);
    if (!cell.stopped) cell.output.write(name, chunk);
    const done = rest.find((value) => typeof value === 'function') as (() => void) | undefined;
    done?.();
    return true;
  };
}
