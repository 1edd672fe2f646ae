// Read time against nibabel, in turn on the same file and machine:
//
//   COC_PYTHON=.../python node test/bench/nifti.mjs FILE.nii.gz [rounds]
//
// Each round reads the file once here (readNifti: whole volume, checksum verified, NaN counted) and twice there:
// `np.asanyarray(img.dataobj)` (stored type, the like-for-like case) and `img.get_fdata()` (float64). Prints the medians and
// the ratios; the aim is at most 1.0 against the first. Runs against dist/.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const { readNifti, median } = createRequire(import.meta.url)('../../dist/index.js');
const [file, rounds = '15'] = process.argv.slice(2);
if (!file) throw new Error('usage: node test/bench/nifti.mjs FILE.nii.gz [rounds]');

const peer = spawn(process.env.COC_PYTHON ?? 'python3', [path.join(here, 'nifti_time.py')], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const answers = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
const versions = (await answers.next()).value;
const ask = async (kind) => {
  peer.stdin.write(`${kind} ${file}\n`);
  return Number((await answers.next()).value);
};

const times = { ours: [], array: [], fdata: [] };
let volume;
// The first round warms both sides up and is not counted.
for (let round = 0; round <= Number(rounds); round++) {
  const begin = performance.now();
  volume = await readNifti(file);
  const ours = performance.now() - begin;
  const array = await ask('array');
  const fdata = await ask('fdata');
  if (round > 0) for (const [key, value] of Object.entries({ ours, array, fdata })) times[key].push(value);
}
peer.stdin.end();

const middle = Object.fromEntries(Object.entries(times).map(([key, list]) => [key, median(list)]));
const ratios = times.ours.map((t, i) => t / times.array[i]);
console.log(`${file}: ${volume.dims.join(' x ')}, ${volume.source.format}`);
console.log(`Node ${process.version}, ${versions}, ${rounds} rounds, medians:`);
console.log(`  readNifti                  ${middle.ours.toFixed(1)} ms`);
console.log(
  `  nibabel asanyarray         ${middle.array.toFixed(1)} ms  ratio ${(middle.ours / middle.array).toFixed(2)}, median of the rounds' ratios ${median(ratios).toFixed(2)}`,
);
console.log(
  `  nibabel get_fdata          ${middle.fdata.toFixed(1)} ms  ratio ${(middle.ours / middle.fdata).toFixed(2)}`,
);
