// From header fields to the affine: sform, else qform, else pixdim. The order and the details are nibabel's.
import type { Affine, Triple } from './affine';
import type { WrongIn } from './file-errors';

/** The two transforms a NIfTI header can carry. */
export interface NiftiForms {
  /** 0: no such transform; 1 to 5: scanner, aligned, Talairach, MNI, template space. */
  qformCode: number;
  sformCode: number;
  /** b, c, d of the unit quaternion (a, b, c, d) with a >= 0. */
  quaternion: Triple;
  /** World position of voxel (0, 0, 0) by the qform, mm. */
  qoffset: Triple;
  /** Three rows of four numbers. */
  srow: number[];
}

/** @throws InputError when the qform decides and its quaternion is far from a rotation */
export function affineOfHeader(
  forms: NiftiForms,
  rawDims: number[],
  pixdim: number[],
  version: 1 | 2,
  notes: string[],
  wrong: WrongIn,
): { affine: Affine; affineFrom: 'sform' | 'qform' | 'pixdim' } {
  if (forms.sformCode > 0) {
    const [a, b, c] = [0, 4, 8].map((i) => forms.srow.slice(i, i + 4)) as Affine[number][];
    return { affine: [a, b, c, [0, 0, 0, 1]], affineFrom: 'sform' };
  }
  if (forms.qformCode > 0) {
    return { affine: qformAffine(forms, pixdim, version, notes, wrong), affineFrom: 'qform' };
  }
  return { affine: baseAffine(rawDims, pixdim), affineFrom: 'pixdim' };
}

function qformAffine(
  { quaternion, qoffset }: NiftiForms,
  pixdim: number[],
  version: 1 | 2,
  notes: string[],
  wrong: WrongIn,
): Affine {
  const [b, c, d] = quaternion;
  const excess = b * b + c * c + d * d - 1;
  // Near a half turn, rounding can make b2 + c2 + d2 exceed 1: then a is 0, never the root of a negative number.
  // The header stores three floats of 32 bits (64 in NIfTI-2), so three of their rounding steps are no error.
  const rounding = 3 * (version === 1 ? 2 ** -23 : 2 ** -52);
  if (excess > rounding) {
    if (excess > 1e-3) {
      throw wrong(
        `a qform quaternion (${b}, ${c}, ${d}) that is longer than 1`,
        'a unit quaternion',
        'set a valid qform or an sform with the program that wrote the image',
      );
    }
    notes.push(`the qform quaternion is longer than 1 by ${(excess / 2).toExponential(1)}: shortened to 1`);
  }
  const a = Math.abs(excess) < rounding || excess > 0 ? 0 : Math.sqrt(-excess);
  // 2/norm also shortens a quaternion that is too long.
  const norm = a * a + b * b + c * c + d * d;
  const s = norm < Number.EPSILON ? 0 : 2 / norm;
  const rotation = [
    [1 - s * (c * c + d * d), s * (b * c - a * d), s * (b * d + a * c)],
    [s * (b * c + a * d), 1 - s * (b * b + d * d), s * (c * d - a * b)],
    [s * (b * d - a * c), s * (c * d + a * b), 1 - s * (b * b + c * c)],
  ];
  const step = [pixdim[1], pixdim[2], pixdim[3] * pixdim[0]];
  const row = (r: number): Affine[number] => [
    rotation[r][0] * step[0],
    rotation[r][1] * step[1],
    rotation[r][2] * step[2],
    qoffset[r],
  ];
  return [row(0), row(1), row(2), [0, 0, 0, 1]];
}

/**
 * Neither form is given: axes along L, A and S with the centre of the grid at the origin. The standard's text puts
 * voxel 0 at the origin and the first axis to the right; nibabel and SPM follow the older ANALYZE custom.
 */
function baseAffine(rawDims: number[], pixdim: number[]): Affine {
  const rank = rawDims[0];
  const dim = [1, 2, 3].map((i) => (i <= rank ? rawDims[i] : 1));
  const step = [1, 2, 3].map((i) => (i <= rank ? pixdim[i] : 1));
  step[0] = -step[0];
  // 0 - x, not -x: the centre of an axis of one voxel is 0 rather than -0.
  const origin = dim.map((n, i) => 0 - ((n - 1) / 2) * step[i]);
  return [
    [step[0], 0, 0, origin[0]],
    [0, step[1], 0, origin[1]],
    [0, 0, step[2], origin[2]],
    [0, 0, 0, 1],
  ];
}
