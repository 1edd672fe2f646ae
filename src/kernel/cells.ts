// Cells run one after the other. Each has a context that its code keeps, also after the cell has ended: where its output
// goes, how it is stopped, where its progress draws.
import { AsyncLocalStorage } from 'node:async_hooks';
import { inspect } from 'node:util';
import { messageOf } from '../base/errors';
import type { Long } from '../base/progress';
import type { CellError } from './cell-error';
import { toCellError } from './cell-error';
import { clock } from './clock';
import type { Gate, Request } from './gate';
import { CellOutput } from './outputs';
import { ProgressDisplay } from './progress-display';
import type { Outcome } from './tslab';

/** How long a cell may take to end by itself after its signal was aborted, in ms. */
const grace = 250;
/** How long to wait for requests that were sent before an error was known, in ms. */
const gather = 20;

const interruptedError: CellError = {
  ename: 'Interrupted',
  evalue: 'the cell was interrupted',
  traceback: [
    'Interrupted: the cell was interrupted.',
    'A loop that it left running ends at its next timer or console output, or where it looks at `cell().signal`.',
  ],
};

/** One execution of a cell, as its own code sees it. */
export class Cell {
  readonly output: CellOutput;
  readonly long: Required<Long>;
  /** No timer of this cell fires any more, and its output is dropped. */
  stopped = false;
  /** Its code was cut off: it cannot end by itself any more. */
  cutOff = false;
  readonly progress: ProgressDisplay;
  /** Resolves, with the reason, when the cell must end before its code does. */
  readonly halted: Promise<Outcome>;
  private halt!: (outcome: Outcome) => void;
  private readonly controller = new AbortController();

  constructor(gate: Gate, request: Request) {
    const { header, content } = request;
    this.output = new CellOutput(gate, header, content.silent === true);
    this.progress = new ProgressDisplay((bundle, id) => this.output.display(bundle, id), header.msg_id);
    this.long = {
      signal: this.controller.signal,
      progress: (event) => {
        if (!this.stopped) this.progress.progress(event);
      },
    };
    this.halted = new Promise((resolve) => (this.halt = resolve));
  }

  /** End the cell with an error, and what it left running. */
  stop(error: CellError): void {
    this.controller.abort();
    this.stopped = true;
    this.halt({ ok: false, error });
  }

  /** The reader's wish: code that listens to the signal may end in its own words first. */
  interrupt(): void {
    this.controller.abort();
    clock.setTimeout(() => this.stop(interruptedError), this.cutOff ? 0 : grace);
  }
}

/** What the queue needs of the rest of the kernel. */
export interface CellEngine {
  /** Before a cell: bring the library up to date. An error fails the cell. */
  prepare(): Promise<CellError | undefined>;
  run(code: string): Promise<Outcome>;
  abandon(): void;
}

export class Cells {
  /** The cell that runs. */
  current: Cell | undefined;
  private readonly context = new AsyncLocalStorage<Cell>();
  private readonly earlier = new Set<Cell>();
  private last: Cell | undefined;
  private queue: Promise<void> = Promise.resolve();
  /** Cells whose turn has not come. */
  private readonly waiting: { interrupted: boolean }[] = [];
  private arrived = 0;
  private abortUpTo = 0;
  private count = 0;

  constructor(
    private readonly gate: Gate,
    private readonly engine: CellEngine,
  ) {}

  /** The cell that the calling code belongs to. */
  owner(): Cell | undefined {
    return this.context.getStore() ?? this.current;
  }

  /** The cell that the calling code belongs to by its own context alone. */
  contextOwner(): Cell | undefined {
    return this.context.getStore();
  }

  /** Run a cell when its turn comes. */
  enqueue(request: Request): void {
    const number = ++this.arrived;
    const turn = { interrupted: false };
    this.waiting.push(turn);
    this.queue = this.queue
      .then(() => this.one(request, number, turn))
      .catch((error: unknown) => {
        process.stderr.write(`the kernel failed a cell: ${inspect(error)}\n`);
      });
  }

  /** Stop the running cell, or the one about to run; if there is none, what earlier cells left running. */
  interrupt(): void {
    if (this.current) this.current.interrupt();
    else if (this.waiting.length > 0) this.waiting[0].interrupted = true;
    else {
      for (const cell of this.earlier) cell.stop(interruptedError);
      this.earlier.clear();
    }
  }

