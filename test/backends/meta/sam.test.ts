// SAM's encoders on shapes: FLOPs against closed forms and published counts, and the memory of the plain tape.
import { beforeAll, describe, expect, it } from 'vitest';
import { candidate as cpu } from '../../../src/backends/cpu';
import { dryRun, type DryRun } from '../../../src/backends/meta/dry-run';
import { flattenTree, unflattenTree } from '../../../src/backends/training-step';
import { tf } from '../../../src/backends/tf';
import { type EncoderShape, encoderShapes, tokensOf } from '../../../src/profilers/encoders';
import { encoderFlops, encoderMacs } from '../../../src/profilers/flops';
import { encode, samShapes, type SamSize, viewLoss } from './sam-encoder';

beforeAll(async () => {
  await cpu.open();
});

const wholes = {
  'sam-vit-b': [2, 5, 8, 11],
  'sam-vit-l': [5, 11, 17, 23],
  'sam-vit-h': [7, 15, 23, 31],
} as const;
type Name = keyof typeof wholes;

const sizeOf = (name: Name, rank: number): SamSize => {
  const shape: EncoderShape = encoderShapes[name];
  const { width, heads, hidden, blocks, window } = shape;
  return { side: tokensOf(shape).side, width, heads, hidden, blocks, window, rank, global: wholes[name] };
};

/** Forward through encoder and SAM's neck. */
function forward(name: Name): DryRun {
  const size = sizeOf(name, 0);
  const { side, width } = size;
  const given = { ...samShapes(size), inputs: { shape: [side * side, 768] } };
  return dryRun(name, given, ({ weights, adapters, inputs }) => {
    const tokens = tf.reshape(encode(size, weights, adapters, inputs as tf.Tensor), [1, side, side, width]);
    const narrow = tf.conv2d(tokens as tf.Tensor4D, tf.ones([1, 1, width, 256]), 1, 'same');
    return tf.conv2d(narrow, tf.ones([3, 3, 256, 256]), 1, 'same');
  });
}

/** Gradients of the adapters over some views, by the plain tape. */
function gradients(name: Name, views: number): DryRun {
  const size = sizeOf(name, 4);
  const tokens = size.side ** 2;
  const view = { patches: { shape: [tokens, 768] }, target: { shape: [tokens, 256] } };
  const given = { ...samShapes(size), inputs: Array.from({ length: views }, () => view) };
  return dryRun(name, given, ({ weights, adapters, inputs }, watch) => {
    const flat = flattenTree(adapters);
    const names = Object.keys(flat);
    const loss = (...trained: tf.Tensor[]): tf.Tensor => {
      const own = unflattenTree(adapters, Object.fromEntries(names.map((path, k) => [path, trained[k]])));
      const pictures = inputs as unknown as Record<'patches' | 'target', tf.Tensor>[];
      return tf.addN(pictures.map(({ patches, target }) => viewLoss(size, weights, own, patches, target)));
    };
    const { value, grads } = tf.valueAndGrads(loss)(Object.values(flat));
    watch.declare({ gradients: grads });
    return [value, grads];
  });
}

describe('FLOPs of an encoder', () => {
  // Multiply-adds in G, as counted with fvcore's rules on the published code (all products, relative positions included).
  it.each([
    ['sam-vit-b', 486.0],
    ['sam-vit-l', 1492.8],
    ['sam-vit-h', 2980.54],
  ] as const)('%s: as its closed form says, and as published', (name, published) => {
    const { flops } = forward(name);
    expect(flops.total().products).toBe(encoderFlops(name).forward);
    expect(flops.total().products / 2e9).toBeCloseTo(published, 1);
    expect(flops.total().elements).toBeLessThan(0.02 * flops.total().products);
  });

  it('of a step with adapters: as its closed form says, but for what it leaves out', () => {
    const { flops } = gradients('sam-vit-b', 1);
    const { linear, attention, position } = encoderMacs(encoderShapes['sam-vit-b']);
    const closed = 2 * (2 * linear + 3 * (attention + position));
    expect(flops.total().products / closed).toBeGreaterThan(0.97);
    expect(flops.total().products / closed).toBeLessThan(1.03);
    const { forward: there, backward: back } = flops.by('phase');
    expect(there.products + back.products).toBe(flops.total().products);
    const blocks = Object.keys(flops.by('scope')).filter((part) => part.startsWith('block '));
    expect(blocks).toHaveLength(12);
  });
});

describe('memory of the plain tape, 1024 px', () => {
  const gib = (bytes: number): number => bytes / 2 ** 30;
  it.each([
    ['sam-vit-b', 1, 44.5],
    ['sam-vit-b', 3, 133.5],
    ['sam-vit-h', 1, 134.2],
    ['sam-vit-h', 3, 402.5],
  ] as const)('%s, %i views: %d GiB beyond what is given', (name, views, expected) => {
    const before = process.memoryUsage().heapUsed;
    const { ledger, milliseconds, flops } = gradients(name, views);
    const own = process.memoryUsage().heapUsed - before;
    if (process.env.COC_PRINT)
      console.log(name, views, gib(ledger.peak().beyondGiven).toFixed(2), 'GiB', milliseconds.toFixed(0), 'ms', ledger.length, 'allocations', flops.kernels, 'kernels', (flops.total().products / 1e12).toFixed(2), 'TFLOP', (own / 1e6).toFixed(1), 'MB heap,', (JSON.stringify(ledger).length / 1e3).toFixed(0), 'kB JSON'); // prettier-ignore
    expect(gib(ledger.peak().beyondGiven)).toBeCloseTo(expected, 1);
    expect(gib(ledger.given())).toBeLessThan(2.6);
    const share = ledger.composition('category').find((one) => one.name === 'activations')!;
    expect(gib(share.bytes)).toBeGreaterThan(0.3 * expected);
  });
});
