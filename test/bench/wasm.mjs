// The wasm backend against TensorFlow.js's own, native TensorFlow and torch (one thread each), in turn in one run:
//
//   COC_PYTHON=.../python node test/bench/wasm.mjs [rounds]
//
// Times are the least of the rounds, in ms, each engine in a process of its own; an engine that is not here is left out.
// The two steps are a training step with Adam: a ViT (64 px, patches of 8, 192 channels, 6 blocks, frozen with LoRA of rank 4 on q and v)
// and a 3-D U-Net (32^3, 3 levels from 8 channels, instance norm, up-convolutions of kernel = stride).
//
// AMD EPYC, 2 cores, Node 20.20; 2026-11. Products, GFLOP/s of one thread on a fairly quiet machine, TensorFlow.js's own and ours: 512^3
// plain 22 and 41; batches of 16 x 1024 x 64, second turned 0.6 and 38; 12 of 64^3 1.8 and 36. The rest in ms of processor time while
// others worked on the machine (only the ratios say something), its own, ours, native TensorFlow: conv3d with gradients 718, 102, 71;
// ViT step 320, 120, 130; U-Net step 3303, 270, 120 (its own computes wrong gradients).
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const here = fileURLToPath(import.meta.url);
const [first = '7', rounds = '7'] = process.argv.slice(2);
const engines = ['stock', 'wasm', 'tensorflow'];

if (engines.includes(first)) await measure(first, Number(rounds));
else compare(first);

function compare(n) {
  const env = {
    ...process.env,
    TF_NUM_INTRAOP_THREADS: '1',
    TF_CPP_MIN_LOG_LEVEL: '3',
    OMP_NUM_THREADS: '1',
  };
  const runs = engines.map((engine) => [engine, process.execPath, [here, engine, n]]);
  const python = process.env.COC_PYTHON ?? 'python3';
  runs.push(['torch', python, [fileURLToPath(new URL('wasm_time.py', import.meta.url)), n]]);
  const results = runs.map(([engine, command, args]) => {
    const { stdout, status } = spawnSync(command, args, { encoding: 'utf8', env, maxBuffer: 2 ** 26 });
    const times = status === 0 ? JSON.parse(stdout.trim().split('\n').at(-1)) : {};
    if (status !== 0) console.log(`${engine}: not here`);
    return [engine, times];
  });
  const names = Object.keys(results[1][1]);
  console.log(['ms'.padEnd(36), ...results.map(([engine]) => engine.padStart(11))].join(' '));
  for (const name of names) {
    const cells = results.map(([, times]) =>
      (times[name] === undefined ? '-' : times[name].toFixed(2)).padStart(11),
    );
    console.log([name.padEnd(36), ...cells].join(' '));
  }
}

/** Prints one line: the least time of every workload on one engine. */
async function measure(engine, n) {
  let tf;
  if (engine === 'stock') {
    tf = require('@tensorflow/tfjs');
    const wasm = require('@tensorflow/tfjs-backend-wasm');
    wasm.setWasmPaths(
      fileURLToPath(new URL('../../node_modules/@tensorflow/tfjs-backend-wasm/wasm-out/', import.meta.url)),
    );
    await tf.setBackend('wasm');
  } else {
    await require(`../../dist/backends/${engine}.js`).candidate.open();
    ({ tf } = require('../../dist/backends/tf.js'));
  }
  const times = {};
  for (const [name, prepare] of Object.entries(workloads(tf))) {
    const run = prepare();
    let least = Infinity;
    for (let i = 0; i < n; i++) {
      const start = performance.now();
      tf.tidy(() => run().dataSync());
      least = Math.min(least, performance.now() - start);
    }
    times[name] = least;
    if (process.env.COC_BENCH_SAY) console.error(name, least.toFixed(2));
  }
  console.log(JSON.stringify(times));
}

function workloads(tf) {
  const random = (...shape) => {
    const n = shape.reduce((a, b) => a * b, 1);
    return tf.tensor(
      Float32Array.from({ length: n }, (_, i) => ((i * 7919) % 1009) / 1e4 - 0.05),
      shape,
    );
  };
  const product = (a, b, ta, tb) => () => {
    const [x, y] = [random(...a), random(...b)];
    return () => tf.matMul(x, y, ta, tb);
  };
  const square = [512, 512];
  return {
    'product 512 x 512 x 512': product(square, square, false, false),
    'product, second turned': product(square, square, false, true),
    'product, first turned': product(square, square, true, false),
    'product, both turned': product(square, square, true, true),
    'q k^T, 16 heads, 1024 x 64': product([16, 1024, 64], [16, 1024, 64], false, true),
    'a v, 16 heads, 1024 x 64': product([16, 1024, 1024], [16, 1024, 64], false, false),
    'conv3d 32^3, 8 to 16': () => {
      const [x, w] = [random(1, 32, 32, 32, 8), random(3, 3, 3, 8, 16)];
      return () => tf.conv3d(x, w, 1, 'same');
    },
    'conv3d 32^3, 8 to 16, with gradients': () => {
      const [x, w] = [random(1, 32, 32, 32, 8), random(3, 3, 3, 8, 16)];
      const gradients = tf.grads((a, b) => tf.sum(tf.square(tf.conv3d(a, b, 1, 'same'))));
      return () => tf.concat(gradients([x, w]).map((g) => tf.reshape(g, [-1])));
    },
    'ViT step': () => vit(tf),
    '3-D U-Net step': () => unet(tf),
  };
}

