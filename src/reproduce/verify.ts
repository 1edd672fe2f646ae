// `coc verify FOLDER`: a folder of results that someone else made, checked against this code, its data and its record.
//
// Wrong is what does not fit together: a file that was changed, a crate that describes something else, an identity that
// this code does not give, a figure that the results do not draw, a derived number that comes out otherwise. A measured
// number may differ: that is told as drift.
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { InputError, messageOf } from '../base/errors';
import { sha256OfValue } from '../base/hash';
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import { loadRegister } from '../claims/register';
import { judgeAll } from '../claims/verdict';
import { fileStem } from '../plots/write-figure';
import { crateFile, studyFolder } from '../publish/crate-graph';
import { checkCrate } from '../publish/ro-crate';
import { paperResults } from '../publish/recorded';
import { changesText } from '../results/changes';
import type { Drift } from '../results/drift';
import { driftBetween } from '../results/drift';
import type { Result } from '../results/result';
import type { Study } from '../results/store';
import { loadResults, readStudy, recordedDir, resultsOf } from '../results/store';
import type { DriftSummary } from './drift';
import { driftCounts, driftSummary, driftText } from './drift';
import { drawFigures } from './figures';
import { changesSince } from './present';
import { runAgain } from './rerun';

export interface VerifyOptions extends Long {
  /** Run derived studies again and compare. */
  rerun?: boolean;
}

/** What was found in a folder. */
export interface Verified {
  folder: string;
  /** Studies whose files can be read. */
  studies: string[];
  results: number;
  /** What is wrong, a line each, with what to do. */
  problems: string[];
  /** What a reader should know. */
  notes: string[];
  /** Figures beside the results that were drawn again and are the same. */
  figures: number;
  /** Verdicts that these results give otherwise than our record. */
  verdicts: { id: string; theirs: string; ours: string }[];
  /** Beside our record. */
  drift: DriftSummary;
  /** Studies that were run again. */
  rerun: string[];
}

/** Check a folder. @throws InputError where there is no study in it */
export async function verify(
  folder: string,
  { rerun = false, ...long }: VerifyOptions = {},
): Promise<Verified> {
  const meter = new Meter('verifying', 'steps', rerun ? 6 : 5, long);
  const problems: string[] = [];
  const notes: string[] = [];
  const found = readStudies(folder, problems);
  const results = resultsById(found, problems);
  meter.add(1, 'files');
  if (existsSync(path.join(folder, crateFile))) problems.push(...checkCrate(folder));
  else notes.push(`no ${crateFile}: only the digests in the study files guard the folder`);
  meter.add(1, 'crate');
  for (const study of found) await checkIdentity(study, problems, notes);
  meter.add(1, 'identities');

  const recorded = loadResults(recordedDir());
  const report = driftBetween(recorded, results);
  problems.push(...report.drifts.flatMap((drift) => driftProblem(drift, 'our record')));
  const verdicts = otherVerdicts(results, recorded);
  meter.add(1, 'verdicts');
  const figures = await checkFigures(folder, results, problems, long);
  meter.add(1, 'figures');
  const again = rerun ? await runAgain(found, problems, notes, long) : [];
  meter.finish();
  return {
    folder,
    studies: found.map((study) => study.study),
    results: results.size,
    problems,
    notes,
    figures,
    verdicts,
    drift: driftSummary(recorded, results),
    rerun: again,
  };
}

function readStudies(folder: string, problems: string[]): Study[] {
  const dir = path.join(folder, studyFolder(folder));
  const files = existsSync(dir) ? readdirSync(dir).filter((f) => f.endsWith('.json') && f !== crateFile) : [];
  // Data of figures lies beside results where both are in one folder.
  const own = files.filter((f) => !existsSync(path.join(dir, f.replace(/\.json$/, '.svg'))));
  if (own.length === 0) {
    throw new InputError({
      what: `cannot verify ${folder}`,
      given: 'no study file in it',
      expected: 'a folder with study files (JSON), or one with recorded/ in it',
      fix: 'give the folder that holds the results, such as figures/',
    });
  }
  return own.sort().flatMap((file) => {
    try {
      const study = readStudy(path.join(dir, file));
      if (`${study.study}.json` === file) return [study];
      problems.push(`${file} holds the study ${study.study}: name the file after its study`);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      const { given, fix } = error.problem;
      problems.push(`${file}: ${given}: get the file again from whoever made it, or ${fix}`);
    }
    return [];
  });
}

function resultsById(found: readonly Study[], problems: string[]): Map<string, Result> {
  const results = new Map<string, Result>();
  for (const study of found) {
    for (const result of resultsOf(study, 'stored')) {
      const other = results.get(result.id);
      if (other)
        problems.push(`${result.id} stands in ${other.study} and in ${result.study}: keep one of them`);
      results.set(result.id, result);
    }
  }
  return results;
}

