// The same operations by kernels of ours, where the current backend has them: which those are, and what they save. Each has a shape
// rule in meta/fused.ts and a case in proof/cases-fused.ts.
import type { Tensor } from '@tensorflow/tfjs';
import type { BackendName } from '../backend';
import { tf } from '../tf';
import type { RelativeTerms } from './attention';
import { operation } from './operation';

const attentionKernels = ['CocAttention', 'CocAttentionGrad'];
const layerNormKernels = ['CocLayerNorm', 'CocLayerNormGrad', 'CocLayerNormGainGrad'];
const geluKernels = ['CocGelu', 'CocGeluGrad'];
const instanceNormKernels = ['CocInstanceNorm', 'CocInstanceNormGrad'];
const leakyReluKernels = ['CocLeakyReluGrad'];

/** Which backends have which: a dry run stands for one that need not be open. */
export const fusedKernels: Readonly<Record<BackendName, readonly string[]>> = {
  tensorflow: [...instanceNormKernels, ...leakyReluKernels],
  webgpu: [...attentionKernels, ...layerNormKernels, ...geluKernels],
  wasm: [...layerNormKernels, ...geluKernels],
  cpu: [],
};

/** The backend that `meta` stands for. */
let imitated: BackendName | undefined;

/** Call a function that runs on `meta`, with the kernels of fused/ that a backend has; without this, `meta` has none of them. */
export function imitating<T>(backend: BackendName, f: () => T): T {
  const before = imitated;
  imitated = backend;
  try {
    return f();
  } finally {
    imitated = before;
  }
}

/** Whether the current backend, or the one that it imitates, has a kernel. */
export function has(kernelName: string): boolean {
  const current = tf.getBackend();
  const kernels = fusedKernels[(current === 'meta' ? imitated : current) as BackendName] as
    readonly string[] | undefined;
  return kernels?.includes(kernelName) ?? false;
}

const run = (
  name: string,
  inputs: Record<string, Tensor>,
  attributes: Record<string, number> = {},
): Tensor[] => tf.engine().runKernel(name, inputs, attributes) as unknown as Tensor[];

/** The widest head that the kernels of attention take; it is a multiple of four, too. */
const widest = 128;

/** Numbers that the kernels of wasm take at once: a row, and x of GELU, have as many. */
const fewest = 4;

/** Whether the current backend has attention as a kernel for heads of this width, and of tensors that are not empty. */
export const hasAttention = (q: Tensor, k: Tensor): boolean =>
  q.shape[2]! % 4 === 0 && q.shape[2]! <= widest && q.size > 0 && k.size > 0 && has('CocAttention');

/** Whether the current backend has layer norm as a kernel for rows of this width. */
export const hasLayerNorm = (x: Tensor): boolean =>
  x.size > 0 && x.shape.at(-1)! >= fewest && has('CocLayerNorm');

/** Whether the current backend has GELU as a kernel for as many numbers. */
export const hasGelu = (x: Tensor): boolean => x.size >= fewest && has('CocGelu');

/** Whether the current backend has instance norm as a kernel for [batch, voxels, channels]. */
export const hasInstanceNorm = (x: Tensor): boolean =>
  x.shape[0] === 1 && x.size > 0 && has('CocInstanceNorm');

/** Whether the current backend has the gradient of leaky ReLU as a kernel. */
export const hasLeakyRelu = (): boolean => has('CocLeakyReluGrad');

/**
 * Attention without a map. Kernels: `CocAttention` {q, k, v, rows?, columns?; scale} gives the result and, for every query, the
 * logarithm of the sum of its exponentials; `CocAttentionGrad` takes both and dy besides, and gives the gradients by q, k, v
 * (rows, columns). Saves what it is given and these two, no map.
 */
