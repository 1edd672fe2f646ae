// The part of a reproduce that runs something: data, studies, notebooks, and the record where that is asked for.
import { cpSync, rmSync } from 'node:fs';
import path from 'node:path';
import { temporaryName } from '../base/files';
import { cacheDir, inRepo } from '../base/paths';
import type { Long } from '../base/progress';
import { isRehearsal } from '../experiments/mode';
import { studies } from '../experiments/registry';
import type { DataNeed } from '../experiments/study';
import { inputName } from '../experiments/study';
import type { Notebook } from '../kernel/nbformat';
import type { Identity, Mode } from '../results/result';
import type { Study } from '../results/store';
import { loadResults, loadStudies, quickDir, recordedDir } from '../results/store';
import { dataStep, expectedDigests } from './data';
import { planNotebooks, runPlanned, stageRecord, writeNotebooks } from './notebooks';
import type { Selection } from './only';
import { documentsWith } from './reads';
import type { Step } from './report';
import { planStudies, runStudies } from './studies';
import type { Reason } from './why';
import { lastIdentity, reasonsText } from './why';

type RunMode = Exclude<Mode, 'stored'>;

export interface RunOptions extends Long {
  step: Step;
  say: (line: string) => void;
  record: boolean;
  force: boolean;
}

/** Run what a selection holds, and record it where that is asked for. Results lie in figures/quick/results/. */
export async function runSelection(
  selection: Selection,
  mode: RunMode,
  { step, say, record, force, ...long }: RunOptions,
): Promise<void> {
  const { digests } = await step(() => dataStep(needsOf(selection), long, (line) => say(`      ${line}`)));
  await step(async () => {
    const planned = await planStudies(selection.studies, mode, digests, {
      force,
      recorded: recordedIdentities(mode),
    });
    await runStudies(planned, mode, quickDir(), long);
    return { step: 'studies', line: reasonsText(planned), skips: [] };
  });
  const recorded = record
    ? toRecord(selection.studies, isRehearsal() ? 'tiny' : mode, loadStudies(recordedDir()))
    : [];
  // Notebooks show verdicts by the record: of one that is being recorded, the record as it will be.
  const staged = record ? temporaryName(cacheDir('record')) : undefined;
  try {
    if (staged) stageRecord(recordedDir(), quickDir(), recorded, staged);
    const ran = new Map<string, Notebook>();
    if (selection.notebooks.length > 0) {
      await step(async () => {
        const documents = documentsWith(loadResults(staged ?? recordedDir()));
        const planned = await planNotebooks(selection.notebooks, mode, digests, documents, { force });
        for (const one of planned) {
          const env = staged ? { COC_RECORDED: staged } : {};
          ran.set(one.notebook.name, await runPlanned(one, mode, { env, ...long }));
        }
        writeNotebooks(inRepo('notebooks', 'quick'), ran);
        return { step: 'notebooks', line: reasonsText(planned) + (record ? '; recorded' : ''), skips: [] };
      });
    }
    if (record) {
      const kept = selection.studies.filter((id) => !recorded.includes(id));
      if (kept.length > 0) say(`      the record of mode full stays: ${kept.join(', ')}`);
      for (const id of recorded)
        cpSync(path.join(quickDir(), `${id}.json`), path.join(recordedDir(), `${id}.json`));
      writeNotebooks(inRepo('notebooks'), ran);
    }
  } finally {
    if (staged) rmSync(staged, { recursive: true, force: true });
  }
}

/** The studies of a run that it records: what was recorded in mode full is not given up for a smaller run, a rehearsal say. */
export function toRecord(
  ids: readonly string[],
  size: RunMode | 'tiny',
  recorded: readonly Study[],
): string[] {
  const full = new Set(
    recorded.flatMap(({ study, provenance }) => (provenance.mode === 'full' ? study : [])),
  );
  return ids.filter((id) => size === 'full' || !full.has(id));
}

/** What a run of a selection would do, without doing any of it: no file is fetched, nothing is written. */
export async function reasons(
  selection: Selection,
  mode: RunMode,
  { force = false }: { force?: boolean } = {},
): Promise<Reason[]> {
  const digests = digestsNow(selection, mode);
  const recorded = recordedIdentities(mode);
  const planned = [
    ...(await planStudies(selection.studies, mode, digests, { force, recorded })),
    ...(await planNotebooks(selection.notebooks, mode, digests, documentsWith(loadResults(recordedDir())), {
      force,
    })),
  ];
  return planned.map(({ reason }) => reason);
}

/** The digests of the data as a run would find them; nothing is fetched. */
export function digestsNow(selection: Selection, mode: RunMode): Record<string, string> {
  const last = selection.studies.flatMap((id) => lastIdentity('study', id, mode) ?? []);
  return expectedDigests(
    needsOf(selection),
    (name) => last.find((identity) => name in identity.data)?.data[name],
  );
}

function needsOf({ studies: ids }: Selection): DataNeed[] {
  const needs = ids.flatMap((id) => studies[id].needs);
  return [...new Map(needs.map((need) => [inputName(need), need])).values()];
}

function recordedIdentities(mode: Mode): (id: string) => Identity | undefined {
  const recorded = new Map(
    loadStudies(recordedDir())
      .filter((study) => study.provenance.mode === mode)
      .map((study) => [study.study, study.provenance.identity]),
  );
  return (id) => recorded.get(id);
}
