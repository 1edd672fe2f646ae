// Layer norm in WGSL: a single program forward, one for the gradient by x and one for that by the gain.
//
// Bytes: it reads x and writes y once each (8 bytes a number; the second and third look at a row are served by the cache),
// and two numbers a row; its gradient by x reads x and dy and writes dx (12 bytes). FLOPs: 8 and 14 a number. So it is bound
// by memory.
import type { TensorInfo } from '@tensorflow/tfjs';
import { declare, spread, type OwnProgram, type Uniform } from './own-program';
import type { GuardedBackend } from './tfjs-backend';

const int = (name: string, value: number): Uniform => ({ name, type: 'int32', value });
const sizeOf = (shape: readonly number[]): number => shape.reduce((n, length) => n * length, 1);

/** One workgroup a row. */
const threads = 128;

/** The sum of a number over the threads of a workgroup; all must call it. */
const total = `
var<workgroup> partials: array<f32, ${threads}>;
fn total(own: f32, place: i32) -> f32 {
  workgroupBarrier();
  partials[place] = own;
  for (var half = ${threads / 2}; half > 0; half = half / 2) {
    workgroupBarrier();
    if (place < half) { partials[place] += partials[place + half]; }
  }
  workgroupBarrier();
  return partials[0];
}`;

const rowMain = `
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
  let row = i32(group.y + 32768u * group.z);
  if (row >= u.rows) { return; }
  let place = i32(index);
  let start = row * u.width;`;

const eachColumn = (text: string): string => `for (var i = place; i < u.width; i += ${threads}) { ${text} }`;

const forwardCode = (uniforms: Uniform[]): string => `${declare(
  { y: 'f32', statistics: 'f32' },
  { x: 'f32', gain: 'f32', bias: 'f32' },
  uniforms,
)}${total}${rowMain}
  var sum = 0.0;
  ${eachColumn('sum += x[start + i];')}
  let mean = total(sum, place) / f32(u.width);
  sum = 0.0;
  ${eachColumn('let c = x[start + i] - mean; sum += c * c;')}
  let scale = inverseSqrt(total(sum, place) / f32(u.width) + u.epsilon);
  ${eachColumn('y[start + i] = (x[start + i] - mean) * scale * gain[i] + bias[i];')}
  if (place == 0) {
    statistics[2 * row] = mean;
    statistics[2 * row + 1] = scale;
  }
}`;

const backwardCode = (uniforms: Uniform[]): string => `${declare(
  { dx: 'f32' },
  { dy: 'f32', x: 'f32', gain: 'f32', statistics: 'f32' },
  uniforms,
)}${total}${rowMain}
  let mean = statistics[2 * row];
  let scale = statistics[2 * row + 1];
  var sum = 0.0;
  var along = 0.0;
  ${eachColumn('let g = dy[start + i] * gain[i]; sum += g; along += g * (x[start + i] - mean) * scale;')}
  let meanOfG = total(sum, place) / f32(u.width);
  let meanAlong = total(along, place) / f32(u.width);
  ${eachColumn('dx[start + i] = (dy[start + i] * gain[i] - meanOfG - (x[start + i] - mean) * scale * meanAlong) * scale;')}
}`;

/** Rows that one workgroup adds up of the gradient by the gain. */
const slab = 64;

const gainCode = (uniforms: Uniform[]): string => `${declare(
  { sums: 'f32' },
  { dy: 'f32', x: 'f32', statistics: 'f32' },
  uniforms,
)}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
  let column = i32(group.x * 64u + index);
  let part = i32(group.y + 32768u * group.z);
  if (column >= u.width || part * ${slab} >= u.rows) { return; }
  var sum = 0.0;
  for (var row = part * ${slab}; row < min(u.rows, (part + 1) * ${slab}); row++) {
    let at = row * u.width + column;
    sum += dy[at] * (x[at] - statistics[2 * row]) * statistics[2 * row + 1];
  }
  sums[part * u.width + column] = sum;
}`;

type Infos<Name extends string> = Record<Name, TensorInfo>;

/** Rows and width of x, and its uniforms. */
function rowsOf(x: TensorInfo): { rows: number; width: number; uniforms: Uniform[] } {
  const width = x.shape.at(-1)!;
  const rows = sizeOf(x.shape) / width;
  return { rows, width, uniforms: [int('rows', rows), int('width', width)] };
}

/** CocLayerNorm: [y, mean and 1 / standard deviation of every row]. */
export function layerNorm(
  { x, gain, bias }: Infos<'x' | 'gain' | 'bias'>,
  backend: GuardedBackend,
  { epsilon }: { epsilon: number },
): TensorInfo[] {
  const { rows, uniforms: sizes } = rowsOf(x);
  const uniforms: Uniform[] = [...sizes, { name: 'epsilon', type: 'float32', value: epsilon }];
  const program: OwnProgram = {
    name: 'CocLayerNorm',
    code: forwardCode(uniforms),
    outputs: [x.shape, [rows, 2]],
    uniforms,
    dispatch: [1, ...spread(rows)],
  };
  return backend.runOwnProgram(program, [x, gain, bias]);
}

/** CocLayerNormGrad: [dx]. */
export function layerNormGradient(
  { dy, x, gain, statistics }: Infos<'dy' | 'x' | 'gain' | 'statistics'>,
  backend: GuardedBackend,
): TensorInfo[] {
  const { rows, uniforms } = rowsOf(x);
  const program: OwnProgram = {
    name: 'CocLayerNormGrad',
    code: backwardCode(uniforms),
    outputs: [x.shape],
    uniforms,
    dispatch: [1, ...spread(rows)],
  };
  return backend.runOwnProgram(program, [dy, x, gain, statistics]);
}

/** CocLayerNormGainGrad: sums over slabs of rows, [slabs, width]; what calls it adds them up. */
export function layerNormGainGradient(
  { dy, x, statistics }: Infos<'dy' | 'x' | 'statistics'>,
  backend: GuardedBackend,
): TensorInfo[] {
  const { rows, width, uniforms } = rowsOf(x);
  const slabs = Math.ceil(rows / slab);
  const program: OwnProgram = {
    name: 'CocLayerNormGainGrad',
    code: gainCode(uniforms),
    outputs: [[slabs, width]],
    uniforms,
    dispatch: [Math.ceil(width / 64), ...spread(slabs)],
  };
  return backend.runOwnProgram(program, [dy, x, statistics]);
}
