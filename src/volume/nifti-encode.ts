// The header of a NIfTI file to be written.
import { InputError } from '../base/errors';
import type { Affine } from './affine';
import { determinant } from './affine';
import type { NiftiSpace } from './nifti-types';
import { niftiTypes, spaceNames } from './nifti-types';
import { closestRotation } from './polar';
import type { Volume, VoxelArray } from './volume';

/** Fixed header and four zero flag bytes (no extensions): 352 bytes for NIfTI-1, 544 for NIfTI-2; little-endian. */
export function niftiHeaderBytes(
  file: string,
  { data, dims, spacing, affine }: Volume,
  { version, space, description }: { version: 1 | 2; space: NiftiSpace; description: string },
): Uint8Array {
  const refuse = (given: string, expected: string, fix: string): InputError =>
    new InputError({ what: `cannot write ${file}`, given, expected, fix });
  if (!affine.flat().every(Number.isFinite)) {
    throw refuse('an affine with numbers that are not finite', 'a finite affine', 'set the affine first');
  }
  if (version === 1 && dims.some((d) => d > 32767)) {
    throw refuse(
      `dims ${dims.join(' x ')}`,
      'at most 32767 voxels along an axis in NIfTI-1',
      'write NIfTI-2 (version 2)',
    );
  }
  const text = Buffer.from(description, 'utf8');
  if (text.length > 79) {
    throw refuse(`a description of ${text.length} bytes`, 'at most 79', 'shorten the description');
  }
  const type = typeOf(data);
  const qform = quaternionOf(affine);
  const code = spaceNames.indexOf(space);
  const size = version === 1 ? 348 : 540;
  const bytes = new Uint8Array(size + 4);
  const view = new DataView(bytes.buffer);
  const layout = version === 1 ? layout1 : layout2;
  // The fields grew from 16 and 32 bits to 64 (NIfTI-2); codes from 16 to 32, datatype stayed.
  const real = (at: number, value: number): void =>
    version === 1 ? view.setFloat32(at, value, true) : view.setFloat64(at, value, true);
  const whole = (at: number, value: number): void =>
    version === 1 ? view.setInt16(at, value, true) : view.setBigInt64(at, BigInt(value), true);
  const coded = (at: number, value: number): void =>
    version === 1 ? view.setInt16(at, value, true) : view.setInt32(at, value, true);
  const width = version === 1 ? 4 : 8;

  view.setInt32(0, size, true);
  bytes.set(Buffer.from(version === 1 ? 'n+1\0' : 'n+2\0\r\n\x1a\n', 'latin1'), layout.magic);
  if (version === 1) bytes[38] = 'r'.charCodeAt(0);
  [3, ...dims, 1, 1, 1, 1].forEach((d, i) => whole(layout.dim + i * (version === 1 ? 2 : 8), d));
  view.setInt16(layout.datatype, type.code, true);
  view.setInt16(layout.datatype + 2, 8 * type.bytes, true);
  [qform.qfac, ...spacing, 1, 1, 1, 1].forEach((p, i) => real(layout.pixdim + i * width, p));
  if (version === 1) view.setFloat32(layout.voxOffset, size + 4, true);
  else view.setBigInt64(layout.voxOffset, BigInt(size + 4), true);
  real(layout.slope, 1);
  if (version === 1) bytes[layout.units] = 2;
  else view.setInt32(layout.units, 2, true);
  bytes.set(text, layout.description);
  coded(layout.qformCode, qform.exact ? code : 0);
  coded(layout.sformCode, code);
  const corner = [affine[0][3], affine[1][3], affine[2][3]];
  [...qform.bcd, ...corner].forEach((x, i) => real(layout.quaternion + i * width, x));
  affine.slice(0, 3).forEach((row, r) => row.forEach((x, c) => real(layout.srow + (4 * r + c) * width, x)));
  return bytes;
}

const layout1 = {
  magic: 344,
  dim: 40,
  datatype: 70,
  pixdim: 76,
  voxOffset: 108,
  slope: 112,
  units: 123,
  description: 148,
  qformCode: 252,
  sformCode: 254,
  quaternion: 256,
  srow: 280,
};

const layout2: typeof layout1 = {
  magic: 4,
  dim: 16,
  datatype: 12,
  pixdim: 104,
  voxOffset: 168,
  slope: 176,
  units: 500,
  description: 240,
  qformCode: 344,
  sformCode: 348,
  quaternion: 352,
  srow: 400,
};

function typeOf(data: VoxelArray): (typeof niftiTypes)[number] {
  const number =
    data instanceof Float32Array || data instanceof Float64Array
      ? 'float'
      : data instanceof Uint8Array || data instanceof Uint16Array || data instanceof Uint32Array
        ? 'uint'
        : 'int';
  return niftiTypes.find(
    (t) => t.components === 1 && t.number === number && t.bytes === data.BYTES_PER_ELEMENT,
  )!;
}

/**
 * The qform of an affine: qfac (-1 for left-handed axes) and b, c, d of the unit quaternion with a >= 0. `exact` is
 * false where a shear (or an axis without direction) cannot be told by a quaternion.
 */
function quaternionOf(affine: Affine): { qfac: 1 | -1; bcd: [number, number, number]; exact: boolean } {
  const qfac = determinant(affine) < 0 ? -1 : 1;
  const lengths = [0, 1, 2].map((c) => Math.hypot(affine[0][c], affine[1][c], affine[2][c]) || 1);
  const unit = [0, 1, 2].map((r) => [0, 1, 2].map((c) => affine[r][c] / lengths[c]));
  const rotation = closestRotation(unit);
  const exact =
    Math.abs(determinant(affine)) > 0 &&
    unit.every((row, r) => row.every((x, c) => Math.abs(x - rotation[r][c]) < 1e-5));
  const [[xx, xy, xz], [yx, yy, yz], [zx, zy, zz]] = rotation.map(([a, b, c]) => [a, b, qfac * c]);
  // Each square comes from the diagonal; the signs of b, c and d from the differences, which belong to a >= 0. Where a
  // is small they vanish, so the largest of the four is found first and the others from products with it.
  const squares = [1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz];
  const largest = squares.indexOf(Math.max(...squares));
  const products = [
    [squares[0], zy - yz, xz - zx, yx - xy],
    [zy - yz, squares[1], xy + yx, xz + zx],
    [xz - zx, xy + yx, squares[2], yz + zy],
    [yx - xy, xz + zx, yz + zy, squares[3]],
  ][largest];
  const norm = Math.hypot(...products) || 1;
  const [a, b, c, d] = products.map((p) => p / norm);
  const sign = a < 0 ? -1 : 1;
  return { qfac, bcd: [sign * b, sign * c, sign * d], exact };
}
