// A clone must stay small enough to be sent anywhere: the tracked tree.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const most = 40 * 2 ** 20;
const git = spawnSync('git', ['ls-files', '-z'], { encoding: 'utf8', maxBuffer: 2 ** 26 });

describe.runIf(git.status === 0)('the tracked tree', () => {
  it('is smaller than 40 MiB', () => {
    const sizes = git.stdout
      .split('\0')
      .filter(Boolean)
      // What is deleted and not yet committed is not there.
      .map((file) => ({ file, bytes: statSync(file, { throwIfNoEntry: false })?.size ?? 0 }))
      .sort((a, b) => b.bytes - a.bytes);
    const bytes = sizes.reduce((sum, one) => sum + one.bytes, 0);
    const mib = (n: number): string => `${(n / 2 ** 20).toFixed(1)} MiB`;
    const largest = sizes.slice(0, 5).map(({ file, bytes }) => `${file} (${mib(bytes)})`);
    expect(bytes, `${mib(bytes)} of 40 MiB are tracked; the largest: ${largest.join(', ')}`).toBeLessThan(
      most,
    );
    console.log(`${mib(bytes)} of 40 MiB are tracked`);
  });
});
