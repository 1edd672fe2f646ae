// Progress of all runs of a sweep as one line, with the time that is left: from what runs took before, here or now, else
// from what the studies state.
import { median } from '../base/interval';
import type { Progress, ProgressEvent } from '../base/progress';
import { expectedCost } from '../experiments/expected-cost';
import type { RunStore } from '../results/run-store';
import type { Job } from '../experiments/job';

/** One run on its way. */
export interface Task {
  job: Job;
  state: 'waiting' | 'running' | 'elsewhere' | 'found' | 'computed' | 'failed';
  tries: number;
  error?: string;
}

export class SweepProgress {
  private readonly began = performance.now();
  private readonly expected = new Map<Task, number>();
  private readonly starts = new Map<Task, number>();
  private readonly details = new Map<Task, string>();
  /** Seconds that runs of each study took in this sweep. */
  private readonly took = new Map<string, number[]>();
  private readonly tick: NodeJS.Timeout | undefined;

  constructor(
    private readonly tasks: Task[],
    store: RunStore,
    private readonly workers: number,
    private readonly progress: Progress | undefined,
  ) {
    if (!progress || tasks.length === 0) return;
    const records = store.list();
    for (const task of tasks) this.expected.set(task, expectedCost(task.job, store, records).seconds);
    this.tick = setInterval(() => this.report(), 1000);
    this.tick.unref();
  }

  started(task: Task): void {
    this.starts.set(task, performance.now());
    this.report();
  }

  heard(task: Task, { task: what, done, total, unit }: ProgressEvent): void {
    this.details.set(task, total === undefined ? what : `${what} ${done}/${total} ${unit}`);
  }

  ended(task: Task): void {
    const seconds = (performance.now() - (this.starts.get(task) ?? 0)) / 1000;
    this.starts.delete(task);
    this.details.delete(task);
    const { id } = task.job.study;
    if (task.state === 'computed') this.took.set(id, [...(this.took.get(id) ?? []), seconds]);
    this.report();
  }

  /** The last word. */
  close(): void {
    clearInterval(this.tick);
    if (this.tasks.length > 0) this.report(true);
  }

  private report(finished = false): void {
    const done = this.tasks.filter((t) => ['found', 'computed', 'failed'].includes(t.state)).length;
    this.progress?.({
      task: 'runs',
      done,
      total: this.tasks.length,
      unit: 'runs',
      detail: [...this.starts.keys()]
        .map((task) => [task.job.study.id, this.details.get(task)].filter(Boolean).join(': '))
        .join('; '),
      seconds: (performance.now() - this.began) / 1000,
      secondsLeft: this.secondsLeft(),
      finished,
    });
  }

  private secondsLeft(): number {
    let [alone, sideBySide] = [0, 0];
    for (const task of this.tasks) {
      if (!['waiting', 'running', 'elsewhere'].includes(task.state)) continue;
      const took = this.took.get(task.job.study.id);
      // Runs of a sweep are alike; a whole study ran only once.
      const whole = took && task.job.request.part ? median(took) : (this.expected.get(task) ?? 0);
      const start = this.starts.get(task);
      const left = Math.max(0, whole - (start === undefined ? 0 : (performance.now() - start) / 1000));
      if (task.job.study.timed) alone += left;
      else sideBySide += left;
    }
    return alone + sideBySide / this.workers;
  }
}
