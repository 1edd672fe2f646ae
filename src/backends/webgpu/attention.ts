// Attention in WGSL without its map: tiles of it live in workgroup memory and are made again in the backward pass (Dao et
// al. 2022, FlashAttention, arXiv 2205.14135; the order of the backward pass is that of FlashAttention-2, arXiv 2307.08691).
//
// Bytes: besides its inputs and outputs a forward pass writes one number a query, the logarithm of its sum. FLOPs of n
// queries and m keys of width d: 4 n m d forward, 14 n m d backward (the map and its gradient twice, since queries and
// keys each have a pass of their own, so that no two workgroups add to one number). Global memory is read three times a
// tile: T^2 d 4 FLOPs for 12 T d bytes, T / 3 FLOPs a byte forward. A thread has 4 x 4 numbers of a tile: 64
// multiplications and additions for 8 reads of 16 bytes from workgroup memory, which are free of bank conflicts because
// rows are one vec4 longer than they need be and a thread's rows lie T / 4 apart.
import type { TensorInfo } from '@tensorflow/tfjs';
import { declare, spread, times, type Buffers, type OwnProgram, type Uniform } from './own-program';
import type { GuardedBackend } from './tfjs-backend';

/** Queries, and keys, of a tile. 32: two buffers of 4.5 KiB, which every device has; 64: 34 KiB. */
const defaultTile = 32;

interface Sizes {
  batch: number;
  queries: number;
  keys: number;
  width: number;
  /** Of the grid of keys; 0 where there are no relative terms. */
  rows: number;
  columns: number;
  scale: number;
  tile: number;
}

type Owner = 'query' | 'key';

const uniformsOf = (sizes: Sizes): Uniform[] => [
  ...(['batch', 'queries', 'keys', 'rows', 'columns'] as const).map((name) => ({
    name,
    type: 'int32' as const,
    value: sizes[name],
  })),
  { name: 'scale', type: 'float32', value: sizes.scale },
];

/**
 * The pieces of a kernel whose workgroups own a tile of `owner`s and go through tiles of the others. A thread's block of a
 * tile is `array<vec4<f32>, 4>`: number j of vec4 i is that of own row ty + T / 4 i and other row tx + T / 4 j.
 */
