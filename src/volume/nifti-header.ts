// The NIfTI header: nifti-reader-js takes the fields apart; what they mean, and what is allowed, is decided here by
// nibabel's rules.
//
// The library gets a copy of the fixed part alone (348 or 540 bytes) with `sizeof_hdr` put right, because
// - it finds the byte order from `sizeof_hdr`, nibabel (and so we) from `dim[0]`, which survives careless writers;
// - its extension parser throws where voxels are sound (see nifti-extensions.ts);
// - 64-bit whole numbers, the sform rows where a qform outranks them, and `glmin` it misreads or leaves out: those
//   are read from the bytes below.
import type { InputError } from '../base/errors';
import type { Affine } from './affine';
import type { NiftiForms } from './nifti-affine';
import { affineOfHeader } from './nifti-affine';
import type { WrongIn } from './file-errors';
import { problemIn } from './file-errors';
import type { NiftiType } from './nifti-types';
import { niftiTypes, spaceUnits, timeUnits } from './nifti-types';

/** A NIfTI header, its fields named in words. */
export interface NiftiHeader {
  version: 1 | 2;
  littleEndian: boolean;
  /** Bytes of the fixed part: 348 or 540. */
  headerBytes: number;
  /** `n+1`, `ni1`, `n+2` or `ni2`. */
  magic: string;
  /** Voxels along each of the 1 to 7 axes. */
  dims: number[];
  type: NiftiType;
  /** `pixdim[0..7]`: qfac, then the step along each axis; put right as nibabel does (see `notes`). */
  pixdim: number[];
  /** Where the voxels begin in their (uncompressed) file. */
  voxOffset: number;
  /** Stored number x slope + inter is the value; null: the stored numbers are the values. */
  scaling: { slope: number; inter: number } | null;
  forms: NiftiForms;
  /** Voxel index to world (mm, RAS+), and which rule gave it. */
  affine: Affine;
  affineFrom: 'sform' | 'qform' | 'pixdim';
  units: { space: string; time: string };
  intent: { code: number; name: string; parameters: [number, number, number] };
  slices: { start: number; end: number; code: number; duration: number; dimInfo: number };
  /** The range to show, as the writer saw it. */
  display: { min: number; max: number };
  timeOffset: number;
  description: string;
  auxFile: string;
  /** What was put right, or reads otherwise than the standard says. */
  notes: string[];
}

/** Bytes that hold the fixed part of any header and the four extension flags. */
export const headBytes = 544;

/**
 * Parse the fixed part of a NIfTI-1 or NIfTI-2 header.
 * @param head    the first bytes of the (uncompressed) file: 544, or all there are
 * @param file    name for messages
 * @param single  whether the voxels follow in the same file (`.nii`) or lie in another (`.hdr`/`.img`)
 * @throws InputError not NIfTI; truncated header; wrong magic; impossible dims; unknown datatype; invalid offset,
 *   intercept or quaternion
 */
