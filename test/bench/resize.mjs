// Time of resizing one plane to a square, against PIL and torch in turn on the same machine:
//
//   COC_PYTHON=.../python node test/bench/resize.mjs [rounds] [width height size]
//
// Bicubic, float32, 240 x 155 to 1024 x 1024 unless told otherwise. Ours and torch-into write into a buffer made before;
// PIL and torch's interpolate make their own. Prints medians and the ratio ours / theirs: no limit, the aim is parity
// with torch. Runs against dist/.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { cpus, loadavg } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { row } from './limits.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const { axisMatrix, median, resize } = createRequire(import.meta.url)('../../dist/index.js');
const [rounds = 41, width = 240, height = 155, size = 1024] = process.argv.slice(2).map(Number);

const peer = spawn(
  process.env.COC_PYTHON ?? 'python3',
  [path.join(here, 'resize_time.py'), ...[width, height, size].map(String)],
  { stdio: ['pipe', 'pipe', 'inherit'] },
);
const answers = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
const versions = (await answers.next()).value;
if (!versions) {
  console.log('not compared: this Python has no torch or no pillow (name another in COC_PYTHON)');
  process.exit();
}
const ask = async (kind) => {
  peer.stdin.write(`${kind}\n`);
  return Number((await answers.next()).value);
};

// PIL's kernel and torch's have the same number of taps here: one time of ours stands beside all of theirs.
const way = { kernel: 'bicubic', convention: 'torch', antialias: false };
const [columns, rows] = [axisMatrix(width, size, way), axisMatrix(height, size, way)];
const picture = Float32Array.from({ length: width * height }, (_, i) => Math.sin(i));
const into = new Float32Array(size * size);
const ours = () => {
  const begin = performance.now();
  resize(picture, columns, rows, into);
  return performance.now() - begin;
};

const kinds = [
  'pil',
  'pil-point',
  'torch',
  'torch-into',
  'torch-all',
  'torch-antialias',
  'torch-antialias-all',
];
const times = Object.fromEntries(['ours', ...kinds].map((kind) => [kind, []]));
// Warm up: the compiler here needs tens of calls, the others a few.
for (let i = 0; i < 60; i++) ours();
for (let round = -5; round < rounds; round++) {
  for (const kind of ['ours', ...kinds]) {
    const ms = kind === 'ours' ? ours() : await ask(kind);
    if (round >= 0) times[kind].push(ms);
  }
}
peer.stdin.end();

const names = {
  ours: 'resize, into a buffer',
  pil: 'PIL Image.resize (antialias)',
  'pil-point': 'PIL Image.transform',
  torch: 'torch interpolate, 1 thread',
  'torch-into': 'the same, into a buffer',
  'torch-all': 'torch interpolate, all threads',
  'torch-antialias': 'torch antialias, 1 thread',
  'torch-antialias-all': 'torch antialias, all threads',
};
const mine = median(times.ours);
console.log(`bicubic ${width} x ${height} to ${size} x ${size}, Node ${process.version}, ${versions}`);
console.log(`medians of ${rounds} rounds, load ${loadavg()[0].toFixed(1)} on ${cpus().length} cores:`);
for (const [kind, list] of Object.entries(times)) {
  const ms = median(list);
  const ratio = kind === 'ours' ? '' : `  ratio ours / this ${(mine / ms).toFixed(2)}`;
  console.log(`  ${names[kind].padEnd(32)} ${ms.toFixed(2).padStart(7)} ms${ratio}`);
}
// Of those that take as many threads as we do.
const [fastest] = ['pil', 'torch-into', 'torch'].sort((a, b) => median(times[a]) - median(times[b]));
row({
  name: `bicubic ${width} x ${height} to ${size} x ${size}`,
  oursMs: mine,
  peer: names[fastest],
  peerMs: median(times[fastest]),
});
