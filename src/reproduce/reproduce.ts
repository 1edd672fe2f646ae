// `npm run reproduce`: data -> studies -> notebooks -> (record) -> figures -> paper -> verdicts.
//
// The paper is always set from recorded results. A quick run stands beside them (figures/quick/, notebooks/quick/) and
// replaces none without `record`.
import path from 'node:path';
import { InputError } from '../base/errors';
import { inRepo } from '../base/paths';
import type { Long } from '../base/progress';
import { formatSeconds } from '../base/progress';
import { loadRegister } from '../claims/register';
import type { Summary } from '../claims/summary';
import { summarise } from '../claims/summary';
import { judgeAll } from '../claims/verdict';
import { drawWithMemory } from '../plots/drawn';
import { lintNotebook, requireBoundNumbers } from '../publish/number-lint';
import { buildRecordedPaper, paperResults, writeClaimsPage } from '../publish/recorded';
import { writeVramPage } from '../publish/vram-page';
import { writeCrate } from '../publish/ro-crate';
import type { Mode, Result } from '../results/result';
import { loadResults, quickDir, recordedDir } from '../results/store';
import { updateCards } from './cards';
import type { DriftSummary } from './drift';
import { driftSummary } from './drift';
import { DrawnFiles } from './drawn-files';
import { besideRecord, drawFigures } from './figures';
import { nativeStep, wantsNative } from './native';
import { listNotebooks } from './notebooks';
import type { Selection } from './only';
import { selectionOf } from './only';
import { ownResults } from './own-results';
import type { Outdated } from './present';
import { changedOf, outdatedRecord, requirePresentQuick, requirePresentRecord } from './present';
import { updateReadme } from './readme';
import type { Skip, Step, StepReport } from './report';
import { runSelection } from './run';

export interface ReproduceOptions extends Long {
  mode: Mode;
  /** A study, a notebook or a figure: only that is run, drawn and recorded. */
  only?: string;
  /** Make the run's results the record. */
  record?: boolean;
  /** Run studies and notebooks again though nothing changed. */
  force?: boolean;
  /** Fail where recorded results are not of the present spec, code and data. */
  strict?: boolean;
  /** Do not install native TensorFlow: `false`. */
  native?: boolean;
  /** Receives a line for each step as it ends. */
  say?: (line: string) => void;
}

/** What a reproduce did, for the last screen. */
export interface Outcome {
  mode: Mode;
  recorded: boolean;
  seconds: number;
  steps: (StepReport & { seconds: number })[];
  skips: Skip[];
  /** Set with everything, and with everything that is recorded; not with a part. */
  paper?: { pdf: string; html: string; claims: string; pages: number };
  figures: string[];
  notebooks: string[];
  claims: Summary;
  /** This run beside the record as it was before; absent where nothing was run. */
  drift?: DriftSummary;
  /** Recorded studies whose spec, code or data changed since. */
  outdated: Outdated[];
}