export async function parseNiftiHeader(
  head: Uint8Array,
  file: string,
  single: boolean,
): Promise<NiftiHeader> {
  const wrong = problemIn(file);
  const { version, headerBytes, magic } = recognise(head, wrong);
  const bytes = head.slice(0, headerBytes);
  const view = new DataView(bytes.buffer);
  const littleEndian = byteOrder(view, version);
  view.setInt32(0, headerBytes, littleEndian);
  if (version === 2) checkLineEnds(bytes, wrong);
  const { readHeader } = await import('nifti-reader-js');
  const fields = readHeader(bytes.buffer, true);

  const notes: string[] = [];
  const int64 = (at: number): number => Number(view.getBigInt64(at, littleEndian));
  const rawDims = Array.from({ length: 8 }, (_, i) =>
    version === 1 ? view.getInt16(40 + 2 * i, littleEndian) : int64(16 + 8 * i),
  );
  const glmin = version === 1 ? view.getInt32(144, littleEndian) : 0;
  const dims = readDims(rawDims, glmin, version, wrong);
  const type = niftiTypes.find((t) => t.code === fields.datatypeCode);
  if (!type) throw wrongType(fields.datatypeCode, wrong);
  const pixdim = mendPixdim(fields.pixDims, notes);
  const rows = version === 1 ? 280 : 400;
  const cell = (i: number): number =>
    version === 1 ? view.getFloat32(rows + 4 * i, littleEndian) : view.getFloat64(rows + 8 * i, littleEndian);
  const forms: NiftiForms = {
    qformCode: mendCode('qform_code', fields.qform_code, notes),
    sformCode: mendCode('sform_code', fields.sform_code, notes),
    quaternion: [fields.quatern_b, fields.quatern_c, fields.quatern_d],
    qoffset: [fields.qoffset_x, fields.qoffset_y, fields.qoffset_z],
    srow: Array.from({ length: 12 }, (_, i) => cell(i)),
  };
  const space = fields.xyzt_units % 8;
  if (space === 1 || space === 3) {
    notes.push(
      `the header's unit of length is ${spaceUnits[space]}: its numbers are taken as mm, as other readers do`,
    );
  }
  return {
    version,
    littleEndian,
    headerBytes,
    magic,
    dims,
    type,
    pixdim,
    voxOffset: readOffset(version === 1 ? fields.vox_offset : int64(168), headerBytes, single, notes, wrong),
    scaling: readScaling(fields.scl_slope, fields.scl_inter, type, notes, wrong),
    forms,
    ...affineOfHeader(forms, rawDims, pixdim, version, notes, wrong),
    units: {
      space: spaceUnits[space] ?? `code ${space}`,
      time: timeUnits[fields.xyzt_units - space] ?? `code ${fields.xyzt_units - space}`,
    },
    intent: {
      code: fields.intent_code,
      name: fields.intent_name,
      parameters: [fields.intent_p1, fields.intent_p2, fields.intent_p3],
    },
    slices: {
      start: fields.slice_start,
      end: fields.slice_end,
      code: fields.slice_code,
      duration: fields.slice_duration,
      dimInfo: fields.dim_info,
    },
    display: { min: fields.cal_min, max: fields.cal_max },
    timeOffset: fields.toffset,
    description: fields.description,
    auxFile: fields.aux_file,
    notes,
  };
}

function ascii(bytes: Uint8Array): string {
  // As numpy reads a fixed-width string: NULs at the end are padding.
  return Buffer.from(bytes).toString('latin1').replace(/\0+$/, '');
}

function recognise(head: Uint8Array, wrong: WrongIn): { version: 1 | 2; headerBytes: number; magic: string } {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const size = (bytes: number): boolean =>
    head.length >= 4 && (view.getInt32(0, true) === bytes || view.getInt32(0, false) === bytes);
  if (head.length >= 348) {
    const magic = ascii(head.subarray(344, 348));
    if (magic === 'n+1' || magic === 'ni1') return { version: 1, headerBytes: 348, magic };
  }
  if (size(540) && head.length >= 540) {
    const magic = ascii(head.subarray(4, 8));
    if (magic === 'n+2' || magic === 'ni2') return { version: 2, headerBytes: 540, magic };
    throw wrong(
      `a NIfTI-2 header whose magic is ${JSON.stringify(magic)}`,
      'n+2 or ni2',
      'export the image anew: the header was damaged or is not NIfTI',
    );
  }
  const expected = size(348) ? 348 : size(540) ? 540 : 0;
  if (expected > head.length) {
    throw wrong(
      `a header of ${head.length} bytes`,
      `${expected} bytes`,
      'the file is truncated: copy or download it again',
    );
  }
  if (expected === 348) {
    throw wrong(
      `a header whose magic is ${JSON.stringify(ascii(head.subarray(344, 348)))} (an ANALYZE 7.5 header has none)`,
      'n+1 or ni1',
      'convert it to NIfTI with the program that wrote it; ANALYZE does not say which side is left',
    );
  }
  throw wrong(
    head.length === 0 ? 'an empty file' : 'a file that is not NIfTI',
    'a NIfTI-1 or NIfTI-2 image (.nii, .nii.gz, .hdr with .img)',
    'check the path, or convert the image to NIfTI',
  );
}

/** nibabel's rule: `dim[0]` lies in 1 to 7 in the right order; where it is 0, `sizeof_hdr` decides. */
function byteOrder(view: DataView, version: 1 | 2): boolean {
  const rank = version === 1 ? view.getInt16(40, true) : Number(view.getBigInt64(16, true));
  if (rank === 0) return view.getInt32(0, false) !== (version === 1 ? 348 : 540);
  return rank >= 1 && rank <= 7;
}

