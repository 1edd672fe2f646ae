// A prediction beside the truth, with what scores share: counts and surface distances, each computed once and when asked.
import type { Mask } from './mask';
import { boxAround, checkOneGrid, foregroundCount, cropTo } from './mask';
import { surfaceElements, surfaceVoxels } from './surface';
import type { SurfaceDistances } from './surface-distances';
import { surfaceDistances } from './surface-distances';

/** How many voxels are foreground in the prediction, in the truth, in both. */
export interface Overlap {
  prediction: number;
  truth: number;
  both: number;
}

export class MaskPair {
  private readonly prediction: Mask;
  private readonly truth: Mask;
  private readonly kept: { overlap?: Overlap; voxels?: SurfaceDistances; elements?: SurfaceDistances } = {};

  /** @throws InputError when the masks are not on one grid */
  constructor(prediction: Mask, truth: Mask) {
    checkOneGrid([prediction, truth], 'cannot compare two masks');
    // Beyond the foreground there is nothing to count and no surface.
    const box = boxAround([prediction, truth]);
    this.prediction = box ? cropTo(prediction, box) : prediction;
    this.truth = box ? cropTo(truth, box) : truth;
  }

  get overlap(): Overlap {
    return (this.kept.overlap ??= overlapOf(this.prediction, this.truth));
  }

  /** Distances between surface voxels (6-connectivity). */
  get voxels(): SurfaceDistances {
    return (this.kept.voxels ??= surfaceDistances(surfaceVoxels(this.prediction), surfaceVoxels(this.truth)));
  }

  /** Distances between marching-cubes elements, with their areas. */
  get elements(): SurfaceDistances {
    return (this.kept.elements ??= surfaceDistances(
      surfaceElements(this.prediction),
      surfaceElements(this.truth),
    ));
  }
}

/** Counts of two masks on one grid. */
export function overlapOf(prediction: Mask, truth: Mask): Overlap {
  let both = 0;
  for (let i = 0; i < prediction.data.length; i++) both += prediction.data[i] & truth.data[i];
  return { prediction: foregroundCount(prediction), truth: foregroundCount(truth), both };
}

/** 2 |A and B| / (|A| + |B|); NaN when both are empty. */
export function diceOf({ prediction, truth, both }: Overlap): number {
  return (2 * both) / (prediction + truth);
}
