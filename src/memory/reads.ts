// What the gradients of TensorFlow.js's kernels read of the tensors that are saved for them. Most save all their inputs, many to
// know a shape alone: `add` keeps two activations for it, and a frozen linear layer keeps its input for the gradient of
// weights that nobody asks for.

/** For each input, which saved tensors its gradient reads; of all others it takes shapes at most. */
export type Reads = Readonly<Record<string, readonly number[]>>;

const nothing: Reads = {};
/** Of products: the gradient by one factor reads the other. */
const other: Reads = { a: [1], b: [0] };

/**
 * By kernel (TensorFlow.js 4.22, and the gradients of backends/gradients.ts); saved tensors by their number in the order in which
 * they are saved. An input that is not named reads nothing. A kernel that is not here keeps all that it saves.
 */
export const reads: Readonly<Record<string, Reads>> = {
  Add: nothing,
  AddN: nothing,
  BatchMatMul: other,
  Concat: nothing,
  ExpandDims: nothing,
  Mean: nothing,
  Multiply: other,
  PadV2: nothing,
  RealDiv: { a: [1], b: [0, 1] },
  Reshape: nothing,
  Slice: nothing,
  Sub: nothing,
  Sum: nothing,
  Tile: nothing,
  Conv2D: { x: [1], filter: [0] },
  Conv3D: { x: [1], filter: [0] },
};
