// Cases: matrix products in every form, with broadcasting, and sums of products.
import { type Check, normal, opCase, type OpCase, shown, weights } from './case';
import { add, leakyRelu, map, scale } from './reference/elementwise';
import { einsum, matMul } from './reference/product';

/** Rows, inner length, columns: sizes of 1, odd ones, and multiples of 4 and 32 that reach the fast paths. */
const sizes: [number, number, number][] = [
  [1, 1, 1],
  [3, 5, 7],
  [1, 8, 4],
  [16, 8, 12],
  [33, 17, 9],
  [64, 64, 32],
];

const forms = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const;

const product = (
  batchA: number[],
  batchB: number[],
  [m, k, n]: [number, number, number],
  [ta, tb]: readonly [boolean, boolean],
): Check => {
  const a = [...batchA, ...(ta ? [k, m] : [m, k])];
  const b = [...batchB, ...(tb ? [n, k] : [k, n])];
  return {
    setting: `${shown(a)}${ta ? ' turned' : ''} ${shown(b)}${tb ? ' turned' : ''}`,
    inputs: [normal(...a), normal(...b)],
    run: (tf, [x, y]) => tf.matMul(x, y, ta, tb),
    reference: ([x, y]) => matMul(x, y, ta, tb),
    torch: `a${ta ? '.mT' : ''} @ b${tb ? '.mT' : ''}`,
  };
};

const formName = ([ta, tb]: readonly [boolean, boolean]): string => `${ta ? 'aT' : 'a'} ${tb ? 'bT' : 'b'}`;

const equations: [string, number[][]][] = [
  [
    'ij,jk->ik',
    [
      [3, 4],
      [4, 5],
    ],
  ],
  [
    'bhqc,bhkc->bhqk',
    [
      [2, 2, 3, 4],
      [2, 2, 5, 4],
    ],
  ],
  [
    'bhwc,hkc->bhwk',
    [
      [2, 3, 4, 5],
      [3, 6, 5],
    ],
  ],
  [
    'bhwc,wkc->bhwk',
    [
      [2, 3, 4, 5],
      [4, 6, 5],
    ],
  ],
  [
    'bij,bj->bi',
    [
      [2, 3, 4],
      [2, 4],
    ],
  ],
  ['ij->j', [[3, 4]]],
];

export const productCases: OpCase[] = [
  ...forms.map((form) =>
    opCase(
      'product',
      `matMul ${formName(form)}`,
      sizes.map((size) => product([], [], size, form)),
    ),
  ),
  ...forms.map((form) =>
    opCase('product', `matMul ${formName(form)}, batched`, [
      product([3], [3], [4, 5, 6], form),
      product([2], [2], [17, 8, 33], form),
      product([2, 3], [2, 3], [8, 16, 8], form),
      product([2, 1, 3], [2, 1, 3], [2, 3, 5], form),
    ]),
  ),
  opCase('product', 'matMul, batches that broadcast', [
    product([3], [1], [4, 5, 6], [false, false]),
    product([1], [3], [4, 5, 6], [false, true]),
    product([2, 1], [1, 3], [4, 3, 5], [false, false]),
    product([2, 3], [], [4, 5, 6], [false, false]),
    product([], [2], [4, 5, 6], [true, false]),
  ]),
  opCase('product', 'dot, outerProduct', [
    {
      setting: '[7] . [7]',
      inputs: [normal(7), normal(7)],
      run: (tf, [a, b]) => tf.dot(a, b),
      reference: ([a, b]) => einsum('i,i->', a, b),
      torch: 'a @ b',
    },
    {
      setting: '[3, 7] . [7]',
      inputs: [normal(3, 7), normal(7)],
      run: (tf, [a, b]) => tf.dot(a, b),
      reference: ([a, b]) => einsum('ij,j->i', a, b),
      torch: 'a @ b',
    },
    {
      setting: '[4] x [5]',
      inputs: [normal(4), normal(5)],
      run: (tf, [a, b]) => tf.outerProduct(a as never, b as never),
      reference: ([a, b]) => einsum('i,j->ij', a, b),
      torch: 'a.outer(b)',
    },
  ]),
  opCase(
    'product',
    'einsum',
    equations.map(([equation, shapes]): Check => ({
      setting: equation,
      inputs: shapes.map((s) => normal(...s)),
      run: (tf, all) => tf.einsum(equation, ...all),
      reference: (all) => einsum(equation, ...all),
      torch: `torch.einsum('${equation}', *inputs)`,
    })),
  ),
  opCase(
    'product',
    'linear (fused matMul with bias and activation)',
    (
      [
        ['linear', (x) => x, 'F.linear(a, b.T, c)'],
        ['relu', (x) => Math.max(0, x), 'F.linear(a, b.T, c).relu()'],
        ['leakyrelu', leakyRelu(0.2), 'F.leaky_relu(F.linear(a, b.T, c), 0.2)'],
      ] as ['linear', (x: number) => number, string][]
    ).map(([activation, f, torch]): Check => ({
      setting: `[5, 8] [8, 6] + [6], ${activation}`,
      inputs: [normal(5, 8), normal(8, 6), normal(6)],
      run: (tf, [a, b, bias]) => tf.fused.matMul({ a, b, bias, activation, leakyreluAlpha: 0.2 }),
      reference: ([a, b, bias]) => map(add(matMul(a, b), bias), f),
      torch,
    })),
  ),
  opCase(
    'product',
    'linear with low-rank adapter (LoRA)',
    [1, 4].map((rank): Check => ({
      setting: `[2, 9, 16] rank ${rank}`,
      inputs: [
        normal(2, 9, 16),
        weights(0.25, 16, 12),
        normal(12),
        weights(0.25, 16, rank),
        weights(0.1, rank, 12),
      ],
      run: (tf, [x, w, bias, down, up]) => {
        const rows = tf.reshape(x, [18, 16]);
        const whole = tf.add(tf.matMul(rows, w), bias);
        return tf.reshape(tf.add(whole, tf.mul(tf.matMul(tf.matMul(rows, down), up), 0.5)), [2, 9, 12]);
      },
      reference: ([x, w, bias, down, up]) =>
        add(add(matMul(x, w), bias), scale(matMul(matMul(x, down), up), 0.5)),
      torch: 'a @ b + c + 0.5 * (a @ d @ e)',
    })),
  ),
];