function checkLineEnds(bytes: Uint8Array, wrong: WrongIn): void {
  const mark = [...bytes.subarray(8, 12)];
  if (mark.every((b) => b === 0) || mark.join() === '13,10,26,10') return;
  throw wrong(
    `a NIfTI-2 end-of-line mark of ${mark.join(' ')}`,
    '13 10 26 10',
    'the file was changed by a transfer in text mode: copy it again as binary',
  );
}

function readDims(raw: number[], glmin: number, version: 1 | 2, wrong: WrongIn): number[] {
  const rank = raw[0];
  const dims = raw.slice(1, 1 + Math.max(0, Math.min(7, rank)));
  if (version === 1) {
    // FreeSurfer's ways round the 16-bit limit, as nibabel knows them: a vector whose length is in glmin, and the
    // seventh icosahedron folded into three axes.
    const [x, y, z] = dims;
    if (x === -1 && y === 1 && z === 1 && glmin > 0) dims[0] = glmin;
    else if (x === 27307 && y === 1 && z === 6) dims.splice(0, 3, 163842, 1, 1);
  }
  const count = dims.reduce((product, d) => product * d, 1);
  if (rank < 1 || rank > 7 || dims.some((d) => !(d >= 1)) || !Number.isSafeInteger(count)) {
    throw wrong(
      `impossible dims: dim = ${raw.join(' ')}`,
      '1 to 7 axes (dim[0]) of at least 1 voxel each',
      'export the image anew: its header is damaged',
    );
  }
  return dims;
}

function wrongType(code: number, wrong: WrongIn): InputError {
  const known = niftiTypes.map((t) => t.name).join(', ');
  const fix = 'convert the image to one of these types with the program that wrote it';
  if (code === 1) return wrong('voxels of one bit (datatype 1, binary)', `one of ${known}`, fix);
  return wrong(
    `an unknown datatype, code ${code}`,
    `one of ${known}`,
    code === 0 ? 'export the image anew: the header names no type' : fix,
  );
}

/** nibabel's repairs: a step of 0 counts as 1, a negative one as positive; qfac is 1 or -1. */
function mendPixdim(raw: number[], notes: string[]): number[] {
  const pixdim = [...raw];
  for (const i of [1, 2, 3]) {
    if (pixdim[i] === 0) {
      notes.push(`pixdim[${i}] is 0, taken as 1`);
      pixdim[i] = 1;
    } else if (pixdim[i] < 0) {
      notes.push(`pixdim[${i}] is ${pixdim[i]}, taken as ${-pixdim[i]}`);
      pixdim[i] = -pixdim[i];
    }
  }
  if (pixdim[0] !== 1 && pixdim[0] !== -1) pixdim[0] = 1;
  return pixdim;
}

/** A code outside the standard's list says nothing: nibabel takes it as 0 (no such form). */
function mendCode(name: string, code: number, notes: string[]): number {
  if (code >= 0 && code <= 5) return code;
  notes.push(`${name} is ${code}, which has no meaning: taken as 0`);
  return 0;
}

function readOffset(
  raw: number,
  headerBytes: number,
  single: boolean,
  notes: string[],
  wrong: WrongIn,
): number {
  const first = headerBytes + 4;
  if (single && raw === 0) {
    // nibabel would read the header's own bytes as voxels here.
    notes.push(`vox_offset is 0, taken as ${first}, the first byte after the header`);
    return first;
  }
  const offset = Math.trunc(raw);
  if (offset >= (single ? first : 0) && Number.isSafeInteger(offset)) return offset;
  throw wrong(
    `voxels that begin at byte ${raw} (vox_offset)`,
    single ? `${first} or more` : '0 or more',
    'export the image anew: its header is damaged',
  );
}

function readScaling(
  slope: number,
  inter: number,
  { components, number, name }: NiftiType,
  notes: string[],
  wrong: WrongIn,
): NiftiHeader['scaling'] {
  if (slope === 0 || !Number.isFinite(slope)) return null;
  if (!Number.isFinite(inter)) {
    throw wrong(
      `scl_slope ${slope} with scl_inter ${inter}`,
      'a finite intercept beside a valid slope',
      'set scl_inter to 0 if the image has no intercept',
    );
  }
  if (slope === 1 && inter === 0) return null;
  if (components > 2 && number === 'uint') {
    notes.push(`scl_slope ${slope} and scl_inter ${inter} are not applied: the standard excludes ${name}`);
    return null;
  }
  return { slope, inter };
}
