// The figure of verdicts by section, as a result: counted in the register at the time of drawing.
import type { Judgement } from '../claims/verdict';
import { verdicts } from '../claims/verdict';
import type { Result } from '../results/result';
import { placeOf } from './claims-view';

/** The id of the figure's result. */
export const verdictFigureId = 'claims.verdicts';

/**
 * How many claims of each section have which verdict.
 * @param judged    every judged claim
 * @param recorded  the results that the verdicts rest on; the newest of them dates the figure
 * @returns nothing where nothing is recorded: then there is no run that verdicts could rest on
 */
export function verdictFigure(judged: readonly Judgement[], recorded: Iterable<Result>): Result[] {
  const runs = [...recorded].filter((r) => !Number.isNaN(Date.parse(r.date)));
  if (runs.length === 0) return [];
  const newest = runs.reduce((a, b) => (Date.parse(b.date) > Date.parse(a.date) ? b : a));
  const places = [...new Set(judged.map(({ claim }) => placeOf(claim)))];
  const data = {
    verdicts: [...verdicts],
    places: places.map((title) => ({
      title,
      counts: verdicts.map((v) => judged.filter((j) => j.verdict === v && placeOf(j.claim) === title).length),
    })),
  };
  const { date, commit, dirty, identity, cost } = newest;
  return [
    {
      id: verdictFigureId,
      title: 'What became of the claims',
      kind: 'derived',
      unit: '',
      uncertainty: null,
      source: 'counted in the register (paper/claims.yaml) by verdict and section',
      figure: { builder: 'claim-verdicts', data },
      mode: 'stored',
      date,
      commit,
      dirty,
      device: {
        cpu: 'counted in the register',
        cores: 0,
        memoryGiB: 0,
        platform: 'none',
        gpu: null,
        driver: null,
      },
      versions: {},
      seed: null,
      inputs: [],
      identity,
      cost,
      notes: [],
      study: 'claims',
      origin: 'stored',
    },
  ];
}
