// Times training steps and single operations against PyTorch, torch.compile and jax.jit: steps/main.ts, of which
// `node test/bench/steps.mjs --help` tells the options. Runs against dist/.
import { spawnSync } from 'node:child_process';
import { bundled } from './bundle.mjs';

const main = await bundled('steps/main.ts');
const worker = await bundled('steps/ours.ts');
const { status } = spawnSync(process.execPath, [main, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, COC_BENCH_WORKER: worker },
});
process.exitCode = status ?? 1;
