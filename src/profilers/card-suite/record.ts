// The record of a card: a study like any other, in a file of its own for each card, and what is asked of one that comes back from
// another machine.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { InputError } from '../../base/errors';
import { inRepo } from '../../base/paths';
import type { Study } from '../../results/store';
import { readStudy, recordedDir, saveStudy } from '../../results/store';
import type { SuiteCode } from './code';

const prefix = 'card-suite-';

/** The study of a card: `card-suite-h100-80gb-hbm3`. */
export function studyId(card: string): string {
  const words = card
    .toLowerCase()
    .replace(/^nvidia\s+/, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return `${prefix}${words || 'unnamed'}`;
}

/** The study of a rehearsal, which is no result. */
export const rehearsalId = `${prefix}rehearsal`;

/** Stands first among the notes of a rehearsal. */
export const rehearsalNote =
  'A REHEARSAL without a card, with tiny sizes: it shows that the steps work; no number in it is a result';

/** Whether a study is a record of this suite. */
export const isCardRecord = (study: string): boolean => study.startsWith(prefix);

/** The tables that every record has, by the ends of their ids, with their columns. */
const tables: Record<string, readonly string[]> = {
  parts: ['part', 'state', 'device', 'units', 'done', 'failed', 'seconds'],
  checks: ['engine', 'case', 'status', 'value', 'gradient', 'message'],
  times: ['unit', 'precision', 'engine', 'ms', 'low', 'high', 'alone', 'calls', 'rate', 'share', 'agrees'],
  steps: ['step', 'engine', 'way', 'ms', 'low', 'high', 'first', 'loss', 'agrees'],
  goals: ['unit', 'oursMs', 'peerMs', 'share', 'goal', 'verdict'],
  memory: [
    'engine',
    'step',
    'inputs',
    'ledger',
    'buffers',
    'kept',
    'allocator',
    'process',
    'card',
    'message',
  ],
  features: ['what', 'value'],
  tilings: ['tiling', 'numbers', 'size', 'error', 'ms', 'rate', 'message'],
  sam: [
    ...[
      'model',
      'planes',
      'engine',
      'way',
      'limit',
      'fits',
      'seconds',
      'ratio',
      'allocator',
      'process',
      'card',
    ],
    ...['dry', 'loss', 'agrees', 'message'],
  ],
  'sam-goals': ['step', 'way', 'ours', 'peer', 'ratio', 'goal', 'verdict'],
  gather: ['size', 'layout', 'engine', 'ms', 'low', 'high', 'alone', 'rate', 'agrees'],
};

/** @throws InputError naming what a study lacks to be a record of a card */
export function checkCardRecord(study: Study, where: string): void {
  const wrong = (given: string, expected: string, fix: string): InputError =>
    new InputError({ what: `cannot use ${where} as the record of a card`, given, expected, fix });
  const { study: id, findings, provenance } = study;
  const again = 'run `coc gpu-suite` on the machine with the card, and import what it wrote';
  if (id === rehearsalId || provenance.notes.includes(rehearsalNote))
    throw wrong('a rehearsal', 'numbers of a card', again);
  if (provenance.device.gpu === null || id !== studyId(provenance.device.gpu))
    throw wrong(
      `the study ${id} of ${provenance.device.gpu ?? 'no card'}`,
      provenance.device.gpu === null ? 'the card it ran on' : studyId(provenance.device.gpu),
      again,
    );
  for (const [end, columns] of Object.entries(tables)) {
    const found = findings.find((finding) => finding.id === `${id}.${end}`)?.table;
    if (!found) throw wrong(`no table ${id}.${end}`, `the tables ${Object.keys(tables).join(', ')}`, again);
    const has = found.columns.map(({ key }) => key).join(', ');
    if (has !== columns.join(', ')) throw wrong(`columns ${has} in ${id}.${end}`, columns.join(', '), again);
  }
  const states = findings.find((finding) => finding.id === `${id}.parts`)!.table!.rows;
  const open = states.filter(({ state }) => /^not (run|finished)/.test(String(state)));
  if (open.length > 0)
    throw wrong(
      `parts that are ${open.map(({ part, state }) => `${part} (${state})`).join('; ')}`,
      'parts that are done, or not testable there for a stated reason',
      'start the suite again with the same --out: it goes on where it was stopped',
    );
}

/** Whether this clone has a commit. */
function hasCommit(commit: string): boolean {
  try {
    execFileSync('git', ['-C', inRepo(), 'cat-file', '-e', `${commit}^{commit}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/**
 * Take a record that another machine wrote into figures/recorded.
 * @param code  of this clone
 * @param dir   another folder, in tests
 * @returns the study and its file
 * @throws InputError for a file that is no record, was changed by hand, is a rehearsal or unfinished, or was made by other code
 */
export function importRecord(
  file: string,
  code: SuiteCode,
  { dir = recordedDir(), knows = hasCommit }: { dir?: string; knows?: (commit: string) => boolean } = {},
): { study: Study; file: string } {
  const study = readStudy(path.resolve(file));
  checkCardRecord(study, file);
  const { commit, dirty, identity } = study.provenance;
  const wrong = (given: string, expected: string): InputError =>
    new InputError({
      what: `cannot use ${file} as the record of a card`,
      given,
      expected,
      fix: 'commit, make the pack anew (`coc gpu-suite --pack DIR`), and run that on the card',
    });
  if (dirty) throw wrong(`changes beyond the commit ${commit.slice(0, 12)}`, 'a pack of a clean commit');
  if (!knows(commit))
    throw wrong(`the commit ${commit.slice(0, 12)}, which this clone lacks`, 'a commit of this clone');
  if (identity.code !== code.identity.code)
    throw wrong('a suite whose code was another', 'the code of the suite as it is here');
  return { study, file: saveStudy(dir, study) };
}
