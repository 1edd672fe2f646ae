// What the card suite times: products and convolutions, as data, so that TensorFlow.js and PyTorch (torch_card.py) read one list.

/** A product of matrices: `[batch, m, k] x [batch, k, n]`, factors stored transposed where it says so. */
export interface Product {
  op: 'product';
  batch: number;
  m: number;
  k: number;
  n: number;
  transposeA: boolean;
  transposeB: boolean;
}

/** A convolution with stride 1 that keeps the size, kernel 3 in every direction; channels last in TensorFlow.js. */
export interface Convolution {
  op: 'convolution';
  /** Batch, then the extents: two or three of them. */
  batch: number;
  extents: number[];
  from: number;
  to: number;
  /** Forward alone, or forward and the gradients by input and kernel. */
  gradients: boolean;
}

/** One thing that is timed. */
export type TimedUnit = (Product | Convolution) & {
  id: string;
  /** FLOP of one call (2 a multiply-add). */
  flop: number;
};

function product(m: number, k: number, n: number, form: Partial<Product> = {}): TimedUnit {
  const { batch = 1, transposeA = false, transposeB = false } = form;
  const name = transposeA ? 'product-at-b' : transposeB ? 'product-a-bt' : 'product';
  const size = m === k && k === n ? `${m}` : `${m}x${k}x${n}`;
  const id = `${name}-${batch > 1 ? `${batch}x` : ''}${size}`;
  const flop = 2 * batch * m * k * n;
  return { op: 'product', id, batch, m, k, n, transposeA, transposeB, flop };
}

function convolution(extents: number[], from: number, to: number, batch = 1): TimedUnit[] {
  const points = extents.reduce((a, b) => a * b, batch);
  const forward = 2 * 3 ** extents.length * from * to * points;
  const id = `conv${extents.length}d-${batch > 1 ? `${batch}x` : ''}${extents[0]}-${from}-${to}`;
  const common = { op: 'convolution' as const, batch, extents, from, to };
  return [
    { ...common, id, gradients: false, flop: forward },
    { ...common, id: `${id}-gradients`, gradients: true, flop: 3 * forward },
  ];
}

/** What is timed on a card: squares, the products of attention (one head a batch), SAM's neck, levels of a 3-D U-Net. */
export const timedUnits: readonly TimedUnit[] = [
  ...[256, 512, 1024, 2048, 4096, 8192].map((n) => product(n, n, n)),
  product(1024, 1024, 1024, { transposeA: true }),
  product(1024, 1024, 1024, { transposeB: true }),
  product(4096, 4096, 4096, { transposeA: true }),
  product(4096, 4096, 4096, { transposeB: true }),
  product(1024, 1024, 64, { batch: 16 }),
  product(1024, 64, 1024, { batch: 16, transposeB: true }),
  product(4096, 64, 4096, { batch: 16, transposeB: true }),
  product(4096, 1280, 5120),
  ...convolution([64, 64], 256, 256),
  ...convolution([256, 256], 32, 64, 4),
  ...convolution([64, 64, 64], 16, 32),
  ...convolution([32, 32, 32], 64, 128, 2),
];

/** The same kinds with tiny sizes: what a rehearsal runs. */
export const rehearsedUnits: readonly TimedUnit[] = [
  product(32, 32, 32),
  product(16, 32, 8, { transposeA: true }),
  product(16, 8, 16, { batch: 2, transposeB: true }),
  ...convolution([8, 8], 4, 4),
  ...convolution([4, 4, 4], 2, 4),
];

/** How often something is timed. */
export interface Sampling {
  /** A sample is as many calls back to back as take about this long. */
  sampleMs: number;
  samples: number;
  /** No more calls in one sample than these. */
  mostCalls: number;
}

export const sampling: Sampling = { sampleMs: 25, samples: 15, mostCalls: 400 };
export const rehearsedSampling: Sampling = { sampleMs: 1, samples: 3, mostCalls: 2 };

/**
 * The numbers that go in, the same in Python: no draw, no table. Whole numbers of a double, so exact on both sides.
 * @param phase  the first input has 1, the second 2
 */
export function inputNumbers(count: number, phase: number): Float32Array {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = ((i * 7919 + phase * 1009) % 2003) / 1001 - 1;
  return out;
}
