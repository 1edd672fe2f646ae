// The footprint of a plane: what reading it touches in memory, counted from the place of every pixel.
import type { Layout } from '../sampling/layout';
import { offsetsOf } from '../sampling/layout';
import type { PlaneName } from '../sampling/plane';

/** Bytes that a CPU moves together, and bytes that an address translation covers. */
export const lineBytes = 64;
export const pageBytes = 4096;

/** What one plane touches. The array is taken to begin at a page's first byte. */
export interface Footprint {
  samples: number;
  /** Bytes of the samples themselves. */
  bytes: number;
  /** Stretches of adjacent samples, in the order of memory. */
  runs: number;
  /** Cache lines that hold at least one sample. */
  lines: number;
  /** Stretches of adjacent lines: how often the next line is not the following one. */
  jumps: number;
  pages: number;
}

/** Bytes moved between memory and cache for a byte used: whole lines are moved. */
export function bytesMovedPerUsed({ lines, bytes }: Pick<Footprint, 'lines' | 'bytes'>): number {
  return (lines * lineBytes) / bytes;
}

/** The footprint of samples at these places (in elements, any order, none twice). */
export function footprintOf(offsets: Int32Array, elementBytes: number): Footprint {
  const places = Int32Array.from(offsets).sort();
  const footprint = {
    samples: places.length,
    bytes: places.length * elementBytes,
    runs: 0,
    lines: 0,
    jumps: 0,
    pages: 0,
  };
  let [place, line, page] = [-2, -2, -2];
  for (const next of places) {
    if (next !== place + 1) footprint.runs++;
    place = next;
    const nextLine = Math.floor((next * elementBytes) / lineBytes);
    if (nextLine !== line) {
      footprint.lines++;
      if (nextLine !== line + 1) footprint.jumps++;
      line = nextLine;
    }
    const nextPage = Math.floor((next * elementBytes) / pageBytes);
    if (nextPage !== page) footprint.pages++;
    page = nextPage;
  }
  return footprint;
}

/** The footprint of a plane of a layout. */
export function footprintOfPlane(layout: Layout, plane: PlaneName, index: number): Footprint {
  return footprintOf(offsetsOf(layout, plane, index), layout.data.BYTES_PER_ELEMENT);
}
