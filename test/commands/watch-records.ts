import { expect } from 'vitest';
import type { WatchInterval } from '../../src/watch/interval.ts';
import { cli, type CliOptions, type CliResult } from '../run-cli.ts';
import { until } from '../server/until.ts';
import { linesOf } from './reading.ts';

export interface WatchOutput {
  readonly intervals: readonly (WatchInterval & { readonly record: 'interval' })[];
  readonly summary: Readonly<Record<string, unknown>>;
}

/** The records on stdout: the intervals, and the summary that follows them. */
export function recordsOf({ stdout }: Pick<CliResult, 'stdout'>): WatchOutput {
  const records = linesOf(stdout).map((line) => JSON.parse(line) as { record: string });
  const summary = records.pop();
  expect(summary?.record).toBe('summary');
  for (const { record } of records) expect(record).toBe('interval');
  return {
    intervals: records as unknown as WatchOutput['intervals'],
    summary: summary as unknown as WatchOutput['summary'],
  };
}

export const sumOf = (values: readonly (number | null)[]) =>
  values.reduce<number>((sum, value) => sum + (value ?? 0), 0);

/** Waits until an interval that was printed from now on is one of those. */
export type UntilInterval = (
  event: string,
  isSought?: (interval: WatchOutput['intervals'][number]) => boolean,
) => Promise<void>;

/** Runs `watch` until `work` is done and seen, and interrupts it. */
export async function watchWhile(
  args: readonly string[],
  options: CliOptions,
  work: (untilInterval: UntilInterval) => Promise<unknown>,
): Promise<CliResult & WatchOutput> {
  const controller = new AbortController();
  let printed = '';
  const run = cli(['watch', '--interval', '200ms', ...args], {
    ...options,
    signal: controller.signal,
    onOutput: (text) => (printed += text),
  });
  const untilInterval: UntilInterval = (event, isSought = () => true) => {
    const before = printed.lastIndexOf('\n') + 1;
    return until(event, () =>
      linesOf(printed.slice(before, printed.lastIndexOf('\n') + 1))
        .filter((line) => line !== '')
        .some((line) => isSought(JSON.parse(line) as WatchOutput['intervals'][number])),
    );
  };
  await untilInterval(
    'it watches',
    ({ ok, trafficMode }) => ok && (trafficMode !== null || !args.includes('--hits')),
  );
  await work(untilInterval);
  // The interval in hand may have begun before the work was done.
  await untilInterval('an interval ends');
  await untilInterval('a whole interval follows');
  controller.abort('SIGINT');
  const outcome = await run;
  return { ...outcome, ...recordsOf(outcome) };
}
