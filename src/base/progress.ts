// Long functions take `Long` = {signal, progress}. Terminal, notebook cell and `--json` draw from the same events.
import { Interrupted } from './errors';

/** One report from a long task. */
export interface ProgressEvent {
  /** What is being done, in words a reader knows; the same text through one task. */
  task: string;
  /** How much is done, in `unit`. */
  done: number;
  /** How much there is in all, when known. */
  total?: number;
  /** `B` for bytes, else a noun in the plural: `files`, `cells`. */
  unit: string;
  /** What is in hand right now: a file name, a cell. */
  detail?: string;
  /** Seconds since the task began. */
  seconds: number;
  /** Seconds that are left, estimated from the pace so far; absent while unknown. */
  secondsLeft?: number;
  /** The last event of the task. */
  finished: boolean;
}

/** Receives progress. */
export type Progress = (event: ProgressEvent) => void;

/** What every long function accepts: a way to stop it and a place to report to. */
export interface Long {
  signal?: AbortSignal;
  progress?: Progress;
}

/** Counts the steps of one task and reports them at most ten times a second. */
export class Meter {
  private readonly began = performance.now();
  private lastReport = -Infinity;
  private done = 0;

  constructor(
    private readonly task: string,
    private readonly unit: string,
    private readonly total: number | undefined,
    private readonly long: Long = {},
  ) {
    this.report(false);
  }

  /** `amount` more is done. @throws Interrupted when the task's signal was aborted */
  add(amount: number, detail?: string): void {
    this.done += amount;
    if (this.long.signal?.aborted) throw new Interrupted(this.task);
    if (performance.now() - this.lastReport > 100) this.report(false, detail);
  }

  /** The task is complete. */
  finish(detail?: string): void {
    this.report(true, detail);
  }

  private report(finished: boolean, detail?: string): void {
    if (!this.long.progress) return;
    this.lastReport = performance.now();
    const seconds = (this.lastReport - this.began) / 1000;
    const { task, unit, total, done } = this;
    const pace = done > 0 && seconds > 0.5 ? done / seconds : 0;
    const secondsLeft = total !== undefined && pace > 0 ? Math.max(0, (total - done) / pace) : undefined;
    this.long.progress({ task, done, total, unit, detail, seconds, secondsLeft, finished });
  }
}

/** `83 s`, `4 min 10 s`, `2 h 05 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const s = Math.round(seconds);
  if (s < 120) return `${s} s`;
  if (s < 7200) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, '0')} s`;
  return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, '0')} min`;
}

/** `512 B`, `3.1 MB`, `2.56 GB`: powers of 1000, as the project's words say. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 'B';
  for (const next of units) {
    if (value < 1000) break;
    value /= 1000;
    unit = next;
  }
  return `${value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
}

/** One line of text for an event: a bar, the count, the time left. */
export function progressLine(event: ProgressEvent, width = 20): string {
  const amount = (n: number): string => (event.unit === 'B' ? formatBytes(n) : `${n}`);
  const share = event.total ? Math.min(1, event.done / event.total) : event.finished ? 1 : undefined;
  const bar = share === undefined ? '' : `[${'#'.repeat(Math.round(share * width)).padEnd(width, '.')}] `;
  const count =
    amount(event.done) +
    (event.total === undefined ? '' : `/${amount(event.total)}`) +
    (event.unit === 'B' ? '' : ` ${event.unit}`);
  const time = event.finished
    ? `in ${formatSeconds(event.seconds)}`
    : event.secondsLeft === undefined
      ? `${formatSeconds(event.seconds)} so far`
      : `${formatSeconds(event.secondsLeft)} left`;
  return `${event.task} ${bar}${count}, ${time}${event.detail && !event.finished ? ` (${event.detail})` : ''}`;
}
