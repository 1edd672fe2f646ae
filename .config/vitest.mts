import type { TestProjectInlineConfiguration } from 'vitest/config';
import { defineConfig } from 'vitest/config';

const root = new URL('..', import.meta.url).pathname;

// What measures time or memory of this machine, interrupts or kills: one file at a time.
const alone = ['kernel', 'profilers', 'engines', 'reproduce', 'experiments', 'sampling'].map(
  (room) => `test/${room}/**/*.test.ts`,
);

/** Files that run so many at a time, each in a fresh process; projects run in their order. */
const project = (
  name: string,
  order: number,
  maxWorkers: number,
  files: { include: string[]; exclude?: string[] },
): TestProjectInlineConfiguration => ({
  root,
  test: {
    name,
    ...files,
    setupFiles: ['test/setup/trace-file.ts'],
    // A reproduce in a test must not fetch TensorFlow; what is installed is used.
    env: { COC_NATIVE: '0' },
    pool: 'forks',
    isolate: true,
    maxWorkers,
    sequence: { groupOrder: order },
    // Long: a machine that does other things as well is not wrong.
    testTimeout: 120_000,
    hookTimeout: 240_000,
  },
});

export default defineConfig({
  root,
  test: {
    globalSetup: ['test/setup/build.ts', 'test/setup/kernels.ts'],
    reporters: ['default', './test/setup/count-reporter.mts'],
    projects: [
      project('side by side', 0, 2, { include: ['test/**/*.test.ts'], exclude: alone }),
      project('alone', 1, 1, { include: alone }),
    ],
  },
});
