// Layer norm and GELU in WebAssembly, four numbers at a time, each with its gradient by x in one pass over memory that
// matters: TensorFlow.js's operations would make nine and five tensors of them.
import {
  absV,
  add,
  addV,
  andV,
  assemble,
  constantV,
  divV,
  func,
  i32,
  less,
  loadV,
  maxV,
  mulV,
  nearestV,
  pickV,
  powerOf2V,
  repeat,
  splatV,
  sqrtV,
  storeF32,
  storeV,
  sub,
  subV,
  when,
  whereNotNegativeV,
  type Code,
  type Local,
} from './assembler';
import type { Memory } from './product';

const step = (variable: Local, by: Code): Code => variable.set(add(variable.get, by));

/** The sum of a vector's floats, four times. `v` is changed. */
const spreadSum = (v: Local): Code =>
  [
    v.set(addV(v.get, pickV(v.get, v.get, [2, 3, 0, 1]))),
    v.set(addV(v.get, pickV(v.get, v.get, [1, 0, 3, 2]))),
  ].flat();

/**
 * Go through a row of `bytes` (at least 16), 16 at a time. A rest is done with the row's last 16, some of them a second time:
 * `kept` makes those zero.
 */
function eachFour(
  i: Local,
  bytes: Local,
  rest: Local,
  mask: Code,
  body: (kept: (v: Code) => Code) => Code,
): Code {
  return [
    ...i.set(i32(0)),
    ...repeat([...body((v) => v), ...step(i, i32(16))], less(i.get, sub(bytes.get, i32(15)))),
    ...when(rest.get, [...i.set(sub(bytes.get, i32(16))), ...body((v) => andV(v, mask))]),
  ];
}

// What the functions of rows find at `constants`: 1 / width, epsilon, and from byte 16 on the mask of a rest.
const [inverseWidth, epsilon] = [0, 4];
const maskAt = 16;

/** y = (x - mean) scale gain + bias for `rows` rows; statistics: mean and scale of each row. */
const layerNorm = func(
  'layerNorm',
  8,
  [...(['i32', 'i32'] as const), ...(['v128', 'v128', 'v128', 'v128'] as const)],
  (x, gain, bias, y, statistics, rows, bytes, constants, i, rest, sum, mean, scale, c) => {
    const mask = loadV(constants.get, maskAt);
    const at = (from: Local): Code => loadV(add(from.get, i.get));
    const centred = c.set(subV(at(x), mean.get));
    return [
      rest.set([...bytes.get, ...i32(15), 0x71]),
      repeat(
        [
          sum.set(constantV(0)),
          eachFour(i, bytes, rest, mask, (kept) => sum.set(addV(sum.get, kept(at(x))))),
          spreadSum(sum),
          mean.set(mulV(sum.get, splatV(constants.get, inverseWidth))),
          sum.set(constantV(0)),
          eachFour(i, bytes, rest, mask, (kept) => [
            ...c.set(kept(subV(at(x), mean.get))),
            ...sum.set(addV(sum.get, mulV(c.get, c.get))),
          ]),
          spreadSum(sum),
          scale.set(
            divV(
              constantV(1),
              sqrtV(addV(mulV(sum.get, splatV(constants.get, inverseWidth)), splatV(constants.get, epsilon))),
            ),
          ),
          eachFour(i, bytes, rest, mask, () => [
            ...centred,
            ...storeV(add(y.get, i.get), addV(mulV(mulV(c.get, scale.get), at(gain)), at(bias))),
          ]),
          storeF32(statistics.get, firstOf(mean.get)),
          storeF32(statistics.get, firstOf(scale.get), 4),
          step(statistics, i32(8)),
          step(x, bytes.get),
          step(y, bytes.get),
          rows.set(sub(rows.get, i32(1))),
        ].flat(),
        less(i32(0), rows.get),
      ),
    ];
  },
);

/** dx of layer norm, from dy and what the forward pass left in `statistics`. */
const layerNormGradient = func(
  'layerNormGradient',
  8,
  [...(['i32', 'i32'] as const), ...(['v128', 'v128', 'v128', 'v128', 'v128', 'v128'] as const)],
  (dy, x, gain, dx, statistics, rows, bytes, constants, i, rest, sum, along, mean, scale, g, normal) => {
    const mask = loadV(constants.get, maskAt);
    const at = (from: Local): Code => loadV(add(from.get, i.get));
    const look = [...g.set(mulV(at(dy), at(gain))), ...normal.set(mulV(subV(at(x), mean.get), scale.get))];
    return [
      rest.set([...bytes.get, ...i32(15), 0x71]),
      repeat(
        [
          mean.set(splatV(statistics.get)),
          scale.set(splatV(statistics.get, 4)),
          sum.set(constantV(0)),
          along.set(constantV(0)),
          eachFour(i, bytes, rest, mask, (kept) => [
            ...look,
            ...g.set(kept(g.get)),
            ...sum.set(addV(sum.get, g.get)),
            ...along.set(addV(along.get, mulV(g.get, normal.get))),
          ]),
          spreadSum(sum),
          spreadSum(along),
          sum.set(mulV(sum.get, splatV(constants.get, inverseWidth))),
          along.set(mulV(along.get, splatV(constants.get, inverseWidth))),
          eachFour(i, bytes, rest, mask, () => [
            ...look,
            ...storeV(
              add(dx.get, i.get),
              mulV(subV(subV(g.get, sum.get), mulV(normal.get, along.get)), scale.get),
            ),
          ]),
          step(statistics, i32(8)),
          step(dy, bytes.get),
          step(x, bytes.get),
          step(dx, bytes.get),
          rows.set(sub(rows.get, i32(1))),
        ].flat(),
        less(i32(0), rows.get),
      ),
    ];
  },
);

