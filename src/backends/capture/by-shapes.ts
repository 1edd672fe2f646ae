// Recording without computing: every operation gives a tensor of the right shape and type, and nothing stands behind it.
import { messageOf } from '../../base/errors';
import { outputsOf } from '../meta/shapes';
import { type OutputInfo, typeName, typeNumber } from './binding';
import { numbersOf } from './constants';
import { type KernelCall, type Maker, nextId, type RecordedNode } from './recorder';

/** A kernel whose shapes are not known without running it: then the step is recorded by running it. */
export class ShapesUnknown extends Error {}

/** Operations that are told the shape of their result in numbers: the position of those among the inputs. */
const shapeAt: Readonly<Record<string, number>> = {
  Conv2DBackpropInput: 0,
  Conv3DBackpropInputV2: 0,
  DepthwiseConv2dNativeBackpropInput: 0,
};

/** Shapes by the rules of the dry run, of the kernel of TensorFlow.js that asks for the operation. */
export function byShapes(): Maker {
  return {
    computes: false,
    execute: ({ op, outputs, node, kernel, constantAt }) => {
      const told = constantAt(node.inputs[shapeAt[op]]);
      if (told) return [{ id: nextId(), shape: Array.from(numbersOf(told)), dtype: typeOf(op, node) }];
      return kernelOutputs(op, kernel, outputs);
    },
    constant: () => nextId(),
  };
}

function kernelOutputs(op: string, kernel: KernelCall | undefined, outputs: number): OutputInfo[] {
  if (!kernel) throw new ShapesUnknown(`${op} was asked for by no kernel of TensorFlow.js`);
  let found: ReturnType<typeof outputsOf>;
  try {
    found = outputsOf(kernel.kernelName, kernel);
  } catch (error) {
    throw new ShapesUnknown(messageOf(error), { cause: error });
  }
  // TensorFlow's form of it gives four things more, which TensorFlow.js does not look at.
  if (op === 'FusedBatchNorm') {
    const channels = { shape: found[0].shape.slice(-1), dtype: found[0].dtype };
    found = [found[0], channels, channels, channels, channels];
  }
  if (found.length !== outputs)
    throw new ShapesUnknown(`${kernel.kernelName} gives ${found.length} tensors, and its ${op} ${outputs}`);
  return found.map(({ shape, dtype }) => {
    const number = typeNumber(dtype);
    if (number === undefined) throw new ShapesUnknown(`${kernel.kernelName} gives ${dtype}`);
    return { id: nextId(), shape: [...shape], dtype: number };
  });
}

function typeOf(op: string, node: Omit<RecordedNode, 'results'>): number {
  const type = node.attributes.T;
  if (type.kind !== 'type') throw new ShapesUnknown(`${op} without a type`);
  if (typeName(type.value) !== 'float32') throw new ShapesUnknown(`${op} of ${typeName(type.value)}`);
  return type.value;
}
