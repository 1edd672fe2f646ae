// The product of two matrices in WebAssembly, for matrices of any layout.
//
// TensorFlow.js's own product is fast for one plain product only (XNNPACK, 25 GFLOP/s); transposed and batched ones go
// through loops at 2. Here a matrix is two tables of byte offsets: its element (i, k) lies at base + rows[i] + columns[k].
// That says plain, transposed and broadcast matrices, and also the patches of a convolution, which are never written out.
// Blocks of both matrices are packed into panels, and a kernel of 4 by 8 runs over the panels (Goto and van de Geijn,
// Anatomy of high-performance matrix multiplication, 2008, doi:10.1145/1356052.1356053).
import {
  add,
  addF32,
  addV,
  and,
  assemble,
  equal,
  func,
  i32,
  less,
  loadF32,
  loadI32,
  loadV,
  mul,
  mulV,
  pickV,
  repeat,
  splatV,
  storeF32,
  storeV,
  sub,
  when,
  zeroV,
  type Code,
  type Local,
} from './assembler';

const step = (variable: Local, by: number | Code): Code =>
  variable.set(add(variable.get, typeof by === 'number' ? i32(by) : by));

/**
 * Pack four rows of a block: to[k * stride .. + 16] = the elements k of the four rows whose offsets lie at `rows`.
 * `base` is added to every offset; `columns` is the table of the other direction, with `n` entries. Two fast ways: where
 * the rows lie side by side, four elements are one load; where the columns lie side by side by fours (`fours`), four loads
 * are turned round.
 */
const pack = func(
  'pack',
  7,
  [
    ...(['i32', 'i32', 'i32', 'i32', 'i32', 'i32'] as const),
    ...(['v128', 'v128', 'v128', 'v128', 'v128', 'v128', 'v128', 'v128'] as const),
  ],
  (to, stride, rows, columns, n, base, fours, r0, r1, r2, r3, at, end, ...vectors) => {
    const r = [r0, r1, r2, r3];
    const v = vectors.slice(0, 4) as [Local, Local, Local, Local];
    const [low01, high01, low23, high23] = vectors.slice(4) as [Local, Local, Local, Local];
    const next = [step(to, stride.get), step(columns, 4)];
    const sideBySide = [r1, r2, r3]
      .map((row, i) => equal(sub(row.get, r0.get), i32(4 * (i + 1))))
      .reduce(and);
    const turned = [
      at.set(loadI32(columns.get)),
      ...r.map((row, i) => v[i].set(loadV(add(row.get, at.get)))),
      low01.set(pickV(v[0].get, v[1].get, [0, 4, 1, 5])),
      high01.set(pickV(v[0].get, v[1].get, [2, 6, 3, 7])),
      low23.set(pickV(v[2].get, v[3].get, [0, 4, 1, 5])),
      high23.set(pickV(v[2].get, v[3].get, [2, 6, 3, 7])),
      ...(
        [
          [low01, low23, [0, 1, 4, 5]],
          [low01, low23, [2, 3, 6, 7]],
          [high01, high23, [0, 1, 4, 5]],
          [high01, high23, [2, 3, 6, 7]],
        ] as const
      ).flatMap(([a, b, lanes]) => [storeV(to.get, pickV(a.get, b.get, lanes)), step(to, stride.get)]),
      step(columns, 16),
    ];
    const one = [
      at.set(loadI32(columns.get)),
      ...r.map((row, i) => storeF32(to.get, loadF32(add(row.get, at.get)), 4 * i)),
      ...next,
    ];
    return [
      ...r.map((row, i) => row.set(add(base.get, loadI32(rows.get, 4 * i)))),
      end.set(add(columns.get, mul(n.get, i32(4)))),
      when(
        sideBySide,
        repeat(
          [storeV(to.get, loadV(add(r0.get, loadI32(columns.get)))), ...next].flat(),
          less(columns.get, end.get),
        ),
        [
          ...when(
            and(fours.get, less(i32(3), n.get)),
            repeat(turned.flat(), less(columns.get, sub(end.get, i32(12)))),
          ),
          ...when(less(columns.get, end.get), repeat(one.flat(), less(columns.get, end.get))),
        ],
      ),
    ];
  },
);