function firstOf(v: Code): Code {
  // f32x4.extract_lane 0
  return [...v, 0xfd, 0x1f, 0];
}

/** A polynomial by Horner's rule, the highest power first. */
const polynomial = (x: Code, coefficients: readonly number[]): Code =>
  coefficients
    .slice(1)
    .reduce<Code>((sum, c) => addV(mulV(sum, x), constantV(c)), constantV(coefficients[0]));

/**
 * Into `share`: (1 + erf(x / sqrt 2)) / 2 by formula 7.1.26 of Abramowitz and Stegun (1964), off by 7.5e-8 at most; into
 * `power`: exp(-x x / 2), by Cephes' polynomial (S. Moshier, expf), 0 below 1e-37.
 */
function normalShare(x: Local, share: Local, power: Local, a: Local, n: Local): Code {
  const exponent = maxV(mulV(mulV(x.get, x.get), constantV(-0.5)), constantV(-87));
  const p = polynomial(
    a.get,
    [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1],
  );
  const series = polynomial(a.get, [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592]);
  return [
    power.set(exponent),
    n.set(nearestV(mulV(power.get, constantV(Math.LOG2E)))),
    // ln 2 in two parts: the first has few digits, so that n times it is exact.
    a.set(subV(subV(power.get, mulV(n.get, constantV(0.693359375))), mulV(n.get, constantV(-2.1219444e-4)))),
    power.set(addV(addV(mulV(mulV(p, a.get), a.get), a.get), constantV(1))),
    power.set(mulV(power.get, powerOf2V(n.get))),
    a.set(addV(mulV(absV(x.get), constantV(0.3275911 * Math.SQRT1_2)), constantV(1))),
    a.set(divV(constantV(1), a.get)),
    share.set(mulV(mulV(mulV(series, a.get), power.get), constantV(0.5))),
    share.set(whereNotNegativeV(x.get, subV(constantV(1), share.get), share.get)),
  ].flat();
}

/** y = x times the share of a standard normal below x, for `bytes` bytes, at least 16. */
const gelu = func(
  'gelu',
  3,
  [...(['i32', 'i32'] as const), ...(['v128', 'v128', 'v128', 'v128', 'v128'] as const)],
  (x, y, bytes, i, rest, v, share, power, a, n) => [
    rest.set([...bytes.get, ...i32(15), 0x71]),
    eachFour(i, bytes, rest, [], () => [
      ...v.set(loadV(add(x.get, i.get))),
      ...normalShare(v, share, power, a, n),
      ...storeV(add(y.get, i.get), mulV(v.get, share.get)),
    ]),
  ],
);

/** dx of GELU: dy (share + x times the density). */
const geluGradient = func(
  'geluGradient',
  4,
  [...(['i32', 'i32'] as const), ...(['v128', 'v128', 'v128', 'v128', 'v128'] as const)],
  (dy, x, dx, bytes, i, rest, v, share, power, a, n) => [
    rest.set([...bytes.get, ...i32(15), 0x71]),
    eachFour(i, bytes, rest, [], () => [
      ...v.set(loadV(add(x.get, i.get))),
      ...normalShare(v, share, power, a, n),
      ...share.set(addV(share.get, mulV(mulV(v.get, power.get), constantV(1 / Math.sqrt(2 * Math.PI))))),
      ...storeV(add(dx.get, i.get), mulV(loadV(add(dy.get, i.get)), share.get)),
    ]),
  ],
);

/** The functions by addresses in the heap; see there. */
export interface Rowwise {
  layerNorm(
    x: number,
    gain: number,
    bias: number,
    y: number,
    statistics: number,
    rows: number,
    bytes: number,
    constants: number,
  ): void;
  layerNormGradient(
    dy: number,
    x: number,
    gain: number,
    dx: number,
    statistics: number,
    rows: number,
    bytes: number,
    constants: number,
  ): void;
  gelu(x: number, y: number, bytes: number): void;
  geluGradient(dy: number, x: number, dx: number, bytes: number): void;
}

interface Engine {
  Module: new (code: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: Rowwise };
}

/**
 * The functions over a memory.
 * @param malloc  gives 48 bytes for constants, once
 * @returns and `constantsOf`, which writes the constants of rows of a width and says where they lie
 */
export function rowwiseOver(
  memory: Memory,
  malloc: (bytes: number) => number,
): Rowwise & { constantsOf(width: number, epsilon: number): number } {
  const { Module, Instance } = (globalThis as unknown as { WebAssembly: Engine }).WebAssembly;
  const code = assemble([layerNorm, layerNormGradient, gelu, geluGradient]);
  const functions = new Instance(new Module(code), { env: { memory } }).exports;
  const constants = malloc(48);
  const aligned = Math.ceil(constants / 16) * 16;
  return {
    ...functions,
    constantsOf(width, epsilon) {
      new Float32Array(memory.buffer, aligned, 2).set([1 / width, epsilon]);
      const rest = width % 4;
      new Int32Array(memory.buffer, aligned + maskAt, 4).set(
        [0, 1, 2, 3].map((k) => (k >= 4 - rest ? -1 : 0)),
      );
      return aligned;
    },
  };
}
