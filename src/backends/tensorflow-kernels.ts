// Kernels that tfjs-node 4.22 has wrong or lacks, though TensorFlow itself has them.
import { wrapKernel } from './mended-kernels';
import { refuse } from './refuse';
import { tf } from './tf';

interface Attributes {
  pad: 'same' | 'valid' | number;
  inputShape?: [number, number, number, number];
  axis?: number;
}

/** Replace what is wrong, once. */
export function mendTensorflow(): void {
  // The kernel looks the axis up in the shape before it counts it from the end.
  wrapKernel('tensorflow', 'GatherV2', (run, call) => {
    const { axis } = call.attrs as unknown as { axis: number };
    const rank = call.inputs.x!.shape.length;
    return run({ ...call, attrs: { ...call.attrs, axis: axis < 0 ? axis + rank : axis } });
  });

  // A border given as a number: put around the image by hand, and cut off the image's gradient.
  const padded = (x: tf.Tensor, pad: number, value = 0): tf.Tensor =>
    tf.pad(x, [[0, 0], [pad, pad], [pad, pad], [0, 0]], value); // prettier-ignore
  const bordered = (kernelName: string, image: string | undefined, value = 0): void =>
    wrapKernel('tensorflow', kernelName, (run, call) => {
      const { pad, inputShape } = call.attrs as unknown as Attributes;
      if (typeof pad !== 'number' || pad === 0) return run(call);
      const attrs = { ...call.attrs, pad: 'valid' };
      if (image !== undefined) {
        const x = padded(call.inputs[image] as tf.Tensor, pad, value);
        return run({ ...call, attrs, inputs: { ...call.inputs, [image]: x } });
      }
      const [b, h, w, c] = inputShape!;
      const wide = run({ ...call, attrs: { ...attrs, inputShape: [b, h + 2 * pad, w + 2 * pad, c] } });
      return tf.slice(wide as tf.Tensor, [0, pad, pad, 0], [b, h, w, c]);
    });
  for (const kernelName of ['Conv2D', 'Conv2DBackpropFilter', 'DepthwiseConv2dNative'])
    bordered(kernelName, 'x');
  bordered('DepthwiseConv2dNativeBackpropFilter', 'x');
  bordered('Conv2DBackpropInput', undefined);
  bordered('DepthwiseConv2dNativeBackpropInput', undefined);
  for (const kernelName of ['MaxPool', 'AvgPool']) {
    wrapKernel('tensorflow', kernelName, (run, call) => {
      const { pad } = call.attrs as unknown as Attributes;
      if (typeof pad === 'number' && pad !== 0)
        throw refuse(
          kernelName,
          'tensorflow',
          `a border of ${pad}, which it takes as \`same\` or \`valid\` only`,
          ['wasm', 'cpu'],
        );
      return run(call);
    });
  }
}
