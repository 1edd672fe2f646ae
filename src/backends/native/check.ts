// Does a binding compute? Asked in a process of its own: a wrong library may end the process that loads it.
import { z } from 'zod';
import { notRight } from './messages';
import type { Form } from './recipe';
import { lastWords, runProgram } from './run-program';

/**
 * A product of two matrices, and the gradient of the sum of its squares: for y = ab it is 2 y b'. Whole numbers, so that
 * every precision gives them exactly.
 */
const known = {
  product: [19, 22, 43, 50],
  gradient: [454, 618, 1030, 1402],
};

const script = `
const util = require('node:util');
// Gone from Node 23 on; the package still calls it.
util.isNullOrUndefined = (value) => value == null;
util.isArray = Array.isArray;
const { createRequire, Module } = require('node:module');
const [dir, binding] = process.argv.slice(1);
const from = createRequire(dir + '/package.json');
// The package asks this module where its binding lies.
const asked = new Module(from.resolve('@mapbox/node-pre-gyp'));
from.cache[asked.id] = Object.assign(asked, { loaded: true, exports: { find: () => binding } });
const tf = from(dir);
const a = tf.tensor2d([[1, 2], [3, 4]]);
const b = tf.tensor2d([[5, 6], [7, 8]]);
const product = Array.from(tf.matMul(a, b).dataSync());
const gradient = Array.from(tf.grad((x) => tf.sum(tf.square(tf.matMul(x, b))))(a).dataSync());
const backend = tf.backend();
const usesCard = backend.isUsingGpuDevice === true;
console.log('\\n' + JSON.stringify({ product, gradient, usesCard, tensorflow: backend.binding.TF_Version }));
`;

const Answer = z.object({
  product: z.array(z.number()),
  gradient: z.array(z.number()),
  usesCard: z.boolean(),
  tensorflow: z.string(),
});

/** What a binding that computes rightly says of itself. */
export interface Checked {
  tensorflow: string;
  usesCard: boolean;
}

/** Load a binding and compare a product and a gradient. @throws InputError when they are wrong or it does not start; Interrupted */
export async function checkBinding(
  form: Form,
  packageDir: string,
  binding: string,
  signal?: AbortSignal,
): Promise<Checked> {
  const { code, stdout, stderr } = await runProgram(
    [process.execPath, '--no-warnings', '-e', script, packageDir, binding],
    {
      signal,
      timeout: 180_000,
      env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2', TF_FORCE_GPU_ALLOW_GROWTH: 'true', NODE_OPTIONS: '' },
    },
  );
  const line = stdout.trim().split('\n').pop() ?? '';
  if (code !== 0) {
    const error = stderr
      .split('\n')
      .find((l) => /^\w*Error\b|cannot open shared object|GLIBC/.test(l.trim()));
    throw notRight(form, `it ends with ${code ?? 'a signal'}: ${(error ?? lastWords(stderr)).trim()}`);
  }
  const answer = Answer.safeParse(parsed(line));
  if (!answer.success) throw notRight(form, `an answer that cannot be read: ${line.slice(0, 200)}`);
  const { product, gradient, tensorflow, usesCard } = answer.data;
  if (product.join() !== known.product.join())
    throw notRight(form, `the product ${product.join(' ')} in place of ${known.product.join(' ')}`);
  if (gradient.join() !== known.gradient.join())
    throw notRight(form, `the gradient ${gradient.join(' ')} in place of ${known.gradient.join(' ')}`);
  return { tensorflow, usesCard };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}
