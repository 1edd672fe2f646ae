// Shaders of TensorFlow.js that are wrong, mended in their text.
//
// Each mend looks for the very text it replaces and throws when it is not there, so that another version of TensorFlow.js
// cannot slip past it.
import type { TensorInfo } from '@tensorflow/tfjs';
import type { WebGPUProgram } from '@tensorflow/tfjs-backend-webgpu';

type Mend = (code: string, program: WebGPUProgram, inputs: TensorInfo[]) => string;

const letters = 'xyzwuv';

/** From rank 5 on, coordinates are a struct: `coords[4]` does not compile, `coords.u` does. */
const byLetter: Mend = (code, program, inputs) =>
  Math.max(program.outputShape.length, ...inputs.map(({ shape }) => shape.length)) < 5
    ? code
    : code.replace(
        /\b(coords|uniforms\.strides|uniforms\.begin)\[([0-5])\]/g,
        (_, name: string, axis: string) => `${name}.${letters[Number(axis)]}`,
      );

/** Integers and booleans are moved as numbers with a fraction, which does not compile, or loses digits. */
const asIntegers: Mend = (code, _, [input]) => {
  if (input.dtype === 'float32') return code;
  return replaceText(code, 'setOutputAtIndex(', 'setOutputAtIndexI32(')
    .replace('array<array<f32,', 'array<array<i32,')
    .replace('f32(A[', 'i32(A[');
};

/** Of equal values the first counts; the threads of a group kept any. */
const firstOfEqual: Mend = (code) => {
  const other = 'xBestIndices[localId.x + interval]';
  if (!code.includes('xBestIndices')) return code;
  // The second comparison of the shader: the first walks up one thread's own numbers.
  const [own, between] = must(code, other).split('let interval');
  const earlier = `(candidate == bestValue && ${other} < xBestIndices[localId.x])`;
  const mended = between.replace(
    /if \((candidate [<>] bestValue)\)/,
    (_, better: string) => `if (${better} || ${earlier})`,
  );
  return must(`${own}let interval${mended}`, earlier);
};

/** Of equal values the first gets the gradient, as in PyTorch; and positions in windows that are not cubes. */
const firstOfWindow: Mend = (code) =>
  code.includes('currMaxValue')
    ? replaceText(
        code,
        'if (value >= currMaxValue)',
        'if (maxValueFound == 0.0 || value > currMaxValue)',
      ).replace(
        'wD * uniforms.filterDims.y * uniforms.filterDims.y',
        'wD * uniforms.filterDims.y * uniforms.filterDims.z',
      )
    : code;

/**
 * WebGPU lets a device be off by 0.0005 in sin and cos. This is right within 1e-6 up to 100,000: the nearest
 * multiple of pi/2 is subtracted in three parts (Cody and Waite, 1980), the rest goes into Taylor's series.
 */
const turn = `
  fn turn(a : f32, quarter : i32) -> f32 {
    if (abs(a) > 100000.0) {
      return select(sin(a), cos(a), quarter == 1);
    }
    let k = round(a * 0.63661977);
    let r = ((a - k * 1.5703125) - k * 0.00048375129699707031) - k * 7.5497899548918822e-8;
    let s = r * r;
    let sine = r + r * s * (-0.16666667 + s * (0.0083333333 + s * (-0.00019841270 + s * 2.7557319e-6)));
    let cosine = 1.0 - 0.5 * s +
        s * s * (0.041666667 + s * (-0.0013888889 + s * (2.4801587e-5 - s * 2.7557319e-7)));
    let q = (i32(k) + quarter) & 3;
    let value = select(sine, cosine, (q & 1) == 1);
    return select(value, -value, q >= 2);
  }
`;
const preciseTurns: Mend = (code) => {
  for (const [theirs, ours] of [
    ['return sin(a);', 'return turn(a, 0);'],
    ['return cos(a);', 'return turn(a, 1);'],
    ['return tan(a);', 'return turn(a, 0) / turn(a, 1);'],
  ] as const)
    if (code.includes(theirs)) return turn + code.replace(theirs, ours);
  return code;
};

/** WebGPU's functions may give any number for NaN, and for what they are not defined at: a training gone wrong must stay NaN. */
const keepNaN: Mend = (code) => {
  const defined = code.replace(
    'return log(1.0 + a);',
    'return select(log(1.0 + a), uniforms.NAN, a < -1.0);',
  );
  // Not those that look for NaN themselves, nor those that make a boolean or an integer.
  if (/isnan\(|isinf\(|!\(a >= |f32\(i32\(/.test(code)) return defined;
  return replaceText(
    defined,
    'setOutputAtIndex(index, unaryOperation(a));',
    'setOutputAtIndex(index, select(unaryOperation(a), uniforms.NAN, isnan(a)));',
  );
};

const mends: Record<string, Mend> = {
  BinaryOpProgram: byLetter,
  StridedSliceProgram: byLetter,
  TransposeProgram: asIntegers,
  TransposeSharedProgram: asIntegers,
  ArgMinMaxProgram: firstOfEqual,
  Pool2DProgram: firstOfWindow,
  Pool3DProgram: firstOfWindow,
  UnaryOpProgram: (...args) => keepNaN(preciseTurns(...args), args[1], args[2]),
};

/**
 * Mend a program before it is compiled. Its key, by which compiled shaders are kept, becomes its text: TensorFlow.js
 * leaves sizes out of some keys and then runs the shader of another size (a reversed cumulative sum, for one).
 */
export function mendProgram(program: WebGPUProgram, inputs: TensorInfo[]): void {
  const { name } = program.constructor;
  const code = program.getUserCode();
  const right = mends[name]?.(code, program, inputs) ?? code;
  program.getUserCode = (): string => right;
  program.shaderKey = `${program.shaderKey}\n${right}`;
}

function must(code: string, text: string): string {
  if (!code.includes(text))
    throw new Error(`a shader of TensorFlow.js has changed: no ${JSON.stringify(text)} in it`);
  return code;
}

function replaceText(code: string, text: string, by: string): string {
  return must(code, text).replaceAll(text, by);
}
