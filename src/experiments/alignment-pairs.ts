// What the pairs of crops share by the released rule of view alignment, and where the released alignment compares them.
import { Random } from '../base/random';
import { Meter } from '../base/progress';
import type { Long } from '../base/progress';
import type { AlignedName } from '../profilers/alignment-step';
import { alignedBackbones, alignedNames } from '../profilers/alignment-step';
import type { CropPair } from '../sampling/crops';
import { drawCropPair } from '../sampling/crops';
import type { AlignRule } from '../sampling/roi-cells';
import { alignRules, cellPlaces, displacementOf } from '../sampling/roi-cells';
import type { Triple } from '../volume/volume';
import type { Findings } from './findings';
import { mean } from './findings';

/** Range of the share of a crop's volume that both crops hold. */
const shares = [0.4, 0.8] as const;

export const ruleTitles: Record<AlignRule, string> = {
  released: 'as released',
  corrected: 'with the axes in order',
  'roi-align': 'by ROIAlign with exact boxes',
};

/**
 * The mean share of an axis that the crops hold in common: of v^w with v uniform and w the share of one of three axes
 * (density 2 (1 - w)), in closed form over w and by Simpson's rule over v.
 */
export function meanFraction([low, high]: readonly [number, number] = shares): number {
  const overWeights = (v: number): number => (2 * (v - 1 - Math.log(v))) / Math.log(v) ** 2;
  const n = 1000;
  const step = (high - low) / n;
  let sum = 0;
  for (let i = 0; i <= n; i++)
    sum += (i === 0 || i === n ? 1 : i % 2 === 1 ? 4 : 2) * overWeights(low + i * step);
  return (sum * step) / 3 / (high - low);
}

/** Overlaps by formula, displacements over drawn pairs. */
export async function findPairs(found: Findings, pairs: number, seed: number, long: Long): Promise<void> {
  found.derived(
    'overlap.fraction',
    'Share of a crop’s length that the other crop holds too, mean over axes and pairs',
    '1',
    meanFraction(),
    'mean of v^w for v uniform in 0.4 .. 0.8 and (w1, w2, w3) uniform on the simplex',
  );
  for (const [name, share] of [
    ['least', shares[0]],
    ['most', shares[1]],
  ] as const)
    found.derived(
      `overlap.iou.${name}`,
      `Intersection over union of two crops, ${name}`,
      '1',
      share / (2 - share),
      'v / (2 - v)',
    );
  const meter = new Meter('drawing crop pairs', 'pairs', 2 * pairs, long);
  const distances = new Map<string, number>();
  for (const name of alignedNames) {
    const { crop, loaded } = alignedBackbones[name];
    const draw = (boxes: 'released' | 'exact'): CropPair[] => {
      const random = new Random(seed).fork(name);
      const cube = (n: number): Triple => [n, n, n];
      return Array.from({ length: pairs }, () => drawCropPair(cube(loaded), cube(crop), random, { boxes }));
    };
    // One stream a backbone: both kinds of boxes belong to the same pairs.
    const drawn = { released: draw('released'), exact: draw('exact') };
    await new Promise((resolve) => setImmediate(resolve));
    findBoxes(found, name, drawn.released);
    for (const rule of alignRules) {
      const used = rule === 'roi-align' ? drawn.exact : drawn.released;
      findDisplacement(found, name, rule, used);
      distances.set(`${name}.${rule}`, found.value(`displacement.${rule}.${name}`));
      await new Promise((resolve) => setImmediate(resolve));
    }
    meter.add(pairs);
  }
  meter.finish();
  findRamps(found);
  found.table('displacement', 'Where paired samples lie, in voxels of the volume', 'derived', {
    columns: [
      { key: 'backbone', title: 'Backbone', align: 'left' },
      { key: 'rule', title: 'Alignment', align: 'left' },
      { key: 'distance', title: 'Mean distance of a pair', digits: 1 },
      { key: 'outside', title: 'Outside the overlap', unit: '%', digits: 1 },
      { key: 'effect', title: 'Effect on training', align: 'left' },
    ],
    rows: alignedNames.flatMap((name) =>
      alignRules.map((rule) => ({
        backbone: alignedBackbones[name].title,
        rule: ruleTitles[rule],
        distance: distances.get(`${name}.${rule}`)!,
        outside: 100 * found.value(`outside.${rule}.${name}`),
        effect: 'not tested yet',
      })),
    ),
  });
}

const drawnBy = 'arithmetic over the released sampling, mean over drawn pairs';

/** By the boxes alone: the exchanged extents of the first and the last axis. */
function findBoxes(found: Findings, name: AlignedName, pairs: CropPair[]): void {
  const { crop, title } = alignedBackbones[name];
  const shifts = pairs.map(({ fractions }) => crop * Math.abs(fractions[0] - fractions[2]));
  const note = { kind: 'derived', source: `|crop x (f0 - f2)|, ${drawnBy}` } as const;
  found.observed(
    `box-shift.${name}`,
    `Shift of paired boxes along the first axis as released, mean, ${title}`,
    'voxels',
    shifts,
    mean,
    note,
  );
  found.observed(
    `box-shift-far.${name}`,
    `Share of pairs whose boxes are shifted by more than 16 voxels along the first axis, ${title}`,
    '1',
    shifts.map((s) => Number(s > 16)),
    mean,
    note,
  );
}

function findDisplacement(found: Findings, name: AlignedName, rule: AlignRule, pairs: CropPair[]): void {
  const { features, title } = alignedBackbones[name];
  const all = pairs.map((pair) => displacementOf(pair, features, rule));
  const note = { kind: 'derived', source: drawnBy } as const;
  found.observed(
    `displacement.${rule}.${name}`,
    `Mean distance of paired samples ${ruleTitles[rule]}, ${title}`,
    'voxels',
    // Rounding of the arithmetic is no distance.
    all.map((d) => Math.round(d.distance * 1e9) / 1e9),
    mean,
    note,
  );
  found.observed(
    `outside.${rule}.${name}`,
    `Share of samples outside the overlap ${ruleTitles[rule]}, ${title}`,
    '1',
    all.map((d) => d.outside),
    mean,
    note,
  );
}

/** Values on a ramp: on a whole map, where exchanged axes cannot show, and on a box that is half of one axis. */
function findRamps(found: Findings): void {
  const size = alignedBackbones['resenc-l'].features;
  const half = { from: [0.5, 0, 0], to: [1, 1, 1] } as const;
  const box = { from: [...half.from] as Triple, to: [...half.to] as Triple };
  for (const rule of ['released', 'corrected'] as const) {
    const [own, wanted] = [cellPlaces(box, size, rule), cellPlaces(box, size, 'roi-align')];
    found.derived(
      `ramp-error.${rule}`,
      `Largest error on a feature that grows by one a voxel, upper half of one axis, ${ruleTitles[rule]}`,
      '1',
      Math.max(...own.flatMap((axis, d) => axis.map((p, k) => Math.abs(p - wanted[d][k])))),
      `values of 7 cells an axis on a map of ${size} voxels, less those of ROIAlign`,
    );
  }
}
