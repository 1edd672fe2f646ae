// Seeded mutational fuzzing of the NIfTI reader (how: harness.mjs).
//
//   node test/fuzz/nifti.mjs [--seconds 60] [--seed 1] [--case N]
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { fuzz } from './harness.mjs';

const script = fileURLToPath(import.meta.url);
const coc = createRequire(import.meta.url)('../../dist/index.js');

/**
 * How many bytes one read may allocate in all: for a file of `input` bytes that truly yields `yielded` (uncompressed).
 * 64 times the file ahead of what is seen, twice (the fast way, then the slow), and per byte that is there: growing
 * buffers (4), an aligned copy, 8 bytes a value for uint8 read as scaled float64.
 */
const allowance = (input, yielded) => 8 * 2 ** 20 + 160 * input + 16 * yielded;

/** The calls under test. Each returns what contradicts itself in its result, if anything. */
function reads(dice) {
  const invariants = (volume) => {
    const [x, y, z] = volume.dims;
    if (x * y * z !== volume.data.length) return 'dims and data differ';
    if (!volume.affine.flat().every(Number.isFinite)) return 'affine not finite';
    if (volume.spacing.some((s) => !(s >= 0))) return 'spacing not a length';
    if (!/^[LRAPSI?]{3}$/.test(volume.axisCodes)) return `axis codes ${volume.axisCodes}`;
    const bad = volume.data.reduce((n, v) => n + (Number.isFinite(v) ? 0 : 1), 0);
    if (bad !== volume.nonFinite.nan + volume.nonFinite.infinite) return 'miscounted non-finite voxels';
    return undefined;
  };
  const image = async (input) => {
    const { dims, components, data } = await coc.readNiftiImage(input);
    const count = dims.reduce((a, b) => a * b, 1);
    return data.length === count * components ? undefined : 'dims and data differ';
  };
  const frame = dice.pick([undefined, undefined, 0, 1, -1, 0.5]);
  const volume = async (input) => invariants(await coc.readNifti(input, { frame }));
  const header = async (input) => void (await coc.readNiftiHeader(input));
  const hash = async (input) => void (await coc.niftiVoxelHash(input));
  const roundTrip = async (input, folder) => {
    const first = await coc.readNifti(input, { frame: 0 });
    if (first.axisCodes.includes('?')) return undefined;
    const turned = coc.reorient(first, dice.pick(['RAS', 'LPS', 'AIR']));
    const file = path.join(folder, dice.pick(['out.nii', 'out.nii.gz']));
    await coc.writeNifti(file, turned, { version: 2, level: 1 });
    const again = await coc.readNifti(file);
    if (
      Buffer.compare(
        Buffer.from(again.data.buffer, again.data.byteOffset, again.data.byteLength),
        Buffer.from(turned.data.buffer, turned.data.byteOffset, turned.data.byteLength),
      ) !== 0
    )
      return 'a written volume reads otherwise';
    return invariants(again);
  };
  return dice.chance(0.1) ? [roundTrip] : [dice.pick([image, image, volume, volume, header, hash])];
}

function place(folder, files, open, asBytes) {
  if (asBytes) return files[open];
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(folder, name), bytes);
  return path.join(folder, open);
}

/** How many bytes the files hold, uncompressed: counted by Node's own gunzip, in the plainest way. */
function yieldOf(files) {
  let bytes = 0;
  for (const content of Object.values(files)) {
    bytes += content.length;
    try {
      bytes += gunzipSync(content, { finishFlush: 2 }).length;
    } catch {
      bytes += Math.min(1032 * content.length, 2 ** 28);
    }
  }
  return bytes;
}

/** The oracle's files, small ones: each a set of names and bytes. */
function seedFiles() {
  const { cases } = JSON.parse(
    readFileSync(path.join(path.dirname(script), '..', 'oracles', 'nifti.json'), 'utf8'),
  );
  return cases
    .map(({ files, open }) => ({
      open,
      files: Object.fromEntries(
        Object.entries(files).map(([n, b]) => [n, inflateSync(Buffer.from(b, 'base64'))]),
      ),
    }))
    .filter(({ files }) => Object.values(files).every((b) => b.length < 20_000));
}

/** Where the fields of NIfTI-1 and NIfTI-2 stand, with their width in bytes: mutations that hit something. */
const fields = [
  [
    [0, 4],
    [40, 2],
    [42, 2],
    [44, 2],
    [46, 2],
    [48, 2],
    [54, 2],
    [70, 2],
    [72, 2],
    [76, 4],
    [80, 4],
    [84, 4],
    [88, 4],
    [108, 4],
    [112, 4],
    [116, 4],
    [123, 1],
    [144, 4],
    [252, 2],
    [254, 2],
    [256, 4],
    [260, 4],
    [264, 4],
    [268, 4],
    [280, 4],
    [300, 4],
    [312, 4],
    [344, 4],
    [348, 4],
    [352, 4],
    [356, 4],
  ],
  [
    [0, 4],
    [4, 4],
    [8, 4],
    [12, 2],
    [16, 8],
    [24, 8],
    [32, 8],
    [40, 8],
    [48, 8],
    [72, 8],
    [104, 8],
    [112, 8],
    [120, 8],
    [128, 8],
    [168, 8],
    [176, 8],
    [184, 8],
    [344, 4],
    [348, 4],
    [352, 8],
    [360, 8],
    [368, 8],
    [376, 8],
    [400, 8],
    [440, 8],
    [464, 8],
    [500, 4],
    [540, 4],
    [544, 4],
    [548, 4],
  ],
];