/** Reproduce the paper. @throws what stopped it; files made before stay whole */
export async function reproduce({
  mode,
  only,
  record = false,
  force = false,
  strict = false,
  native,
  say = () => undefined,
  ...long
}: ReproduceOptions): Promise<Outcome> {
  requireRuns(mode, { record, force });
  const began = performance.now();
  const notebooks = listNotebooks();
  const before = paperResults();
  const recordedBefore = loadResults(recordedDir());
  const selection = selectionOf(only, notebooks, before);
  requireBoundNumbers(selection.notebooks.flatMap((n) => lintNotebook(n.file)));
  // Before anything takes its time; what is recorded now is of the present code.
  if (strict && !record) requirePresentRecord(await outdatedRecord(recordedDir()));

  const steps: Outcome['steps'] = [];
  const engine = mode !== 'stored' && wantsNative(native);
  const total = stepsOf(mode, selection, record) + (engine ? 1 : 0);
  const step: Step = async (work) => {
    const start = performance.now();
    const report = await work();
    const seconds = (performance.now() - start) / 1000;
    steps.push({ step: report.step, line: report.line, skips: report.skips, seconds });
    say(`[${steps.length}/${total}] ${report.step}: ${report.line} (${formatSeconds(seconds)})`);
    return report;
  };

  if (engine) await step(() => nativeStep((line) => say(`      ${line}`), long));
  if (mode !== 'stored') await runSelection(selection, mode, { step, say, record, force, ...long });
  // What a part leaves alone may be of earlier code.
  const beside = (study: string): boolean => !selection.whole && !selection.studies.includes(study);
  await requirePresentQuick(quickDir(), beside);
  const fresh = mode === 'stored' ? undefined : freshResults(selection);
  const drift = fresh && driftSummary(recordedBefore, fresh);

  const results = record ? paperResults() : before;
  const outdated = await outdatedRecord(recordedDir());
  if (strict) requirePresentRecord(outdated);
  const draw = await drawWithMemory();
  const known = await DrawnFiles.ofThisCode();
  const { files } = await step(async () => {
    const everything = selection.whole || record;
    const draws = everything ? undefined : selection.draws;
    const files =
      mode === 'stored' || everything ? await drawFigures(results, { draw, draws, known, ...long }) : [];
    // Equal results and figures give an equal crate: only a recording changes it.
    if (everything) writeCrate(inRepo('figures'));
    const drawn = files.filter((f) => f.endsWith('.svg')).length;
    const lines = drawn > 0 ? [`${drawn} from recorded results`] : [];
    if (fresh) {
      // Published numbers, and the record where this run has nothing of its own, complete the fresh results.
      const both = besideRecord(results, loadResults(quickDir(), 'fresh'));
      const dir = inRepo('figures', 'quick');
      await drawFigures(both, {
        dir,
        draw,
        draws: selection.whole ? undefined : selection.draws,
        known,
        ...long,
      });
      lines.push('from this run in figures/quick/');
    }
    return { step: 'figures', line: lines.join(', the same ') || 'none', skips: [], files };
  });
  const paper =
    selection.whole || record
      ? await step(async () => {
          const built = await buildRecordedPaper({ results, draw, changed: changedOf(outdated), ...long });
          const claims = await writeClaimsPage({ results, here: (await ownResults()).results });
          await writeVramPage();
          const line = `${built.pages} pages, a web page, and pages of all claims and of memory needs`;
          return { step: 'paper', line, skips: [], ...built, claims };
        })
      : undefined;

  const claims = summarise(judgeAll(loadRegister(), results), results);
  if (record) {
    updateReadme(claims);
    updateCards();
  }
  const shown = (file: string): string => path.relative(inRepo(), file);
  return {
    mode,
    recorded: record,
    seconds: (performance.now() - began) / 1000,
    steps,
    skips: steps.flatMap((s) => s.skips),
    ...(paper && {
      paper: {
        pdf: shown(paper.pdf),
        html: shown(paper.html),
        claims: shown(paper.claims),
        pages: paper.pages,
      },
    }),
    figures: files.filter((f) => f.endsWith('.svg')).map(shown),
    notebooks: selection.notebooks.map((n) => shown(n.file)),
    claims,
    ...(drift && { drift }),
    outdated,
  };
}

/** @throws InputError for what makes no sense where nothing is run */
function requireRuns(mode: Mode, options: { record: boolean; force: boolean }): void {
  if (mode !== 'stored' || !(options.record || options.force)) return;
  throw new InputError({
    what: options.record ? 'cannot record' : 'cannot run anything again',
    given: '--mode stored, which runs nothing',
    expected: '--mode quick or --mode full',
    fix: `choose one of these modes with ${options.record ? '--record' : '--force'}`,
  });
}

function stepsOf(mode: Mode, { notebooks, whole }: Selection, record: boolean): number {
  const run = mode === 'stored' ? 0 : notebooks.length > 0 ? 3 : 2;
  return run + (whole || record ? 2 : 1);
}

/** What this run found. */
function freshResults({ studies }: Selection): Map<string, Result> {
  const all = loadResults(quickDir(), 'fresh');
  return new Map([...all].filter(([, result]) => studies.includes(result.study)));
}
