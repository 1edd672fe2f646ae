// TensorFlow.js takes a second to load: who does not compute does not wait for it.
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

/** Which engines a program of ours has loaded when it ends. */
function enginesOf(program: string, ...args: string[]): string[] {
  const engines = /node_modules.(@tensorflow|tfjs-node-native|webgpu)\b/;
  const watch = `process.on('exit', () => require('node:fs').writeSync(3, JSON.stringify(
    Object.keys(require.cache).filter((file) => ${engines}.test(file)))));`;
  const { output, status } = spawnSync(
    process.execPath,
    [
      '-e',
      `${watch} process.argv[1] = ${JSON.stringify(program)}; require(${JSON.stringify(program)})`,
      '-',
      ...args,
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe', 'pipe'] },
  );
  expect(status, output[2] ?? '').toBe(0);
  return JSON.parse(output[3]!) as string[];
}

it.each([
  ['the library', './dist/index.js', []],
  ['coc --help', './dist/cli/main.js', ['--help']],
  ['the list of runs', './dist/cli/main.js', ['runs', '--help']],
])('%s loads no engine', (_what, program, args) => {
  expect(enginesOf(program, ...args)).toEqual([]);
});

it('and what computes loads one, so this sees it', () => {
  expect(enginesOf('./dist/backends/tf.js').length).toBeGreaterThan(0);
});
