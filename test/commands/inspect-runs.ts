import type { InspectResult } from '../../src/commands/inspect/result.ts';
import { cli, type CliOptions } from '../run-cli.ts';
import { testUrl } from '../server/redis.ts';
import { json, type Printed } from './reading.ts';

/** Runs `inspect` with JSON output, on the test file's own database unless `args` name another. */
export async function inspect(args: readonly string[] = [], options: CliOptions = {}) {
  const outcome = await json(['inspect', ...args], { url: testUrl(), ...options });
  return { ...outcome, result: outcome.result as unknown as Printed<InspectResult> };
}

/** Runs `inspect` as at a terminal of 100 columns, without colors. */
export const inspectTable = async (args: readonly string[] = [], options: CliOptions = {}) =>
  (await cli(['inspect', '--no-color', ...args], { url: testUrl(), terminal: true, ...options })).stdout;
