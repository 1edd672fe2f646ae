// What the codes of a NIfTI header stand for.

/** How one voxel of a type is stored. */
export interface NiftiType {
  /** Code in the header's `datatype` field. */
  code: number;
  /** Name as the standard and numpy write it. */
  name: string;
  /** Bytes of one stored number; a colour or complex voxel has several. */
  bytes: 1 | 2 | 4 | 8 | 16;
  /** Numbers a voxel: 1, 2 (complex: real, imaginary), 3 (red, green, blue) or 4 (and alpha). */
  components: 1 | 2 | 3 | 4;
  number: 'int' | 'uint' | 'float';
}

const type = (
  code: number,
  name: string,
  number: NiftiType['number'],
  bytes: NiftiType['bytes'],
  components: NiftiType['components'] = 1,
): NiftiType => ({ code, name, number, bytes, components });

/** Every type of NIfTI-1 and NIfTI-2 that has voxels of whole bytes. */
export const niftiTypes: readonly NiftiType[] = [
  type(2, 'uint8', 'uint', 1),
  type(4, 'int16', 'int', 2),
  type(8, 'int32', 'int', 4),
  type(16, 'float32', 'float', 4),
  type(32, 'complex64', 'float', 4, 2),
  type(64, 'float64', 'float', 8),
  type(128, 'rgb24', 'uint', 1, 3),
  type(256, 'int8', 'int', 1),
  type(512, 'uint16', 'uint', 2),
  type(768, 'uint32', 'uint', 4),
  type(1024, 'int64', 'int', 8),
  type(1280, 'uint64', 'uint', 8),
  type(1536, 'float128', 'float', 16),
  type(1792, 'complex128', 'float', 8, 2),
  type(2048, 'complex256', 'float', 16, 2),
  type(2304, 'rgba32', 'uint', 1, 4),
];

/** What `qform_code` and `sform_code` say about the space an affine leads to. */
export const spaceNames = ['unknown', 'scanner', 'aligned', 'talairach', 'mni', 'template'] as const;

export type NiftiSpace = (typeof spaceNames)[number];

/** Unit of `pixdim` along space, by the low three bits of `xyzt_units`. */
export const spaceUnits: Readonly<Record<number, string>> = { 0: 'unknown', 1: 'm', 2: 'mm', 3: 'um' };

/** Unit of `pixdim[4]`, by bits 3 to 5 of `xyzt_units`. */
export const timeUnits: Readonly<Record<number, string>> = {
  0: 'unknown',
  8: 's',
  16: 'ms',
  24: 'us',
  32: 'Hz',
  40: 'ppm',
  48: 'rad/s',
};
