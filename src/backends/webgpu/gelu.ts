// GELU in WGSL: one program forward, one for its gradient. 8 and 12 bytes a number, about 20 and 30 FLOPs: bound by memory.
import type { TensorInfo } from '@tensorflow/tfjs';
import { declare, spread, type Uniform } from './own-program';
import type { GuardedBackend } from './tfjs-backend';

/**
 * (1 + erf(x / sqrt 2)) / 2 by formula 7.1.26 of Abramowitz and Stegun (1964), off by 7.5e-8 at most; from the lower tail, so
 * that no two close numbers are subtracted.
 */
const share = `
fn share(x: f32) -> f32 {
  let a = abs(x) * 0.70710678;
  let t = 1.0 / (1.0 + 0.3275911 * a);
  let series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  let tail = 0.5 * series * exp(-a * a);
  return select(tail, 1.0 - tail, x >= 0.0);
}`;

const main = (text: string): string => `
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
  let i = i32((group.y + 32768u * group.z) * 256u + index);
  if (i >= u.size) { return; }
  ${text}
}`;

function run(
  name: string,
  code: (uniforms: Uniform[]) => string,
  inputs: TensorInfo[],
  backend: GuardedBackend,
): TensorInfo[] {
  const { shape } = inputs[0];
  const size = shape.reduce((n, length) => n * length, 1);
  const uniforms: Uniform[] = [{ name: 'size', type: 'int32', value: size }];
  const dispatch: [number, number, number] = [1, ...spread(Math.ceil(size / 256))];
  return backend.runOwnProgram({ name, code: code(uniforms), outputs: [shape], uniforms, dispatch }, inputs);
}

/** CocGelu: [y]. */
export const gelu = ({ x }: { x: TensorInfo }, backend: GuardedBackend): TensorInfo[] =>
  run(
    'CocGelu',
    (uniforms) =>
      `${declare({ y: 'f32' }, { x: 'f32' }, uniforms)}${share}${main('y[i] = x[i] * share(x[i]);')}`,
    [x],
    backend,
  );

/** CocGeluGrad: [dx]. */
export const geluGradient = (
  { dy, x }: { dy: TensorInfo; x: TensorInfo },
  backend: GuardedBackend,
): TensorInfo[] =>
  run(
    'CocGeluGrad',
    (uniforms) =>
      `${declare({ dx: 'f32' }, { dy: 'f32', x: 'f32' }, uniforms)}${share}${main(
        'dx[i] = dy[i] * (share(x[i]) + x[i] * 0.39894228 * exp(-0.5 * x[i] * x[i]));',
      )}`,
    [dy, x],
    backend,
  );
