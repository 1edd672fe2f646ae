// Runs the benchmarks, all of them whatever one says, and fails if any did:
//
//   npm run bench [-- FILE.nii.gz [rounds]]     read times of another file than BraTS FLAIR or the synthetic head
//   npm run bench -- --only steps,resize        these alone
//   npm run bench -- --rows 'U-Net|product'     rows of the steps whose names contain one of these, and no other bench
//   npm run bench -- --json                     every row that compares with a peer, as JSON on standard output:
//                                               {name, oursMs, peer, peerMs, ratio, goal}; all else on standard error
//
// Whatever else begins with -- is passed to the steps (steps.mjs --help).
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const arguments_ = process.argv.slice(2);
const take = (option, count) => {
  const at = arguments_.indexOf(option);
  return at < 0 ? undefined : arguments_.splice(at, 1 + count)[count];
};
const json = take('--json', 0) !== undefined;
const only = take('--only', 1)?.split(',');
if (arguments_.includes('--help')) {
  console.log(
    `Usage: npm run bench -- [FILE.nii.gz [rounds]] [--only NAMES] [--json] [options of the steps]

  FILE.nii.gz     what read times are taken of, instead of BraTS FLAIR or the synthetic head
  --only NAMES    of nifti, sampler, prefetch, resize, steps
  --json          every row that compares with a peer, as JSON on standard output; all else on standard error

The steps:
`,
  );
  spawnSync(process.execPath, [fileURLToPath(new URL('steps.mjs', import.meta.url)), '--help'], {
    stdio: 'inherit',
  });
  process.exit();
}
const forSteps = arguments_.filter((text, k) => text.startsWith('--') || arguments_[k - 1]?.startsWith('--'));
const file = arguments_.filter((text) => !forSteps.includes(text));
const benches = {
  nifti: file,
  sampler: [],
  prefetch: [],
  resize: [],
  steps: forSteps,
};
const unknown = only?.filter((name) => !(name in benches));
if (unknown?.length)
  throw new Error(`no bench ${unknown.join(', ')}: there are ${Object.keys(benches).join(', ')}`);
const chosen = only ?? (forSteps.includes('--rows') ? ['steps'] : Object.keys(benches));

const say = json ? console.error : console.log;
// numpy asks Linux for huge pages for its arrays; Node has no call for it, but the C library can be told to.
const hugePages = 'glibc.malloc.hugetlb=1';
const folder = mkdtempSync(path.join(tmpdir(), 'coc-bench-'));
const rows = path.join(folder, 'rows.jsonl');
writeFileSync(rows, '');
const env = { GLIBC_TUNABLES: hugePages, ...process.env, COC_BENCH_ROWS: rows };
if (process.platform === 'linux') say(`huge pages for both sides: GLIBC_TUNABLES=${env.GLIBC_TUNABLES}`);

for (const name of chosen) {
  say(`--- ${name}`);
  const script = fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
  const stdio = ['inherit', json ? process.stderr : 'inherit', 'inherit'];
  const { status } = spawnSync(process.execPath, [script, ...benches[name]], { stdio, env });
  if (status !== 0) process.exitCode = 1;
}
const lines = readFileSync(rows, 'utf8').split('\n').filter(Boolean);
if (json)
  console.log(
    JSON.stringify(
      lines.map((line) => JSON.parse(line)),
      null,
      2,
    ),
  );
rmSync(folder, { recursive: true });
