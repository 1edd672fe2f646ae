// Header extensions: blocks of bytes between the header and the voxels.

/** One extension block. */
export interface NiftiExtension {
  /** Who it belongs to: 2 DICOM, 4 AFNI, 6 comment, 32 CIFTI, 44 MRS ... */
  code: number;
  /** Its content, without the zero bytes that pad it. */
  data: Uint8Array;
}

/**
 * Read the extension blocks of a header.
 * @param bytes  the file from its first byte to the voxels (`.nii`) or to its end (`.hdr`)
 * @param at     where the four flag bytes stand: right after the fixed header
 * @param notes  gets a line where a block cannot be: reading stops there, the voxels are not concerned
 */
export function readExtensions(
  bytes: Uint8Array,
  at: number,
  littleEndian: boolean,
  notes: string[],
): NiftiExtension[] {
  const found: NiftiExtension[] = [];
  if (bytes.length < at + 4 || bytes[at] === 0) return found;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let position = at + 4;
  // The smallest block has 16 bytes; fewer before the voxels are padding.
  while (bytes.length - position >= 16) {
    const size = view.getInt32(position, littleEndian);
    const code = view.getInt32(position + 4, littleEndian);
    // Zeros where a block could begin: the voxels were moved to a round offset.
    if (size === 0 && code === 0) break;
    if (size < 8 || position + size > bytes.length) {
      notes.push(
        `a header extension claims ${size} bytes where ${bytes.length - position} are left: it was not read`,
      );
      break;
    }
    let end = position + size;
    while (end > position + 8 && bytes[end - 1] === 0) end--;
    found.push({ code, data: bytes.slice(position + 8, end) });
    position += size;
  }
  return found;
}
