// Progress in a cell: one line with a bar that renews itself, and at the end one line of plain text.
import type { Progress, ProgressEvent } from '../base/progress';
import { progressLine } from '../base/progress';
import { clock } from './clock';
import type { Bundle } from './hub';
import type { Content } from './wire';

/** Marks the display as progress, for the notebook runner. */
const progressMark = { 'cost-of-consistency': { progress: true } };

const escape = (text: string): string => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** While it runs: the bar as HTML (front ends keep `<progress>` in untrusted notebooks too) and as text. */
function live(event: ProgressEvent): Bundle {
  const line = progressLine(event);
  const share = event.total ? ` value="${event.done}" max="${event.total}"` : '';
  const words = escape(line.replace(/ \[[#.]*\]/, ''));
  return {
    data: { 'text/plain': line, 'text/html': `<div><progress${share}></progress> ${words}</div>` },
    metadata: progressMark,
  };
}

/** What stays in the notebook: no time, so that running it again changes nothing. */
function final(event: ProgressEvent): Bundle {
  const line = progressLine({ ...event, detail: undefined, finished: true })
    .replace(/ \[[#.]*\]/, '')
    .replace(/, in [^,]*$/, event.finished ? '' : ', stopped');
  return { data: { 'text/plain': line }, metadata: progressMark };
}

/** The line of a progress display among a kernel's messages, for the notebook runner. */
export function cellProgressOf(content: Content): string | undefined {
  const { data, metadata } = content as {
    data?: Record<string, unknown>;
    metadata?: Record<string, unknown>;
  };
  const line = data?.['text/plain'];
  return metadata && 'cost-of-consistency' in metadata && typeof line === 'string' ? line : undefined;
}

/** One cell's progress: tasks are told apart by their text. */
export class ProgressDisplay {
  private readonly tasks = new Map<string, { id: string; shown: number; last: ProgressEvent }>();
  private count = 0;

  /** @param prefix  of the display ids, unique to the cell */
  constructor(
    private readonly show: (bundle: Bundle, id: string) => void,
    private readonly prefix: string,
  ) {}

  readonly progress: Progress = (event) => {
    let task = this.tasks.get(event.task);
    if (!task) {
      task = { id: `${this.prefix}-${++this.count}`, shown: -Infinity, last: event };
      this.tasks.set(event.task, task);
    }
    task.last = event;
    if (event.finished) {
      this.tasks.delete(event.task);
      this.show(final(event), task.id);
    } else if (clock.now() - task.shown > 100) {
      task.shown = clock.now();
      this.show(live(event), task.id);
    }
  };

  /** The cell is over: tasks that did not finish say how far they came. */
  close(): void {
    for (const { id, last } of this.tasks.values()) this.show(final(last), id);
    this.tasks.clear();
  }
}
