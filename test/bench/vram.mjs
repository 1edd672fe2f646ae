// Times of `coc vram` for SAM ViT-H: one setting, the best policy, the table of all, each without and with what is kept on disk.
// Medians of some calls; the goals are for two processors that do nothing else.
//   node test/bench/vram.mjs [calls, default 3]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const coc = fileURLToPath(new URL('../../src/cli/coc.cjs', import.meta.url));
const calls = Number(process.argv[2] ?? 3);
const questions = [
  { title: 'one setting, plain tape', args: [], goal: 3 },
  { title: 'one setting, every technique', args: ['--policy', 'per-plane+recompute+lean+chunked'], goal: 3 },
  { title: 'best policy', args: ['--policy', 'best'] },
  { title: 'table of policies and batches', args: ['--table'], goal: 30 },
];
spawnSync(process.execPath, [coc, 'build']);
console.log(`${os.cpus()[0].model}, ${os.availableParallelism()} processors, medians of ${calls}`);

const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
for (const { title, args, goal } of questions) {
  const seconds = { first: [], kept: [] };
  for (let call = 0; call < calls; call++) {
    const cache = mkdtempSync(path.join(os.tmpdir(), 'coc-bench-vram-'));
    for (const when of ['first', 'kept']) {
      const began = performance.now();
      const { status, stderr } = spawnSync(
        process.execPath,
        [coc, 'vram', '--stack', 'tfjs', ...args, '--json'],
        {
          env: { ...process.env, COC_CACHE: cache },
          encoding: 'utf8',
          maxBuffer: 1e9,
        },
      );
      if (status !== 0) throw new Error(stderr);
      seconds[when].push((performance.now() - began) / 1000);
    }
    rmSync(cache, { recursive: true });
  }
  const [first, kept] = [median(seconds.first), median(seconds.kept)].map((s) => `${s.toFixed(1)} s`);
  const wanted = goal ? ` (goal: ${goal} s)` : '';
  console.log(`${title}: first ${first}${wanted}, kept ${kept}; load ${os.loadavg()[0].toFixed(1)}`);
}
