// Numbers that two programs make alike without a file between them: a table from a hash, which large tensors repeat. Its length is
// a prime, so that no two rows of a weight are the same.
import type { TriSiamese } from '../../models/tri-siamese';
import { triSiameseNames } from '../../models/load-tri-siamese';
import type { PlaneNetwork } from '../../memory/network-parts';
import { planeNetworkSpec } from '../../memory/network-parts';
import type { Start } from '../../nn/parameters';
import { flattenParameters } from '../../nn/parameters';

/** How many numbers the table has. */
export const tableLength = 65_537;

/** Number `index` of the table, from -1 to below 1: exact in a double, as in torch_sam_step.py. */
export function tableNumber(index: number): number {
  let x = index + 1;
  for (let round = 0; round < 2; round++) x = Math.imul(x ^ (x >>> 16), 0x45d9f3b);
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 31 - 1;
}

/** How a tensor's numbers lie: `half` to both sides of `centre`, the first of them at a place of the table of its own. */
export interface Spread {
  readonly centre: number;
  readonly half: number;
  /** Counts tensors, from 0. */
  readonly nth: number;
}

/** The numbers of a tensor in row order. */
export function spreadNumbers(count: number, { centre, half, nth }: Spread): Float32Array {
  const values = new Float32Array(count);
  const own = Math.min(count, tableLength);
  for (let i = 0; i < own; i++) values[i] = centre + half * tableNumber((nth * 7919 + i) % tableLength);
  for (let filled = own; filled < count; filled *= 2) values.copyWithin(filled, 0, filled);
  return values;
}

/** Deviation around what starts as a constant, so that nothing is zero or one that would not be so after training. */
const noise = 0.02;

function spreadOf(start: Start): Omit<Spread, 'nth'> {
  const evenly = (centre: number, deviation: number): Omit<Spread, 'nth'> => ({
    centre,
    half: Math.sqrt(3) * deviation,
  });
  if (start.kind === 'constant') return evenly(start.value, noise);
  if (start.kind === 'normal') return evenly(0, start.deviation);
  return { centre: (start.low + start.high) / 2, half: (start.high - start.low) / 2 };
}

/** A tensor of the network, by our path and by its name in torch_sam.py. */
export interface SpreadTensor extends Spread {
  readonly path: string;
  readonly name: string;
  /** Ours is PyTorch's with its axes in this order, then reshaped; as it is where left out. */
  readonly axes?: readonly number[];
}

/** Every tensor of the network. They are as spread as those that training starts with, and never all equal. */
export function spreadTensors(network: PlaneNetwork): SpreadTensor[] {
  // It has adapters: that is what the study trains.
  const names = triSiameseNames(network as TriSiamese, 'original');
  return Object.entries(flattenParameters(planeNetworkSpec(network))).map(([path, { start }], nth) => {
    const adapter = /^trained\/adapters\/(\d+)\/([qv])\/([ab])$/.exec(path);
    const { name, axes } = adapter
      ? { name: `image_encoder.blocks.${adapter[1]}.attn.lora.${adapter[2]}_${adapter[3]}` }
      : (names[path] as { name: string; axes?: readonly number[] });
    return { path, name, ...(axes && { axes }), ...spreadOf(start), nth };
  });
}

/** Pictures have these numbers, the n-th plane as the n-th tensor. */
export const pictureSpread = (nth: number): Spread => ({ centre: 0, half: Math.sqrt(3), nth });

/** The label of the n-th plane, [side, side]: 1 inside a disc in the middle. Whole numbers alone, so that nothing is rounded. */
export function discNumbers(side: number, nth: number): Float32Array {
  const off = (i: number): number => 2 * i + 1 - side;
  return Float32Array.from({ length: side * side }, (_, i) =>
    Number(25 * (off(i % side) ** 2 + off(Math.floor(i / side)) ** 2) < ((nth + 2) * side) ** 2),
  );
}
