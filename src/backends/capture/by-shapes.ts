// Recording without computing: every operation gives a tensor of the right shape and type, and nothing stands behind it.
import { messageOf } from '../../base/errors';
import { outputsOf } from '../meta/shapes';
import { numbersOf } from './constants';
import { outputOf } from './op-outputs';
import { type KernelCall, type Maker, nextId } from './recorder';

/** A kernel whose shapes are not known without running it: then the step is recorded by running it. */
export class ShapesUnknown extends Error {}

/** Operations that are told the shape of their result in numbers: the position of those among the inputs. */
const shapeAt: Readonly<Record<string, number>> = {
  Conv2DBackpropInput: 0,
  Conv3DBackpropInputV2: 0,
  DepthwiseConv2dNativeBackpropInput: 0,
};

/** Shapes by the rules of the dry run, of the kernel of TensorFlow.js that asks for the operation; types as TensorFlow has them. */
export function byShapes(): Maker {
  return {
    computes: false,
    execute: ({ op, outputs, node, kernel, constantAt }) => {
      const told = constantAt(node.inputs[shapeAt[op]]);
      const found = told ? [{ shape: Array.from(numbersOf(told)) }] : kernelOutputs(op, kernel, outputs);
      return found.map(({ shape }, k) => {
        const output = outputOf(node, k);
        if (!output) throw new ShapesUnknown(`the type of what ${op} gives is not known`);
        return { id: nextId(), shape: [...shape], dtype: output.dtype };
      });
    },
    constant: () => nextId(),
  };
}

function kernelOutputs(
  op: string,
  kernel: KernelCall | undefined,
  outputs: number,
): { shape: readonly number[] }[] {
  if (!kernel) throw new ShapesUnknown(`${op} was asked for by no kernel of TensorFlow.js`);
  let found: { shape: readonly number[] }[];
  try {
    found = outputsOf(kernel.kernelName, kernel);
  } catch (error) {
    throw new ShapesUnknown(messageOf(error), { cause: error });
  }
  // TensorFlow's form of it gives four things more, which TensorFlow.js does not look at.
  if (op === 'FusedBatchNorm' && found.length === 1)
    found = [found[0], ...Array.from({ length: 4 }, () => ({ shape: found[0].shape.slice(-1) }))];
  // Its gradient gives two things more, empty or not as the processor has it, and looked at by nobody.
  if (op === 'FusedBatchNormGrad' && found.length === 3) found = [...found, { shape: [] }, { shape: [] }];
  if (found.length !== outputs)
    throw new ShapesUnknown(`${kernel.kernelName} gives ${found.length} tensors, and its ${op} ${outputs}`);
  return found;
}
