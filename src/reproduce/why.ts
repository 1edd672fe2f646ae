// Whether a study or a notebook would run, and why: its identity beside the one of its last run here.
//
// What ran last is kept for each clone, since two clones may hold different code; the runs themselves are shared.
import { existsSync } from 'node:fs';
import { readJson, writeJsonAtomic } from '../base/files';
import { sha256 } from '../base/hash';
import { cacheDir, repoRoot } from '../base/paths';
import { changesBetween, changesText } from '../results/changes';
import type { Identity, Mode } from '../results/result';
import { identitySchema } from '../results/result';

/** A study or a notebook, and what a run would do with it. */
export interface Reason {
  kind: 'study' | 'notebook';
  id: string;
  runs: boolean;
  /** `src/sampling/gather.ts changed`, `never run`, `forced`, ...; empty where nothing changed. */
  why: string[];
}

/** What is known of a study or a notebook before it is decided whether it runs. */
export interface Known {
  kind: Reason['kind'];
  id: string;
  mode: Mode;
  /** What it depends on now. */
  identity: Identity;
  /** Whether a finished run with this identity is at hand. */
  stored: boolean;
  force?: boolean;
  /** The identity of the recorded run in the same mode: compared with where nothing was run here yet. */
  recorded?: Identity;
}

/** Whether it runs, and why. */
export function reasonOf({ kind, id, mode, identity, stored, force = false, recorded }: Known): Reason {
  const reason = (runs: boolean, why: string[]): Reason => ({ kind, id, runs, why });
  if (force) return reason(true, ['forced']);
  if (stored) return reason(false, []);
  const last = lastIdentity(kind, id, mode);
  if (last) {
    const changes = changesBetween(last, identity);
    return reason(true, changes.length > 0 ? changes : ['its last run is no longer in the cache']);
  }
  const since = recorded ? changesBetween(recorded, identity) : [];
  const more = since.length > 0 ? ` (since it was recorded: ${changesText(since)})` : '';
  return reason(true, [`never run in mode ${mode} here${more}`]);
}

/** One line for a reason: `strides: would run, src/sampling/gather.ts changed`. */
export function reasonText({ id, runs, why }: Reason, would = false): string {
  if (!runs) return `${id}: unchanged`;
  return `${id}: ${would ? 'would run' : 'run'}, ${changesText(why)}`;
}

/** What a step did, in a line: `2 unchanged, not run again; pixels, strides: run, src/sampling/gather.ts changed`. */
export function reasonsText(planned: readonly { reason: Reason }[]): string {
  const reasons = planned.map(({ reason }) => reason);
  const unchanged = reasons.filter(({ runs }) => !runs).length;
  // What runs for one reason is told together: on a first run all do.
  const groups = new Map<string, Reason>();
  for (const reason of reasons.filter(({ runs }) => runs)) {
    const key = changesText(reason.why);
    const group = groups.get(key);
    groups.set(key, group ? { ...group, id: `${group.id}, ${reason.id}` } : reason);
  }
  const run = [...groups.values()].map((group) => reasonText(group));
  return [...(unchanged > 0 ? [`${unchanged} unchanged, not run again`] : []), ...run].join('; ') || 'none';
}

/** What was run last in this clone. */
export function lastIdentity(kind: Reason['kind'], id: string, mode: Mode): Identity | undefined {
  const file = pointer(kind, id, mode);
  if (!existsSync(file)) return undefined;
  // A pointer of another format counts as none: it is kept for words only.
  return identitySchema.safeParse(readJson(file)).data;
}

/** Keep what was run. */
export function rememberIdentity(kind: Reason['kind'], id: string, mode: Mode, identity: Identity): void {
  writeJsonAtomic(pointer(kind, id, mode), identity);
}

function pointer(kind: Reason['kind'], id: string, mode: Mode): string {
  return cacheDir('last', sha256(repoRoot).slice(0, 16), mode, kind, `${id}.json`);
}
