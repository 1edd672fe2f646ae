// Products of matrices in WGSL, tiled for workgroup memory and blocked for registers.
//
// A workgroup makes a tile of `tileM` x `tileN` numbers, going along k in steps of `tileK`; a thread makes `perM` x `perN` of
// them. FLOPs of [m, k] by [k, n]: 2 m k n. Bytes: every tile reads its rows and columns once, 4 k (tileM + tileN) for
// 2 tileM tileN k FLOPs, so 64 x 64 has 16 FLOPs a byte and 128 x 128 has 32: an H100 (67 TFLOP/s in float32, about
// 5.5 TB/s from its second cache, 3.35 from memory) needs 12 and 20. In workgroup memory a step of one k reads
// perM + perN numbers in vec4s for 2 perM perN FLOPs: with 8 x 8, 4 reads of 16 bytes for 64 multiplications and additions,
// and a processor of that card issues one such read for four of those: balanced with room to spare (4 x 4 is not: 2 for 16).
// So 128 x 128 where that fills the card, else 64 x 64 (8 x 8 a thread in both), and 32 x 32 with 4 x 4 for what is small;
// which is best is for a measurement on the card (`tilings`).
import type { TensorInfo } from '@tensorflow/tfjs';
import { declare, spread, type OwnProgram, type Uniform } from './own-program';
import type { GuardedBackend } from './tfjs-backend';

/** Sizes of a tile, and of a thread's block; all multiples of 4. Workgroup memory: 4 tileK (tileM + tileN + 8) bytes. */
export interface Tiling {
  tileM: number;
  tileN: number;
  tileK: number;
  perM: number;
  perN: number;
}

/** Tilings worth a try, the largest first; at most 256 threads and 16 KiB each, which every device has. */
export const tilings: readonly Tiling[] = [
  { tileM: 128, tileN: 128, tileK: 8, perM: 8, perN: 8 },
  { tileM: 128, tileN: 64, tileK: 16, perM: 8, perN: 8 },
  { tileM: 64, tileN: 64, tileK: 16, perM: 8, perN: 8 },
  { tileM: 64, tileN: 64, tileK: 16, perM: 4, perN: 4 },
  { tileM: 32, tileN: 32, tileK: 32, perM: 4, perN: 4 },
];

/**
 * The largest tiling that gives the card enough workgroups: 264 are two for each of the 132 processors of an H100. Below that
 * none: TensorFlow.js's own program has tiles of 32 x 32 with 4 x 4 a thread, the same as our smallest.
 */
export function chooseTiling(batch: number, m: number, n: number): Tiling | undefined {
  const groups = ({ tileM, tileN }: Tiling): number => batch * Math.ceil(m / tileM) * Math.ceil(n / tileN);
  return [tilings[0], tilings[2]].find((tiling) => groups(tiling) >= 264);
}

/** What is multiplied: a [batch, m, k] by b [batch, k, n]; either may lie transposed, and one of a batch may serve all. */
export interface Product {
  batch: number;
  m: number;
  n: number;
  k: number;
  transposeA: boolean;
  transposeB: boolean;
  /** Whether there is one a, one b, for the whole batch. */
  oneA: boolean;
  oneB: boolean;
  /**
   * Tiles, and each product of two numbers, in half precision, sums in float32. It needs the device's `shader-f16`; no kernel
   * uses it (feature-products.ts measures it).
   */
  half?: boolean;
}

/**
 * Text that fills a tile of workgroup memory, k by k: numbers (kk, 4 r .. 4 r + 3) are vec4 kk (length / 4 + 1) + r of it. Threads
 * side by side read numbers side by side: along k where the matrix lies so, along its rows where it lies the other way.
 */
function fill(
  [to, from, first, count]: readonly [string, string, string, string],
  length: number,
  tileK: number,
  threads: number,
  alongK: boolean,
  kind: string,
): string {
  const fours = length / 4;
  const place = alongK
    ? `let kk = i % ${tileK}; let r = i / ${tileK};`
    : `let kk = i / ${fours}; let r = i % ${fours};`;
  const at = alongK ? 'row * u.k + k0 + kk' : `(k0 + kk) * ${count} + row`;
  return `
    for (var i = index; i < ${fours * tileK}; i += ${threads}) {
      ${place}
      var four = vec4<f32>(0.0);
      for (var c = 0; c < 4; c++) {
        let row = ${first} + 4 * r + c;
        if (row < ${count} && k0 + kk < u.k) { four[c] = ${from}[${from}Start + ${at}]; }
      }
      ${to}[kk * ${fours + 1} + r] = ${kind}(four);
    }`;
}

