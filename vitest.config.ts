import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/server/global-setup.ts'],
    pool: 'forks',
    // Each worker has one of the test server's databases 1 to 15.
    maxWorkers: Math.min(availableParallelism(), 15),
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
