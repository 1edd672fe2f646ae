// Do the planes of a triplet say the same where they meet, and are they right?
//
// Two planes that meet in a line predict each voxel of it twice. What counts is where at least one of them or the truth
// says foreground; the rest is background that anybody gets right. Agreement alone is worth nothing: a model that has
// collapsed agrees with itself everywhere. So there is no way to have these shares without Dice.
import { InputError } from '../base/errors';
import type { Triple } from '../volume/volume';
import type { Mask } from './mask';
import { checkOneGrid } from './mask';
import { diceOf, overlapOf } from './mask-pair';

/** What two planes' masks say where they meet. Made by `agreementOf` alone, so that Dice always stands beside the shares. */
export class Agreement {
  /** Makes the type nominal: an object with the same numbers is none. */
  declare private readonly made: true;

  private constructor(
    /** Dice of each of the two masks against the truth in the whole volume (key `dice.nnunet.empty-nan-0-0`). */
    readonly dice: readonly [first: number, second: number],
    /** Voxels on lines where one of the planes or the truth is foreground: what the shares are of. */
    readonly voxels: number,
    /** Share where the planes say different things; NaN when there are no such voxels, as the other two. */
    readonly disagree: number,
    /** Share where both planes say what the truth says. */
    readonly agreeAndRight: number,
    /** Share where both planes say the same and the truth another thing. */
    readonly agreeAndWrong: number,
  ) {}

  /** @internal `agreementOf` and `pooled` call it. */
  static from(counts: Counts): Agreement {
    const { dice, disagree, right, wrong } = counts;
    const voxels = disagree + right + wrong;
    return new Agreement(dice, voxels, disagree / voxels, right / voxels, wrong / voxels);
  }
}

interface Counts {
  dice: readonly [number, number];
  disagree: number;
  right: number;
  wrong: number;
}

/** The voxels that count: all (each voxel lies on one line of any two axes' planes), or those of given lines. */
export type Lines = 'all' | Iterable<number>;

/**
 * Agreement of two masks of one case, each predicted in slices of another plane.
 * @param lines  places in the data of the voxels that count, from `lineOf`; `all` for every triplet of the volume
 * @throws InputError when the masks are not on one grid
 */
export function agreementOf(first: Mask, second: Mask, truth: Mask, lines: Lines = 'all'): Agreement {
  checkOneGrid([truth, first, second], 'cannot tell whether planes agree');
  const [a, b, t] = [first.data, second.data, truth.data];
  // By what the three say: bit 0 the first, bit 1 the second, bit 2 the truth.
  const counts = new Float64Array(8);
  if (lines === 'all') for (let i = 0; i < t.length; i++) counts[a[i] | (b[i] << 1) | (t[i] << 2)]++;
  else for (const i of lines) counts[a[i] | (b[i] << 1) | (t[i] << 2)]++;
  return Agreement.from({
    dice: [diceOf(overlapOf(first, truth)), diceOf(overlapOf(second, truth))],
    disagree: counts[0b001] + counts[0b010] + counts[0b101] + counts[0b110],
    right: counts[0b111],
    wrong: counts[0b011] + counts[0b100],
  });
}

/**
 * The voxels in which two planes through a voxel meet, as places in the data.
 * @param across  the array axes across the two planes
 * @throws InputError for a voxel outside, or one axis twice
 */
export function lineOf(
  dims: Readonly<Triple>,
  across: readonly [number, number],
  voxel: Readonly<Triple>,
): number[] {
  const inside = voxel.every((v, a) => Number.isInteger(v) && v >= 0 && v < dims[a]);
  if (!inside || across[0] === across[1]) {
    throw new InputError({
      what: 'cannot find the line in which two planes meet',
      given: `voxel (${voxel.join(', ')}) in ${dims.join(' x ')}, planes across axes ${across.join(' and ')}`,
      expected: 'a voxel of the volume, and two different axes',
      fix: `choose a voxel from (0, 0, 0) to (${dims.map((d) => d - 1).join(', ')})`,
    });
  }
  const steps = [1, dims[0], dims[0] * dims[1]];
  const along = 3 - across[0] - across[1];
  const start = across.reduce((sum, axis) => sum + voxel[axis] * steps[axis], 0);
  return Array.from({ length: dims[along] }, (_, i) => start + i * steps[along]);
}
