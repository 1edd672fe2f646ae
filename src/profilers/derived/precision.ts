// In which precision an operation of PyTorch computes. Mixed precision is a table: operations in 16 bits, operations in 32, and
// all others in what they are given. Processors and cards have different tables, and softmax is in one of them only.

/** Operations that a table may name. */
export type Operation =
  | 'linear'
  | 'convolution'
  | 'product'
  | 'attention'
  | 'norm'
  | 'softmax'
  | 'power'
  | 'sum'
  | 'entropy'
  | 'other';

/** Bytes of one number. */
export type Width = 2 | 4;

/** How numbers are stored and computed. */
export interface Numbers {
  /** Parameters and images. */
  readonly stored: Width;
  /** What an operation casts its operands to; where it is not named, it takes them as they come. */
  readonly table: Readonly<Partial<Record<Operation, Width>>>;
}

const products = { linear: 2, convolution: 2, product: 2, attention: 2 } as const;

/**
 * Numbers of PyTorch. `amp` is a card's autocast, `amp on a processor` that of a CPU: it leaves norms, softmax and powers in
 * what they are given (documentation of torch.amp, "CUDA Ops that can autocast" and "CPU Ops that can autocast").
 */
export const numbersOf = {
  fp32: { stored: 4, table: {} },
  bf16: { stored: 2, table: {} },
  amp: { stored: 4, table: { ...products, norm: 4, softmax: 4, power: 4, sum: 4, entropy: 4 } },
  'amp on a processor': { stored: 4, table: products },
} as const satisfies Record<string, Numbers>;

export type NumbersName = keyof typeof numbersOf;
