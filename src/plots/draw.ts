// From the id of a figure's result to the figure: the builders, by name.
import { InputError } from '../base/errors';
import { claimVerdicts } from './builders/claim-verdicts';
import { costOfConsistency } from './builders/cost-of-consistency';
import { intersectionFloor } from './builders/intersection-floor';
import { linkedPlanes } from './builders/linked-planes';
import { epochFactor } from './builders/epoch-factor';
import { memoryLadder } from './builders/memory-ladder';
import { agreementMaps } from './builders/agreement-maps';
import { armScores } from './builders/arm-scores';
import { memoryTimeline } from './builders/memory-timeline';
import { trainingCurves } from './builders/training-curves';
import { kernelTransfer } from './builders/kernel-transfer';
import { pairedDifferences } from './builders/paired-differences';
import { pixelLedger } from './builders/pixel-ledger';
import { planeReadTimes } from './builders/plane-read-times';
import { rankTradeoff } from './builders/rank-tradeoff';
import { remedyLadder } from './builders/remedy-ladder';
import { scoreColumns } from './builders/score-columns';
import { stepBudget } from './builders/step-budget';
import { strideTimes } from './builders/stride-times';
import { threePlanes } from './builders/three-planes';
import type { Builder, Figure, Results } from './figure';
import { withFooter } from './footer';
import { stampOf } from './stamp';

/** Every builder by the name that a result gives in `figure.builder`; each file says what data it wants. */
export const builders: Record<string, Builder | undefined> = {
  'claim-verdicts': claimVerdicts,
  'cost-of-consistency': costOfConsistency,
  'linked-planes': linkedPlanes,
  'epoch-factor': epochFactor,
  'intersection-floor': intersectionFloor,
  'memory-ladder': memoryLadder,
  'agreement-maps': agreementMaps,
  'arm-scores': armScores,
  'memory-timeline': memoryTimeline,
  'paired-differences': pairedDifferences,
  'training-curves': trainingCurves,
  'kernel-transfer': kernelTransfer,
  'pixel-ledger': pixelLedger,
  'plane-read-times': planeReadTimes,
  'rank-tradeoff': rankTradeoff,
  'remedy-ladder': remedyLadder,
  'score-columns': scoreColumns,
  'step-budget': stepBudget,
  'stride-times': strideTimes,
  'three-planes': threePlanes,
};

/**
 * Draw a figure.
 * @param id       the id of a result that is a figure
 * @param results  all results by id, those that the figure is drawn from among them
 * @throws InputError where a result or a builder is missing or the data has the wrong form
 */
export function figure(id: string, results: Results): Figure {
  const own = results.get(id);
  const problem = (given: string, expected: string): InputError =>
    new InputError({
      what: `cannot draw ${id}`,
      given,
      expected,
      fix: 'run the study that makes it (`npm run reproduce`), or mend the id',
    });
  if (!own?.figure)
    throw problem(own ? `${id}, which is not a figure` : `no result ${id}`, 'the result of a figure');
  const build = builders[own.figure.builder];
  if (!build)
    throw problem(`the builder ${own.figure.builder}`, `one of ${Object.keys(builders).join(', ')}`);
  const { spec, uses, ...drawing } = build(own, results);
  const stamp = stampOf(uses);
  // Each number keeps its run: in a figure of many runs, too, its row alone says where it comes from.
  const rows = drawing.rows.map((row) => ({ ...row, run: results.get(row.result) ?? own }));
  return { ...drawing, rows, id, spec: withFooter(spec, stamp), stamp };
}
