import { replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli, type CliOptions, type CliResult, jsonOf } from '../run-cli.ts';
import { freePort } from '../server/redis-process.ts';
import { send } from '../server/redis.ts';

export interface Row {
  readonly id: string;
  readonly status: string;
  readonly message: string;
  readonly remedy: string | null;
  readonly value: number | null;
  readonly limit: number | null;
}

export const checkJson = (args: readonly string[], options: CliOptions) =>
  cli(['check', '--output', 'json', ...args], options);

/** The rows of a JSON result by the id of their checks. */
export function rowsOf(result: CliResult): Readonly<Record<string, Row>> {
  const rows = jsonOf(result)['checks'] as readonly Row[];
  return Object.fromEntries(rows.map((row) => [row.id, row]));
}

/** The ids of the checks with this status. */
export function withStatus(result: CliResult, status: string): string[] {
  return Object.values(rowsOf(result))
    .filter((row) => row.status === status)
    .map(({ id }) => id);
}

/** The URL of a server that is not there. */
export const unreachable = async () => `redis://127.0.0.1:${await freePort()}`;

/** One section of INFO, as text. */
export async function infoText(server: RedisServer, section: Uppercase<string>): Promise<string> {
  return replyText(await send(server, 'INFO', section));
}
