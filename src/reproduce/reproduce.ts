// `npm run reproduce`: data -> notebooks -> (record) -> figures -> paper -> verdicts.
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
import { studies } from '../experiments/registry';
import { drawWithMemory } from '../plots/drawn';
import { lintNotebook, requireBoundNumbers } from '../publish/number-lint';
import { buildRecordedPaper, paperResults, writeClaimsPage } from '../publish/recorded';
import { writeCrate } from '../publish/ro-crate';
import type { Mode } from '../results/result';
import { loadResults, quickDir } from '../results/store';
import { updateCards } from './cards';
import { dataStep } from './data';
import { drawFigures } from './figures';
import { listNotebooks, record, runOrReuse } from './notebooks';
import { ownResults } from './own-results';
import { updateReadme } from './readme';
import type { Skip, StepReport } from './report';

export interface ReproduceOptions extends Long {
  mode: Mode;
  /** Make the run's results the record. */
  record?: boolean;
  /** Run notebooks again though nothing changed. */
  force?: boolean;
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
  paper: { pdf: string; html: string; claims: string; pages: number };
  figures: string[];
  notebooks: string[];
  claims: Summary;
}

/** Reproduce the paper. @throws what stopped it; files made before stay whole */
export async function reproduce({
  mode,
  say = () => undefined,
  ...options
}: ReproduceOptions): Promise<Outcome> {
  if (options.record && mode === 'stored') {
    throw new InputError({
      what: 'cannot record',
      given: '--mode stored, which runs nothing',
      expected: '--mode quick or --mode full',
      fix: 'choose one of these modes with --record',
    });
  }
  const long = { signal: options.signal, progress: options.progress };
  const began = performance.now();
  const steps: Outcome['steps'] = [];
  const total = mode === 'stored' ? 2 : 4;
  const step = async <T extends StepReport>(work: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    const report = await work();
    const seconds = (performance.now() - start) / 1000;
    steps.push({ step: report.step, line: report.line, skips: report.skips, seconds });
    say(`[${steps.length}/${total}] ${report.step}: ${report.line} (${formatSeconds(seconds)})`);
    return report;
  };

  const notebooks = listNotebooks();
  requireBoundNumbers(notebooks.flatMap((n) => lintNotebook(n.file)));
  if (mode !== 'stored') {
    const needs = [...new Set(notebooks.flatMap((n) => n.studies.flatMap((id) => studies[id].needs)))];
    const { digests } = await step(() => dataStep(needs, long, (line) => say(`      ${line}`)));
    await step(async () => {
      const runs = [];
      for (const notebook of notebooks) {
        runs.push(await runOrReuse(notebook, mode, digests, { force: options.force, ...long }));
      }
      if (options.record) record(runs);
      const done = runs
        .map((r) => `${r.notebook.name} ${r.reused ? 'unchanged, not run again' : 'run'}`)
        .join('; ');
      return { step: 'notebooks', line: done + (options.record ? '; recorded' : ''), skips: [] };
    });
  }

  const results = paperResults();
  const draw = await drawWithMemory();
  const { files } = await step(async () => {
    const files = await drawFigures(results, { draw, ...long });
    // Equal results and figures give an equal crate: only a recording changes it.
    writeCrate(inRepo('figures'));
    let line = `${files.filter((f) => f.endsWith('.svg')).length} from recorded results`;
    if (mode !== 'stored') {
      // Published numbers, and the record where this run has nothing of its own, complete the fresh results.
      const fresh = new Map([...results, ...loadResults(quickDir(), 'fresh')]);
      await drawFigures(fresh, { dir: inRepo('figures', 'quick'), draw, ...long });
      line += ', the same from this run in figures/quick/';
    }
    return { step: 'figures', line, skips: [], files };
  });
  const { paper } = await step(async () => {
    const paper = await buildRecordedPaper({ results, draw, ...long });
    const claims = await writeClaimsPage({ results, here: (await ownResults()).results });
    const line = `${paper.pages} pages, a web page, and a page of all claims`;
    return { step: 'paper', line, skips: [], paper: { ...paper, claims } };
  });

  const claims = summarise(judgeAll(loadRegister(), results), results);
  if (options.record) {
    updateReadme(claims);
    updateCards();
  }
  const shown = (file: string): string => path.relative(inRepo(), file);
  return {
    mode,
    recorded: options.record ?? false,
    seconds: (performance.now() - began) / 1000,
    steps,
    skips: steps.flatMap((s) => s.skips),
    paper: {
      pdf: shown(paper.pdf),
      html: shown(paper.html),
      claims: shown(paper.claims),
      pages: paper.pages,
    },
    figures: files.filter((f) => f.endsWith('.svg')).map(shown),
    notebooks: notebooks.map((n) => shown(n.file)),
    claims,
  };
}
