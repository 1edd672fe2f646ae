import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup/build.ts', 'test/setup/kernels.ts'],
    setupFiles: ['test/setup/trace-file.ts'],
    reporters: ['default', './test/setup/count-reporter.mts'],
    // Timings and kernels are tested: one file at a time, each in a fresh process.
    // A reproduce in a test must not fetch TensorFlow; what is installed is used.
    env: { COC_NATIVE: '0' },
    pool: 'forks',
    maxWorkers: 1,
    isolate: true,
    // Long: a machine that does other things as well is not wrong.
    testTimeout: 120_000,
    hookTimeout: 240_000,
  },
});
