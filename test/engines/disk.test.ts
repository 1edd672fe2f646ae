import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RunStore } from '../../src/results/run-store';
import { leftovers, newFolder, outcomesOf, request, startSweep, traceOf } from './mini-sweep';

const mount = (...args: string[]): boolean => spawnSync('mount', args, { stdio: 'ignore' }).status === 0;
const unmount = (dir: string): boolean => spawnSync('umount', [dir], { stdio: 'ignore' }).status === 0;

// Each test starts processes, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

let folder: ReturnType<typeof newFolder>;
beforeEach(() => {
  folder = newFolder();
  mkdirSync(folder.store);
});
afterEach(() => {
  unmount(folder.store);
  rmSync(folder.dir, { recursive: true });
});

/** Whether small file systems can be mounted here: root's right, and not in every container. */
const canMount = ((): boolean => {
  const { dir, store } = newFolder();
  mkdirSync(store);
  const can = mount('-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', store) && unmount(store);
  rmSync(dir, { recursive: true });
  return can;
})();

const kept = 'finished runs and checkpoints are kept, so start again to go on';
const steps = (): string[] => traceOf(folder.trace).filter((line) => line.startsWith('step'));

describe('a disk that is full', () => {
  it('stops the sweep with what to do; checkpoints are kept, and it goes on when there is room', async () => {
    const requests = [request('mini', { runs: 3, steps: 3, milliseconds: 30 })];
    const env = { NODE_OPTIONS: `--require ${path.resolve('test/engines/full-disk.cjs')}` };
    const stopped = await startSweep(requests, folder, { workers: 1, env }).ended;
    expect(stopped.code).toBe(1);
    expect(stopped.stderr).toContain(
      'given ENOSPC: no space left on device, open, expected a folder with room',
    );
    expect(stopped.stderr).toContain(kept);
    expect(outcomesOf(folder.store).size).toBe(0);
    expect(steps()).toHaveLength(3);
    expect(leftovers(folder.store).map((name) => path.basename(name))).toEqual(['checkpoint.json']);
    const [result] = (await startSweep(requests, folder).ended).results!;
    expect(result.state).toBe('computed');
    expect(steps()).toHaveLength(9);
  });
});

describe.skipIf(!canMount)('a small file system [needs the right to mount]', () => {
  it('that fills up, and one that becomes read-only, lose nothing', async () => {
    const requests = [request('mini', { runs: 8, steps: 2, milliseconds: 10 })];
    expect(mount('-t', 'tmpfs', '-o', 'size=100k', 'tmpfs', folder.store)).toBe(true);
    const full = await startSweep(requests, folder).ended;
    expect(full.code).toBe(1);
    expect(full.stderr).toContain('ENOSPC: no space left on device');
    expect(full.stderr).toContain(kept);
    const finished = outcomesOf(folder.store);
    expect(finished.size).toBeGreaterThan(0);
    expect(finished.size).toBeLessThan(8);
    const warnings: string[] = [];
    const store = new RunStore(folder.store, (line) => warnings.push(line));
    for (const hash of store.hashes()) store.find(hash);
    expect(warnings).toEqual([]);

    expect(mount('-o', 'remount,ro', folder.store)).toBe(true);
    const locked = await startSweep(requests, folder).ended;
    expect(locked.code).toBe(1);
    expect(locked.stderr).toContain('EROFS: read-only file system');
    expect(locked.stderr).toContain('choose another with COC_CACHE');

    expect(mount('-o', 'remount,rw,size=10m', folder.store)).toBe(true);
    const [result] = (await startSweep(requests, folder).ended).results!;
    expect(result.state).toBe('computed');
    for (const [hash, text] of finished) {
      expect(outcomesOf(folder.store).get(hash)).toBe(text);
      expect(store.attempts(hash).filter((a) => a.event === 'began')).toHaveLength(1);
    }
    expect(mount('-o', 'remount,ro', folder.store)).toBe(true);
    expect((await startSweep(requests, folder).ended).results![0].state).toBe('found');
  });
});
