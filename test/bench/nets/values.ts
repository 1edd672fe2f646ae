// Values that are the same in every language, for nets and their peers (test/bench/peers/values.py): a hash of name and index.
import type { TensorTree } from '../../../src/backends/training-step';
import type { ParameterTree, Start } from '../../../src/nn/parameters';
import { blank, filled } from '../../../src/nn/parameters';

/** FNV-1a of a name. */
function seedOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Murmur3's last mix of 32 bits, as a share of 2^32. */
function share(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
}

/** Values of the tensor with this name. Where the start says normal they are uniform, of the same deviation. */
export function valuesOf(size: number, start: Start, name: string): Float32Array {
  const values = new Float32Array(size);
  if (start.kind === 'constant') return values.fill(start.value);
  const reach = start.kind === 'normal' ? Math.sqrt(3) * start.deviation : 0;
  const [low, high] = start.kind === 'normal' ? [-reach, reach] : [start.low, start.high];
  const seed = seedOf(name);
  for (let i = 0; i < size; i++)
    values[i] = low + (high - low) * share((Math.imul(i, 0x9e3779b1) + seed) | 0);
  return values;
}

/** Tensors of such values, or zeros. @param group  goes before their paths: `trained` */
export function tensorsFor(tree: ParameterTree, group: string, values: 'set' | 'blank'): TensorTree {
  if (values === 'blank') return blank(tree);
  return filled(tree, ({ size, start }, path) => valuesOf(size, start, `${group}/${path}`));
}
