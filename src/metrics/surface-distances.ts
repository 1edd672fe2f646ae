// How far each point of one surface is from the other surface: what HD95, ASD and NSD are made of.
import { squaredDistances } from './distance-transform';
import type { Surface } from './surface';

/** The distances of one surface's points to another surface. */
export interface Directed {
  /** mm, ascending; Infinity where the other surface is empty. */
  distances: Float64Array;
  /** What each point counts, in the same order: mm2 of surface; left out where every point counts the same. */
  areas?: Float64Array;
}

/** Both directions. */
export interface SurfaceDistances {
  fromPrediction: Directed;
  fromTruth: Directed;
}

/** The distances between two surfaces on one grid. */
export function surfaceDistances(prediction: Surface, truth: Surface): SurfaceDistances {
  return { fromPrediction: directed(prediction, truth), fromTruth: directed(truth, prediction) };
}

function directed(from: Surface, to: Surface): Directed {
  const squared = squaredDistances(to.points, to.dims, to.spacing);
  const at: number[] = [];
  for (let i = 0; i < squared.length; i++) if (from.points[i]) at.push(i);
  if (!from.areas) return { distances: Float64Array.from(at, (i) => Math.sqrt(squared[i])).sort() };
  const { areas } = from;
  at.sort((a, b) => squared[a] - squared[b] || 0);
  return {
    distances: Float64Array.from(at, (i) => Math.sqrt(squared[i])),
    areas: Float64Array.from(at, (i) => areas[i]),
  };
}

/** The mean distance, mm, weighed by area where areas are known. */
export function meanDistance(...parts: readonly Directed[]): number {
  let sum = 0;
  let weight = 0;
  for (const { distances, areas } of parts) {
    for (let i = 0; i < distances.length; i++) {
      const w = areas ? areas[i] : 1;
      sum += w * distances[i];
      weight += w;
    }
  }
  return sum / weight;
}

/** The percentile of ascending numbers with linear interpolation between neighbours, as numpy and torch have it. */
export function percentile(ascending: Float64Array, share: number): number {
  const place = (ascending.length - 1) * share;
  const below = Math.floor(place);
  const low = ascending[below];
  const high = ascending[Math.min(below + 1, ascending.length - 1)];
  return low === high ? low : low + (high - low) * (place - below);
}

/** The first distance up to which at least `share` of the area lies (DeepMind's percentile). */
export function areaPercentile({ distances, areas }: Directed, share: number): number {
  const weights = areas ?? new Float64Array(distances.length).fill(1);
  const all = weights.reduce((sum, w) => sum + w, 0);
  let sum = 0;
  for (let i = 0; i < distances.length; i++) {
    sum += weights[i];
    if (sum / all >= share) return distances[i];
  }
  return distances[distances.length - 1];
}

/** The share of both surfaces that lies within a tolerance (mm, inclusive) of the other: NSD, or surface Dice. */
export function surfaceDice({ fromPrediction, fromTruth }: SurfaceDistances, tolerance: number): number {
  let within = 0;
  let all = 0;
  for (const { distances, areas } of [fromPrediction, fromTruth]) {
    for (let i = 0; i < distances.length; i++) {
      const w = areas ? areas[i] : 1;
      all += w;
      if (distances[i] <= tolerance) within += w;
    }
  }
  return within / all;
}
