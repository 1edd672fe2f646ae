// CUDA libraries hold the same kernels as machine code for many cards, and as text (PTX) that a driver can compile for others. What
// is not wanted is zeroed in place, so that nothing moves and it packs to nothing.

/** A container of images: magic number and version, then the size of its header and of what follows. */
const magic = Buffer.from([0x50, 0xed, 0x55, 0xba, 0x01, 0x00]);
const containerHeader = 16;
const PTX = 1;
const MACHINE_CODE = 2;

/** Bytes of images that stayed and of those that were zeroed. */
export interface Kept {
  kept: number;
  cleared: number;
}

/**
 * Zero all CUDA images of a library but machine code for these cards.
 * @param library  its bytes; changed in place
 * @param archs    compute capabilities, e.g. 90 for sm_90
 */
export function keepMachineCode(library: Buffer, archs: ReadonlySet<number>): Kept {
  const bytes: Kept = { kept: 0, cleared: 0 };
  for (let at = library.indexOf(magic); at >= 0; at = library.indexOf(magic, at + 4)) {
    if (at + containerHeader > library.length || library.readUInt16LE(at + 6) !== containerHeader) continue;
    const first = at + containerHeader;
    const end = first + Number(library.readBigUInt64LE(at + 8));
    if (end > library.length) continue;
    for (let image = first; image + 32 <= end;) {
      const kind = library.readUInt16LE(image);
      const header = library.readUInt32LE(image + 4);
      const size = Number(library.readBigUInt64LE(image + 8));
      const arch = library.readUInt32LE(image + 28);
      if ((kind !== PTX && kind !== MACHINE_CODE) || header < 32) break;
      const start = image + header;
      const stop = Math.min(start + size, end);
      if (kind === MACHINE_CODE && archs.has(arch)) bytes.kept += stop - start;
      else {
        library.fill(0, start, stop);
        bytes.cleared += stop - start;
      }
      image = start + size;
    }
  }
  return bytes;
}
