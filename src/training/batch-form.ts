// How a batch lies in memory that threads share: named arrays one behind another.

/** One array of a batch. */
export interface BatchArray {
  /** Its place among a step's inputs: `planes/axial`. */
  path: string;
  type: 'float32' | 'int32';
  shape: number[];
}

export interface BatchForm {
  /** Each with its bytes from the start of the batch. */
  arrays: (BatchArray & { offset: number })[];
  /** Of a whole batch. */
  bytes: number;
}

/** The numbers of a batch by path. */
export type BatchNumbers = Record<string, Float32Array | Int32Array>;

/** Draws batches: the numbers of a batch are a function of its place in the list alone. */
export interface BatchFiller {
  fill(index: number, numbers: BatchNumbers): void;
}

const countOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

/** Arrays one behind another. */
export function formOf(arrays: readonly BatchArray[]): BatchForm {
  let bytes = 0;
  const placed = arrays.map((array) => {
    const offset = bytes;
    bytes += 4 * countOf(array.shape);
    return { ...array, offset };
  });
  return { arrays: placed, bytes };
}

/** A batch's arrays in memory, at a slot. Nothing is copied. */
export function numbersIn({ arrays, bytes }: BatchForm, memory: ArrayBufferLike, slot: number): BatchNumbers {
  return Object.fromEntries(
    arrays.map(({ path, type, shape, offset }) => {
      const make = type === 'float32' ? Float32Array : Int32Array;
      return [path, new make(memory, slot * bytes + offset, countOf(shape))];
    }),
  );
}

/** Something for each array, as a tree: `planes/axial` is under `planes`. */
export function treeOf<T>({ arrays }: BatchForm, leaf: (array: BatchArray) => T): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  for (const array of arrays) {
    const names = array.path.split('/');
    const last = names.pop()!;
    let at = tree;
    for (const name of names) at = (at[name] ??= {}) as Record<string, unknown>;
    at[last] = leaf(array);
  }
  return tree;
}