/** The program of a product. */
export function productProgram(product: Product, tiling: Tiling): OwnProgram {
  const { batch, m, n, k, transposeA, transposeB, oneA, oneB, half = false } = product;
  const kind = half ? 'vec4<f16>' : 'vec4<f32>';
  const { tileM, tileN, tileK, perM, perN } = tiling;
  const [threadsM, threadsN] = [tileM / perM, tileN / perN];
  const threads = threadsM * threadsN;
  const uniforms: Uniform[] = Object.entries({ m, n, k, batch }).map(([name, value]) => ({
    name,
    type: 'int32',
    value,
  }));
  // A thread's rows are fours that lie threadsM fours apart, so that neighbours read neighbouring vec4s.
  const fours = (count: number): number[] => Array.from({ length: count / 4 }, (_, i) => i);
  const row = (i: number, j: number): string => `firstM + 4 * (ty + ${threadsM * i}) + ${j}`;
  const code = `${half ? 'enable f16;\n' : ''}${declare({ out: 'f32' }, { a: 'f32', b: 'f32' }, uniforms)}
var<workgroup> A: array<${kind}, ${tileK * (tileM / 4 + 1)}>;
var<workgroup> B: array<${kind}, ${tileK * (tileN / 4 + 1)}>;
@compute @workgroup_size(${threadsN}, ${threadsM})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>,
        @builtin(local_invocation_index) place: u32) {
  let tilesN = (u.n + ${tileN - 1}) / ${tileN};
  let tile = i32(group.y + 32768u * group.z);
  let batch = i32(group.x);
  let firstM = (tile / tilesN) * ${tileM};
  let firstN = (tile % tilesN) * ${tileN};
  if (firstM >= u.m || batch >= u.batch) { return; }
  let aStart = ${oneA ? '0' : 'batch * u.m * u.k'};
  let bStart = ${oneB ? '0' : 'batch * u.k * u.n'};
  let index = i32(place);
  let tx = i32(local.x);
  let ty = i32(local.y);
  ${fours(perN)
    .map((j) => `var sums${j}: array<vec4<f32>, ${perM}>;`)
    .join('\n  ')}
  for (var k0 = 0; k0 < u.k; k0 += ${tileK}) {
    workgroupBarrier();
    ${fill(['A', 'a', 'firstM', 'u.m'], tileM, tileK, threads, !transposeA, kind)}
    ${fill(['B', 'b', 'firstN', 'u.n'], tileN, tileK, threads, transposeB, kind)}
    workgroupBarrier();
    for (var kk = 0; kk < ${tileK}; kk++) {
      ${fours(perN)
        .map((j) => `let b${j} = B[kk * ${tileN / 4 + 1} + tx + ${threadsN * j}];`)
        .join('\n      ')}
      ${fours(perM)
        .map(
          (i) => `let a${i} = A[kk * ${tileM / 4 + 1} + ty + ${threadsM * i}];
      ${[0, 1, 2, 3].flatMap((c) => fours(perN).map((j) => `sums${j}[${4 * i + c}] += vec4<f32>(a${i}[${c}] * b${j});`)).join(' ')}`,
        )
        .join('\n      ')}
    }
  }
  let outStart = batch * u.m * u.n;
  ${fours(perM)
    .flatMap((i) => [0, 1, 2, 3].map((c) => [i, c] as const))
    .map(
      ([i, c]) => `if (${row(i, c)} < u.m) {
    let at = outStart + (${row(i, c)}) * u.n;
    ${fours(perN)
      .map(
        (j) => `for (var c = 0; c < 4; c++) {
      let column = firstN + 4 * (tx + ${threadsN * j}) + c;
      if (column < u.n) { out[at + column] = sums${j}[${4 * i + c}][c]; }
    }`,
      )
      .join('\n    ')}
  }`,
    )
    .join('\n  ')}
}`;
  const tiles = Math.ceil(m / tileM) * Math.ceil(n / tileN);
  return {
    name: 'CocProduct',
    code,
    outputs: [[batch, m, n]],
    uniforms,
    dispatch: [batch, ...spread(tiles)],
  };
}

type Transposes = Pick<Product, 'transposeA' | 'transposeB'>;

/** Sizes of a [batch or 1, m, k] times b [batch or 1, k, n], either transposed. */
export function productOf(a: TensorInfo, b: TensorInfo, { transposeA, transposeB }: Transposes): Product {
  const [m, k] = transposeA ? [a.shape[2], a.shape[1]] : [a.shape[1], a.shape[2]];
  const n = transposeB ? b.shape[1] : b.shape[2];
  const batch = Math.max(a.shape[0], b.shape[0]);
  const [oneA, oneB] = [a, b].map(({ shape }) => shape[0] === 1 && batch > 1);
  return { batch, m, n, k, transposeA, transposeB, oneA, oneB };
}

/** The kernel BatchMatMul by our program where its tiles are larger than those of TensorFlow.js; undefined elsewhere. */
export function largeProduct(
  backend: GuardedBackend,
  a: TensorInfo,
  b: TensorInfo,
  transposes: Transposes,
): TensorInfo | undefined {
  const batches = [a, b].map(({ shape }) => shape.slice(0, -2));
  const [sizeA, sizeB] = batches.map((batch) => batch.reduce((n, size) => n * size, 1));
  const same = batches[0].join() === batches[1].join();
  if (!(same || sizeA === 1 || sizeB === 1) || a.dtype !== 'float32' || b.dtype !== 'float32')
    return undefined;
  const flat = (x: TensorInfo, size: number): TensorInfo => ({ ...x, shape: [size, ...x.shape.slice(-2)] });
  const product = productOf(flat(a, sizeA), flat(b, sizeB), transposes);
  const tiling = chooseTiling(product.batch, product.m, product.n);
  // A grid direction holds 65,535 workgroups: more of a batch than that is small products.
  if (!tiling || product.k === 0 || product.batch > 65535) return undefined;
  const [out] = backend.runOwnProgram(productProgram(product, tiling), [a, b]);
  const batch = batches[0].length > batches[1].length || sizeA > 1 ? batches[0] : batches[1];
  return { ...out, shape: [...batch, product.m, product.n] };
}
