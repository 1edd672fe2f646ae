// The one store: a study is a JSON file that holds its provenance once and its findings, and a digest over both, so
// that a value changed by hand is noticed by every load.
//
//   figures/recorded/<study>.json      tracked; what the paper is set from
//   figures/quick/results/<study>.json git-ignored; what the last quick run found
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { InputError } from '../base/errors';
import { readJson, writeJsonAtomic } from '../base/files';
import { sha256OfValue } from '../base/hash';
import { inRepo } from '../base/paths';
import type { Finding, Provenance, Result } from './result';
import { findingSchema, provenanceSchema } from './result';

/** One run of one study. */
export interface Study {
  study: string;
  provenance: Provenance;
  findings: Finding[];
}

const studySchema = z.strictObject({
  study: z.string(),
  provenance: provenanceSchema,
  findings: z.array(findingSchema),
});

/** The folder of the results the paper is set from. `COC_RECORDED`: where a run that is being recorded finds them. */
export const recordedDir = (): string => process.env.COC_RECORDED ?? inRepo('figures', 'recorded');
/** The folder of the last quick run's results. */
export const quickDir = (): string => inRepo('figures', 'quick', 'results');

/** What a study's file holds beside the study: SHA-256 of the canonical JSON of all the rest. */
const digestSchema = z.looseObject({ digest: z.string() });

/** Check a study's form; the error names the field. */
export function checkStudy(value: unknown, where: string): Study {
  const parsed = studySchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new InputError({
    what: `cannot use the results in ${where}`,
    given: `${issue.path.join('.') || 'the file'}: ${issue.message}`,
    expected: 'a study as src/results/result.ts describes it',
    fix: 'run the study again, or restore the file from git',
  });
}

/** Write a study, atomically. Equal studies give equal bytes. */
export function saveStudy(dir: string, study: Study): string {
  const checked = checkStudy(study, `the study ${study.study}`);
  const file = path.join(dir, `${study.study}.json`);
  writeJsonAtomic(file, { ...checked, digest: sha256OfValue(checked) });
  return file;
}

/** Read one study. @throws InputError where it is missing, malformed or changed by hand */
export function loadStudy(dir: string, name: string): Study {
  const file = path.join(dir, `${name}.json`);
  if (!existsSync(file)) {
    throw new InputError({
      what: `cannot load the study ${name}`,
      given: `no file ${path.relative(inRepo(), file)}`,
      expected: 'a recorded study',
      fix: 'run `npm run reproduce -- --record` to record one',
    });
  }
  return readStudy(file);
}

/**
 * Read the file of a study, wherever it lies.
 * @throws InputError where it is malformed, or its digest does not fit what it holds
 */
export function readStudy(file: string): Study {
  const shown = path.relative(inRepo(), file);
  const where = shown.startsWith('..') ? file : shown;
  const value = readJson(file);
  const sealed = digestSchema.safeParse(value);
  if (!sealed.success) return refuse(where, 'a file without a digest');
  const { digest, ...rest } = sealed.data;
  const study = checkStudy(rest, where);
  if (sha256OfValue(study) === digest) return study;
  return refuse(where, 'a file that was changed by hand: its digest does not fit');
}

function refuse(where: string, given: string): never {
  throw new InputError({
    what: `cannot use the results in ${where}`,
    given,
    expected: 'results as a run wrote them',
    fix: 'restore the file from git, or record again with `npm run reproduce -- --record`',
  });
}

/** The results of a study, each with its provenance. */
export function resultsOf(study: Study, origin: Result['origin']): Result[] {
  return study.findings.map((finding) => ({ ...finding, ...study.provenance, study: study.study, origin }));
}

/** Every study in a folder. @throws InputError as `loadStudy` */
export function loadStudies(dir: string): Study[] {
  const files = existsSync(dir)
    ? // A folder may describe itself (publish/ro-crate.ts).
      readdirSync(dir).filter((f) => f.endsWith('.json') && f !== 'ro-crate-metadata.json')
    : [];
  return files.sort().map((file) => loadStudy(dir, path.basename(file, '.json')));
}

/** Every result in a folder, by id. @throws InputError when two studies claim one id */
export function loadResults(dir: string, origin: Result['origin'] = 'stored'): Map<string, Result> {
  const results = new Map<string, Result>();
  for (const study of loadStudies(dir)) {
    for (const result of resultsOf(study, origin)) {
      const other = results.get(result.id);
      if (other) {
        throw new InputError({
          what: `cannot load the results in ${path.relative(inRepo(), dir)}`,
          given: `the id ${result.id} in both ${other.study} and ${result.study}`,
          expected: 'each id once',
          fix: 'rename one of the two results',
        });
      }
      results.set(result.id, result);
    }
  }
  return results;
}
