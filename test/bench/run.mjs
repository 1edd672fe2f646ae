// Runs the benchmarks, all of them whatever one says, and fails if any did:
//
//   npm run bench [-- FILE.nii.gz [rounds]]     read times of another file than BraTS FLAIR or the synthetic head
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

// numpy asks Linux for huge pages for its arrays; Node has no call for it, but the C library can be told to.
const hugePages = 'glibc.malloc.hugetlb=1';
const env = { GLIBC_TUNABLES: hugePages, ...process.env };
if (process.platform === 'linux')
  console.log(`huge pages for both sides: GLIBC_TUNABLES=${env.GLIBC_TUNABLES}`);

const given = process.argv.slice(2);
const benches = [
  ['nifti.mjs', ...given],
  ['sampler.mjs'],
  ['prefetch.mjs'],
  ['resize.mjs'],
  ['backends.mjs'],
];
for (const [file, ...rest] of benches) {
  console.log(`--- ${file}`);
  const script = fileURLToPath(new URL(file, import.meta.url));
  const { status } = spawnSync(process.execPath, [script, ...rest], { stdio: 'inherit', env });
  if (status !== 0) process.exitCode = 1;
}