/** Whether the identity fits the file it stands in, and the code that is here. */
async function checkIdentity(study: Study, problems: string[], notes: string[]): Promise<void> {
  const { study: id, provenance } = study;
  const { hash, spec, code, packages, data, backend } = provenance.identity;
  if (sha256OfValue({ spec, code, packages, data, backend }) !== hash)
    problems.push(
      `${id}: its identity does not fit its own hash: the file was put together by hand; run the study again`,
    );
  for (const { name, sha256 } of provenance.inputs) {
    const digest = data[name] as string | undefined;
    if (digest !== undefined && digest !== sha256)
      problems.push(`${id}: ${name} is another file in its inputs than in its identity; run the study again`);
  }
  const changes = await changesSince(study);
  if (!changes) {
    problems.push(
      `${id}: this code has no such study: verify it with the code of commit ${provenance.commit}`,
    );
    return;
  }
  const text = (some: typeof changes): string => changesText(some.map((change) => change.text));
  const surroundings = changes.filter(({ part }) => part === 'packages' || part === 'backend');
  const own = changes.filter((change) => !surroundings.includes(change));
  if (own.length > 0) {
    const { commit, dirty } = provenance;
    const where =
      commit === 'unknown' || dirty ? 'the code that made it (its commit is not known)' : `commit ${commit}`;
    problems.push(`${id}: not of this code: ${text(own)}; verify it with ${where}, or run it again here`);
  } else if (surroundings.length > 0)
    notes.push(`${id}: made with other packages or another backend: ${text(surroundings)}`);
}

/** A number that is computed, not measured, must come out the same. */
function driftProblem({ id, class: cls, recorded, text }: Drift, where: string): string[] {
  if (cls !== 'unexplained' || recorded.kind === 'measured' || recorded.uncertainty) return [];
  // Where the study measures, its tables and figures are made of measurements.
  if (recorded.value === undefined) return [];
  return [
    `${id} (${recorded.kind}) differs from ${where}: ${text}; run the study again on both sides and compare`,
  ];
}

function otherVerdicts(
  theirs: ReadonlyMap<string, Result>,
  ours: ReadonlyMap<string, Result>,
): Verified['verdicts'] {
  const register = loadRegister();
  // Where they have nothing, the record completes them.
  const both = judgeAll(register, new Map([...ours, ...theirs]));
  return judgeAll(register, ours).flatMap(({ claim, verdict }, i) =>
    verdict === both[i].verdict ? [] : [{ id: claim.id, theirs: both[i].verdict, ours: verdict }],
  );
}

/** Draw the figures that lie beside the results again, and compare bytes. @returns how many are the same */
async function checkFigures(
  folder: string,
  results: ReadonlyMap<string, Result>,
  problems: string[],
  long: Long,
): Promise<number> {
  const beside = new Set(readdirSync(folder).filter((f) => /\.(svg|png)$/.test(f)));
  const isBeside = ({ id }: Result): boolean =>
    beside.has(`${fileStem(id)}.svg`) || beside.has(`${fileStem(id)}.png`);
  if (![...results.values()].some((r) => r.figure && isBeside(r))) return 0;
  const drawn = mkdtempSync(path.join(os.tmpdir(), 'coc-verify-'));
  try {
    const all = new Map([...[...paperResults()].filter(([, r]) => r.kind === 'paper'), ...results]);
    await drawFigures(all, { dir: drawn, draws: isBeside, ...long });
    let same = 0;
    for (const file of readdirSync(drawn).filter((f) => beside.has(f))) {
      if (readFileSync(path.join(drawn, file)).equals(readFileSync(path.join(folder, file)))) same++;
      else
        problems.push(
          `${file} is not what the results draw: draw it again with \`npm run reproduce -- --mode stored\``,
        );
    }
    return same;
  } catch (error) {
    problems.push(`the figures cannot be drawn from these results: ${messageOf(error)}`);
    return 0;
  } finally {
    rmSync(drawn, { recursive: true, force: true });
  }
}

/** What was found, as text. */
export function verifiedText({
  folder,
  problems,
  notes,
  verdicts,
  drift,
  rerun,
  ...counts
}: Verified): string {
  const again = rerun.length > 0 ? `; run again: ${rerun.join(', ')}` : '';
  return [
    `${folder}: ${counts.studies.length} studies, ${counts.results} results, ${counts.figures} pictures the same${again}`,
    ...notes.map((note) => `  note: ${note}`),
    ...verdicts.map(
      ({ id, theirs, ours }) => `  verdict on ${id}: ${theirs} by these results, ${ours} by our record`,
    ),
    `Beside our record: ${driftCounts(drift)}`,
    ...driftText(drift, ['unexplained', 'explained by device'], 20).map((line) => `  ${line}`),
    problems.length === 0 ? 'Nothing is wrong.' : `${problems.length} wrong:`,
    ...problems.map((problem) => `  ${problem}`),
  ].join('\n');
}
