// Three planes through a voxel of a volume that lies on the device, as one batch: what each layout (sampling/layout.ts) costs there.
// A plane in file order is a slice, of which one of three is a single run; of copies each is one; in bricks it is a slice of bricks
// that are put side by side again.
import type { Backend } from '../../backends/backend';
import { tf } from '../../backends/tf';
import type { LayoutName } from '../../sampling/layout';
import { layoutNames, layoutOf } from '../../sampling/layout';
import type { Triple } from '../../volume/volume';
import type { Timed } from './times';
import { timeCalls } from './times';
import type { Sampling } from './units';
import { inputNumbers } from './units';

/** What is timed. */
export interface GatherUnit {
  op: 'gather';
  /** `256 bricks`. */
  id: string;
  /** Voxels along each edge of the cube. */
  size: number;
  layout: LayoutName;
  /** Voxels along each edge of a brick. */
  edge: number;
}

const edge = 8;

/** The gathers; in a rehearsal of a tiny cube. 256 voxels a side are 64 MiB, somewhat more than the caches of large cards. */
export function gatherUnits(rehearse: boolean): GatherUnit[] {
  return (rehearse ? [16] : [256, 512]).flatMap((size) =>
    layoutNames.map((layout) => ({ op: 'gather' as const, id: `${size} ${layout}`, size, layout, edge })),
  );
}

/** Bytes of three planes. */
export const gatheredBytes = ({ size }: GatherUnit): number => 3 * size * size * 4;

/** The voxel of a call, so that no two calls in a row read the same planes; torch_card.py has the same. */
export const voxelOf = (call: number, size: number): Triple =>
  [0, 1, 2].map((axis) => (call * 7919 + axis * 1009) % size) as Triple;

/** The volume on the device, and how three planes are taken: [3, size, size], axial, coronal and sagittal. */
export function residentGather({ size: n, layout, edge: e }: GatherUnit): {
  inputs: tf.Tensor[];
  gather: (voxel: Triple) => tf.Tensor;
} {
  // With these axes pictures run along the array, not against it.
  const volume = {
    data: inputNumbers(n ** 3, 1),
    dims: [n, n, n] as Triple,
    spacing: [1, 1, 1] as Triple,
    axisCodes: 'LPI',
  };
  const data = layoutOf(volume, layout, { brick: e }).data as Float32Array;
  const flat = (tensor: tf.Tensor): tf.Tensor => tf.reshape(tensor, [n, n]);
  if (layout === 'file') {
    const cube = tf.tensor(data, [n, n, n]);
    const gather = ([x, y, z]: Triple): tf.Tensor =>
      tf.stack([
        flat(tf.slice(cube, [z, 0, 0], [1, n, n])),
        flat(tf.slice(cube, [0, y, 0], [n, 1, n])),
        flat(tf.slice(cube, [0, 0, x], [n, n, 1])),
      ]);
    return { inputs: [cube], gather };
  }
  if (layout === 'copies') {
    const copies = [0, 1, 2].map((k) => tf.tensor(data.subarray(k * n ** 3, (k + 1) * n ** 3), [n, n, n]));
    const gather = ([x, y, z]: Triple): tf.Tensor =>
      tf.stack([z, y, x].map((at, k) => flat(tf.slice(copies[k], [at, 0, 0], [1, n, n]))));
    return { inputs: copies, gather };
  }
  const b = n / e;
  // Stored as [brick z, y, x, voxel z, y, x]; axes that a plane keeps are taken together.
  const bricks = tf.tensor(data, [b, b * b, e, e * e]);
  const ofCoronal = tf.reshape(bricks, [b, b, b * e, e, e]);
  const ofSagittal = tf.reshape(bricks, [b * b, b, e * e, e]);
  const joined = (tensor: tf.Tensor): tf.Tensor =>
    flat(tf.transpose(tf.reshape(tensor, [b, b, e, e]), [0, 2, 1, 3]));
  const gather = ([x, y, z]: Triple): tf.Tensor => {
    const [bx, by, bz] = [x, y, z].map((at) => Math.floor(at / e));
    return tf.stack([
      joined(tf.slice(bricks, [bz, 0, z % e, 0], [1, b * b, 1, e * e])),
      joined(tf.slice(ofCoronal, [0, by, 0, y % e, 0], [b, 1, b * e, 1, e])),
      joined(tf.slice(ofSagittal, [0, bx, 0, x % e], [b * b, 1, e * e, 1])),
    ]);
  };
  return { inputs: [bricks, ofCoronal, ofSagittal], gather };
}

/** Runs units by their id. */
export function gatherRunner({
  rehearse,
  sampling,
}: {
  rehearse: boolean;
  sampling: Sampling;
}): (backend: Backend, id: string) => Promise<Timed> {
  return (backend, id) => {
    const unit = gatherUnits(rehearse).find((one) => one.id === id)!;
    const { inputs, gather } = residentGather(unit);
    let call = 0;
    const run = (): tf.Tensor[] => [gather(voxelOf(call++, unit.size))];
    return timeCalls(backend, id, { inputs, run }, sampling);
  };
}
