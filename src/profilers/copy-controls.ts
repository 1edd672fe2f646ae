// A control: is it the stride that costs, or the number of copies?
//
// Six ways to copy equally many samples out of a volume in file order. They differ in one thing at a time: in how many
// calls the samples are copied (one, one a row, none but a loop), and how far rows and samples lie apart in memory.
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import { Random, shuffled } from '../base/random';
import type { Volume, VoxelArray } from '../volume/volume';
import { CacheFlusher } from './gather-times';
import type { Warmth } from './memory-model';

/** The six ways, each with what it stands for. */
export const controls = {
  'one-copy': 'one copy, all adjacent (an axial plane)',
  'row-copies-adjacent': 'a copy for each row, rows adjacent',
  'row-copies-apart': 'a copy for each row, rows a slice apart (a coronal plane)',
  'loop-adjacent': 'a loop over samples, all adjacent',
  'loop-rows-apart': 'a loop over samples, rows a slice apart (a coronal plane)',
  'loop-samples-apart': 'a loop over samples, each a row apart (a sagittal plane)',
} as const;
export type Control = keyof typeof controls;
export const controlNames = Object.keys(controls) as Control[];

/** Single times in us; the n-th of each belongs to the same round. */
export type ControlTimes = Record<Control, Record<Warmth, number[]>>;

/** Time the six ways, from empty caches and at once again, at random places of the volume. */
export async function timeControls(
  { data, dims }: Pick<Volume, 'data' | 'dims'>,
  rounds: number,
  seed: number,
  long: Long = {},
): Promise<ControlTimes> {
  const [x, y, z] = dims;
  // As many columns as a row and a column of the slice both have, so that all six copy the same number of samples.
  const shape = { width: Math.min(x, y), rows: z };
  const samples = shape.width * shape.rows;
  const into = new (data.constructor as new (n: number) => VoxelArray)(samples);
  const ways = {
    'one-copy': (at) => into.set(data.subarray(at, at + samples)),
    'row-copies-adjacent': (at) => copyRows(data, at, shape.width, shape, into),
    'row-copies-apart': (at) => copyRows(data, at, x * y, shape, into),
    'loop-adjacent': (at) => copySamples(data, at, 1, shape.width, shape, into),
    'loop-rows-apart': (at) => copySamples(data, at, 1, x * y, shape, into),
    'loop-samples-apart': (at) => copySamples(data, at, x, x * y, shape, into),
  } satisfies Record<Control, (at: number) => void>;
  const last = {
    'one-copy': data.length - samples,
    'row-copies-adjacent': data.length - samples,
    'row-copies-apart': x * y - shape.width,
    'loop-adjacent': data.length - samples,
    'loop-rows-apart': x * y - shape.width,
    'loop-samples-apart': x * (y - shape.width) + x - 1,
  } satisfies Record<Control, number>;
  const random = new Random(seed);
  const flusher = new CacheFlusher();
  const time = (name: Control, at: number): number => {
    const begin = process.hrtime.bigint();
    ways[name](at);
    return Number(process.hrtime.bigint() - begin) / 1000;
  };
  for (const name of controlNames) for (let i = 0; i < 50; i++) time(name, random.below(last[name] + 1));
  const times = Object.fromEntries(
    controlNames.map((n) => [n, { cold: [], warm: [] }]),
  ) as unknown as ControlTimes;
  const meter = new Meter('copying in six ways', 'rounds', rounds, long);
  for (let round = 0; round < rounds; round++) {
    for (const name of shuffled(controlNames, random)) {
      const at = random.below(last[name] + 1);
      flusher.flush();
      times[name].cold.push(time(name, at));
      const again = Array.from({ length: 5 }, () => time(name, at)).sort((a, b) => a - b);
      times[name].warm.push(again[2]);
    }
    meter.add(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  meter.finish();
  return times;
}

interface Shape {
  width: number;
  rows: number;
}

function copyRows(
  from: VoxelArray,
  at: number,
  rowStep: number,
  { width, rows }: Shape,
  to: VoxelArray,
): void {
  for (let r = 0; r < rows; r++) {
    const source = at + r * rowStep;
    to.set(from.subarray(source, source + width), r * width);
  }
}

function copySamples(
  from: VoxelArray,
  at: number,
  step: number,
  rowStep: number,
  { width, rows }: Shape,
  to: VoxelArray,
): void {
  for (let r = 0, target = 0; r < rows; r++) {
    const source = at + r * rowStep;
    for (let c = 0; c < width; c++) to[target++] = from[source + c * step];
  }
}
