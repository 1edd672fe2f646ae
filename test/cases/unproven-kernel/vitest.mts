// A run of its own, of one file that runs a kernel which no table knows: it passes its test and must end red all the same.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: new URL('../../..', import.meta.url).pathname,
  test: {
    include: ['test/cases/unproven-kernel/unproven.case.ts'],
    globalSetup: ['test/setup/kernels.ts'],
    setupFiles: ['test/setup/trace-file.ts'],
    pool: 'forks',
  },
});
