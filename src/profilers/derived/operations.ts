// Operations of PyTorch by what they make and keep, each with the derivative that PyTorch has for it (derivatives.yaml).
import type { Width } from './precision';
import type { Program, Reason, Value } from './program';
import { sizeOf } from './program';

const keep = (value: Value, reason: Reason): { value: Value; reason: Reason } => ({ value, reason });

/** Weights and bias. */
export type Linear = Readonly<{ weight: Value; bias?: Value }>;

/** x [..., from] times weight [from, to], and bias. Keeps x for the gradient of the weight, and the weight for that of x. */
export function linear(p: Program, x: Value, { weight, bias }: Linear): Value {
  const input = p.cast('linear', x);
  const w = p.cast('linear', weight);
  const others = bias ? [p.cast('linear', bias)] : [];
  const [from, to] = w.shape;
  const macs = (sizeOf(x.shape) / from) * sizeOf(w.shape);
  return p.make([...x.shape.slice(0, -1), to], input.width, [input, w, ...others], {
    keeps: [w.grad && keep(input, 'linear'), input.grad && keep(w, 'weights')],
    macs,
    macsBack: macs * (Number(w.grad) + Number(input.grad)),
  });
}

/** A convolution, or a transposed one, of x to a shape. @param macs  multiply-adds of one pass */
export function convolution(
  p: Program,
  x: Value,
  { weight, bias }: Linear,
  to: readonly number[],
  macs: number,
): Value {
  const input = p.cast('convolution', x);
  const w = p.cast('convolution', weight);
  const others = bias ? [p.cast('convolution', bias)] : [];
  return p.make(to, input.width, [input, w, ...others], {
    // One function of both gives all of its gradients: both are kept, whichever is asked for.
    keeps: [keep(input, 'convolution'), keep(w, 'weights')],
    macs,
    macsBack: macs * (Number(w.grad) + Number(input.grad)),
  });
}

/** a [..., n, k] times b [..., k, m]: each kept for the gradient of the other. */
export function product(
  p: Program,
  a: Value,
  b: Value,
  shape: readonly number[],
  macs: number,
  reason: Reason = 'product',
): Value {
  const [x, y] = [p.cast('product', a), p.cast('product', b)];
  return p.make(shape, x.width, [x, y], {
    keeps: [y.grad && keep(x, reason), x.grad && keep(y, 'product')],
    macs,
    macsBack: macs * (Number(x.grad) + Number(y.grad)),
  });
}

/** The same shape, of the wider of both; one may be spread over the other. Keeps nothing. */
export function add(p: Program, x: Value, y: Value): Value {
  const width = Math.max(x.width, y.width) as Width;
  const shape = sizeOf(x.shape) >= sizeOf(y.shape) ? x.shape : y.shape;
  // The gradient goes on as it is, unless it is narrowed or summed.
  const passesOn = [x, y].map((each) => each.width === width && sizeOf(each.shape) === sizeOf(shape));
  return p.make(shape, width, [x, y], { passesOn });
}

/** A multiple, or a turn by angles that are given. Keeps nothing. */
export const scaled = (p: Program, x: Value): Value => p.make(x.shape, x.width, [x]);

/** The same numbers in another order; so are the gradient's, anew. */
export const reordered = (p: Program, x: Value, shape: readonly number[]): Value =>
  p.make(shape, x.width, [x]);

/** The same memory seen in another shape, and so its gradient. */
export const seen = (p: Program, x: Value, shape: readonly number[]): Value => p.views(x, [shape], true)[0];

/** The same memory seen in another order or in part; the gradient is brought back into place anew. */
export const seenThrough = (p: Program, x: Value, shape: readonly number[]): Value =>
  p.views(x, [shape], false)[0];

/** Several in one memory, one behind the other; their gradients are views of its gradient. */
export const joined = (p: Program, parts: readonly Value[], shape: readonly number[]): Value =>
  p.make(shape, parts[0].width, parts, { passesOn: parts.map(() => true) });

/** Of the last axis. Keeps its input, and mean and deviation of each row. */
export function layerNorm(p: Program, x: Value, { weight, bias }: Required<Linear>): Value {
  const input = p.cast('norm', x);
  const rows = sizeOf(x.shape) / x.shape.at(-1)!;
  return p.make(x.shape, input.width, [input, weight, bias], {
    keeps: [keep(input, 'norm'), keep(numbersBeside(2 * rows), 'norm')],
  });
}

/** Float32 numbers that an operation keeps of its own. */
export const numbersBeside = (count: number): Value => ({
  shape: [count],
  width: 4,
  storage: { bytes: 4 * count, given: false, category: 'temporary' },
  grad: false,
  parameter: false,
});

/** GELU, ReLU or the like. Keeps its argument, or `result`, where the derivative follows from that. */
export function pointwise(p: Program, x: Value, kept: 'argument' | 'result'): Value {
  if (kept === 'argument') return p.make(x.shape, x.width, [x], { keeps: [keep(x, 'activation')] });
  return keepingResult(p, x, 'activation');
}

/** Softmax of the last axis. Keeps its result. */
export const softmax = (p: Program, x: Value): Value => keepingResult(p, p.cast('softmax', x), 'map');

function keepingResult(p: Program, x: Value, reason: Reason): Value {
  const made = p.make(x.shape, x.width, [x]);
  if (made.grad) p.keepResult(keep(made, reason));
  return made;
}

/** Product of two of one shape, or of which one is spread: each kept for the other's gradient. */
export function multiply(p: Program, x: Value, y: Value): Value {
  const shape = sizeOf(x.shape) >= sizeOf(y.shape) ? x.shape : y.shape;
  return p.make(shape, Math.max(x.width, y.width) as Width, [x, y], {
    keeps: [y.grad && keep(x, 'loss'), x.grad && keep(y, 'loss')],
  });
}

/** A sum of all or some numbers; its gradient is spread by sight. Keeps nothing. */
export const sum = (p: Program, x: Value, shape: readonly number[] = []): Value => {
  const input = p.cast('sum', x);
  return p.make(shape, input.width, [input], { passesOn: [true] });
};

/** A square. Keeps its argument. */
export function square(p: Program, x: Value): Value {
  const input = p.cast('power', x);
  return p.make(x.shape, input.width, [input], { keeps: [keep(input, 'loss')] });
}
