// What nvidia-smi says, by a stand-in for it: two cards, and readings that come several times a second.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { firstCard, nvidiaCards, watchDriver } from '../../src/backends/card';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'coc-card-'));
  vi.stubEnv('PATH', `${dir}${path.delimiter}${process.env.PATH}`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true, force: true });
});

function standIn(script: string): void {
  const file = path.join(dir, 'nvidia-smi');
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

describe.runIf(process.platform !== 'win32')('nvidia-smi', () => {
  it('lists cards in the order of their bus; CUDA_VISIBLE_DEVICES names the first', async () => {
    standIn(`echo 'NVIDIA H100 80GB HBM3, 570.1, 81559'; echo 'Tesla T4, 570.1, 15360'`);
    expect(await nvidiaCards()).toEqual([
      { name: 'NVIDIA H100 80GB HBM3', driver: '570.1', memoryMiB: 81559 },
      { name: 'Tesla T4', driver: '570.1', memoryMiB: 15360 },
    ]);
    expect((await firstCard())?.name).toBe('NVIDIA H100 80GB HBM3');
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '1,0');
    expect((await firstCard())?.name).toBe('Tesla T4');
  });

  it('one that fails is no card', async () => {
    standIn(`echo 'NVIDIA-SMI has failed'; exit 9`);
    expect(await nvidiaCards()).toEqual([]);
    expect(await firstCard()).toBeUndefined();
  });

  it('readings: the latest and the most, of the first card and of one process', async () => {
    standIn(`case $1 in
      *query-gpu*) echo '0, 500'; echo '1, 9999'; sleep 0.2; echo '0, 900'; sleep 0.2; echo '0, 700'; sleep 5 ;;
      *) echo '41, 8888'; echo '42, 100'; sleep 0.2; echo '42, 300'; echo '42, [N/A]'; sleep 5 ;;
    esac`);
    const watch = watchDriver(42);
    try {
      await sleep(900);
      expect(watch.now()).toEqual({ card: 700, process: 300 });
      expect(watch.peak()).toEqual({ card: 900, process: 300 });
      watch.restart();
      expect(watch.peak()).toEqual({ card: 700, process: 300 });
    } finally {
      watch.end();
    }
  });

  it('without nvidia-smi every reading stays empty', async () => {
    vi.stubEnv('PATH', dir);
    const watch = watchDriver(42);
    await sleep(50);
    expect(watch.now()).toEqual({ card: null, process: null });
    watch.end();
    expect(await nvidiaCards()).toEqual([]);
  });
});
