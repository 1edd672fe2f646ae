// Cases: steps of optimisers, clipping of gradients. The loss is sum(p^2 * c) / 2, whose gradient p * c is known.
import { type Check, constant, normal, opCase, type OpCase, type Tensor, type Tf, uniform } from './case';
import { mul } from './reference/elementwise';
import { adam, type Adam, clipByGlobalNorm, momentum } from './reference/optimiser';

const settings: Adam = { rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, decay: 0 };
const inputs = [constant(normal(4, 5)), constant(uniform(0.5, 2, 4, 5))];

/** Three steps of TensorFlow.js's own optimiser. */
function train(
  tf: Tf,
  optimiser: ReturnType<Tf['train']['sgd'] | Tf['train']['adam']>,
  [p, c]: Tensor[],
): Tensor {
  const variable = tf.variable(p);
  for (let step = 0; step < 3; step++)
    optimiser.minimize(() => tf.div(tf.sum(tf.mul(tf.square(variable), c)), 2), false, [variable]);
  const end = tf.clone(variable);
  variable.dispose();
  optimiser.dispose();
  return end;
}

/** Momentum with plain tensors: TensorFlow.js's own optimiser never frees one. */
function withMomentum(tf: Tf, [start, c]: Tensor[], rate: number, share: number): Tensor {
  let [p, v] = [start, tf.zerosLike(start)];
  for (let t = 0; t < 3; t++) {
    v = tf.add(tf.mul(v, share), tf.mul(p, c));
    p = tf.sub(p, tf.mul(v, rate));
  }
  return p;
}

/** AdamW as issue 10 trains: moments and parameters as plain tensors. */
function adamW(tf: Tf, [start, c]: Tensor[], s: Adam, steps: number): Tensor {
  let [p, m, v] = [start, tf.zerosLike(start), tf.zerosLike(start)];
  for (let t = 1; t <= steps; t++) {
    const g = tf.mul(p, c);
    m = tf.add(tf.mul(m, s.beta1), tf.mul(g, 1 - s.beta1));
    v = tf.add(tf.mul(v, s.beta2), tf.mul(tf.square(g), 1 - s.beta2));
    const step = tf.div(tf.div(m, 1 - s.beta1 ** t), tf.add(tf.sqrt(tf.div(v, 1 - s.beta2 ** t)), s.epsilon));
    p = tf.sub(tf.mul(p, 1 - s.rate * s.decay), tf.mul(step, s.rate));
  }
  return p;
}

const steps = (
  setting: string,
  run: (tf: Tf, inputs: Tensor[]) => Tensor,
  reference: Check['reference'],
  torch?: string,
): Check => ({ setting, inputs, run, reference, torch });

export const optimiserCases: OpCase[] = [
  opCase('optimiser', 'SGD, momentum', [
    steps(
      '3 steps of SGD',
      (tf, x) => train(tf, tf.train.sgd(0.1), x),
      ([p, c]) => momentum(p, (q) => mul(q, c), 3, 0.1, 0),
      'train(torch.optim.SGD, a, b, lr=0.1)',
    ),
    steps(
      '3 steps with momentum 0.9',
      (tf, x) => withMomentum(tf, x, 0.1, 0.9),
      ([p, c]) => momentum(p, (q) => mul(q, c), 3, 0.1, 0.9),
      'train(torch.optim.SGD, a, b, lr=0.1, momentum=0.9)',
    ),
  ]),
  opCase('optimiser', 'Adam', [
    steps(
      '3 steps',
      (tf, x) => train(tf, tf.train.adam(settings.rate, settings.beta1, settings.beta2, settings.epsilon), x),
      ([p, c]) => adam(p, (q) => mul(q, c), 3, settings),
      'train(torch.optim.Adam, a, b, lr=0.01, eps=1e-7)',
    ),
  ]),
  opCase('optimiser', 'AdamW', [
    steps(
      '4 steps, decay 0.1',
      (tf, x) => adamW(tf, x, { ...settings, decay: 0.1 }, 4),
      ([p, c]) => adam(p, (q) => mul(q, c), 4, { ...settings, decay: 0.1 }),
      'train(torch.optim.AdamW, a, b, 4, lr=0.01, eps=1e-7, weight_decay=0.1)',
    ),
  ]),
  opCase(
    'optimiser',
    'clipping by the global norm',
    [0.5, 100].map((limit): Check => ({
      setting: `two gradients, limit ${limit}`,
      inputs: [constant(normal(3, 4)), constant(normal(5))],
      run: (tf, gradients) => {
        const norm = tf.sqrt(tf.addN(gradients.map((g) => tf.sum(tf.square(g)))));
        const factor = tf.minimum(1, tf.div(limit, norm));
        return gradients.map((g) => tf.mul(g, factor));
      },
      reference: (gradients) => clipByGlobalNorm(gradients, limit),
    })),
  ),
];
