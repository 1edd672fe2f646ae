// Times of `coc vram` for SAM ViT-H: one setting, the best policy, the table of all, each without and with what is kept on disk.
//   node test/bench/vram.mjs
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const coc = fileURLToPath(new URL('../../src/cli/coc.cjs', import.meta.url));
const questions = {
  'one setting, plain tape': ['--stack', 'tfjs'],
  'one setting, every technique': ['--stack', 'tfjs', '--policy', 'per-plane+recompute+lean+chunked'],
  'best policy': ['--stack', 'tfjs', '--policy', 'best'],
  'table of policies and batches': ['--stack', 'tfjs', '--table'],
};
spawnSync(process.execPath, [coc, 'build']);
console.log(
  `${os.cpus()[0].model}, ${os.availableParallelism()} processors, load ${os.loadavg()[0].toFixed(1)}`,
);
for (const [title, args] of Object.entries(questions)) {
  const cache = mkdtempSync(path.join(os.tmpdir(), 'coc-bench-vram-'));
  const seconds = ['first', 'kept'].map((when) => {
    const began = performance.now();
    const { status, stderr } = spawnSync(process.execPath, [coc, 'vram', ...args, '--json'], {
      env: { ...process.env, COC_CACHE: cache },
      encoding: 'utf8',
      maxBuffer: 1e9,
    });
    if (status !== 0) throw new Error(stderr);
    return `${when} ${((performance.now() - began) / 1000).toFixed(1)} s`;
  });
  rmSync(cache, { recursive: true });
  console.log(`${title}: ${seconds.join(', ')}`);
}
