// What a program of ours is: a whole shader in WGSL. TensorFlow.js's programs have one output each and get a long prologue.

/** A number that a program is told when it runs. */
export interface Uniform {
  name: string;
  type: 'int32' | 'float32';
  value: number;
}

export interface OwnProgram {
  /** What errors and timers call it. */
  name: string;
  /**
   * The shader, with an entry point `main`: in group 0 first the outputs, then the inputs, then the uniforms, as
   * `declare` writes them; it must use each of them. What is compiled is kept by this text.
   */
  code: string;
  /** Shapes of the outputs, float32. */
  outputs: number[][];
  uniforms: Uniform[];
  /** Workgroups in each direction, 65,535 at most. */
  dispatch: [number, number, number];
}

/** Arrays by their names in the shader. */
export type Buffers = Record<string, 'f32' | 'vec4<f32>'>;

/** The declarations of a program's buffers, in their order: arrays of `f32` or of `vec4<f32>`; and of its uniforms, as `u`. */
export function declare(outputs: Buffers, inputs: Buffers, uniforms: readonly Uniform[]): string {
  const buffers = [
    ...Object.entries(outputs).map(([name, type]) => ['read_write', name, type]),
    ...Object.entries(inputs).map(([name, type]) => ['read', name, type]),
  ].map(
    ([access, name, type], i) => `@group(0) @binding(${i}) var<storage, ${access}> ${name}: array<${type}>;`,
  );
  const fields = uniforms.map(({ name, type }) => `${name}: ${type === 'int32' ? 'i32' : 'f32'}`);
  return `${buffers.join('\n')}
struct Uniforms { unused: i32, ${fields.join(', ')} };
@group(0) @binding(${buffers.length}) var<uniform> u: Uniforms;
`;
}

/** Text for every whole number below n. */
export const times = (n: number, text: (i: number) => string): string =>
  Array.from({ length: n }, (_, i) => text(i)).join('\n');

/** Workgroups for `n` things along y and z, of which each direction holds 32,768: thing = y + 32768 z. */
export const spread = (n: number): [number, number] => [Math.min(n, 32768), Math.ceil(n / 32768)];
