// Three planes at random voxels against numpy, in turn in one run, for each layout:
//
//   COC_PYTHON=.../python node test/bench/sampler.mjs [rounds] [voxels a round]
//
// Both gather the same planes of the same samples into buffers made beforehand; times are taken inside each process. The
// volume is BraTS FLAIR (240x240x155, float32) where COC_DATA_MIRROR has it, else a synthetic head, and the first line says
// which. For bricks numpy takes the faster of two ways: strided copies through 4-D views, or `take` with stored offsets.
//
// What bounds the times (AMD EPYC Zen 4, 2 shared cores, Node 20.20, numpy 2.4, medians; 2026-11):
// - Bytes: three planes are 528,000 B. They lie in 43,125 cache lines in file order (37,200 of them the sagittal plane's), 26,850 in
//   bricks of 8, 8,250 in copies. Reading one word of every line of a sagittal plane and doing nothing else takes 9 tenths of the time of
//   gathering it: file order is bound by lines on their way from memory, not by instructions, and neither side can be much faster.
// - Pages: numpy asks Linux for huge pages (madvise), which Node cannot; run.mjs has glibc ask for them
//   (GLIBC_TUNABLES=glibc.malloc.hugetlb=1). Without, ours takes 5 to 25 % longer: copies 35 to 44 us instead of 29 to 33.
// - Coronal, file order: a `set` a run 40 us, doubles in a loop 45, lines touched ahead and then `set` a run 30 (kept); numpy, whose copy
//   of a run is a few wide instructions, 22. Sagittal: a plain loop 480, unrolled by 2 280, by 8 206 (kept), 4 rows side by side 245;
//   numpy 190 to 250.
// - Bricks: tile by tile 650; row by row across the bricks 330 to 380 (kept; with small pages touching a word of each brick first helped,
//   with huge ones it costs a tenth); edges of 4 and 16 are slower or touch as many lines as file order.
import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { finish, judge, row } from './limits.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const coc = createRequire(import.meta.url)('../../dist/index.js');
const {
  bootstrap,
  bratsFlair,
  drawVoxels,
  extraBytes,
  gatherPlane,
  layoutOf,
  median,
  openHead,
  planeNames,
  Random,
} = coc;
const [rounds, voxelsPerRound] = [process.argv[2] ?? 40, process.argv[3] ?? 25].map(Number);
const brick = 8;

const head = await openHead(bratsFlair);
const { volume } = head;
console.log(head.synthetic ? head.notes[0] : `BraTS FLAIR, ${volume.source.format}`);
console.log(
  `${volume.dims.join(' x ')} voxels of ${volume.data.constructor.name}, axes ${volume.axisCodes}; ${cpus()[0].model.trim()}, load ${loadavg()[0].toFixed(1)} on ${cpus().length} cores`,
);

const layouts = ['file', 'copies', 'bricks'].map((name) => layoutOf(volume, name, { brick }));
const { grids } = layouts[0];
const buffers = planeNames.map(
  (p) => new volume.data.constructor(grids[p].columns.count * grids[p].rows.count),
);
const peer = await startPeer();

function ours(layout, voxels) {
  return voxels.map((voxel) => {
    const begin = process.hrtime.bigint();
    for (let k = 0; k < 3; k++)
      gatherPlane(layout, planeNames[k], voxel[grids[planeNames[k]].normal], buffers[k]);
    return Number(process.hrtime.bigint() - begin);
  });
}

// The same samples, bit by bit, before anything is timed.
const ways = { file: ['file'], copies: ['copies'], bricks: ['bricks', 'take'] };
for (const layout of layouts) {
  for (const way of ways[layout.name]) {
    const voxel = volume.dims.map((d) => Math.floor(d / 3));
    ours(layout, [voxel]);
    const hash = createHash('sha256');
    for (const buffer of buffers) hash.update(new Uint8Array(buffer.buffer));
    if (hash.digest('hex') !== (await peer.ask({ way, check: voxel })))
      throw new Error(`numpy's planes (${way}) differ from those of the layout ${layout.name}`);
  }
}

// Larger than any cache, as a copy from memory to memory is.
const copyBytes = 256 * 2 ** 20;
const [copyFrom, copyTo] = [new Float64Array(copyBytes / 8).fill(1), new Float64Array(copyBytes / 8).fill(2)];
function copyNanoseconds() {
  const begin = process.hrtime.bigint();
  copyTo.set(copyFrom);
  return Number(process.hrtime.bigint() - begin);
}