function pieces({ width, tile, rows }: Sizes, owner: Owner) {
  const [side, stride, wide] = [tile / 4, tile / 4 + 1, width / 4];
  const chunks = Math.ceil(width / tile);
  const [ownCount, otherCount] = owner === 'query' ? ['u.queries', 'u.keys'] : ['u.keys', 'u.queries'];
  const [query, key] = owner === 'query' ? ['own', 'other'] : ['other', 'own'];
  return {
    chunks,
    side,
    stride,
    ownCount,
    /** Workgroup memory, and functions that fill its two tiles from an array: rows from `first`, one chunk of the width. */
    memory: (aSources: readonly string[], bSources: readonly string[]): string => `
var<workgroup> A: array<vec4<f32>, ${tile * stride}>;
var<workgroup> B: array<vec4<f32>, ${tile * stride}>;
${[...aSources.map((source) => ['A', source]), ...bSources.map((source) => ['B', source])]
  .map(
    ([to, source]) => `
fn fill${to}${source}(batch: i32, first: i32, count: i32, chunk: i32, index: i32) {
  for (var i = index; i < ${tile * side}; i += ${side * side}) {
    let row = i / ${side};
    let column = i % ${side};
    let at = chunk * ${side} + column;
    var value = vec4<f32>(0.0);
    if (first + row < count && at < ${wide}) {
      value = ${source}[(batch * count + first + row) * ${wide} + at];
    }
    ${to}[row * ${stride} + column] = value;
  }
}`,
  )
  .join('')}`,
    main: `
@compute @workgroup_size(${side}, ${side})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>,
        @builtin(local_invocation_index) place: u32) {
  let batch = i32(group.y + 32768u * group.z);
  if (batch >= u.batch) { return; }
  let index = i32(place);
  let tx = i32(local.x);
  let ty = i32(local.y);
  let first = i32(group.x) * ${tile};
  var s: array<vec4<f32>, 4>;
  var t: array<vec4<f32>, 4>;`,
    eachTile: (body: string): string => `
  for (var next = 0; next < ${otherCount}; next += ${tile}) {${body}
  }`,
    /** s = the products of own rows of \`a\` with other rows of \`b\`. */
    // Set to zero by hand: declared in the loop, a variable kept its numbers from one round to the next (Dawn on SwiftShader).
    products: (s: string, a: string, b: string): string => `
    for (var i = 0; i < 4; i++) { ${s}[i] = vec4<f32>(0.0); }
    for (var chunk = 0; chunk < ${chunks}; chunk++) {
      workgroupBarrier();
      fillA${a}(batch, first, ${ownCount}, chunk, index);
      fillB${b}(batch, next, ${otherCount}, chunk, index);
      workgroupBarrier();
      for (var d = 0; d < ${side}; d++) {
        let b0 = B[tx * ${stride} + d];
        let b1 = B[(tx + ${side}) * ${stride} + d];
        let b2 = B[(tx + ${2 * side}) * ${stride} + d];
        let b3 = B[(tx + ${3 * side}) * ${stride} + d];
        for (var i = 0; i < 4; i++) {
          let a = A[(ty + ${side} * i) * ${stride} + d];
          ${s}[i] += vec4<f32>(dot(a, b0), dot(a, b1), dot(a, b2), dot(a, b3));
        }
      }
    }`,
    /** For every number of the thread's block: its rows \`own\` and \`other\`, whether they are \`inside\`, and then \`text\`. */
    eachNumber: (text: string): string => `
    for (var i = 0; i < 4; i++) {
      for (var j = 0; j < 4; j++) {
        let own = first + ty + ${side} * i;
        let other = next + tx + ${side} * j;
        let inside = own < ${ownCount} && other < ${otherCount};
        ${text}
      }
    }`,
    /** The logit of the product s[i][j]. */
    logit:
      's[i][j] * u.scale' +
      (rows > 0
        ? ` + rows[(batch * u.queries + ${query}) * u.rows + ${key} / u.columns]` +
          ` + columns[(batch * u.queries + ${query}) * u.columns + ${key} % u.columns]`
        : ''),
    /** Put the thread's block into A, where all have read it: number j of vec4 t belongs to the other row t + T / 4 j. */
    store: (s: string): string => `
    for (var i = 0; i < 4; i++) { A[(ty + ${side} * i) * ${stride} + tx] = ${s}[i]; }`,
    zeros: (o: string): string => times(chunks, (chunk) => `  var ${o}${chunk}: array<vec4<f32>, 4>;`),
    /** o += A times other rows of \`source\`; a variable for each chunk, so that its place in registers is known. */
    accumulate: (o: string, source: string): string =>
      times(
        chunks,
        (chunk) => `
    ${chunk > 0 ? 'workgroupBarrier();' : ''}
    fillB${source}(batch, next, ${otherCount}, ${chunk}, index);
    workgroupBarrier();
    for (var t = 0; t < ${side}; t++) {
      let b0 = B[t * ${stride} + tx];
      let b1 = B[(t + ${side}) * ${stride} + tx];
      let b2 = B[(t + ${2 * side}) * ${stride} + tx];
      let b3 = B[(t + ${3 * side}) * ${stride} + tx];
      for (var i = 0; i < 4; i++) {
        let a = A[(ty + ${side} * i) * ${stride} + t];
        ${o}${chunk}[i] += a.x * b0 + a.y * b1 + a.z * b2 + a.w * b3;
      }
    }`,
      ),
    /** Write \`o\`, times a factor in terms of i. */
    write: (o: string, to: string, factor: string): string => `
  for (var i = 0; i < 4; i++) {
    let own = first + ty + ${side} * i;
    if (own < ${ownCount}) {
      let at = (batch * ${ownCount} + own) * ${wide};${times(
        chunks,
        (chunk) => `
      if (${chunk * side} + tx < ${wide}) { ${to}[at + ${chunk * side} + tx] = ${o}${chunk}[i] * ${factor}; }`,
      )}
    }
  }`,
  };
}

/** The largest float32 with a sign: what a key that is not there weighs. */
const never = '-3.0e38';

