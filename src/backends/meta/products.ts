// Shape rules of products of tensors.
import { tf } from '../tf';
import { type Rule, type Rules, broadcast, listOf } from './rule';

interface Transposed {
  transposeA: boolean;
  transposeB: boolean;
}

/** a [..., m, k] times b [..., k, n], either one transposed; batch axes are broadcast. */
const product: Rule<Transposed> = ({ a, b }, { transposeA, transposeB }) => {
  const [m, inner] = turned(a.shape, transposeA);
  const [innerToo, n] = turned(b.shape, transposeB);
  tf.util.assert(
    inner === innerToo,
    () => `product: the inner sizes of [${a.shape.join(', ')}] and [${b.shape.join(', ')}] differ`,
  );
  const shape = [...broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2)), m, n];
  return { shape, dtype: tf.upcastType(a.dtype, b.dtype) };
};

/** The last two sizes of a factor, after it is transposed. */
export const turned = (shape: readonly number[], transposed: boolean): [number, number] =>
  transposed ? [shape.at(-1)!, shape.at(-2)!] : [shape.at(-2)!, shape.at(-1)!];

/** Sizes of an einsum's letters, and the letters of its result. */
export function einsumSizes(
  equation: string,
  shapes: readonly (readonly number[])[],
): { sizes: Record<string, number>; result: string } {
  const [left, result] = equation.replaceAll(' ', '').split('->');
  const sizes: Record<string, number> = {};
  left
    .split(',')
    .forEach((letters, k) => [...letters].forEach((letter, axis) => (sizes[letter] = shapes[k][axis])));
  return { sizes, result };
}

const einsum: Rule<{ equation: string }> = (inputs, { equation }) => {
  const operands = listOf(inputs);
  const { sizes, result } = einsumSizes(
    equation,
    operands.map(({ shape }) => shape),
  );
  return { shape: [...result].map((letter) => sizes[letter]), dtype: operands[0].dtype };
};

export const products: Rules = { BatchMatMul: product, _FusedMatMul: product, Einsum: einsum };
