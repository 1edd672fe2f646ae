// Shapes of what a kernel gives, without computing it: for dry runs and for recording steps.
import { InputError } from '../../base/errors';
import { elementwise } from './elementwise';
import { fused } from './fused';
import { indexing } from './indexing';
import { moving } from './moving';
import { products } from './products';
import { reductions } from './reductions';
import { givenOf, type Info, type Infos, type Rules } from './rule';
import { windows } from './windows';

const rules: Rules = {
  ...elementwise,
  ...reductions,
  ...moving,
  ...products,
  ...windows,
  ...indexing,
  ...fused,
};

/** Kernels with a rule. */
export const shapedKernels: readonly string[] = Object.keys(rules).sort();

/** Kernels whose result has a shape that the numbers decide, and the operation that calls them. */
export const decidedByValues: Readonly<Record<string, string>> = {
  Where: 'tf.whereAsync, tf.booleanMaskAsync',
  Unique: 'tf.unique',
  NonMaxSuppressionV3: 'tf.image.nonMaxSuppression',
  NonMaxSuppressionV4: 'tf.image.nonMaxSuppressionPadded',
  NonMaxSuppressionV5: 'tf.image.nonMaxSuppressionWithScore',
  SparseFillEmptyRows: 'tf.sparse.sparseFillEmptyRows',
  SparseReshape: 'tf.sparse.sparseReshape',
  SparseSegmentMean: 'tf.sparse.sparseSegmentMean',
  SparseSegmentSum: 'tf.sparse.sparseSegmentSum',
  RaggedGather: 'a ragged gather',
  RaggedRange: 'a ragged range',
  RaggedTensorToTensor: 'a ragged tensor',
  StringSplit: 'tf.string.stringSplit',
  StringNGrams: 'tf.string.stringNGrams',
};

/** What a kernel is called with; optional inputs that were not given are absent or undefined. */
export interface ShapeCall {
  /** By TensorFlow.js's names; a list for kernels of a list (`Concat`). */
  inputs: Readonly<Record<string, Info | null | undefined>> | readonly Info[];
  attrs?: object;
}

/**
 * The shapes and types that a kernel of TensorFlow.js gives. A pure function: no backend runs, no number is looked at.
 * @param kernelName  TensorFlow.js's name: `BatchMatMul`
 * @throws InputError when the numbers decide the shape, or when there is no rule; Error as the operation itself when shapes do not fit
 */
export function outputsOf(kernelName: string, call: ShapeCall): Info[] {
  return [resultOf(kernelName, call)].flat();
}

/** The same; a list where the kernel gives a list, of one as well. */
export function resultOf(kernelName: string, { inputs, attrs = {} }: ShapeCall): Info | Info[] {
  if (!Object.hasOwn(rules, kernelName)) throw unknown(kernelName);
  const result = rules[kernelName](givenOf(inputs as Infos), attrs as never);
  const plain = ({ shape, dtype }: Info): Info => ({ shape: [...shape], dtype });
  return Array.isArray(result) ? result.map(plain) : plain(result);
}

function unknown(kernelName: string): InputError {
  const by = decidedByValues[kernelName];
  return new InputError({
    what: `no shape without numbers for ${kernelName}`,
    given: by === undefined ? `a kernel without a rule` : `${by}, where the numbers decide the shape`,
    expected: 'a kernel whose result has a shape that follows from the shapes of its inputs',
    fix:
      by === undefined
        ? 'write its rule in src/backends/meta and a case for it in src/backends/proof, or run it on a backend that computes'
        : 'compute it before the step and give the step its result, or weigh with a mask of a fixed shape',
  });
}
