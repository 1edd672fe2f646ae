// Kernels that tfjs-node 4.22 has wrong or lacks, though TensorFlow itself has them.
import { wrapKernel } from './mended-kernels';
import { refuse } from './refuse';
import { tf } from './tf';

interface Attributes {
  pad: 'same' | 'valid' | number;
  inputShape?: [number, number, number, number];
  axis?: number;
}

/** What we use of tfjs-node's backend. */
interface NodeBackend {
  isUsingGpuDevice: boolean;
  /** Set while a step is recorded (capture/recorder.ts). */
  recording?: boolean;
  binding: { TF_ATTR_TYPE: number; TF_ATTR_INT: number };
  getDTypeInteger(dtype: tf.DataType): number;
  executeSingleOutput(op: string, attributes: object[], inputs: tf.Tensor[]): tf.Tensor;
}

/** Replace what is wrong, once. */
export function mendTensorflow(): void {
  // The kernel looks the axis up in the shape before it counts it from the end; and it reads all indices on the host, which
  // waits for the device and cannot be captured. TensorFlow checks them itself on a processor (on a card it does not).
  wrapKernel('tensorflow', 'GatherV2', (run, call) => {
    const { axis, batchDims } = call.attrs as unknown as { axis: number; batchDims: number };
    const { x, indices } = call.inputs as { x: tf.Tensor; indices: tf.Tensor };
    const along = axis < 0 ? axis + x.shape.length : axis;
    const backend = call.backend as NodeBackend;
    if (backend.isUsingGpuDevice && !backend.recording)
      return run({ ...call, attrs: { ...call.attrs, axis: along } });
    tf.backend_util.segment_util.collectGatherOpShapeInfo(x, indices, along, batchDims);
    const type = (name: string, dtype: tf.DataType): object => ({
      name,
      type: backend.binding.TF_ATTR_TYPE,
      value: backend.getDTypeInteger(dtype),
    });
    const attributes = [
      { name: 'batch_dims', type: backend.binding.TF_ATTR_INT, value: batchDims },
      type('Tparams', x.dtype),
      type('Tindices', indices.dtype),
      type('Taxis', 'int32'),
    ];
    return backend.executeSingleOutput('GatherV2', attributes, [x, indices, tf.scalar(along, 'int32')]);
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