function vit(tf) {
  const [side, patch, dim, blocks, heads, rank] = [64, 8, 192, 6, 3, 4];
  const tokens = (side / patch) ** 2;
  const weight = (...shape) => tf.randomNormal(shape, 0, 1 / Math.sqrt(shape[0]), 'float32', 1);
  const trained = [];
  const train = (...shape) => (trained.push(tf.variable(weight(...shape))), trained.at(-1));
  const layers = Array.from({ length: blocks }, () => ({
    qkv: weight(dim, 3 * dim),
    out: weight(dim, dim),
    up: weight(dim, 4 * dim),
    down: weight(4 * dim, dim),
    q: [train(dim, rank), train(rank, dim)],
    v: [train(dim, rank), train(rank, dim)],
  }));
  const [x, target, head] = [weight(tokens, dim), weight(tokens, 64), train(dim, 64)];
  const norm = (h) => {
    const centred = tf.sub(h, tf.mean(h, -1, true));
    return tf.mul(centred, tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-6)));
  };
  const gelu = (h) => tf.mul(tf.mul(h, 0.5), tf.add(tf.erf(tf.mul(h, Math.SQRT1_2)), 1));
  const split = (h) => tf.transpose(tf.reshape(h, [tokens, heads, dim / heads]), [1, 0, 2]);
  const block = (h, l) => {
    const n = norm(h);
    const [q, k, v] = tf.split(tf.matMul(n, l.qkv), 3, 1);
    const add = (base, [a, b]) => tf.add(base, tf.matMul(tf.matMul(n, a), b));
    const scores = tf.matMul(split(add(q, l.q)), split(k), false, true);
    const mixed = tf.matMul(tf.softmax(tf.mul(scores, Math.sqrt(heads / dim))), split(add(v, l.v)));
    const joined = tf.add(h, tf.matMul(tf.reshape(tf.transpose(mixed, [1, 0, 2]), [tokens, dim]), l.out));
    return tf.add(joined, tf.matMul(gelu(tf.matMul(norm(joined), l.up)), l.down));
  };
  const loss = () => tf.mean(tf.square(tf.sub(tf.matMul(layers.reduce(block, x), head), target)));
  const adam = tf.train.adam(1e-3);
  return () => adam.minimize(loss, true, trained);
}

function unet(tf) {
  const [side, base] = [32, 8];
  const trained = [];
  const train = (...shape) => {
    const fan = shape.slice(0, -1).reduce((a, b) => a * b, 1);
    trained.push(tf.variable(tf.randomNormal(shape, 0, Math.sqrt(2 / fan), 'float32', 1)));
    return trained.at(-1);
  };
  const norm = (x) => {
    const flat = tf.reshape(x, [-1, x.shape[4]]);
    const centred = tf.sub(flat, tf.mean(flat, 0, true));
    const scaled = tf.mul(centred, tf.rsqrt(tf.add(tf.mean(tf.square(centred), 0, true), 1e-5)));
    return tf.reshape(tf.leakyRelu(scaled, 0.01), x.shape);
  };
  const pair = (ci, co) => [train(3, 3, 3, ci, co), train(3, 3, 3, co, co)];
  const apply = (x, [a, b], stride = 1) =>
    norm(tf.conv3d(norm(tf.conv3d(x, a, stride, 'same')), b, 1, 'same'));
  const down = [pair(1, base), pair(base, 2 * base), pair(2 * base, 4 * base)];
  const up = [train(4 * base, 16 * base), train(2 * base, 8 * base)];
  const joined = [pair(4 * base, 2 * base), pair(2 * base, base)];
  const head = train(base, 3);
  // Kernel = stride: one product, and every voxel's 8 children are put in their places.
  const grow = (x, w) => {
    const [, d, h, v] = x.shape;
    const co = w.shape[1] / 8;
    let y = tf.reshape(tf.matMul(tf.reshape(x, [-1, x.shape[4]]), w), [d, h * v, 2, 4 * co]);
    y = tf.reshape(tf.transpose(y, [0, 2, 1, 3]), [2 * d * h, v, 2, 2 * co]);
    return tf.reshape(tf.transpose(y, [0, 2, 1, 3]), [1, 2 * d, 2 * h, 2 * v, co]);
  };
  const x = tf.randomNormal([1, side, side, side, 1], 0, 1, 'float32', 2);
  const target = tf.oneHot(
    tf.tensor1d(
      Int32Array.from({ length: side ** 3 }, (_, i) => i % 3),
      'int32',
    ),
    3,
  );
  const labels = tf.cast(target, 'float32');
  const loss = () => {
    const a = apply(x, down[0]);
    const b = apply(a, down[1], 2);
    const c = apply(b, down[2], 2);
    const d = apply(tf.concat([grow(c, up[0]), b], 4), joined[0]);
    const e = apply(tf.concat([grow(d, up[1]), a], 4), joined[1]);
    const scores = tf.matMul(tf.reshape(e, [-1, base]), head);
    return tf.neg(tf.mean(tf.sum(tf.mul(labels, tf.logSoftmax(scores)), -1)));
  };
  const adam = tf.train.adam(1e-3);
  return () => adam.minimize(loss, true, trained);
}
