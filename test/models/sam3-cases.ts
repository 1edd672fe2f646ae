// Cases of SAM 3's trunk that test/oracles/sam3_cases.py computes with transformers in double precision, and their tensors for ours.
import { expect } from 'vitest';
import { tf } from '../../src/backends/tf';
import type { Sam3TrunkConfig } from '../../src/models/sam3/config';
import { sam3TrunkNames } from '../../src/models/sam3/names';
import { type Sam3Trunk, sam3TrunkSpec } from '../../src/models/sam3/trunk';
import type { BlockAdapters } from '../../src/models/vision-transformer';
import { uniform } from '../../src/nn/parameters';
import type { TensorSource } from '../../src/nn/tensor-source';
import { loadWeights } from '../../src/nn/weights';
import { valuesOf } from '../bench/nets/values';
import oracle from '../oracles/sam3.json';

export type Sam3Case = (typeof oracle.cases)[keyof typeof oracle.cases];
export const cases = Object.entries(oracle.cases) as [string, Sam3Case][];
const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
export const tensorOf = (shape: number[], name: string): tf.Tensor =>
  tf.tensor(valuesOf(sizeOf(shape), uniform(-1, 1), name), shape);

/** The tensors that the oracle's model has, by its names and in its shapes. */
export function theirsOf({ shapes }: Sam3Case, prefix = ''): TensorSource {
  const own = (name: string): string => name.slice(prefix.length);
  const shapeOf = (name: string): number[] => (shapes as Record<string, number[]>)[own(name)];
  const start = (name: string) => (/norm.*weight$/.test(name) ? uniform(0.5, 1.5) : uniform(-0.5, 0.5));
  return {
    file: 'sam3.json',
    names: () => Object.keys(shapes).map((name) => prefix + name),
    shapeOf,
    read: (name) => Promise.resolve(valuesOf(sizeOf(shapeOf(name)), start(own(name)), own(name))),
  };
}

export const load = (config: Sam3TrunkConfig, source: TensorSource, prefix?: string): Promise<Sam3Trunk> =>
  loadWeights(sam3TrunkSpec(config), source, sam3TrunkNames(config, prefix));

/** The oracle's adapters, from its first adapted block on, by their paths. */
export function adaptersOf(
  { first, rank, withAdapters }: Sam3Case,
  { width }: Sam3TrunkConfig,
): Record<string, tf.Tensor> {
  const paths = Object.keys(withAdapters.byAdapters);
  expect(paths[0]).toBe(`${first}/q/a`);
  const shapeOf = (path: string): number[] => (path.endsWith('a') ? [width, rank] : [rank, width]);
  return Object.fromEntries(paths.map((path) => [path, tensorOf(shapeOf(path), `adapters/${path}`)]));
}

/** Adapters by block. */
export function byBlock(flat: Readonly<Record<string, tf.Tensor>>, depth: number): BlockAdapters[] {
  return Array.from({ length: depth }, (_, block) => {
    const low = (kind: string): { a: tf.Tensor; b: tf.Tensor } => ({
      a: flat[`${block}/${kind}/a`],
      b: flat[`${block}/${kind}/b`],
    });
    return `${block}/q/a` in flat ? { q: low('q'), v: low('v') } : {};
  });
}

/** Channels last. */
export const lastOf = (x: tf.Tensor): tf.Tensor => tf.transpose(x, [0, 2, 3, 1]);