  /** Whether the code of a cell runs at this moment. An empty stack says that nothing does: an interrupt will be heard. */
  mayCutOff(): boolean {
    const frames = (new Error().stack ?? '').split('\n').slice(1);
    const idle = frames.every((frame) => /mayCutOff|at <anonymous>:/.test(frame));
    return !idle && this.owner() !== undefined;
  }

  /** The code that runs at this moment is about to be cut off. */
  cutOff(): void {
    const owner = this.owner();
    if (!owner) return;
    owner.cutOff = true;
    if (owner !== this.current) owner.stop(interruptedError);
  }

  /** A rejection or an exception that no code waits for: it fails the cell that runs. */
  stray(kind: string, thrown: unknown): void {
    if (this.context.getStore()?.stopped) return;
    const error = toCellError(thrown, [`${kind}:`]);
    if (this.current) this.current.stop(error);
    else if (this.last) this.last.output.lateError(error);
    else process.stderr.write(`${kind}: ${inspect(thrown)}\n`);
  }

  private async one(request: Request, number: number, turn: { interrupted: boolean }): Promise<void> {
    const { header, content } = request;
    // Signals that came for the cell before find no cell, and this one starts on a stack of its own.
    await clock.turn();
    await clock.turn();
    this.waiting.shift();
    this.gate.status('busy', header);
    try {
      if (number <= this.abortUpTo) {
        // Without a count: JupyterLab would give the cell that number, as if it had run.
        this.gate.reply('execute_reply', { status: 'aborted' }, request);
        return;
      }
      const silent = content.silent === true;
      const counted = !silent && content.store_history !== false;
      if (counted) this.count++;
      const execution_count = this.count;
      const code = typeof content.code === 'string' ? content.code : '';
      if (!silent) this.gate.publish('execute_input', { code, execution_count }, header);
      const cell = new Cell(this.gate, request);
      if (turn.interrupted) cell.stop(interruptedError);
      const outcome = await this.execute(cell, code);
      if (outcome.ok) {
        if (outcome.value !== undefined && outcome.value !== null)
          cell.output.result(execution_count, inspect(outcome.value));
        const reply = {
          status: 'ok',
          execution_count,
          payload: [],
          user_expressions: noExpressions(content),
        };
        this.gate.reply('execute_reply', reply, request);
      } else {
        cell.output.error(outcome.error);
        if (content.stop_on_error !== false) {
          await new Promise((resolve) => clock.setTimeout(resolve, gather));
          this.abortUpTo = this.arrived;
        }
        this.gate.reply('execute_reply', { status: 'error', execution_count, ...outcome.error }, request);
      }
    } finally {
      this.gate.status('idle', header);
    }
  }

  private async execute(cell: Cell, code: string): Promise<Outcome> {
    this.current = this.last = cell;
    this.earlier.add(cell);
    try {
      const work = this.context.run(cell, async (): Promise<Outcome> => {
        const problem = cell.stopped ? undefined : await this.engine.prepare();
        if (cell.stopped) return cell.halted;
        if (problem) return { ok: false, error: problem };
        // A macrotask of its own: if the cell is cut off, only its own microtasks are lost with it.
        await clock.turn();
        return this.engine.run(code);
      });
      work.catch(() => undefined);
      let outcome = await Promise.race([work, cell.halted]);
      // Rejections of this turn surface now.
      await clock.turn();
      if (cell.stopped) outcome = outcome.ok ? await cell.halted : outcome;
      return outcome;
    } catch (error) {
      return { ok: false, error: { ...toCellError(error), evalue: messageOf(error) } };
    } finally {
      if (cell.stopped) this.engine.abandon();
      cell.progress.close();
      cell.output.flush();
      this.current = undefined;
    }
  }
}

/** This kernel evaluates no user expressions, and says so for each. */
function noExpressions(content: Record<string, unknown>): Record<string, unknown> {
  const asked = Object.keys((content.user_expressions as object | undefined) ?? {});
  const answer = { status: 'error', ename: 'NotSupported', evalue: 'no user expressions', traceback: [] };
  return Object.fromEntries(asked.map((name) => [name, answer]));
}
