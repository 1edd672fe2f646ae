// What linked planes and consistency are worth in thick slices: scored on the thin grid, the first seeds of every arm.
import type { Findings } from '../findings';
import { mean } from '../findings';
import type { Way } from './by-case';
import { byCase, dice, differences, meanDice, nameOf, wayNames, ways } from './by-case';
import type { DatasetName } from './data';
import type { ArmName, Thick } from './plan';
import { arms, plan } from './plan';
import type { TrainedRun } from './run';
import { thinSlices } from './runs';

interface Setting {
  data: DatasetName;
  slices: readonly Thick[];
  names: readonly ArmName[];
}
const settings: Setting[] = [
  {
    data: 'hippocampus',
    slices: [thinSlices, ...plan.thick.hippocampus.slices],
    names: plan.thick.hippocampus.arms,
  },
  { data: 'brats', slices: plan.thick.brats.slices, names: plan.thick.brats.arms },
];

/** Differences that are paired over cases: of the hippocampi, of which there are enough. */
const compared: [id: string, first: ArmName, second: ArmName][] = [
  ['consistent', plan.primary.of, plan.primary.against],
  ['linked', 'triplets', 'axial-equal-flops'],
];

export function findThick(found: Findings, parts: readonly TrainedRun[]): void {
  const runsOf = (data: DatasetName, { factor }: Thick, name: ArmName): TrainedRun[] =>
    parts.filter(
      (part) =>
        nameOf(part) === name &&
        part.run.data === data &&
        part.run.thick.factor === factor &&
        plan.seeds.others.includes(part.run.seed as 1),
    );
  for (const thick of settings[0].slices)
    for (const [id, a, b] of compared)
      for (const way of wayNames)
        found.observed(`thick.${thick.factor}.${id}.${way}`, `Dice, ${arms[a].title} minus ${arms[b].title}, ${thick.factor} slices together, predicted by ${ways[way]}`, '1', differences(runsOf('hippocampus', thick, a), runsOf('hippocampus', thick, b), dice(way)), mean); // prettier-ignore

  const all = settings.flatMap(({ data, slices, names }) =>
    slices.flatMap((thick) => names.map((name) => ({ data, thick, name, own: runsOf(data, thick, name) }))),
  );
  const place = ({ data, thick, name }: (typeof all)[number]) => ({
    data,
    axis: 'xyz'[thick.axis],
    factor: thick.factor,
    arm: arms[name].title,
  });
  const placeColumns = [
    { key: 'data', title: 'Data', align: 'left' as const },
    { key: 'axis', title: 'Along', align: 'left' as const },
    { key: 'factor', title: 'Voxels together', digits: 0 },
    { key: 'arm', title: 'Arm', align: 'left' as const },
  ];
  const diceColumns = wayNames.map((key) => ({ key, title: ways[key], digits: 3 }));
  found.table('thick', 'Dice in thick slices, on the thin grid, first three seeds', 'measured', {
    columns: [...placeColumns, ...diceColumns, { key: 'cases', title: 'Cases', digits: 0 }],
    rows: all.map((setting) => {
      const of = (way: Way): number[] => [...byCase(setting.own, dice(way)).values()];
      return {
        ...place(setting),
        axial: mean(of('axial')),
        mean: mean(of('mean')),
        cases: of('mean').length,
      };
    }),
  });
  found.table('thick.points', 'Every training in thick slices: mean Dice over cases', 'measured', {
    columns: [...placeColumns, { key: 'seed', title: 'Seed', digits: 0 }, ...diceColumns],
    rows: all.flatMap((setting) =>
      setting.own.map((part) => ({
        ...place(setting),
        seed: part.run.seed,
        axial: meanDice(part, 'axial'),
        mean: meanDice(part, 'mean'),
      })),
    ),
  });
}
