// Single operations as steps: operands live with the step, a scalar comes out, and what is trained makes the backward pass run.
import { sgd } from '../../../src/backends/optimisers';
import { tf } from '../../../src/backends/tf';
import { gelu } from '../../../src/nn/activations';
import { multiHeadAttention } from '../../../src/nn/attention';
import { linear, linearSpec } from '../../../src/nn/linear';
import { layerNorm, normSpec } from '../../../src/nn/norm';
import { constant, normal, Parameter, uniform } from '../../../src/nn/parameters';
import type { Plan } from './workload';
import { plan } from './workload';

/**
 * A product alone, [n, n] by [n, n] or a batch of such: its mean times a scalar, which is trained, so that no gradient of
 * an operand is needed.
 * @param transposed  the second operand is given as its transpose
 */
export function product(shape: readonly number[], transposed = false): Plan {
  const [n, k] = shape.slice(-2);
  const batch = shape.length === 3 ? shape[0] : 1;
  const second = transposed ? shape : [...shape.slice(0, -2), k, n];
  const said = n === k ? `${batch > 1 ? `${batch} of ` : ''}${n}` : `[${shape.join(', ')}]`;
  return plan({
    name: `product ${said}${transposed ? ', second transposed' : ''}`,
    kind: 'product',
    size: { transposed },
    frozen: { a: new Parameter(shape, uniform(0, 1)), b: new Parameter(second, uniform(0, 1)) },
    trained: { scale: new Parameter([], constant(1)) },
    inputs: {},
    optimiser: sgd({ learningRate: 1e-6 }),
    flop: 2 * batch * n * n * k,
    loss: ({ trained, frozen }) =>
      tf.mul(trained.scale, tf.mean(tf.matMul(frozen.a, frozen.b, false, transposed))),
  });
}

/** A convolution of 3 along each axis with both gradients. @param space  [height, width] or [depth, height, width] */
export function convolution(space: readonly number[], from: number, to: number, stride = 1): Plan {
  const axes = space.length;
  const kernel = space.map(() => 3);
  const outputs = space.reduce((product, length) => product * Math.ceil(length / stride), 1);
  const x = new Parameter([1, ...space, from], normal(1));
  const filter = new Parameter([...kernel, from, to], normal((3 ** axes * from) ** -0.5));
  return plan({
    name: `conv${axes}d ${space.join('x')}, ${from} to ${to}${stride > 1 ? `, stride ${stride}` : ''}`,
    kind: 'convolution',
    size: { stride },
    frozen: {},
    trained: { x, filter },
    inputs: {},
    optimiser: sgd({ learningRate: 0.01 }),
    flop: 3 * 2 * outputs * 3 ** axes * from * to,
    loss: ({ trained }) => {
      const y =
        axes === 2
          ? tf.conv2d(trained.x as tf.Tensor4D, trained.filter as tf.Tensor4D, stride, 'same')
          : tf.conv3d(trained.x as tf.Tensor5D, trained.filter as tf.Tensor5D, stride, 'same');
      return tf.mean(tf.square(y));
    },
  });
}

/** The attention half of a transformer's block, all of it trained. */
export function attentionBlock(tokens: number, width: number, heads: number): Plan {
  return plan({
    name: `attention block, ${tokens} tokens of ${width}, ${heads} heads`,
    kind: 'attentionBlock',
    size: { heads },
    frozen: {},
    trained: {
      x: new Parameter([tokens, width], normal(1)),
      norm: normSpec(width),
      qkv: linearSpec(width, 3 * width),
      projection: linearSpec(width, width),
    },
    inputs: {},
    optimiser: sgd({ learningRate: 0.1 }),
    // Forward four linear layers' worth and two products of the map; backward twice that.
    flop: 3 * (2 * 4 * tokens * width * width + 4 * tokens * tokens * width),
    loss: ({ trained: { x, norm, qkv, projection } }) => {
      const [q, k, v] = tf.split(linear(layerNorm(x, norm), qkv), 3, 1);
      return tf.mean(tf.square(tf.add(x, linear(multiHeadAttention(q, k, v, heads), projection))));
    },
  });
}

/** Layer norm, with gradients by rows, gain and bias. */
export function layerNormAlone(tokens: number, width: number): Plan {
  const rows = new Parameter([tokens, width], normal(1));
  return plan({
    name: `layer norm, ${tokens} tokens of ${width}`,
    kind: 'layerNorm',
    size: {},
    frozen: { target: rows },
    trained: { x: rows, norm: normSpec(width) },
    inputs: {},
    optimiser: sgd({ learningRate: width / 4 }),
    flop: 0,
    loss: ({ trained: { x, norm }, frozen }) => tf.mean(tf.square(tf.sub(layerNorm(x, norm), frozen.target))),
  });
}

/** GELU, with its gradient. */
export function geluAlone(tokens: number, width: number): Plan {
  return plan({
    name: `GELU, ${tokens} tokens of ${width}`,
    kind: 'gelu',
    size: {},
    frozen: {},
    trained: { x: new Parameter([tokens, width], normal(1)) },
    inputs: {},
    optimiser: sgd({ learningRate: 0.1 * tokens * width }),
    flop: 0,
    loss: ({ trained: { x } }) => tf.mean(tf.square(gelu(x))),
  });
}
