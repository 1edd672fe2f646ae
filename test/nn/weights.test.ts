// Weights of others in our models: every kind of place, both directions, and what is said when they do not fit.
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCandidate } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import { constant, Parameter } from '../../src/nn/parameters';
import { openSafetensors, writeSafetensors } from '../../src/nn/safetensors';
import type { WeightNames } from '../../src/nn/weight-names';
import type { TensorSource } from '../../src/nn/tensor-source';
import { loadWeights, toTheirs } from '../../src/nn/weights';
import { withoutLeak } from '../setup/leaks';
import { scratch } from './tensor-cases';

const place = scratch();
beforeAll(async () => {
  await loadCandidate('cpu');
});

type Tensors = Record<string, { shape: number[]; values: number[] }>;
const without = <T>(record: Readonly<Record<string, T>>, name: string): Record<string, T> =>
  Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));
/** Tensors in memory; counts how often each is read. */
function sourceOf(tensors: Tensors): TensorSource & { reads: string[] } {
  const reads: string[] = [];
  return {
    file: 'test.safetensors',
    reads,
    names: () => Object.keys(tensors),
    shapeOf: (name) => tensors[name].shape,
    read(name) {
      reads.push(name);
      return Promise.resolve(new Float32Array(tensors[name].values));
    },
  };
}
const parameter = (...shape: number[]): Parameter => new Parameter(shape, constant(0));

// Computed by hand: linear [from 2, to 3], q and v of a joined [q; k; v] with 1 row each, q and k apart and joined here,
// a kernel [to 1, from 2, 1, 2] as [kh, kw, from, to].
const spec = {
  linear: { weight: parameter(2, 3), bias: parameter(3) },
  blocks: [{ q: parameter(2, 1), k: parameter(2, 1), v: parameter(2, 1) }],
  joined: { weight: parameter(2, 2), bias: parameter(2) },
  kernel: parameter(1, 2, 2, 1),
  patch: parameter(4, 1),
};
const names: WeightNames = {
  'linear/weight': { name: 'l.weight', shape: [3, 2], axes: [1, 0] },
  'linear/bias': { name: 'l.bias', shape: [3] },
  'blocks/0/q': { name: 'qkv', shape: [3, 2], rows: [0, 1], axes: [1, 0] },
  'blocks/0/k': { name: 'qkv', shape: [3, 2], rows: [1, 2], axes: [1, 0] },
  'blocks/0/v': { name: 'qkv', shape: [3, 2], rows: [2, 3], axes: [1, 0] },
  'joined/weight': [
    { name: 'a.weight', shape: [1, 2], axes: [1, 0] },
    { name: 'b.weight', shape: [1, 2], axes: [1, 0] },
  ],
  'joined/bias': [
    { name: 'a.bias', shape: [1] },
    { name: 'b.bias', shape: [1] },
  ],
  kernel: { name: 'conv', shape: [1, 2, 1, 2], axes: [2, 3, 1, 0] },
  patch: { name: 'patch', shape: [1, 2, 1, 2], axes: [2, 3, 1, 0] },
};
const theirs: Tensors = {
  'l.weight': { shape: [3, 2], values: [1, 2, 3, 4, 5, 6] },
  'l.bias': { shape: [3], values: [7, 8, 9] },
  qkv: { shape: [3, 2], values: [1, 2, 3, 4, 5, 6] },
  'a.weight': { shape: [1, 2], values: [1, 2] },
  'b.weight': { shape: [1, 2], values: [3, 4] },
  'a.bias': { shape: [1], values: [5] },
  'b.bias': { shape: [1], values: [6] },
  conv: { shape: [1, 2, 1, 2], values: [1, 2, 3, 4] },
  patch: { shape: [1, 2, 1, 2], values: [1, 2, 3, 4] },
};
const ours: Record<string, number[]> = {
  'linear/weight': [1, 3, 5, 2, 4, 6],
  'linear/bias': [7, 8, 9],
  'blocks/0/q': [1, 2],
  'blocks/0/k': [3, 4],
  'blocks/0/v': [5, 6],
  'joined/weight': [1, 3, 2, 4],
  'joined/bias': [5, 6],
  kernel: [1, 3, 2, 4],
  patch: [1, 3, 2, 4],
};

