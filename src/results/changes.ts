// What changed between two identities, in words: `src/sampling/gather.ts changed`, `package tslab 1.0.21 -> 1.0.22 (lock)`.
import type { Identity } from './result';

/** A change, and the part of the identity it is in. */
export interface Change {
  part: 'spec' | 'code' | 'data' | 'packages' | 'backend';
  text: string;
}

/** Everything that changed from one identity to another; empty where their hashes are the same. */
export function listChanges(before: Identity, now: Identity): Change[] {
  if (before.hash === now.hash) return [];
  return [
    ...(before.spec === now.spec ? [] : [{ part: 'spec' as const, text: 'spec changed' }]),
    ...(before.code === now.code ? [] : codeChanges(before.modules, now.modules)),
    ...compare(before.data, now.data).map(({ key, was, is }) => ({
      part: 'data' as const,
      text: `data ${key} ${is === undefined ? 'is not read any more' : was === undefined ? 'is new' : 'changed'}`,
    })),
    ...compare(before.packages, now.packages).map(({ key, was, is }) => ({
      part: 'packages' as const,
      text: `package ${key.slice(key.lastIndexOf('node_modules/') + 'node_modules/'.length)} ${packageText(was, is)} (lock)`,
    })),
    ...backendChanges(before.backend, now.backend).map((text) => ({ part: 'backend' as const, text })),
  ];
}

/** What changed from one identity to another, a line each. */
export function changesBetween(before: Identity, now: Identity): string[] {
  return listChanges(before, now).map((change) => change.text);
}

/** Changes in a line; a list of fifty modules is no line. */
export function changesText(changes: readonly string[], most = 5): string {
  const more = changes.length - most;
  return changes.slice(0, most).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** Another backend is the whole of the change: versions of two backends are nothing to compare. */
function backendChanges(before: Identity['backend'], now: Identity['backend']): string[] {
  if (before.name !== now.name) return [`backend ${before.name ?? 'none'} -> ${now.name ?? 'none'}`];
  return compare(before, now).map(
    ({ key, was, is }) =>
      `backend${now.name ? ` ${now.name}` : ''}: ${key === 'code' ? 'its code changed' : `${key} ${was ?? 'none'} -> ${is ?? 'none'}`}`,
  );
}

function codeChanges(before: Record<string, string>, now: Record<string, string>): Change[] {
  const modules = compare(before, now).map(
    ({ key, was, is }) =>
      `${key} ${is === undefined ? 'is not imported any more' : was === undefined ? 'is imported now' : 'changed'}`,
  );
  // The text of the cells is in the bundle and in no module.
  const texts = modules.length > 0 ? modules : ['the code of the cells changed'];
  return texts.map((text) => ({ part: 'code', text }));
}

/** `1.0.0 -> 1.1.0`; where the version stayed, what else changed. */
function packageText(was: string | undefined, is: string | undefined): string {
  const [from, to] = [was, is].map((entry) => entry?.split(' ')[0] ?? 'none');
  return from === to ? `${from}: other content` : `${from} -> ${to}`;
}

function compare(
  before: Record<string, string>,
  now: Record<string, string>,
): { key: string; was: string | undefined; is: string | undefined }[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  return keys
    .map((key) => ({
      key,
      was: before[key],
      is: now[key],
    }))
    .filter(({ was, is }) => was !== is);
}