/**
 * One column of tiles: out += a b for `m` rows and up to 8 columns (`n`), over `k` packed elements.
 * `rows` is the table of the output's rows; `out` is added to each. `fresh` overwrites in place of adding.
 * A tile that is not whole goes through 128 bytes at `spare`.
 */
const tiles = func(
  'tiles',
  9,
  [
    ...(['i32', 'i32', 'i32', 'i32', 'i32'] as const),
    ...(['v128', 'v128', 'v128', 'v128', 'v128', 'v128', 'v128', 'v128', 'v128', 'v128', 'v128'] as const),
  ],
  (a, b, k, rows, m, n, out, fresh, spare, bAt, bEnd, i, j, at, ...vectors) => {
    const sums = vectors.slice(0, 8);
    const [b0, b1, ai] = vectors.slice(8) as [Local, Local, Local];
    const whole = [0, 1, 2, 3].map((r) =>
      when(
        less(i32(r), m.get),
        [
          at.set(add(out.get, loadI32(rows.get, 4 * r))),
          ...[0, 1].map((half) => {
            const sum = sums[2 * r + half].get;
            return when(
              fresh.get,
              storeV(at.get, sum, 16 * half),
              storeV(at.get, addV(loadV(at.get, 16 * half), sum), 16 * half),
            );
          }),
        ].flat(),
      ),
    );
    const part = [
      ...sums.map((sum, s) => storeV(spare.get, sum.get, 16 * s)),
      i.set(i32(0)),
      repeat(
        [
          at.set(add(out.get, loadI32(add(rows.get, mul(i.get, i32(4)))))),
          bAt.set(add(spare.get, mul(i.get, i32(32)))),
          j.set(i32(0)),
          repeat(
            [
              when(
                fresh.get,
                storeF32(at.get, loadF32(bAt.get)),
                storeF32(at.get, addF32(loadF32(at.get), loadF32(bAt.get))),
              ),
              step(at, 4),
              step(bAt, 4),
              step(j, 1),
            ].flat(),
            less(j.get, n.get),
          ),
          step(i, 1),
        ].flat(),
        and(less(i.get, i32(4)), less(i.get, m.get)),
      ),
    ];
    return [
      bEnd.set(add(b.get, mul(k.get, i32(32)))),
      repeat(
        [
          ...sums.map((sum) => sum.set(zeroV)),
          bAt.set(b.get),
          repeat(
            [
              b0.set(loadV(bAt.get)),
              b1.set(loadV(bAt.get, 16)),
              ...[0, 1, 2, 3].flatMap((r) => [
                ai.set(splatV(a.get, 4 * r)),
                sums[2 * r].set(addV(sums[2 * r].get, mulV(ai.get, b0.get))),
                sums[2 * r + 1].set(addV(sums[2 * r + 1].get, mulV(ai.get, b1.get))),
              ]),
              step(a, 16),
              step(bAt, 32),
            ].flat(),
            less(bAt.get, bEnd.get),
          ),
          when(less(n.get, i32(8)), part.flat(), whole.flat()),
          step(rows, 16),
          m.set(sub(m.get, i32(4))),
        ].flat(),
        less(i32(0), m.get),
      ),
    ];
  },
);

interface Exports {
  pack(
    to: number,
    stride: number,
    rows: number,
    columns: number,
    n: number,
    base: number,
    fours: boolean,
  ): void;
  tiles(
    a: number,
    b: number,
    k: number,
    rows: number,
    m: number,
    n: number,
    out: number,
    fresh: boolean,
    spare: number,
  ): void;
}

/** A memory of WebAssembly; its buffer changes when it grows. */
export interface Memory {
  readonly buffer: ArrayBuffer;
}

/** The part of the global WebAssembly that is used; TypeScript has its types for browsers only. */
interface Engine {
  Module: new (code: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: Exports };
}

// Sizes of the blocks: a packed block of `a` lies in the second cache (128 KiB), one panel of `b` in the first (8 KiB).
const blockM = 128;
const blockK = 256;
const blockN = 512;

/** A matrix in the heap: element (i, k) is the float at `base + rows[i] + columns[k]`, in bytes. */
export interface Matrix {
  base: number;
  rows: Int32Array;
  columns: Int32Array;
}

/**
 * The offsets of a grid's points, the last direction fastest: `grid([rows, columns], [rowBytes, 4])`.
 * @param counts   points along each direction
 * @param strides  bytes from a point to the next along each direction; 0 repeats the same
 */
