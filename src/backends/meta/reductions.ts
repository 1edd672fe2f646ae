// Shape rules of reductions along axes.
import { tf } from '../tf';
import { type Info, type Rule, type Rules, axesOf, each } from './rule';

interface Reduction {
  axis?: number | number[];
  /** What Max calls its axes. */
  reductionIndices?: number | number[];
  keepDims?: boolean;
}

const reduction =
  (typeOf: (dtype: Info['dtype']) => Info['dtype']): Rule<Reduction> =>
  ({ x }, { axis, reductionIndices, keepDims }) => {
    const axes = axesOf(axis ?? reductionIndices, x.shape);
    const shape = keepDims
      ? x.shape.map((size, k) => (axes.includes(k) ? 1 : size))
      : x.shape.filter((_, k) => !axes.includes(k));
    return { shape, dtype: typeOf(x.dtype) };
  };

const counted = (dtype: Info['dtype']): Info['dtype'] => tf.upcastType(dtype, 'int32');

const position: Rule<{ axis: number }> = ({ x }, { axis }) => {
  const [along] = axesOf(axis, x.shape);
  return { shape: x.shape.filter((_, k) => k !== along), dtype: 'int32' };
};

export const reductions: Rules = {
  ...each(
    'Max Min All Any',
    reduction((dtype) => dtype),
  ),
  ...each('Sum Prod', reduction(counted)),
  Mean: reduction(() => 'float32'),
  ArgMax: position,
  ArgMin: position,
  ...each('Cumsum Cumprod', ({ x }) => ({ shape: x.shape, dtype: counted(x.dtype) })),
};
