import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigFile } from '../../src/config/schema.ts';
import { infoNumber, readInfo } from '../../src/redis/info.ts';
import type { OwnLookups } from '../../src/redis/lookups.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli, type CliOptions, type CliResult, jsonOf } from '../run-cli.ts';
import { temporaryFolder } from '../server/own.ts';

/** The URL with a user and password in it. */
export function urlAs(url: string, user: string, password = 'secret'): string {
  return url.replace('://', `://${user}:${password}@`);
}

/** What hit rates are made from, as the server has counted it so far. */
export async function countersOf(server: RedisServer): Promise<{ hits: number; misses: number }> {
  const info = await readInfo(server.nodes[0]);
  return { hits: infoNumber(info, 'keyspace_hits') ?? -1, misses: infoNumber(info, 'keyspace_misses') ?? -1 };
}

/** Runs with JSON output and gives its one object. */
export async function json(
  args: readonly string[],
  options: CliOptions,
): Promise<CliResult & { readonly result: Readonly<Record<string, unknown>> }> {
  const outcome = await cli([...args, '--output', 'json'], options);
  return { ...outcome, result: jsonOf(outcome) };
}

/** A result as JSON has it, with what the run has looked up. */
export type Printed<Result> = Result & {
  readonly ok: boolean;
  readonly ownLookups: Omit<OwnLookups, 'metadata'>;
};

/** A folder with a map in it, removed at the test's end. */
export function folderWith(config: ConfigFile | string): string {
  const folder = temporaryFolder();
  writeFileSync(
    join(folder, 'cachectl.config.json'),
    typeof config === 'string' ? config : JSON.stringify(config),
  );
  return folder;
}

export const linesOf = (text: string): string[] => text.replace(/\n$/, '').split('\n');
