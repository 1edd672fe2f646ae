import { defineConfig } from 'vitest/config';
export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: { include: ['test/backends/proof-torch.test.ts'], pool: 'forks', maxWorkers: 1, reporters: ['default'] },
});