// Rounds: every way in turn, on the same voxels, the two sides in changing order: who comes second finds the caches as the
// first left them. The first few warm both sides up and are not counted.
const rows = [];
for (let round = -6; round < rounds; round++) {
  const { voxels } = drawVoxels(volume.dims, voxelsPerRound, { seed: round });
  const row = {};
  for (const layout of layouts) {
    const sides = [
      () => (row[layout.name] = median(ours(layout, voxels))),
      async () => {
        for (const way of ways[layout.name]) row[`numpy ${way}`] = median(await peer.ask({ way, voxels }));
      },
    ];
    for (const side of round % 2 ? sides : sides.reverse()) await side();
  }
  if (round >= 0) rows.push(row);
}
// Apart from the rounds: it empties the caches.
for (const row of rows) row.copy = copyNanoseconds();
peer.close();

const random = new Random(1);
const ratio = (of) => {
  const statistic = (list) => median(list.map(of));
  return { value: statistic(rows), ...bootstrap(rows, statistic, random) };
};
const micro = (key) => median(rows.map((r) => r[key])) / 1000;
const planeBytes = buffers.reduce((sum, b) => sum + b.byteLength, 0);
const copyRate = copyBytes / median(rows.map((r) => r.copy));
console.log(
  `Node ${process.version}, ${peer.version}; medians of ${rounds} rounds of ${voxelsPerRound} voxels; three planes = ${planeBytes} bytes`,
);
console.log(
  `memcpy (Float64Array.set, ${copyBytes / 2 ** 20} MiB to ${copyBytes / 2 ** 20} MiB): ${copyRate.toFixed(1)} GB/s copied`,
);
for (const { name } of layouts) {
  const rate = planeBytes / (1000 * micro(name));
  const layout = layouts.find((l) => l.name === name);
  const lines = planeNames.reduce((sum, p) => sum + linesOf(layout, p), 0);
  console.log(
    `  ${name.padEnd(7)} ${micro(name).toFixed(1).padStart(7)} us  ${rate.toFixed(2)} GB/s of samples = ${((100 * rate) / copyRate).toFixed(0)} % of memcpy; ${lines} cache lines of 64 B; extra memory ${(extraBytes(layout) / 1e6).toFixed(1)} MB; ` +
      ways[name]
        .map((way) => `numpy${way === name ? '' : ` ${way}`} ${micro(`numpy ${way}`).toFixed(1)} us`)
        .join(', '),
  );
}
for (const { name } of layouts) {
  const fastest = ways[name].reduce((a, b) => (micro(`numpy ${a}`) <= micro(`numpy ${b}`) ? a : b));
  judge(
    `${name}, time over numpy's`,
    ratio((r) => r[name] / r[`numpy ${fastest}`]),
    { atMost: 1 },
  );
  row({
    name: `three planes, ${name}`,
    oursMs: micro(name) / 1000,
    peer: `numpy ${fastest}`,
    peerMs: micro(`numpy ${fastest}`) / 1000,
    goal: 1,
  });
}
const best = ['copies', 'bricks'].reduce((a, b) => (micro(a) <= micro(b) ? a : b));
judge(
  `best layout (${best}), speed over that of file order`,
  ratio((r) => r.file / r[best]),
  { atLeast: 3 },
);
finish();

/** Cache lines that hold the samples of a plane, at an index in the middle. */
function linesOf(layout, plane) {
  const perLine = 64 / layout.data.BYTES_PER_ELEMENT;
  const offsets = coc.offsetsOf(layout, plane, grids[plane].count >> 1);
  return new Set(offsets.map((o) => Math.floor(o / perLine))).size;
}

/** numpy, kept open: the volume goes through a file once, requests and times through a pipe. */
async function startPeer() {
  const directory = mkdtempSync(path.join(tmpdir(), 'coc-bench-'));
  const file = path.join(directory, 'volume.raw');
  writeFileSync(file, new Uint8Array(volume.data.buffer, volume.data.byteOffset, volume.data.byteLength));
  const child = spawn(process.env.COC_PYTHON ?? 'python3', [path.join(here, 'sampler_time.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const send = (value) => child.stdin.write(`${JSON.stringify(value)}\n`);
  const axis = ({ axis, step }) => [axis, Math.sign(step)];
  send({
    file,
    dtype: volume.data.constructor.name.replace('Array', '').toLowerCase(),
    dims: volume.dims,
    brick,
    planes: planeNames.map((p) => ({
      normal: grids[p].normal,
      columns: axis(grids[p].columns),
      rows: axis(grids[p].rows),
    })),
  });
  const { value: version, done } = await answers.next();
  rmSync(directory, { recursive: true });
  if (done) throw new Error('the Python peer did not start: set COC_PYTHON to a Python that has numpy');
  return {
    version,
    async ask(request) {
      send(request);
      return JSON.parse((await answers.next()).value);
    },
    close: () => child.stdin.end(),
  };
}
