// Runs a notebook from the first cell to the last in a fresh kernel and stores its outputs, without Python.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError } from '../base/errors';
import { readJson, writeJsonAtomic } from '../base/files';
import { sha256 } from '../base/hash';
import { inRepo } from '../base/paths';
import type { Long, ProgressEvent } from '../base/progress';
import type { CellError } from './cell-error';
import { DeadKernel, KernelClient } from './client';
import { Collector, settleLines } from './collect';
import { languageInfo } from './kernel-info';
import type { KernelSpec } from './kernelspec';
import { kernelDisplayName, kernelName } from './kernelspec';
import type { CodeCell, Notebook } from './nbformat';
import { readNotebook, writeNotebook } from './nbformat';
import { cellProgressOf } from './progress-display';
import type { Content } from './wire';

/** Why a notebook is red. */
export type FailureKind = 'error' | 'late error' | 'dead kernel' | 'timeout' | 'interrupted';

export interface Failure extends CellError {
  kind: FailureKind;
  /** Which cell, counted from 1 over all cells, text included, as a reader counts. */
  cell: number;
}

export interface RunOptions extends Long {
  /** Where the executed notebook goes: a file. Left out: nowhere. */
  out?: string;
  /** Added to the kernel's environment, e.g. `COC_MODE`. */
  env?: NodeJS.ProcessEnv;
  /** Limit for each cell; none when left out. */
  timeoutSeconds?: number;
  /** Another kernel than this project's. */
  spec?: KernelSpec;
}

export interface RunResult {
  ok: boolean;
  file: string;
  out?: string;
  /** With the outputs, up to the cell that failed. */
  notebook: Notebook;
  seconds: number;
  /** Code cells that ran. `cell` counts from 1 over all cells. */
  cells: { cell: number; seconds: number; ok: boolean }[];
  failure?: Failure;
}

/** How long earlier runs took, by the cell's text: for the time left. Not in the notebook, where it would be a change. */
const timesFile = (): string => inRepo('.cache', 'cell-seconds.json');

/**
 * Run a notebook. The folder that cells import from is the notebook's own. The result is written also when it is red.
 * A cell with the tag `raises-exception` may fail.
 * @throws InputError when the file is not a notebook of this kernel
 */
export async function runNotebook(file: string, options: RunOptions = {}): Promise<RunResult> {
  const notebook = readNotebook(file);
  const wanted = notebook.metadata.kernelspec?.name;
  if (wanted !== undefined && wanted !== kernelName && !options.spec) {
    throw new InputError({
      what: `cannot run ${file}`,
      given: `a notebook for the kernel "${wanted}"`,
      expected: `the kernel "${kernelName}"`,
      fix: 'choose the kernel in JupyterLab and save, or give that kernel with --kernel',
    });
  }
  const run = new NotebookRun(file, notebook, options);
  const result = await run.all();
  if (options.out !== undefined) writeNotebook(options.out, result.notebook);
  return result;
}

class NotebookRun {
  private readonly began = performance.now();
  private readonly name: string;
  private readonly code: { cell: CodeCell; number: number; key: string }[];
  private readonly known: Record<string, number>;
  private readonly collector = new Collector();
  private readonly ran: RunResult['cells'] = [];
  private failure: Failure | undefined;
  private detail: string | undefined;
  private started = false;
  private cellBegan = this.began;

  constructor(
    private readonly file: string,
    private readonly notebook: Notebook,
    private readonly options: RunOptions,
  ) {
    this.name = path.basename(file);
    this.code = notebook.cells.flatMap((cell, i) =>
      cell.cell_type === 'code' && cell.source.trim() !== ''
        ? [{ cell, number: i + 1, key: sha256(cell.source).slice(0, 16) }]
        : [],
    );
    this.known = existsSync(timesFile()) ? (readJson(timesFile()) as Record<string, number>) : {};
  }

  async all(): Promise<RunResult> {
    for (const cell of this.notebook.cells) clean(cell);
    const tick = setInterval(() => this.report(), 1000);
    this.report();
    let client: KernelClient | undefined;
    try {
      const { spec, signal } = this.options;
      const file = path.resolve(this.file);
      // The name by which Jupyter's servers tell a kernel its notebook.
      const env = { JPY_SESSION_NAME: file, ...this.options.env };
      client = await KernelClient.start({ spec, env, signal, cwd: path.dirname(file) });
      client.listenTo((message) => {
        this.collector.take(message);
        this.detail = cellProgressOf(message.content) ?? this.detail;
      });
      // Its sockets answer before its compiler is ready; a question to the compiler keeps that out of the first cell's time.
      await client.request('is_complete_request', { code: '' }).done;
      for (const entry of this.code) {
        await this.one(client, entry);
        if (this.failure) break;
      }
      // What a cell left behind may still fail before the kernel is gone.
      if (!this.failure) await sleep(300);
      await client.shutdown();
      const late = this.collector.lateError;
      if (late) this.failure ??= { ...late, kind: 'late error', cell: this.ran.at(-1)?.cell ?? 0 };
    } catch (error) {
      if (this.options.signal?.aborted) this.fail('interrupted', 'the run was interrupted', 0);
      else if (error instanceof DeadKernel) this.fail('dead kernel', error.message, 0);
      else throw error;
    } finally {
      clearInterval(tick);
      await client?.kill();
    }
    this.settle();
    this.report(true);
    this.remember();
    const { file, notebook, ran, failure } = this;
    const seconds = (performance.now() - this.began) / 1000;
    return { ok: !failure, file, out: this.options.out, notebook, seconds, cells: ran, failure };
  }