function forward(sizes: Sizes): OwnProgram {
  const { batch, queries, width, rows, tile } = sizes;
  const p = pieces(sizes, 'query');
  const { side } = p;
  const uniforms = uniformsOf(sizes);
  const terms: Buffers = rows > 0 ? { rows: 'f32', columns: 'f32' } : {};
  const code = `${declare(
    { out: 'vec4<f32>', logSum: 'f32' },
    { q: 'vec4<f32>', k: 'vec4<f32>', v: 'vec4<f32>', ...terms },
    uniforms,
  )}${p.memory(['q'], ['k', 'v'])}
var<workgroup> partials: array<f32, ${tile * side}>;
${p.main}
  var top = vec4<f32>(${never});
  var sum = vec4<f32>(0.0);
${p.zeros('o')}
${p.eachTile(`
${p.products('s', 'q', 'k')}
${p.eachNumber(`if (inside) { s[i][j] = ${p.logit}; } else { s[i][j] = ${never}; }`)}
    for (var i = 0; i < 4; i++) {
      partials[(ty + ${side} * i) * ${side} + tx] = max(max(s[i].x, s[i].y), max(s[i].z, s[i].w));
    }
    workgroupBarrier();
    for (var i = 0; i < 4; i++) {
      var all = top[i];
      for (var t = 0; t < ${side}; t++) { all = max(all, partials[(ty + ${side} * i) * ${side} + t]); }
      let less = exp(top[i] - all);
      top[i] = all;
      s[i] = exp(s[i] - all);
      sum[i] = sum[i] * less + dot(s[i], vec4<f32>(1.0));
${times(p.chunks, (chunk) => `      o${chunk}[i] *= less;`)}
    }
${p.store('s')}
${p.accumulate('o', 'v')}`)}
  workgroupBarrier();
  for (var i = 0; i < 4; i++) { partials[(ty + ${side} * i) * ${side} + tx] = sum[i]; }
  workgroupBarrier();
  for (var i = 0; i < 4; i++) {
    sum[i] = 0.0;
    for (var t = 0; t < ${side}; t++) { sum[i] += partials[(ty + ${side} * i) * ${side} + t]; }
    let own = first + ty + ${side} * i;
    if (tx == 0 && own < u.queries) { logSum[batch * u.queries + own] = top[i] + log(sum[i]); }
  }
${p.write('o', 'out', '(1.0 / sum[i])')}
}`;
  const outputs = [
    [batch, queries, width],
    [batch, queries],
  ];
  return {
    name: 'CocAttention',
    code,
    outputs,
    uniforms,
    dispatch: [Math.ceil(queries / tile), ...spread(batch)],
  };
}

/** For every query the sum of dy out: what its logits' gradients are taken from. */
function rowSums({ batch, queries, width }: Sizes): OwnProgram {
  const uniforms: Uniform[] = [{ name: 'count', type: 'int32', value: batch * queries }];
  const groups = Math.ceil((batch * queries) / 64);
  const code = `${declare({ sums: 'f32' }, { dy: 'vec4<f32>', out: 'vec4<f32>' }, uniforms)}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) place: u32) {
  let row = i32((group.y + 32768u * group.z) * 64u + place);
  if (row >= u.count) { return; }
  var sum = 0.0;
  for (var d = 0; d < ${width / 4}; d++) { sum += dot(dy[row * ${width / 4} + d], out[row * ${width / 4} + d]); }
  sums[row] = sum;
}`;
  return {
    name: 'CocAttentionRowSums',
    code,
    outputs: [[batch, queries]],
    uniforms,
    dispatch: [1, ...spread(groups)],
  };
}

const gradientInputs = {
  q: 'vec4<f32>',
  k: 'vec4<f32>',
  v: 'vec4<f32>',
  dy: 'vec4<f32>',
  logSum: 'f32',
  sums: 'f32',
} as const;

/** From the products s and t: the map in s, and its logits' gradient in t. */
const mapAndGradient = (p: ReturnType<typeof pieces>, query: 'own' | 'other'): string =>
  p.eachNumber(`if (inside) {
          let at = batch * u.queries + ${query};
          s[i][j] = exp(${p.logit} - logSum[at]);
          t[i][j] = s[i][j] * (t[i][j] - sums[at]);
        } else {
          s[i][j] = 0.0;
          t[i][j] = 0.0;
        }`);

