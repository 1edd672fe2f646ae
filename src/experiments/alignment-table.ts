// What follows from Table 1 of view alignment by counting: ranks, gains a column, places, and what was not held equal.
import type { PublishedValues } from '../results/published';
import type { Findings } from './findings';
import type { MeanRank } from './mean-ranks';
import { agrees, combined, meanRanks, rankCorrelation } from './mean-ranks';

export const backbones = { 'resenc-l': 'ResEnc-L', 'primus-m': 'Primus-M' } as const;
export type Backbone = keyof typeof backbones;
export const backboneNames = Object.keys(backbones) as Backbone[];

/** Ways of pre-training, in the order of the table. */
export const methods = ['ae', 'mae', 'cva', 'c-cva', 'con', 'cva-con', 'c-cva-con'] as const;
export type Method = (typeof methods)[number];

const segmentation = ['isl', 'ybm', 'gli', 'msd'].flatMap((set) => [`${set}-dsc`, `${set}-nsd`]);
const classification = ['abide-balanced-accuracy', 'abide-auroc', 'abide-ap'];

const rankFormula =
  'mean over columns of the rank in the backbone’s seven rows, equal printed values sharing their places';

/** The ranks of a row as the columns give them. */
interface RowRanks {
  segmentation: MeanRank;
  classification: MeanRank;
  average: MeanRank;
}

/** Everything that is derived from the table. */
export function findTable(
  found: Findings,
  table: PublishedValues,
  trainers: PublishedValues,
  ranges: PublishedValues,
): void {
  const ranks = findRanks(found, table);
  for (const backbone of backboneNames) {
    findGains(found, table, backbone);
    findPlaces(found, ranks, backbone);
    findRates(found, trainers, backbone);
  }
  findMargins(found, table, ranks);
  findChanges(found, ranks);
  findRanges(found, table, ranges);
  findFigures(found, table);
}

function findRanks(found: Findings, table: PublishedValues): Map<string, RowRanks> {
  const all = new Map<string, RowRanks>();
  for (const backbone of backboneNames) {
    const rows = methods.map((method) => `${backbone}.${method}`);
    const of = (columns: string[]): MeanRank[] =>
      meanRanks(columns.map((column) => rows.map((row) => table.number(row, column))));
    const [seg, cls] = [of(segmentation), of(classification)];
    rows.forEach((row, i) => {
      const average = combined([
        [seg[i], 2 / 3],
        [cls[i], 1 / 3],
      ]);
      const own = { segmentation: seg[i], classification: cls[i], average };
      all.set(row, own);
      for (const [task, rank] of Object.entries(own)) {
        found.derived(
          `rank.${task}.${row}`,
          `Rank in ${task === 'average' ? 'both tasks' : task}, ${nameOf(table, row)}`,
          '1',
          rank.mean,
          task === 'average' ? '(2 x rank in segmentation + rank in classification) / 3' : rankFormula,
        );
      }
    });
  }
  const reproduced = [...all].filter(([row, ranks]) =>
    tasks.every((t) => agrees(printed(table, row, t), ranks[t])),
  );
  found.derived(
    'rows.reproduced',
    'Rows of Table 1 whose three printed ranks the printed columns can give',
    'rows',
    reproduced.length,
    'printed rank between the ranks with all ties broken for and against the row, up to rounding',
  );
  found.table('ranks', 'Ranks as printed, and as the printed columns give them', 'derived', {
    columns: [
      { key: 'backbone', title: 'Backbone', align: 'left' },
      { key: 'method', title: 'Pre-training', align: 'left' },
      ...tasks.flatMap((task) => [
        { key: `${task}-printed`, title: `${titles[task]}, printed`, digits: 2 },
        { key: task, title: `${titles[task]}, derived`, align: 'right' as const },
      ]),
      { key: 'agrees', title: 'Agrees', align: 'left' },
      { key: 'retrained', title: 'Re-trained in small', align: 'left' },
    ],
    rows: [...all].map(([row, ranks]) => ({
      backbone: table.text(row, 'backbone'),
      method: table.text(row, 'method'),
      ...Object.fromEntries(
        tasks.flatMap((task): [string, string | number][] => [
          [`${task}-printed`, printed(table, row, task)],
          [task, rangeText(ranks[task])],
        ]),
      ),
      agrees: reproduced.some(([name]) => name === row) ? 'yes' : 'no',
      retrained: 'not tested yet',
    })),
  });
  return all;
}

