import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import { connect } from '../../src/redis/connect.ts';
import { infoNumber, readInfo } from '../../src/redis/info.ts';
import type { OwnLookups } from '../../src/redis/lookups.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli, type CliOptions, type CliResult, jsonOf } from '../run-cli.ts';
import type { RedisProcess, RedisProcessOptions } from '../server/redis-process.ts';
import { startPrivateServer, targetOf, testServer } from '../server/redis.ts';

/** A server of the test's own with a connection to it, both gone at the test's end. */
export async function startServer(
  options: RedisProcessOptions = {},
): Promise<{ readonly redis: RedisProcess; readonly server: RedisServer }> {
  const redis = await startPrivateServer(options);
  onTestFinished(() => redis.stop());
  return { redis, server: await open(redis.url) };
}

export async function open(url: string): Promise<RedisServer> {
  const server = await connect(targetOf(url));
  onTestFinished(() => server.close());
  return server;
}

/** A connection to the test file's own database, which is emptied first. */
export async function emptyServer(): Promise<RedisServer> {
  const server = await testServer();
  onTestFinished(() => server.close());
  return server;
}

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
  const folder = mkdtempSync(join(tmpdir(), 'cachectl-map-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(
    join(folder, 'cachectl.config.json'),
    typeof config === 'string' ? config : JSON.stringify(config),
  );
  return folder;
}

export const linesOf = (text: string): string[] => text.replace(/\n$/, '').split('\n');
