// Read time against nibabel, in turn on the same file and machine:
//
//   COC_PYTHON=.../python node test/bench/nifti.mjs [FILE.nii.gz] [rounds]
//
// Each round reads the file once here (readNifti: whole volume, checksum verified, NaN counted) and twice there:
// `np.asanyarray(img.dataobj)` (stored type, the like-for-like case) and `img.get_fdata()` (float64). Prints the medians and
// the ratios. Without a file it reads BraTS FLAIR where COC_DATA_MIRROR has it, else a synthetic head. Runs against dist/.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { finish, judge, row } from './limits.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const coc = createRequire(import.meta.url)('../../dist/index.js');
const { bootstrap, median, Random, readNifti } = coc;
const [given, rounds = '15'] = process.argv.slice(2);
const directory = mkdtempSync(path.join(tmpdir(), 'coc-bench-'));
process.on('exit', () => rmSync(directory, { recursive: true }));
const file = given ?? (await headFile());

const peer = spawn(process.env.COC_PYTHON ?? 'python3', [path.join(here, 'nifti_time.py')], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const answers = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
const { value: versions, done } = await answers.next();
if (done) throw new Error('the Python peer did not start: set COC_PYTHON to a Python that has nibabel');
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
console.log(`  nibabel asanyarray         ${middle.array.toFixed(1)} ms`);
console.log(
  `  nibabel get_fdata          ${middle.fdata.toFixed(1)} ms, ratio ${(middle.ours / middle.fdata).toFixed(2)}`,
);
const { low, high } = bootstrap(ratios, median, new Random(1));
judge(
  'readNifti, time over that of nibabel (asanyarray)',
  { value: median(ratios), low, high },
  { atMost: 1 },
);
row({ name: 'readNifti', oursMs: middle.ours, peer: 'nibabel asanyarray', peerMs: middle.array, goal: 1 });
finish();

/** BraTS FLAIR, or where it cannot be had the synthetic head in a file of its own. */
async function headFile() {
  const { dataset, path: inside } = coc.bratsFlair;
  try {
    return (await coc.fetchOne(dataset, inside)).path;
  } catch (error) {
    console.log(`synthetic head instead of ${dataset}/${inside}: ${error.message}`);
    const file = path.join(directory, 'head.nii.gz');
    await coc.writeNifti(coc.syntheticHead({ seed: 1 }).image, file);
    return file;
  }
}