function byQueries(sizes: Sizes): OwnProgram {
  const { batch, queries, width, rows, columns, tile } = sizes;
  const p = pieces(sizes, 'query');
  const { side, stride } = p;
  const uniforms = uniformsOf(sizes);
  const relative = rows > 0;
  const terms: Buffers = relative ? { rows: 'f32', columns: 'f32' } : {};
  const dterms: Buffers = relative ? { drows: 'f32', dcolumns: 'f32' } : {};
  // One thread has a query's row, another one its columns: nobody else writes there. A row of keys is summed before it is added.
  const zeroTerms = `
  if (index < ${2 * tile} && first + index % ${tile} < u.queries) {
    let at = batch * u.queries + first + index % ${tile};
    if (index < ${tile}) { for (var r = 0; r < u.rows; r++) { drows[at * u.rows + r] = 0.0; } }
    else { for (var c = 0; c < u.columns; c++) { dcolumns[at * u.columns + c] = 0.0; } }
  }`;
  const addTerms = `
    workgroupBarrier();
    if (index < ${2 * tile} && first + index % ${tile} < u.queries) {
      let at = batch * u.queries + first + index % ${tile};
      let count = min(${tile}, u.keys - next);
      var row = next / u.columns;
      var column = next % u.columns;
      var sum = 0.0;
      for (var t = 0; t < count; t++) {
        let value = A[(index % ${tile}) * ${stride} + t % ${side}][t / ${side}];
        if (index >= ${tile}) { dcolumns[at * u.columns + column] += value; }
        sum += value;
        column++;
        if (column == u.columns || t == count - 1) {
          if (index < ${tile}) { drows[at * u.rows + row] += sum; }
          sum = 0.0;
          row++;
          column = 0;
        }
      }
    }`;
  const code = `${declare({ dq: 'vec4<f32>', ...dterms }, { ...gradientInputs, ...terms }, uniforms)}
${p.memory(['q', 'dy'], ['k', 'v'])}
${p.main}
${relative ? zeroTerms : ''}
${p.zeros('o')}
${p.eachTile(`
${p.products('s', 'q', 'k')}
${p.products('t', 'dy', 'v')}
${mapAndGradient(p, 'own')}
    workgroupBarrier();
${p.store('t')}
${relative ? addTerms : ''}
${p.accumulate('o', 'k')}`)}
${p.write('o', 'dq', 'u.scale')}
}`;
  const outputs = [
    [batch, queries, width],
    ...(relative
      ? [
          [batch, queries, rows],
          [batch, queries, columns],
        ]
      : []),
  ];
  return {
    name: 'CocAttentionGradByQueries',
    code,
    outputs,
    uniforms,
    dispatch: [Math.ceil(queries / tile), ...spread(batch)],
  };
}

function byKeys(sizes: Sizes): OwnProgram {
  const { batch, keys, width, rows, tile } = sizes;
  const p = pieces(sizes, 'key');
  const uniforms = uniformsOf(sizes);
  const terms: Buffers = rows > 0 ? { rows: 'f32', columns: 'f32' } : {};
  const code = `${declare({ dk: 'vec4<f32>', dv: 'vec4<f32>' }, { ...gradientInputs, ...terms }, uniforms)}
${p.memory(['k', 'v'], ['q', 'dy'])}
${p.main}
${p.zeros('o')}
${p.zeros('w')}
${p.eachTile(`
${p.products('s', 'k', 'q')}
${p.products('t', 'v', 'dy')}
${mapAndGradient(p, 'other')}
    workgroupBarrier();
${p.store('s')}
${p.accumulate('w', 'dy')}
    workgroupBarrier();
${p.store('t')}
${p.accumulate('o', 'q')}`)}
${p.write('o', 'dk', 'u.scale')}
${p.write('w', 'dv', '1.0')}
}`;
  const shape = [batch, keys, width];
  return {
    name: 'CocAttentionGradByKeys',
    code,
    outputs: [shape, shape],
    uniforms,
    dispatch: [Math.ceil(keys / tile), ...spread(batch)],
  };
}

type Inputs = Record<'q' | 'k' | 'v', TensorInfo> & Partial<Record<'rows' | 'columns', TensorInfo>>;

function sizesOf({ q, k, rows, columns }: Inputs, scale: number, tile: number): Sizes {
  const [batch, queries, width] = q.shape;
  return {
    batch,
    queries,
    keys: k.shape[1],
    width,
    rows: rows?.shape[2] ?? 0,
    columns: columns?.shape[2] ?? 0,
    scale,
    tile,
  };
}

const termsOf = ({ rows, columns }: Inputs): TensorInfo[] => (rows && columns ? [rows, columns] : []);

/** CocAttention: [out, the logarithm of the sum of every query's exponentials]. */
export function attention(
  inputs: Inputs,
  backend: GuardedBackend,
  { scale, tile = defaultTile }: { scale: number; tile?: number },
): TensorInfo[] {
  const { q, k, v } = inputs;
  return backend.runOwnProgram(forward(sizesOf(inputs, scale, tile)), [q, k, v, ...termsOf(inputs)]);
}

/** CocAttentionGrad: [dq, dk, dv] and, with relative terms, [drows, dcolumns]. */
export function attentionGradient(
  inputs: Inputs & Record<'dy' | 'out' | 'logSum', TensorInfo>,
  backend: GuardedBackend,
  { scale, tile = defaultTile }: { scale: number; tile?: number },
): TensorInfo[] {
  const { q, k, v, dy, out, logSum } = inputs;
  const sizes = sizesOf(inputs, scale, tile);
  const [sums] = backend.runOwnProgram(rowSums(sizes), [dy, out]);
  const given = [q, k, v, dy, logSum, sums, ...termsOf(inputs)];
  const [dq, ...dterms] = backend.runOwnProgram(byQueries(sizes), given);
  const [dk, dv] = backend.runOwnProgram(byKeys(sizes), given);
  backend.disposeData(sums.dataId);
  return [dq, dk, dv, ...dterms];
}
