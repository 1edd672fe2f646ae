// Results beside the code, the specs and the data as they are now.
//
// A quick result that the present code did not make fails the build: nobody could tell it from one that it did. A
// recorded one is typeset with 'code changed since COMMIT' and told; `--strict` makes that a failure, too.
import path from 'node:path';
import { InputError } from '../base/errors';
import { inRepo } from '../base/paths';
import type { Manifest } from '../datasets/manifest';
import { loadManifest } from '../datasets/manifest';
import { studies } from '../experiments/registry';
import { publishedDigests } from '../experiments/data';
import { studyJob } from '../experiments/prepare';
import type { StudyDefinition } from '../experiments/study';
import { inputName, missing } from '../experiments/study';
import { suiteCode } from '../profilers/card-suite/code';
import { isCardRecord } from '../profilers/card-suite/record';
import type { Change } from '../results/changes';
import { changesText, listChanges } from '../results/changes';
import type { Identity } from '../results/result';
import type { Study } from '../results/store';
import { loadStudies } from '../results/store';

/** A study whose results the present code, spec or data would not give. */
export interface Outdated {
  study: string;
  /** The commit it was made at. */
  commit: string;
  changes: string[];
}

/** What changed since a study was run, by part; undefined where there is no such study any more. */
export async function changesSince({ study: id, provenance }: Study): Promise<Change[] | undefined> {
  // The record of a card is no study that could be run here: it is of this code, or of earlier code.
  if (isCardRecord(id)) return listChanges(provenance.identity, (await suiteCode()).identity);
  if (!(id in studies) || provenance.mode === 'stored') return undefined;
  const study = studies[id];
  const data = presentData(study, provenance.identity);
  const { identity } = await studyJob(study, provenance.mode, data);
  return listChanges(provenance.identity, identity);
}

/** What the manifests now say of the data that went in; data that could not be had stays missing. */
function presentData(study: StudyDefinition, then: Identity): Record<string, string> {
  const tables = Object.entries(publishedDigests(study)).filter(([name]) => name in then.data);
  const data = { ...then.data, ...Object.fromEntries(tables) };
  const manifests = new Map<string, Manifest>();
  for (const need of study.needs) {
    const name = inputName(need);
    if (!(name in data) || data[name] === missing) continue;
    const manifest = manifests.get(need.dataset) ?? loadManifest(need.dataset);
    manifests.set(need.dataset, manifest);
    const file = manifest.files.find((f) => f.path === need.path);
    data[name] = file ? (file.sha256 ?? data[name]) : 'in no manifest';
  }
  return data;
}

/**
 * Recorded studies whose spec, code or data changed. Packages, backend, Node and device are no such change: they explain
 * drift.
 */
export async function outdatedRecord(dir: string): Promise<Outdated[]> {
  const found: Outdated[] = [];
  for (const study of loadStudies(dir)) {
    const changes = (await changesSince(study))
      ?.filter(({ part }) => part === 'spec' || part === 'code' || part === 'data')
      .map((change) => change.text) ?? ['there is no such study any more'];
    if (changes.length > 0) found.push({ study: study.study, commit: study.provenance.commit, changes });
  }
  return found;
}

/** What changed, by study, as the paper marks it. */
export function changedOf(outdated: readonly Outdated[]): Map<string, string[]> {
  return new Map(outdated.map(({ study, changes }) => [study, changes]));
}

/** An outdated study in a line. */
export function outdatedText({ study, commit, changes }: Outdated): string {
  const since = commit === 'unknown' ? 'since it was recorded' : `since ${commit.slice(0, 10)}`;
  return `${study}: changed ${since}: ${changesText(changes)}`;
}

/** `--strict`. @throws InputError naming each study and what changed */
export function requirePresentRecord(outdated: readonly Outdated[]): void {
  if (outdated.length === 0) return;
  throw new InputError({
    what: 'cannot take the record as it is (--strict)',
    given: outdated.map(outdatedText).join('; '),
    expected: 'recorded results of the present spec, code and data',
    fix: 'record them anew with `npm run reproduce -- --record`, or leave --strict out: the paper then marks them',
  });
}

/**
 * Quick results stand beside the record as what this code finds here: each must be of the present code.
 * @param besides  studies that do not count: they were not asked for
 * @throws InputError naming each result that is not, why, and what to do
 */
export async function requirePresentQuick(
  dir: string,
  besides: (study: string) => boolean = () => false,
): Promise<void> {
  const stale: string[] = [];
  for (const study of loadStudies(dir)) {
    if (besides(study.study)) continue;
    const changes = (await changesSince(study))?.map((change) => change.text);
    if (changes?.length === 0) continue;
    stale.push(`${study.study} (${changes ? changesText(changes) : 'there is no such study any more'})`);
  }
  if (stale.length === 0) return;
  const shown = path.relative(inRepo(), dir);
  throw new InputError({
    what: `stale quick results in ${shown.startsWith('..') ? dir : shown}`,
    given: stale.join('; '),
    expected: 'results of the present spec, code, packages and data',
    fix: 'run them again with `npm run reproduce`, or delete the folder',
  });
}
