import { expect, it } from 'vitest';
import { runProgram } from '../../../src/backends/native/run-program';

it('leaves nothing that keeps the process waiting after a program that is not there', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const ended = await runProgram(['no-such-program-anywhere'], { timeout: 60_000 });
  expect(ended.code).toBeNull();
  expect(ended.stderr).toContain('ENOENT');
  expect(timers()).toBe(before);
});

it('ends a program that takes too long, with what it started', async () => {
  // The second process holds the output open: the program has ended only when both have.
  const wait = 'setTimeout(() => console.log("never ended"), 100_000)';
  const program = `
    require('node:child_process').spawn(process.execPath, ['-e', '${wait}'], { stdio: 'inherit' });
    console.log('started');
    setInterval(() => {}, 1000);`;
  const ended = await runProgram([process.execPath, '-e', program], { timeout: 3000 });
  expect(ended).toMatchObject({ code: null, stdout: 'started\n' });
});