const integers = [
  0n,
  1n,
  2n,
  3n,
  4n,
  5n,
  7n,
  8n,
  16n,
  64n,
  127n,
  128n,
  255n,
  256n,
  348n,
  352n,
  540n,
  544n,
  1000n,
  1536n,
  2048n,
  27307n,
  32767n,
  32768n,
  65535n,
  65536n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n,
  2n ** 62n,
  -1n,
  -2n,
  -16n,
  -32768n,
  -(2n ** 31n),
  -(2n ** 63n),
];
const reals = [
  0,
  -0,
  1,
  -1,
  0.5,
  7,
  352,
  352.5,
  1e-38,
  1e38,
  3e9,
  1e300,
  NaN,
  Infinity,
  -Infinity,
  5e-324,
  0.99999994,
  1.0000001,
];

function poke(dice, bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [at, width] = dice.pick(fields[dice.below(2)]);
  if (at + width > bytes.length) return;
  const little = dice.chance(0.8);
  if (width === 1) bytes[at] = dice.below(256);
  else if (width === 2) view.setInt16(at, Number(BigInt.asIntN(16, dice.pick(integers))), little);
  else if (width === 4 && dice.chance(0.5))
    view.setInt32(at, Number(BigInt.asIntN(32, dice.pick(integers))), little);
  else if (width === 4) view.setFloat32(at, dice.pick(reals), little);
  else if (dice.chance(0.5)) view.setBigInt64(at, BigInt.asIntN(64, dice.pick(integers)), little);
  else view.setFloat64(at, dice.pick(reals), little);
}

/** One change to the content of a file. */
function change(dice, bytes, seeds) {
  const copy = Buffer.from(bytes);
  const cut = () => dice.below(copy.length + 1);
  switch (dice.below(9)) {
    case 0:
    case 1:
    case 2:
      for (let n = dice.below(3); n >= 0; n--) poke(dice, copy);
      return copy;
    case 3:
      for (let n = dice.below(8); n >= 0 && copy.length > 0; n--)
        copy[dice.below(copy.length)] = dice.below(256);
      return copy;
    case 4:
      if (copy.length > 0) copy[dice.below(Math.min(copy.length, 560))] ^= 1 << dice.below(8);
      return copy;
    case 5:
      return copy.subarray(0, cut());
    case 6:
      return Buffer.concat([
        copy,
        dice.chance(0.5) ? Buffer.alloc(dice.below(5000)) : dice.bytes(dice.below(500)),
      ]);
    case 7: {
      const from = cut();
      const to = Math.min(copy.length, from + dice.below(200));
      const piece = copy.subarray(from, to);
      return dice.chance(0.5)
        ? Buffer.concat([copy.subarray(0, from), copy.subarray(to)])
        : Buffer.concat([copy.subarray(0, to), piece, copy.subarray(to)]);
    }
    default: {
      const other = Object.values(dice.pick(seeds).files)[0];
      return Buffer.concat([copy.subarray(0, cut()), other.subarray(dice.below(other.length + 1))]);
    }
  }
}

/** gzip as other writers make it: levels, several members, padding, long names, and a large empty tail. */
function pack(dice, content) {
  const one = (b) => gzipSync(b, { level: dice.below(10) });
  const cut = dice.below(content.length + 1);
  switch (dice.below(8)) {
    case 0:
      return Buffer.concat([one(content.subarray(0, cut)), one(content.subarray(cut))]);
    case 1:
      return Buffer.concat([
        one(content.subarray(0, cut)),
        Buffer.alloc(dice.below(9)),
        one(content.subarray(cut)),
      ]);
    case 2:
      return Buffer.concat([one(content), dice.chance(0.5) ? Buffer.alloc(100) : dice.bytes(50)]);
    case 3: {
      const z = one(content);
      z[3] = dice.below(32);
      return Buffer.concat([
        z.subarray(0, 10),
        dice.bytes(dice.below(3000)),
        Buffer.alloc(2),
        z.subarray(10),
      ]);
    }
    case 4:
      return one(Buffer.concat([content, Buffer.alloc(dice.below(4_000_000))]));
    case 5:
      return Buffer.concat([
        ...Array.from({ length: dice.below(60) }, () => one(Buffer.alloc(0))),
        one(content),
      ]);
    default:
      return one(content);
  }
}

function mutate(dice, seeds) {
  const seed = dice.pick(seeds);
  const files = {};
  for (const [name, bytes] of Object.entries(seed.files)) {
    let content = bytes;
    const zipped = content[0] === 0x1f && content[1] === 0x8b;
    if (zipped && dice.chance(0.6)) {
      try {
        content = gunzipSync(content, { finishFlush: 2 });
      } catch {
        // Damaged already: mutate it as it is.
      }
    }
    for (let n = dice.below(4); n > 0; n--) content = change(dice, content, seeds);
    const repack = zipped ? content !== bytes && content[0] !== 0x1f : dice.chance(0.3);
    if (repack) content = pack(dice, content);
    if (repack && dice.chance(0.3)) content = change(dice, content, seeds);
    if (!dice.chance(0.01)) files[name] = content;
  }
  if (Object.keys(files).length === 0) files[seed.open] = Buffer.alloc(0);
  const asBytes = dice.chance(0.3) && seed.open in files;
  return { files, open: seed.open, asBytes };
}

const seeds = seedFiles();
await fuzz({
  script,
  allowance,
  reads,
  makeCase(dice) {
    const { files, open, asBytes } = mutate(dice, seeds);
    return {
      from: open,
      size: Object.values(files).reduce((sum, b) => sum + b.length, 0),
      place: (folder) => place(folder, files, open, asBytes),
      yielded: () => yieldOf(files),
    };
  },
});
