// SAM's mask decoder without a prompt, and the study's loss, as programs; torch_sam.py is the same in PyTorch.
import { declareLinear, declareNorm } from './encoder';
import type { Linear } from './operations';
import {
  add,
  convolution,
  joined,
  layerNorm,
  linear,
  multiply,
  pointwise,
  product,
  reordered,
  scaled,
  seen,
  seenThrough,
  softmax,
  square,
  sum,
} from './operations';
import type { Program, Value } from './program';
import { sizeOf } from './program';

/** What decides the decoder's memory. */
export interface DecoderForm {
  readonly width: number;
  readonly heads: number;
  readonly hidden: number;
  readonly depth: number;
  /** Tokens along each side of the features. */
  readonly grid: number;
}

/** A token for the expected overlap and one for each of four masks. */
const ownTokens = 5;

type Norm = Required<Linear>;
type Projected = Readonly<Record<'q' | 'k' | 'v' | 'out', Linear>>;
interface Layer {
  readonly among: Projected;
  readonly toImage: Projected;
  readonly toTokens: Projected;
  readonly mlp: readonly [Linear, Linear];
  readonly norms: readonly [Norm, Norm, Norm, Norm];
}

/** The decoder's parameters, declared; all are trained. */
export interface Decoder {
  readonly form: DecoderForm;
  readonly tokens: Value;
  readonly noMask: Value;
  readonly frequencies: Value;
  readonly layers: readonly Layer[];
  readonly last: Projected;
  readonly lastNorm: Norm;
  readonly up: readonly [Linear, Norm, Linear];
  readonly kernel: readonly [Linear, Linear, Linear];
}

export function declareDecoder(p: Program, form: DecoderForm): Decoder {
  const { width, hidden } = form;
  const one = (from: number, to: number): Linear => declareLinear(p, from, to, true);
  const norm = (channels = width): Norm => declareNorm(p, channels, true);
  const projected = (inner: number): Projected => ({
    q: one(width, inner),
    k: one(width, inner),
    v: one(width, inner),
    out: one(inner, width),
  });
  return {
    form,
    tokens: p.parameter([ownTokens, width], true),
    noMask: p.parameter([1, width], true),
    frequencies: p.parameter([2, width / 2], false),
    layers: Array.from({ length: form.depth }, () => ({
      among: projected(width),
      toImage: projected(width / 2),
      toTokens: projected(width / 2),
      mlp: [one(width, hidden), one(hidden, width)] as const,
      norms: [norm(), norm(), norm(), norm()] as const,
    })),
    last: projected(width / 2),
    lastNorm: norm(),
    up: [
      { ...one(width, 4 * (width / 4)), bias: p.parameter([width / 4], true) },
      norm(width / 4),
      { ...one(width / 4, 4 * (width / 8)), bias: p.parameter([width / 8], true) },
    ],
    kernel: [one(width, width), one(width, width), one(width, width / 8)],
  };
}

/** Features [pictures, tokens, width] to the logits of one mask each, [pictures, 16 tokens]. */
export function decode(p: Program, decoder: Decoder, features: Value): Value {
  const { form, layers, last, lastNorm, up, kernel } = decoder;
  const { width, grid } = form;
  const pictures = features.shape[0];
  const places = [grid ** 2, width];
  const positions = p.make(places, p.numbers.stored, [decoder.frequencies]);
  const own = seen(p, joined(p, [decoder.tokens], [ownTokens, width]), [pictures, ownTokens, width]);
  let [tokens, image] = [own, add(p, features, decoder.noMask)];
  layers.forEach((layer, k) => {
    [tokens, image] = p.in(`layer ${k}`, () =>
      both(p, form, layer, { tokens, image, own, positions }, k === 0),
    );
  });
  const answer = projectedAttention(p, form, last, [add(p, tokens, own), add(p, image, positions), image]);
  tokens = layerNorm(p, add(p, tokens, answer), lastNorm);

  const larger = p.in('upscaling', () => {
    const [first, norm, second] = up;
    const map = seenThrough(p, image, [pictures, width, grid ** 2]);
    const twice = [pictures, width / 4, 4 * grid ** 2];
    const half = convolution(p, map, first, twice, sizeOf(map.shape) * width);
    const active = pointwise(
      p,
      layerNorm(p, seenThrough(p, half, [pictures, 4 * grid ** 2, width / 4]), norm),
      'argument',
    );
    const four = [pictures, width / 8, 16 * grid ** 2];
    return pointwise(p, convolution(p, active, second, four, sizeOf(twice) * (width / 2)), 'argument');
  });
  const token = seenThrough(p, tokens, [pictures, width]);
  const hidden = kernel.slice(0, 2).reduce((x, layer) => pointwise(p, linear(p, x, layer), 'result'), token);
  const factor = linear(p, hidden, kernel[2]);
  return product(p, factor, larger, [pictures, 16 * grid ** 2], sizeOf(larger.shape));
}