export function grid(counts: readonly number[], strides: readonly number[], start = 0): Int32Array {
  let table = Int32Array.of(start);
  counts.forEach((count, axis) => {
    const stride = strides[axis];
    const finer = new Int32Array(table.length * count);
    for (let i = 0, at = 0; i < table.length; i++)
      for (let j = 0; j < count; j++) finer[at++] = table[i] + j * stride;
    table = finer;
  });
  return table;
}

/** Whether offsets come in fours that lie side by side, but for a rest at the end. */
function inFours(table: Int32Array): boolean {
  for (let i = 0; i + 3 < table.length; i += 4) {
    const at = table[i];
    if (table[i + 1] !== at + 4 || table[i + 2] !== at + 8 || table[i + 3] !== at + 12) return false;
  }
  return true;
}

/**
 * Writes `a b` into `out`, or adds it there. The columns of `out` must lie side by side (4 bytes apart).
 * Neither matrix may lie where `out` does.
 */
export type Multiply = (a: Matrix, b: Matrix, out: Matrix, accumulate?: boolean) => void;

/**
 * The product over a memory.
 * @param memory  where the matrices lie
 * @param malloc  gives memory for packed blocks and tables, 0.7 MB, once
 */
export function productOver(memory: Memory, malloc: (bytes: number) => number): Multiply {
  const { Module, Instance } = (globalThis as unknown as { WebAssembly: Engine }).WebAssembly;
  const wasm = new Instance(new Module(assemble([pack, tiles])), { env: { memory } }).exports;
  const aBlock = malloc(4 * blockM * blockK);
  const bBlock = malloc(4 * blockN * blockK);
  const spare = malloc(128);
  const [aRows, outRows] = [malloc(4 * blockM), malloc(4 * blockM)];
  const [aColumns, bRows, bColumns] = [malloc(4 * blockK), malloc(4 * blockK), malloc(4 * blockN)];
  let words = new Int32Array(memory.buffer);

  /** Copy a part of a table into the heap; the last entry is repeated until the panel is full. */
  function table(at: number, from: Int32Array, start: number, n: number, panel: number): void {
    const to = at >>> 2;
    for (let i = 0; i < n; i++) words[to + i] = from[start + i]!;
    for (let i = n; i % panel; i++) words[to + i] = from[start + n - 1]!;
  }

  return (a, b, out, accumulate = false) => {
    // A memory that grew has a new buffer.
    if (words.buffer !== memory.buffer) words = new Int32Array(memory.buffer);
    const [m, k, n] = [a.rows.length, a.columns.length, b.columns.length];
    if (k === 0 && !accumulate)
      for (const row of out.rows)
        for (const column of out.columns) words[(out.base + row + column) >>> 2] = 0;
    const [aFours, bFours] = [inFours(a.columns), inFours(b.rows)];
    for (let k0 = 0; k0 < k; k0 += blockK) {
      const kn = Math.min(blockK, k - k0);
      table(aColumns, a.columns, k0, kn, 1);
      table(bRows, b.rows, k0, kn, 1);
      for (let n0 = 0; n0 < n; n0 += blockN) {
        const nn = Math.min(blockN, n - n0);
        table(bColumns, b.columns, n0, nn, 8);
        for (let j = 0; j < nn; j += 8) {
          const to = bBlock + 4 * j * kn;
          wasm.pack(to, 32, bColumns + 4 * j, bRows, kn, b.base, bFours);
          wasm.pack(to + 16, 32, bColumns + 4 * j + 16, bRows, kn, b.base, bFours);
        }
        for (let m0 = 0; m0 < m; m0 += blockM) {
          const mn = Math.min(blockM, m - m0);
          table(aRows, a.rows, m0, mn, 4);
          table(outRows, out.rows, m0, mn, 4);
          for (let i = 0; i < mn; i += 4)
            wasm.pack(aBlock + 4 * i * kn, 16, aRows + 4 * i, aColumns, kn, a.base, aFours);
          for (let j = 0; j < nn; j += 8) {
            const at = out.base + out.columns[n0 + j];
            const fresh = k0 === 0 && !accumulate;
            wasm.tiles(aBlock, bBlock + 4 * j * kn, kn, outRows, mn, Math.min(8, nn - j), at, fresh, spare);
          }
        }
      }
    }
  };
}
