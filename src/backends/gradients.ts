// Gradients that TensorFlow.js 4.22 lacks, or has wrong, on every backend. The proof (proof/) holds each one to its finite
// differences; what is in neither list fails with `gradient function not found for KERNEL`.
import type * as TF from '@tensorflow/tfjs';
import { registerResizing } from './gradients-resize';

type Tensor = TF.Tensor;
type Attributes = Record<string, unknown>;

/** Registers them with an engine, over its own. */
export function registerGradients(tf: typeof TF): void {
  const register = (
    kernelName: string,
    inputsToSave: string[],
    gradFunc: (dy: Tensor, saved: Tensor[], attributes: Attributes) => Record<string, () => Tensor>,
  ): void =>
    tf.registerGradient({
      kernelName,
      inputsToSave,
      gradFunc: (dy, saved, attributes) => gradFunc(dy as Tensor, saved, attributes),
    });

  /** The sum over the axes along which an input of `shape` was broadcast. */
  const sumTo = (dy: Tensor, shape: number[]): Tensor => {
    const axes = tf.broadcast_util.getReductionAxes(shape, dy.shape);
    return tf.reshape(axes.length > 0 ? tf.sum(dy, axes) : dy, shape);
  };

  /** Adds the elements of `dy` to zeros of `shape`, each at the place in row order that `places` has for it. */
  const addAt = (dy: Tensor, places: Tensor, shape: number[]): Tensor => {
    const size = tf.util.sizeFromShape(shape);
    const sums = tf.unsortedSegmentSum(
      tf.reshape(dy, [dy.size]),
      tf.reshape(places, [places.size]).as1D(),
      size,
    );
    return tf.reshape(sums, shape);
  };

  /** The place of each element of an input, to send through an operation that moves elements. */
  const placesOf = (shape: number[]): Tensor =>
    tf.reshape(tf.range(0, tf.util.sizeFromShape(shape), 1, 'int32'), shape);

  // The own gradients have the shape of the result where an input was broadcast, which the engine refuses.
  for (const [kernel, inputs] of [
    ['BatchMatMul', ['a', 'b']],
    ['SquaredDifference', ['a', 'b']],
    ['Maximum', ['a', 'b']],
    ['Minimum', ['a', 'b']],
    ['Prelu', ['x', 'alpha']],
  ] as const) {
    const own = tf.getGradient(kernel).gradFunc;
    register(kernel, [...inputs], (dy, saved, attributes) => {
      const wide = own(dy, saved, attributes as never);
      const narrow = (name: string, k: number) => (): Tensor => sumTo(wide[name](), saved[k].shape);
      return Object.fromEntries(inputs.map((name, k) => [name, narrow(name, k)]));
    });
  }

  // The own gradients make ones of the input's shape on the host, and send them to the device at every step.
  for (const kernel of ['Sum', 'Mean'])
    register(kernel, ['x'], (dy, [x], { axis }) => ({
      x: () => {
        const axes = tf.util.parseAxisParam((axis ?? x.shape.map((_, k) => k)) as number[], x.shape);
        const kept = x.shape.map((size, k) => (axes.includes(k) ? 1 : size));
        const wide = tf.mul(tf.reshape(dy, kept), tf.fill(x.shape, 1));
        const count = axes.reduce((product, k) => product * x.shape[k], 1);
        return kernel === 'Sum' ? wide : tf.div(wide, count);
      },
    }));

  // Steps: zero almost everywhere. A comparison may decide what weighs (relu by hand, thresholds), so it must not throw.
  const zeroFor = (kernel: string, inputs: string[]): void =>
    register(kernel, inputs, (_, saved) =>
      Object.fromEntries(inputs.map((name, k) => [name, (): Tensor => tf.zeros(saved[k].shape)])),
    );
  for (const kernel of ['Equal', 'NotEqual', 'Greater', 'GreaterEqual', 'Less', 'LessEqual'])
    zeroFor(kernel, ['a', 'b']);
  for (const kernel of ['LogicalAnd', 'LogicalOr', 'FloorDiv']) zeroFor(kernel, ['a', 'b']);
  zeroFor('LogicalNot', ['x']);
  // The own gradient passes through a cut to whole numbers as if it were not there.
  register('Cast', [], (dy, _, { dtype }) => ({
    x: () => (dtype === 'float32' ? dy.clone() : tf.zeros(dy.shape)),
  }));

  // The own gradient is transposed where the axis is not the last one: silently wrong on square shapes.
  register('Cumsum', [], (dy, _, { axis, exclusive, reverse }) => ({
    x: () => tf.cumsum(dy, axis as number, exclusive as boolean, !(reverse as boolean)),
  }));

  // The own gradient cuts the border off, and with it what mirrored elements contribute: silently wrong.
  register('MirrorPad', ['x'], (dy, [x], { paddings, mode }) => ({
    x: () =>
      addAt(dy, tf.mirrorPad(placesOf(x.shape), paddings as [number, number][], mode as 'reflect'), x.shape),
  }));

  register('StridedSlice', ['x'], (dy, [x], a) => ({
    x: () => {
      const picked = tf.stridedSlice(
        placesOf(x.shape),
        a.begin as number[],
        a.end as number[],
        a.strides as number[],
        a.beginMask as number,
        a.endMask as number,
        a.ellipsisMask as number,
        a.newAxisMask as number,
        a.shrinkAxisMask as number,
      );
      return addAt(dy, picked, x.shape);
    },
  }));

  // The own gradient knows one batch axis, and rank 4.
  const gather = tf.getGradient('GatherV2').gradFunc;
  register('GatherV2', ['x', 'indices'], (dy, saved, attributes) => {
    const [x, indices] = saved;
    const { axis, batchDims } = attributes as { axis: number; batchDims: number };
    if (!batchDims) return gather(dy, saved, attributes as never);
    return { x: () => addAt(dy, tf.gather(placesOf(x.shape), indices, axis, batchDims), x.shape) };
  });
  register('Tile', ['x'], (dy, [x], { reps }) => ({
    x: () => {
      let sum = dy;
      (reps as number[]).forEach((times, axis) => {
        if (times === 1) return;
        const before = x.shape.slice(0, axis);
        const after = sum.shape.slice(axis + 1);
        const size = tf.util.sizeFromShape;
        sum = tf.sum(tf.reshape(sum, [size(before), times, x.shape[axis] * size(after)]), 1);
        sum = tf.reshape(sum, [...before, x.shape[axis], ...after]);
      });
      return tf.reshape(sum, x.shape);
    },
  }));

  register('GatherNd', ['params', 'indices'], (dy, [params, indices]) => ({
    params: () => tf.scatterND(indices, dy, params.shape),
  }));
  register('ScatterNd', ['indices'], (dy, [indices]) => ({ updates: () => tf.gatherND(dy, indices) }));

  tf.registerGradient({
    kernelName: 'TopK',
    inputsToSave: ['x'],
    outputsToSave: [false, true],
    gradFunc: (dys, [x, indices]) => ({
      x: () => {
        const chosen = tf.cast(tf.oneHot(indices, x.shape.at(-1)!), 'float32');
        return tf.sum(tf.mul(chosen, tf.expandDims((dys as Tensor[])[0], -1)), -2);
      },
    }),
  });

  register('DepthToSpace', [], (dy, _, { blockSize, dataFormat }) => ({
    x: () => {
      if (dataFormat !== 'NHWC')
        throw new Error('the gradient of DepthToSpace is for NHWC only: transpose before it');
      const [b, h, w, c] = dy.shape;
      const k = blockSize as number;
      const cut = tf.transpose(tf.reshape(dy, [b, h / k, k, w / k, k * c]), [0, 1, 3, 2, 4]);
      return tf.reshape(cut, [b, h / k, w / k, k * k * c]);
    },
  }));

  // conv3dTranspose: its gradients are the convolution, and the convolution's gradient by its filter.
  register('Conv3DBackpropInputV2', ['dy', 'filter'], (ddx, [dy, filter], { strides, pad }) => ({
    dy: () => tf.conv3d(ddx as TF.Tensor5D, filter as TF.Tensor5D, strides as number, pad as 'same'),
    filter: () =>
      tf
        .engine()
        .runKernel(
          'Conv3DBackpropFilterV2',
          { x: ddx, dy },
          { strides: strides as number, pad: pad as string, filterShape: filter.shape },
        ),
  }));

  tf.registerGradient({
    kernelName: 'Einsum',
    saveAllInputs: true,
    gradFunc: (dy, operands, attributes) => {
      const { equation } = attributes as unknown as { equation: string };
      const [left, right] = equation.replaceAll(' ', '').split('->');
      const letters = left.split(',');
      const gradient = (k: number): Tensor => {
        if (new Set(letters[k]).size < letters[k].length)
          throw new Error(`the gradient of Einsum is not for a letter twice in one operand: ${equation}`);
        const others = operands.filter((_, j) => j !== k);
        const given = [right, ...letters.filter((_, j) => j !== k)];
        // A letter that this operand alone has was summed: its gradient is the same all along it.
        const known = [...letters[k]].filter((letter) => given.some((g) => g.includes(letter)));
        const narrow = tf.einsum(`${given.join(',')}->${known.join('')}`, dy as Tensor, ...others);
        const shape = operands[k].shape;
        const wide = [...letters[k]].map((letter, axis) => (known.includes(letter) ? shape[axis] : 1));
        return tf.broadcastTo(tf.reshape(narrow, wide), shape);
      };
      return Object.fromEntries(operands.map((_, k) => [k, (): Tensor => gradient(k)]));
    },
  });

  registerResizing(tf);
}
