// Orders in memory: where the samples of a volume, and of a plane of it, lie in one long array.
//
// File order (x fastest) and bricks are one idea: a box of voxels stored x fastest, boxes stored one after another.
// File order is the case of a single box. Places are sums over the three axes, so a plane needs a list for its columns
// and one for its rows, never one a pixel.
import { InputError } from '../base/errors';
import type { Triple } from '../volume/volume';

/** How one axis of the array is stored. */
export interface MemoryAxis {
  /** Voxels along the axis. */
  count: number;
  /** Voxels of a box along it. */
  edge: number;
  /** Distance in memory between neighbours in a box, in samples. */
  within: number;
  /** Distance in memory between neighbouring boxes, in samples. */
  between: number;
}

/** The three axes of the array, x first. Voxel (x, y, z) lies at `placeOf(x) + placeOf(y) + placeOf(z)`. */
export type MemoryOrder = [MemoryAxis, MemoryAxis, MemoryAxis];

/** Samples along one axis of a picture that lie a constant step apart in memory. */
export interface Stretch {
  /** Where it begins in the picture. */
  first: number;
  /** How many samples it has. */
  count: number;
  /** Place in memory of its first sample, in samples from the start of the plane. */
  offset: number;
}

/** Where the samples along one axis of a picture lie. */
export interface AxisPlaces {
  /** Distance in memory between neighbours in a stretch, in samples; negative where the picture runs against memory. */
  step: number;
  /** Stretches in the order of memory; together they cover the axis. */
  stretches: Stretch[];
}

/** Where the samples of a plane lie: sample (c, r) is at the start of the plane + place of c + place of r. */
export interface PlanePlaces {
  columns: AxisPlaces;
  rows: AxisPlaces;
}

/** The step of each array axis in file order, in voxels: x is fastest. */
export function stepsOf(dims: Readonly<Triple>): Triple {
  return [1, dims[0], dims[0] * dims[1]];
}

/** The order of a file: x fastest, then y, then z. */
export function fileOrder(dims: Readonly<Triple>): MemoryOrder {
  const steps = stepsOf(dims);
  return dims.map((count, a) => ({ count, edge: count, within: steps[a], between: 0 })) as MemoryOrder;
}

/** Cubes of `edge` voxels, x fastest in a cube and among cubes; cubes at the far borders are padded. */
export function brickOrder(dims: Readonly<Triple>, edge: number): MemoryOrder {
  const bricks = dims.map((count) => Math.ceil(count / edge)) as Triple;
  const within = stepsOf([edge, edge, edge]);
  const between = stepsOf(bricks).map((step) => step * edge ** 3);
  return dims.map((count, a) => ({ count, edge, within: within[a], between: between[a] })) as MemoryOrder;
}

/** How many samples an order takes, padding included. @throws InputError from 2^31 on, which 32-bit places cannot count */
export function samplesIn(order: MemoryOrder): number {
  const samples = order.reduce((n, { count, edge }) => n * Math.ceil(count / edge) * edge, 1);
  return checkSamples(samples);
}

/** @throws InputError from 2^31 samples on */
export function checkSamples(samples: number): number {
  if (samples < 2 ** 31) return samples;
  throw new InputError({
    what: 'cannot lay a volume out in memory',
    given: `${samples} samples`,
    expected: `fewer than ${2 ** 31}`,
    fix: 'crop the volume first',
  });
}

/** Where index `i` of an axis lies. */
export function placeOf({ edge, within, between }: MemoryAxis, i: number): number {
  return Math.floor(i / edge) * between + (i % edge) * within;
}

/** Where the samples along an axis of a picture lie that follows `axis`, or runs against it. */
export function placesAlong(axis: MemoryAxis, against: boolean): AxisPlaces {
  const { count, edge, within } = axis;
  const stretches: Stretch[] = [];
  for (let low = 0; low < count; low += edge) {
    const high = Math.min(low + edge, count) - 1;
    stretches.push({
      first: against ? count - 1 - high : low,
      count: high - low + 1,
      offset: placeOf(axis, against ? high : low),
    });
  }
  return { step: against ? -within : within, stretches };
}

/** How many samples an axis of a picture has. */
export function lengthOf(axis: AxisPlaces): number {
  return axis.stretches.reduce((sum, s) => sum + s.count, 0);
}

/** The place of every sample along an axis of a picture, in the order of the picture. */
export function listPlaces(axis: AxisPlaces): Int32Array {
  const places = new Int32Array(lengthOf(axis));
  for (const { first, count, offset } of axis.stretches)
    for (let i = 0; i < count; i++) places[first + i] = offset + i * axis.step;
  return places;
}
