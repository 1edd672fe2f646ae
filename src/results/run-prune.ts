// Which stored runs to remove, on a reader's word: nothing is ever removed otherwise.
import { readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import type { RunRecord } from './run-record';
import type { RunStore } from './run-store';

/** What to keep. A run goes only when both say so. */
export interface Pruning {
  /** Keep runs that ended within so many days. Runs that were never finished go only by this. */
  days?: number;
  /** Keep so many of the latest. */
  keep?: number;
}

/** A run that would go. */
export interface Prunable {
  hash: string;
  bytes: number;
  /** Absent for a run that was never finished. */
  record?: RunRecord;
}

/** The runs that go; none that a process computes now. @param now  the time to reckon from */
export function prunable(store: RunStore, { days, keep = 0 }: Pruning, now: Date = new Date()): Prunable[] {
  const limit = new Date(now.getTime() - (days ?? 0) * 86_400_000).toISOString();
  const records = store.list();
  const finished = new Set(records.map((record) => record.identity.hash));
  const old = records.slice(keep).flatMap((record) => {
    const { hash } = record.identity;
    return record.date < limit ? [{ hash, bytes: sizeOf(store, hash), record }] : [];
  });
  const unfinished = store.hashes().flatMap((hash) => {
    const last = store.attempts(hash).at(-1)?.date ?? '';
    return days === undefined || finished.has(hash) || last >= limit
      ? []
      : [{ hash, bytes: sizeOf(store, hash) }];
  });
  return [...old, ...unfinished].filter(({ hash }) => store.ownerOf(hash) === undefined);
}

/** Remove runs, and what an earlier removal left that was killed. */
export function prune(store: RunStore, runs: readonly Prunable[]): void {
  for (const { hash } of runs) store.remove(hash);
  for (const name of store.strays()) rmSync(path.join(store.dir, name), { recursive: true, force: true });
}

/** Bytes of a run's files. */
export function sizeOf(store: RunStore, hash: string): number {
  const dir = path.join(store.dir, hash);
  return readdirSync(dir, { recursive: true, encoding: 'utf8' }).reduce(
    (sum, name) => sum + (statSync(path.join(dir, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}
