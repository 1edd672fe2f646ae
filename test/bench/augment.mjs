// Time of each augmentation on a crop of 128^3 with its mask, beside batchgeneratorsv2 on the same data in the same run:
//
//   COC_PYTHON=.../python node test/bench/augment.mjs [rounds]
//
// Rotation and scaling take a patch of 205^3 to 128^3, as nnU-Net does. The peer runs on one thread, as one of nnU-Net's
// loader processes does, and on all; this library on one. Prints medians and the medians of the rounds' ratios; there is no
// limit to meet. Runs against dist/.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const { augment, median, patchOf, syntheticHead } = createRequire(import.meta.url)('../../dist/index.js');
const rounds = Number(process.argv[2] ?? 7);
const threads = os.availableParallelism();

const peer = spawn(process.env.COC_PYTHON ?? 'python3', [path.join(here, 'augment_time.py')], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const answers = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
const versions = (await answers.next()).value;
const ask = async (request) => {
  peer.stdin.write(JSON.stringify(request) + '\n');
  return Number((await answers.next()).value);
};

const folder = mkdtempSync(path.join(os.tmpdir(), 'coc-augment-'));
const patches = {};
for (const n of [128, 205]) {
  const spacing = [200 / n, 200 / n, 200 / n];
  const { image, labels } = syntheticHead({ seed: 1, dims: [n, n, n], spacing });
  const patch = patchOf([image], labels);
  const mean = patch.channels[0].reduce((a, b) => a + b, 0) / n ** 3;
  patch.channels[0].forEach((x, i) => (patch.channels[0][i] = (x - mean) / 250));
  patches[n] = patch;
  const file = path.join(folder, `${n}`);
  writeFileSync(file, Buffer.concat([Buffer.from(patch.channels[0].buffer), patch.mask]));
  await ask({ load: file, dims: patch.dims, name: `${n}` });
}
rmSync(folder, { recursive: true });

const spatial = (angles, scale) => ({
  op: 'spatial',
  angles,
  scales: [scale, scale, scale],
  size: [128, 128, 128],
});
const gamma = (invert) => ({ op: 'gamma', exponents: [1.3], invert, keepStatistics: true });
const cases = [
  ['rotation and scaling', 205, spatial([20, -15, 10], 1.1)],
  ['scaling alone', 205, spatial([0, 0, 0], 1.1)],
  ['centre crop', 205, spatial([0, 0, 0], 1)],
  ['mirror, 3 axes', 128, { op: 'mirror', axes: [0, 1, 2] }],
  ['Gaussian noise', 128, { op: 'noise', kind: 'gaussian', sigma: 0.05, seed: 1 }],
  ['blur', 128, { op: 'blur', sigmas: [[0.6, 0.8, 1]] }],
  ['brightness', 128, { op: 'brightness', factors: [1.1] }],
  ['contrast', 128, { op: 'contrast', factors: [1.2] }],
  ['low resolution', 128, { op: 'low-resolution', scales: [[0.7, 0.7, 0.7]] }],
  ['gamma', 128, gamma(false)],
  ['gamma, inverted', 128, gamma(true)],
];
console.log(`${os.cpus()[0].model}, Node ${process.version}, ${versions}, ${rounds} rounds, medians in ms`);
console.log(
  `${'128^3, image and mask'.padEnd(24)}here   peer x1   peer x${threads}   here / peer x1   here / peer x${threads}`,
);
for (const [name, n, step] of cases) {
  const times = { ours: [], one: [], all: [] };
  // Two rounds warm both sides up and are not counted.
  for (let round = -2; round < rounds; round++) {
    const begin = performance.now();
    augment(patches[n], [step]);
    const ours = performance.now() - begin;
    const one = await ask({ name: `${n}`, step, threads: 1 });
    const all = await ask({ name: `${n}`, step, threads });
    if (round < 0) continue;
    times.ours.push(ours);
    times.one.push(one);
    times.all.push(all);
  }
  const ratio = (other) => median(times.ours.map((t, i) => t / other[i])).toFixed(2);
  const column = (values, width) => median(values).toFixed(1).padStart(width);
  console.log(
    `${name.padEnd(22)}${column(times.ours, 6)}${column(times.one, 10)}${column(times.all, 10)}${ratio(times.one).padStart(17)}${ratio(times.all).padStart(17)}`,
  );
}
peer.stdin.end();
