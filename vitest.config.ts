import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/server/global-setup.ts'],
    setupFiles: ['test/server/setup-effort.ts'],
    pool: 'forks',
    isolate: false,
    // A worker keeps the modules that it has loaded, so a test cleans up what it changes outside of itself.
    // Tests wait for servers about half of their time: one worker more than cores. Each has one of the test server's
    // databases 1 to 15.
    maxWorkers: Math.min(availableParallelism() + 1, 15),
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
