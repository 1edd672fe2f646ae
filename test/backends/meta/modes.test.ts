// Ways to spend less memory on the same gradients, run on shapes and on wasm: what is predicted is what is taken, to the byte.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AllocationWatch } from '../../../src/backends/allocations';
import type { Backend } from '../../../src/backends/backend';
import { ledgerDifferences } from '../../../src/backends/ledger-difference';
import { type BlankTree, dryRun } from '../../../src/backends/meta/dry-run';
import { tf } from '../../../src/backends/tf';
import { track } from '../../../src/backends/tracker';
import { flattenTree, type TensorTree, unflattenTree } from '../../../src/backends/training-step';
import { candidate as wasm } from '../../../src/backends/wasm';
import { embed, encode, encodeBlock, headLoss, samShapes, type SamSize, viewLoss } from './sam-encoder';

let backend: Backend;
beforeAll(async () => {
  backend = await wasm.open();
});
afterAll(() => tf.disposeVariables());

interface Given {
  weights: TensorTree;
  adapters: TensorTree;
  inputs: TensorTree;
}
type View = Record<'patches' | 'target', tf.Tensor>;
type Mode = (size: SamSize, given: Given, watch: AllocationWatch) => tf.TensorContainer;
type Named = Readonly<Record<string, tf.Tensor>>;

const viewsOf = ({ inputs }: Given): View[] => inputs as unknown as View[];
const added = (sums: tf.Tensor[] | undefined, more: tf.Tensor[]): tf.Tensor[] =>
  sums ? sums.map((sum, k) => tf.tidy(() => tf.add(sum, more[k]))) : more;

/** A loss of the adapters as a function of their tensors. */
function ofAdapters(
  adapters: TensorTree,
  f: (own: TensorTree) => tf.Tensor,
): [(...t: tf.Tensor[]) => tf.Tensor, tf.Tensor[]] {
  const flat = flattenTree(adapters);
  const names = Object.keys(flat);
  const own = (t: tf.Tensor[]): TensorTree =>
    unflattenTree(adapters, Object.fromEntries(names.map((name, k) => [name, t[k]])));
  return [(...t) => f(own(t)), Object.values(flat)];
}

const modes: Record<string, Mode> = {
  'the plain tape over all views': (size, given, watch) => {
    const [loss, xs] = ofAdapters(given.adapters, (own) =>
      tf.addN(
        viewsOf(given).map(({ patches, target }) => viewLoss(size, given.weights, own, patches, target)),
      ),
    );
    const { value, grads } = tf.valueAndGrads(loss)(xs);
    watch.declare({ gradients: grads });
    return [value, grads];
  },
  'view after view': (size, given) => {
    let sums: tf.Tensor[] | undefined;
    for (const { patches, target } of viewsOf(given)) {
      const [loss, xs] = ofAdapters(given.adapters, (own) =>
        viewLoss(size, given.weights, own, patches, target),
      );
      const before = sums;
      const { value, grads } = tf.valueAndGrads(loss)(xs);
      sums = added(sums, grads);
      value.dispose();
      if (before) tf.dispose([before, grads]);
    }
    return sums!;
  },
  'view after view, block after block again': (size, given) => {
    const { weights, adapters } = given as unknown as {
      weights: { blocks: Named[] };
      adapters: { blocks: Named[]; neck: Named };
    };
    const gradients: tf.Tensor[] = [];
    for (const { patches, target } of viewsOf(given)) {
      const inputs = [tf.tidy(() => embed(weights, patches))];
      weights.blocks.forEach((f, k) =>
        inputs.push(tf.tidy(() => encodeBlock(size, f, adapters.blocks[k], inputs[k], k))),
      );
      const last = inputs.pop()!;
      const head = tf.valueAndGrads((x: tf.Tensor) => headLoss(adapters, x, target))([last]);
      tf.dispose([head.value, last]);
      let dy = head.grads[0];
      for (let k = weights.blocks.length - 1; k >= 0; k--) {
        const names = Object.keys(adapters.blocks[k]);
        const f = (x: tf.Tensor, ...own: tf.Tensor[]): tf.Tensor =>
          encodeBlock(
            size,
            weights.blocks[k],
            Object.fromEntries(names.map((name, j) => [name, own[j]])),
            x,
            k,
          );
        const [dx, ...own] = tf.grads(f)([inputs[k], ...Object.values(adapters.blocks[k])], dy);
        tf.dispose([dy, inputs[k]]);
        gradients.push(...own);
        dy = dx;
      }
      dy.dispose();
    }
    return gradients;
  },
  'forward alone': (size, given) =>
    viewsOf(given).map(({ patches }) => tf.tidy(() => encode(size, given.weights, given.adapters, patches))),
};

const small = { heads: 2, hidden: 32, rank: 2, window: 3 };
const sizes: [SamSize, number][] = [
  [{ ...small, side: 6, width: 16, blocks: 2, global: [1] }, 1],
  [{ ...small, side: 6, width: 16, blocks: 2, global: [1] }, 3],
  [{ ...small, side: 8, width: 24, blocks: 3, global: [0], heads: 3 }, 1],
  [{ ...small, side: 7, width: 8, blocks: 4, global: [1, 3], hidden: 20 }, 3],
];

describe.each(Object.keys(modes))('%s', (name) => {
  it.each(sizes)('%j, %i views', async (size, views) => {
    const tokens = size.side ** 2;
    const view = { patches: { shape: [tokens, 768] }, target: { shape: [tokens, 256] } };
    const shapes = { ...samShapes(size), inputs: Array.from({ length: views }, () => view) };
    const dry = dryRun(name, shapes, (given, watch) => modes[name](size, given, watch));

    const filled = (tree: BlankTree): TensorTree => {
      const { shape } = tree as { shape?: number[] };
      if (shape) return tf.fill(shape, 0.01);
      if (Array.isArray(tree)) return (tree as BlankTree[]).map(filled);
      return Object.fromEntries(
        Object.entries(tree).map(([key, value]) => [key, filled(value as BlankTree)]),
      );
    };
    const given = {
      weights: filled(shapes.weights),
      adapters: filled(shapes.adapters),
      inputs: filled(shapes.inputs),
    };
    const flat = Object.fromEntries(
      Object.entries(given).map(([key, tree]) => [key, Object.values(flattenTree(tree))]),
    );
    const real = await track(backend, name, flat, (watch) => modes[name](size, given, watch));
    tf.dispose([real.returned, flat]);

    expect(ledgerDifferences(dry.ledger, real.ledger).map(({ message }) => message)).toEqual([]);
    expect(dry.ledger.peak().bytes).toBe(real.ledger.peak().bytes);
  });
});

it('each takes less than the one before', () => {
  const [size, views] = sizes[3];
  const view = { patches: { shape: [49, 768] }, target: { shape: [49, 256] } };
  const shapes = { ...samShapes(size), inputs: Array.from({ length: views }, () => view) };
  const peaks = Object.keys(modes).map(
    (name) =>
      dryRun(name, shapes, (given, watch) => modes[name](size, given, watch)).ledger.peak().beyondGiven,
  );
  expect(peaks).toEqual([...peaks].sort((a, b) => b - a));
});
