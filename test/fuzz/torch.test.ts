// A short run of the fuzzer; test/fuzz/README.md has the long ones.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';

it('finds no fault in the reader of checkpoints in 8 s', { timeout: 60_000 }, () => {
  const script = path.join(__dirname, 'torch.mjs');
  const { stdout, stderr } = spawnSync(process.execPath, [script, '--seconds', '8', '--seed', '1'], {
    encoding: 'utf8',
  });
  const { faults, ok, refused } = JSON.parse(stdout) as { faults: unknown[]; ok: number; refused: number };
  expect(faults, stderr).toEqual([]);
  // The mutations must leave some files whole and break others, or nothing was tried.
  expect(ok).toBeGreaterThan(50);
  expect(refused).toBeGreaterThan(50);
});