  private async one(client: KernelClient, { cell, number, key }: NotebookRun['code'][number]): Promise<void> {
    this.started = true;
    this.cellBegan = performance.now();
    this.detail = undefined;
    this.report();
    const { done, id } = client.execute(cell.source);
    cell.outputs = this.collector.begin(id);
    const ending = await this.wait(client, done);
    const seconds = (performance.now() - this.cellBegan) / 1000;
    if (typeof ending !== 'string' && !(ending instanceof DeadKernel)) {
      cell.execution_count = typeof ending.execution_count === 'number' ? ending.execution_count : null;
      const ok = ending.status === 'ok';
      this.ran.push({ cell: number, seconds, ok });
      if (ok) this.known[key] = seconds;
      else if (!cell.metadata.tags?.includes('raises-exception')) {
        const { ename, evalue, traceback } = ending as unknown as CellError;
        this.failure = { kind: 'error', cell: number, ename, evalue, traceback };
      }
      return;
    }
    this.ran.push({ cell: number, seconds, ok: false });
    if (ending instanceof DeadKernel) this.fail('dead kernel', ending.message, number);
    else if (ending === 'timeout') {
      this.fail('timeout', `the cell ran longer than ${this.options.timeoutSeconds} s`, number);
    } else this.fail('interrupted', 'the run was interrupted', number);
    // The kernel's own account of the interrupt is in the outputs; ours is what counts.
    cell.outputs = cell.outputs.filter((output) => output.output_type !== 'error');
    const { ename, evalue, traceback } = this.failure!;
    cell.outputs.push({ output_type: 'error', ename, evalue, traceback });
  }

  /** The reply, or what came instead of it; the kernel is then interrupted, and given a moment for its last outputs. */
  private async wait(
    client: KernelClient,
    done: Promise<Content>,
  ): Promise<Content | DeadKernel | 'timeout' | 'interrupted'> {
    const { signal, timeoutSeconds } = this.options;
    const finished = new AbortController();
    const stops: Promise<'timeout' | 'interrupted'>[] = [
      new Promise((resolve) => {
        if (signal?.aborted) resolve('interrupted');
        signal?.addEventListener('abort', () => resolve('interrupted'), { signal: finished.signal });
      }),
    ];
    if (timeoutSeconds !== undefined) {
      stops.push(
        sleep(timeoutSeconds * 1000, 'timeout' as const, { signal: finished.signal }).catch(() => 'timeout'),
      );
    }
    try {
      const ending = await Promise.race([done, ...stops]);
      if (typeof ending === 'string') {
        void client.interrupt().catch(() => undefined);
        await Promise.race([done, sleep(5000)]);
      }
      return ending;
    } catch (error) {
      if (error instanceof DeadKernel) return error;
      throw error;
    } finally {
      finished.abort();
    }
  }

  private fail(kind: FailureKind, evalue: string, cell: number): void {
    const ename = { 'dead kernel': 'DeadKernel', timeout: 'Timeout', interrupted: 'Interrupted' }[
      kind as 'timeout'
    ];
    this.failure ??= { kind, cell, ename, evalue, traceback: [`${ename}: ${evalue}`] };
  }

  /** The notebook as it is stored. */
  private settle(): void {
    for (const { cell } of this.code) {
      for (const output of cell.outputs)
        if (output.output_type === 'stream') output.text = settleLines(output.text);
    }
    const { metadata } = this.notebook;
    if (this.options.spec) return;
    metadata.kernelspec = { name: kernelName, display_name: kernelDisplayName, language: 'typescript' };
    metadata.language_info = { ...languageInfo };
  }

  /** Time left: cells that were run before take as long as then, others as long as the mean of this run. */
  private secondsLeft(): number | undefined {
    const left = this.code.slice(this.ran.length).map(({ key }) => this.known[key] as number | undefined);
    const mean = this.ran.reduce((sum, { seconds }) => sum + seconds, 0) / this.ran.length;
    const total = left.reduce((sum: number, seconds) => sum + (seconds ?? mean), 0);
    const spent = Math.min((performance.now() - this.cellBegan) / 1000, left[0] ?? mean);
    const rest = total - (Number.isFinite(spent) ? spent : 0);
    return Number.isFinite(rest) ? Math.max(0, rest) : undefined;
  }

  private report(finished = false): void {
    const number = this.code.at(this.ran.length)?.number;
    const where = !this.started ? 'the kernel starts' : number === undefined ? undefined : `cell ${number}`;
    const event: ProgressEvent = {
      task: this.name,
      done: this.ran.length,
      total: this.code.length,
      unit: 'cells',
      detail: where && this.detail ? `${where}: ${this.detail}` : where,
      seconds: (performance.now() - this.began) / 1000,
      secondsLeft: this.secondsLeft(),
      finished,
    };
    this.options.progress?.(event);
  }

  private remember(): void {
    const rounded = Object.entries(this.known).map(([key, seconds]) => [
      key,
      Math.round(seconds * 100) / 100,
    ]);
    writeJsonAtomic(timesFile(), Object.fromEntries(rounded));
  }
}

/** Empty a cell of its last run, times included: they would make every run a change. */
function clean(cell: Notebook['cells'][number]): void {
  delete cell.metadata.execution;
  delete cell.metadata.ExecuteTime;
  if (cell.cell_type !== 'code') return;
  cell.outputs = [];
  cell.execution_count = null;
}