const tasks = ['segmentation', 'classification', 'average'] as const;
const titles = {
  segmentation: 'Segmentation',
  classification: 'Classification',
  average: 'Average',
} as const;
const printed = (table: PublishedValues, row: string, task: (typeof tasks)[number]): number =>
  table.number(row, `rank-${task}`);
const nameOf = (table: PublishedValues, row: string): string =>
  `${table.text(row, 'backbone')}, ${table.text(row, 'method')}`;
/** A rank, or its ends where ties leave it open. */
const rangeText = ({ best, mean, worst }: MeanRank): string =>
  best === worst ? mean.toFixed(2) : `${best.toFixed(2)} to ${worst.toFixed(2)}`;

/** In how many columns one way of pre-training is better than another. */
function findGains(found: Findings, table: PublishedValues, backbone: Backbone): void {
  const share = (id: string, of: Method, over: Method): void => {
    const better = segmentation.filter(
      (column) => table.number(`${backbone}.${of}`, column) > table.number(`${backbone}.${over}`, column),
    );
    const name = (method: Method): string => table.text(`${backbone}.${method}`, 'method');
    found.derived(
      `gain.${id}.${backbone}`,
      `Share of segmentation columns in which ${name(of)} is better than ${name(over)}, ${backbones[backbone]}`,
      '1',
      better.length / segmentation.length,
      'count of columns of Table 1; an equal value is no gain',
    );
  };
  share('over-mae', 'cva', 'mae');
  share('with-contrast-over-mae', 'cva-con', 'mae');
  share('over-conmae', 'cva-con', 'con');
}

function findPlaces(found: Findings, ranks: Map<string, RowRanks>, backbone: Backbone): void {
  const rank = (method: Method): RowRanks => ranks.get(`${backbone}.${method}`)!;
  const seg = methods.map((m) => rank(m).segmentation.mean);
  found.derived(
    `place.cva.${backbone}`,
    `Place of CVA without contrast in segmentation among seven ways of pre-training, ${backbones[backbone]}`,
    '1',
    1 + seg.filter((r) => r < rank('cva').segmentation.mean).length,
    'order of the derived ranks in segmentation',
  );
  const others = methods.filter((m) => m !== 'con').map((m) => rank(m).classification.mean);
  found.derived(
    `classification-lead.${backbone}`,
    `Rank in classification by which contrast alone leads the next best row, ${backbones[backbone]}`,
    '1',
    Math.min(...others) - rank('con').classification.mean,
    'best derived rank of the other rows - derived rank of MAE + Con',
  );
  found.derived(
    `rank-correlation.${backbone}`,
    `Rank correlation of segmentation and classification over the seven rows, ${backbones[backbone]}`,
    '1',
    rankCorrelation(
      seg,
      methods.map((m) => rank(m).classification.mean),
    ),
    'Spearman’s coefficient of the derived mean ranks',
  );
}

/** The lead of the submitted rows, as printed and with the one printed rank that no three ranks can give. */
function findMargins(found: Findings, table: PublishedValues, ranks: Map<string, RowRanks>): void {
  for (const backbone of backboneNames) {
    const [ours, contrast] = (['cva-con', 'con'] as const).map((m) => `${backbone}.${m}`);
    found.derived(
      `margin.${backbone}`,
      `Lead in average rank of MAE + CVA + Con over MAE + Con as printed, ${backbones[backbone]}`,
      '1',
      printed(table, contrast, 'average') - printed(table, ours, 'average'),
      'difference of the printed average ranks',
    );
    const classification = ranks.get(ours)!.classification.mean;
    found.derived(
      `margin-recomputed.${backbone}`,
      `Lead in average rank of MAE + CVA + Con over MAE + Con with the rank in classification recomputed, ${backbones[backbone]}`,
      '1',
      printed(table, contrast, 'average') - (2 * printed(table, ours, 'segmentation') + classification) / 3,
      'printed average of MAE + Con - (2 x printed segmentation + derived classification) / 3 of MAE + CVA + Con',
    );
  }
}

