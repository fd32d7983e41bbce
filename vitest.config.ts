import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { FlakyReporter } from './test/server/flaky-reporter.ts';

const waiting = /\/test\/(e2e|integration)\//;
const computing = /\/test\/unit\//;

/** Files that wait for windows and processes first, and what computes last: the last to end is a short one. */
class LongestWaitFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) =>
      waiting.test(moduleId) ? 0 : computing.test(moduleId) ? 2 : 1;
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/server/global-setup.ts'],
    setupFiles: ['test/server/setup-effort.ts'],
    pool: 'forks',
    isolate: false,
    sequence: { sequencer: LongestWaitFirst },
    // A worker keeps the modules that it has loaded, so a test cleans up what it changes outside of itself.
    // Tests wait for servers and windows for most of their time: three workers for a core. Each has one of the test
    // server's databases 1 to 15.
    maxWorkers: Math.min(3 * availableParallelism(), 15),
    // A build machine may stall for seconds. There a test that failed runs once more, and is named if it passes then.
    retry: process.env['CI'] === undefined ? 0 : 1,
    reporters: ['default', new FlakyReporter()],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