interface Sides {
  readonly tokens: Value;
  readonly image: Value;
  readonly own: Value;
  readonly positions: Value;
}

function both(
  p: Program,
  form: DecoderForm,
  layer: Layer,
  { tokens, image, own, positions }: Sides,
  first: boolean,
): [Value, Value] {
  const { among, toImage, toTokens, mlp, norms } = layer;
  const query = first ? tokens : add(p, tokens, own);
  const mixed = projectedAttention(p, form, among, [query, query, tokens]);
  let x = layerNorm(p, first ? mixed : add(p, tokens, mixed), norms[0]);
  const placed = add(p, image, positions);
  const seenImage = projectedAttention(p, form, toImage, [add(p, x, own), placed, image]);
  x = layerNorm(p, add(p, x, seenImage), norms[1]);
  const inside = pointwise(p, linear(p, x, mlp[0]), 'result');
  x = layerNorm(p, add(p, x, linear(p, inside, mlp[1])), norms[2]);
  const answer = projectedAttention(p, form, toTokens, [placed, add(p, x, own), x]);
  return [x, layerNorm(p, add(p, image, answer), norms[3])];
}

function projectedAttention(
  p: Program,
  { heads }: DecoderForm,
  own: Projected,
  given: readonly [Value, Value, Value],
): Value {
  const names = ['q', 'k', 'v'] as const;
  const [q, k, v] = names.map((name, at) => {
    const made = linear(p, given[at], own[name]);
    const [pictures, tokens, inner] = made.shape;
    // Products take heads one behind the other: of several pictures that is a copy.
    const shape = [pictures * heads, tokens, inner / heads];
    return pictures === 1 ? seenThrough(p, made, shape) : reordered(p, made, shape);
  });
  const map = [q.shape[0], q.shape[1], k.shape[1]];
  const macs = sizeOf(map) * q.shape[2];
  const scores = scaled(p, product(p, q, k, map, macs));
  const out = product(p, softmax(p, scores), v, q.shape, macs, 'map');
  const [pictures, tokens] = given[0].shape;
  return linear(p, reordered(p, out, [pictures, tokens, own.out.weight.shape[0]]), own.out);
}

/**
 * The study's loss of the masks of all planes: 0.2 cross-entropy and 0.8 Dice with squares of each plane, and Eq. 2 where planes meet.
 * @param masks  of each plane, [pictures, pixels]
 * @returns a scalar
 */
export function studyLoss(p: Program, masks: readonly Value[]): Value {
  const terms = masks.map((mask) => planeLoss(p, mask));
  const [axial, ...others] = masks;
  const lines = others.map((other) => {
    const side = Math.sqrt(axial.shape[1]);
    const [a, b] = [axial, other].map((each) =>
      pointwise(p, seenThrough(p, each, [axial.shape[0], side]), 'result'),
    );
    return sum(p, square(p, add(p, a, b)));
  });
  return [...terms, ...lines].reduce((a, b) => add(p, a, b));
}

function planeLoss(p: Program, mask: Value): Value {
  const labels = p.data(mask.shape, 4);
  const probabilities = pointwise(p, mask, 'result');
  const overlap = sum(p, multiply(p, probabilities, labels));
  const size = sum(p, square(p, probabilities));
  const truth = sum(p, square(p, labels));
  const dice = multiply(p, overlap, add(p, size, truth));
  const logits = p.cast('entropy', mask);
  const entropy = p.make([], logits.width, [logits], { keeps: [{ value: logits, reason: 'loss' }] });
  return add(p, dice, entropy);
}
