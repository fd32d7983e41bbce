import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** Names, at the end of a run, each test that passed only when it ran again: it waits for time where it should wait for an event. */
export class FlakyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const flaky = modules.flatMap(({ children }) =>
      [...children.allTests()].filter((test: TestCase) => test.diagnostic()?.flaky),
    );
    if (flaky.length === 0) return;
    process.stderr.write(`\nflaky: ${flaky.length} passed only when run again\n`);
    for (const test of flaky) {
      process.stderr.write(`  ${test.module.relativeModuleId} > ${test.fullName}\n`);
      for (const { message } of test.result().errors ?? []) process.stderr.write(`    ${message}\n`);
    }
  }
}
