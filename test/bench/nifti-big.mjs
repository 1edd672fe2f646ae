// Reads a volume above 2 GiB, plain and gzipped, and says how long it took and how much memory: needs 6 GB of memory
// and 2.3 GB of disk in the system's temporary folder.
//
//   node test/bench/nifti-big.mjs
import {
  createReadStream,
  createWriteStream,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeSync,
  closeSync,
  ftruncateSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

const require = createRequire(import.meta.url);
const { readNifti, writeNifti, volumeOf, diagonalAffine } = require('../../dist/index.js');
const folder = mkdtempSync(path.join(os.tmpdir(), 'coc-big-'));
try {
  const plain = path.join(folder, 'big.nii');
  const dims = [1300, 1300, 1300];
  const count = dims.reduce((a, b) => a * b, 1);
  // The header of a small volume with its dims changed, then a hole with a mark at its very end.
  await writeNifti(plain, volumeOf(new Uint8Array(1), [1, 1, 1], diagonalAffine([1, 1, 1])));
  const handle = openSync(plain, 'r+');
  const size = Buffer.alloc(6);
  dims.forEach((d, i) => size.writeInt16LE(d, 2 * i));
  writeSync(handle, size, 0, 6, 42);
  ftruncateSync(handle, 352 + count);
  writeSync(handle, Buffer.from([77]), 0, 1, 352 + count - 1);
  closeSync(handle);
  await pipeline(createReadStream(plain), createGzip({ level: 1 }), createWriteStream(`${plain}.gz`));
  for (const file of [plain, `${plain}.gz`]) {
    const begin = performance.now();
    const { data } = await readNifti(file);
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    const peak = Math.round(process.resourceUsage().maxRSS / 1024);
    if (data.length !== count || data[count - 1] !== 77) throw new Error(`${file} was misread`);
    console.log(
      `${path.basename(file)} (${statSync(file).size} B): ${data.length} voxels in ${seconds} s, peak ${peak} MiB`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