it('loads each kind of place, each tensor of theirs once', async () => {
  const source = sourceOf(theirs);
  await withoutLeak('loading', async () => {
    const weights = await loadWeights(spec, source, names);
    expect([...weights.linear.weight.dataSync()]).toEqual(ours['linear/weight']);
    expect([...weights.linear.bias.dataSync()]).toEqual(ours['linear/bias']);
    const { q, k, v } = weights.blocks[0];
    expect([q, k, v].map((t) => [...t.dataSync()])).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    expect([...weights.joined.weight.dataSync()]).toEqual(ours['joined/weight']);
    expect([...weights.joined.bias.dataSync()]).toEqual(ours['joined/bias']);
    expect([...weights.kernel.dataSync()]).toEqual(ours.kernel);
    expect(weights.kernel.shape).toEqual([1, 2, 2, 1]);
    expect([...weights.patch.dataSync()]).toEqual(ours.patch);
    return weights;
  });
  expect(source.reads).toEqual(Object.keys(theirs));
});

it('gives ours as theirs', () => {
  const values = Object.fromEntries(
    Object.entries(ours).map(([path, list]) => [path, new Float32Array(list)]),
  );
  const found = toTheirs(spec, values, names);
  expect(
    Object.fromEntries(found.map(({ name, shape, data }) => [name, { shape, values: [...data] }])),
  ).toEqual(theirs);
});

it('goes through a file under our own paths', async () => {
  const values = {
    'linear/weight': new Float32Array([1, 2, 3, 4, 5, 6]),
    'linear/bias': new Float32Array(3),
  };
  const small = { linear: spec.linear };
  await writeSafetensors(place('own.safetensors'), toTheirs(small, values));
  const source = await openSafetensors(place('own.safetensors'));
  const weights = await loadWeights(small, source);
  await source.close();
  expect([...weights.linear.weight.dataSync()]).toEqual([1, 2, 3, 4, 5, 6]);
  tf.dispose(weights);
});

describe('weights that do not fit', () => {
  it('are told by name, all at once, and nothing is read', async () => {
    const bias = theirs['l.bias'];
    const rest = without(theirs, 'qkv');
    const source = sourceOf({ ...rest, 'l.bias': { ...bias, shape: [1, 3] }, other: bias, second: bias });
    const loading = withoutLeak('loading', () => loadWeights(spec, source, names, { ignore: ['second'] }));
    await expect(loading).rejects.toThrow(
      /^cannot load test.safetensors: given 1 missing: qkv; 1 of another shape: l.bias \[1, 3\] where \[3\] is needed; 1 not of this model: other, expected the 9 tensors of the model/,
    );
    expect(source.reads).toEqual([]);
  });

  it('leave no tensor when reading fails half-way, or is stopped', async () => {
    const source = sourceOf(theirs);
    const failing = {
      ...source,
      read: (name: string) => (name === 'conv' ? Promise.reject(new Error('disk')) : source.read(name)),
    };
    await expect(withoutLeak('loading', () => loadWeights(spec, failing, names))).rejects.toThrow(/disk/);
    const controller = new AbortController();
    const stopping = {
      ...source,
      read(name: string) {
        if (name === 'qkv') controller.abort();
        return source.read(name);
      },
    };
    const { signal } = controller;
    const stopped = withoutLeak('loading', () => loadWeights(spec, stopping, names, { signal }));
    await expect(stopped).rejects.toThrow(/was interrupted/);
  });

  it('a table of names that is not one of this model is refused', async () => {
    const fewer = without(names, 'kernel');
    const wrong = { ...fewer, 'no/path': names.kernel, patch: { name: 'patch', shape: [3] } };
    await expect(loadWeights(spec, sourceOf(theirs), wrong)).rejects.toThrow(
      /given no\/path, kernel, patch:/,
    );
    const values = Object.fromEntries(
      Object.entries(ours).map(([path, list]) => [path, new Float32Array(list)]),
    );
    const fewerParameters = { ...spec, blocks: [without(spec.blocks[0], 'v')] };
    const call = () => toTheirs(fewerParameters, values, without(names, 'blocks/0/v'));
    expect(call).toThrow(/names that fill qkv in part/);
  });
});