export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  scale: number,
  relative: RelativeTerms | undefined,
): Tensor {
  const inputs: Record<string, Tensor> = { q, k, v, ...relative };
  const names = Object.keys(inputs);
  return operation(
    'attention kernel',
    inputs,
    (save) => {
      const [out, logSum] = run('CocAttention', inputs, { scale });
      save([...Object.values(inputs), out, logSum]);
      return out;
    },
    (dy, saved) => {
      const given = Object.fromEntries([...names, 'out', 'logSum'].map((name, i) => [name, saved[i]]));
      const gradients = run('CocAttentionGrad', { ...given, dy }, { scale });
      return Object.fromEntries(names.map((name, i) => [name, () => gradients[i]]));
    },
  );
}

/**
 * Layer norm as one kernel. Kernels: `CocLayerNorm` {x, gain, bias; epsilon} gives y and, for every row, its mean and
 * 1 / standard deviation; `CocLayerNormGrad` {dy, x, gain, statistics} the gradient by x; `CocLayerNormGainGrad`
 * {dy, x, statistics} that by the gain, in parts [parts, width]. Saves x, of which others mostly keep the same copy.
 */
export function layerNorm(x: Tensor, gain: Tensor, bias: Tensor, epsilon: number): Tensor {
  return operation(
    'layerNorm kernel',
    { x, gain, bias },
    (save) => {
      const [y, statistics] = run('CocLayerNorm', { x, gain, bias }, { epsilon });
      save([x, gain, statistics]);
      return y;
    },
    (dy, [x, gain, statistics]) => ({
      x: () => run('CocLayerNormGrad', { dy, x, gain, statistics })[0],
      gain: () => tf.sum(run('CocLayerNormGainGrad', { dy, x, statistics })[0], 0),
      bias: () => tf.sum(tf.reshape(dy, [-1, gain.size]), 0),
    }),
  );
}

/** GELU as one kernel: `CocGelu` {x}, `CocGeluGrad` {dy, x}. Saves x. */
export function gelu(x: Tensor): Tensor {
  return operation(
    'gelu kernel',
    { x },
    (save) => {
      save([x]);
      return run('CocGelu', { x })[0];
    },
    (dy, [x]) => ({ x: () => run('CocGeluGrad', { dy, x })[0] }),
  );
}

/**
 * Instance norm of one image as one kernel. Kernels, of x as [1, voxels, 1, channels]: `CocInstanceNorm` {x, gain, bias;
 * epsilon} gives y, mean and variance, and the mean and the spread as the gradient wants them; `CocInstanceNormGrad` {dy, x,
 * gain, mean, spread; epsilon} gives the gradients by x, gain and bias. Saves x.
 */
export function instanceNorm(x: Tensor, gain: Tensor, bias: Tensor, epsilon: number): Tensor {
  const [, voxels, channels] = x.shape;
  const image = (t: Tensor): Tensor => tf.reshape(t, [1, voxels, 1, channels]);
  return operation(
    'instanceNorm kernel',
    { x, gain, bias },
    (save) => {
      const [y, , , mean, spread] = run('CocInstanceNorm', { x: image(x), gain, bias }, { epsilon });
      save([x, gain, mean, spread]);
      return tf.reshape(y, x.shape);
    },
    (dy, [x, gain, mean, spread]) => {
      const given = { dy: image(dy), x: image(x), gain, mean, spread };
      const [dx, dgain, dbias] = run('CocInstanceNormGrad', given, { epsilon });
      return { x: () => tf.reshape(dx, x.shape), gain: () => dgain, bias: () => dbias };
    },
  );
}

/** Leaky ReLU with its gradient as one kernel, `CocLeakyReluGrad` {dy, x; alpha}. Saves x. */
export function leakyRelu(x: Tensor, slope: number): Tensor {
  return operation(
    'leakyRelu kernel',
    { x },
    (save) => {
      save([x]);
      return tf.leakyRelu(x, slope);
    },
    (dy, [x]) => ({ x: () => run('CocLeakyReluGrad', { dy, x }, { alpha: slope })[0] }),
  );
}