/** What the contrastive term does to the ranks of either task. */
function findChanges(found: Findings, ranks: Map<string, RowRanks>): void {
  const pairs = [
    ['mae', 'con'],
    ['cva', 'cva-con'],
    ['c-cva', 'c-cva-con'],
  ] as const;
  const rows = backboneNames.flatMap((backbone) =>
    pairs.map(([without, with_]) => {
      const change = (task: 'segmentation' | 'classification'): number =>
        ranks.get(`${backbone}.${without}`)![task].mean - ranks.get(`${backbone}.${with_}`)![task].mean;
      return {
        backbone,
        without,
        segmentation: change('segmentation'),
        classification: change('classification'),
      };
    }),
  );
  for (const { backbone, ...row } of rows.filter((r) => r.without === 'cva')) {
    found.derived(
      `contrast-gap.${backbone}`,
      `Difference between what the contrastive term gains CVA in segmentation and in classification, ${backbones[backbone]}`,
      '1',
      Math.abs(row.segmentation - row.classification),
      '|ranks gained in segmentation - ranks gained in classification|, from CVA to CVA + Con',
    );
  }
  found.table('contrast', 'Ranks gained by adding the contrastive term', 'derived', {
    columns: [
      { key: 'backbone', title: 'Backbone', align: 'left' },
      { key: 'without', title: 'Added to', align: 'left' },
      { key: 'segmentation', title: 'Segmentation', digits: 2 },
      { key: 'classification', title: 'Classification', digits: 2 },
    ],
    rows: rows.map((row) => ({
      ...row,
      backbone: backbones[row.backbone],
      without: { mae: 'MAE', cva: 'MAE + CVA', 'c-cva': 'MAE + C-CVA' }[row.without],
    })),
  });
}

/** Printed ranges of a column against the greatest less the least of its rows. */
function findRanges(found: Findings, table: PublishedValues, ranges: PublishedValues): void {
  const rows = methods.map((m) => `resenc-l.${m}`);
  const columns = ranges.rows.map((column) => {
    const values = rows.map((row) => table.number(row, column));
    return {
      column,
      printed: ranges.number(column, 'range'),
      derived: Math.max(...values) - Math.min(...values),
    };
  });
  found.derived(
    'range-gap',
    'Largest difference between a printed range of a column and the greatest less the least of its rows',
    '%',
    Math.max(...columns.map((c) => Math.abs(c.printed - c.derived))),
    'over the columns whose printed range differs, ResEnc-L',
  );
}

function findRates(found: Findings, trainers: PublishedValues, backbone: Backbone): void {
  found.derived(
    `rate-ratio.${backbone}`,
    `Learning rate of the row MAE + CVA + Con over that of MAE + Con, ${backbones[backbone]}`,
    '1',
    trainers.number(`${backbone}.cva-con`, 'rate') / trainers.number(`${backbone}.con`, 'rate'),
    'ratio of the trainers’ settings',
  );
}

function findFigures(found: Findings, table: PublishedValues): void {
  found.figure(
    'tradeoff',
    'Rank in segmentation against rank in classification',
    'rank-tradeoff',
    {
      backbones: backboneNames.map((backbone) => ({
        id: backbone,
        title: backbones[backbone],
        printed: methods.map((m) => [
          m,
          printed(table, `${backbone}.${m}`, 'segmentation'),
          printed(table, `${backbone}.${m}`, 'classification'),
        ]),
      })),
    },
    'derived',
  );
  const columns = [...segmentation, ...classification];
  found.figure(
    'columns',
    'Each published score against that of MAE',
    'score-columns',
    {
      columns: columns.map((key) => table.table.columns.find((c) => c.key === key)!.title),
      segmentation: segmentation.length,
      backbones: backboneNames.map((backbone) => ({
        title: backbones[backbone],
        base: columns.map((c) => table.number(`${backbone}.mae`, c)),
        methods: methods
          .filter((m) => m !== 'mae')
          .map((m) => ({ id: m, scores: columns.map((c) => table.number(`${backbone}.${m}`, c)) })),
      })),
    },
    'paper',
  );
}
