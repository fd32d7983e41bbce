import { RedisError, refusal } from './errors.ts';
import { type Reply, ReplyError, replyText } from './reply.ts';
import type { RedisCommand, RedisNode, RedisServer } from './server.ts';
import { addressOf } from './target.ts';
import { sumOrNull } from '../support/collections.ts';

/**
 * The fields of INFO, by name; sections are flattened, for no name occurs in two of them. The heading of a section is a field
 * without a value: `# Keyspace` says that it was reported, although it may be empty.
 */
export type Info = Readonly<Record<string, string>>;

export interface DatabaseInfo {
  readonly database: number;
  readonly keys: number;
  /** Keys with a TTL; null: not reported. */
  readonly keysWithTtl: number | null;
}

/** Parses the text of an INFO reply. */
export function parseInfo(text: string): Info {
  const fields: Record<string, string> = {};
  for (const line of text.split('\r\n')) {
    if (line.startsWith('#')) fields[`# ${line.slice(1).trim()}`] = '';
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) fields[line.slice(0, colon)] = line.slice(colon + 1);
  }
  return fields;
}

/** The fields of a reply to INFO; null where it was refused, or was not answered. */
export function infoOf(reply: Reply | undefined): Info | null {
  return reply === undefined || reply instanceof ReplyError ? null : parseInfo(replyText(reply));
}

/** @throws RedisError, with code NOPERM where the user may not call INFO. */
export async function readInfo(node: RedisNode): Promise<Info> {
  return parseInfo(replyText(await node.call('INFO')));
}

/** INFO or a section of it; null where the server refuses it. @throws RedisError when the connection is lost. */
export async function readInfoIfPermitted(
  node: Pick<RedisNode, 'batch'>,
  section?: Uppercase<string>,
): Promise<Info | null> {
  const [reply] = await node.batch([section === undefined ? ['INFO'] : ['INFO', section]]);
  return infoOf(reply);
}

/** Keys of the database on all nodes; null where DBSIZE is not permitted. @throws RedisError when the connection is lost. */
export async function countKeys({ nodes }: Pick<RedisServer, 'nodes'>): Promise<number | null> {
  const replies = await Promise.all(nodes.map((node) => node.batch([['DBSIZE']])));
  return sumOrNull(replies.map(([size]) => (typeof size === 'number' ? size : null)));
}

/** The two questions that `withCommands` takes the answers to. */
export const infoWithCommands: readonly RedisCommand[] = [['INFO'], ['INFO', 'COMMANDSTATS']];

/** INFO with the calls of each command (`cmdstat_get`, …), where the server reports these. */
export function withCommands(info: Reply, commands: Reply | undefined): Info {
  return { ...parseInfo(replyText(info)), ...infoOf(commands) };
}

/** The same; null where INFO is refused. @throws RedisError when the connection is lost. */
export async function readInfoWithCommandsIfPermitted(node: RedisNode): Promise<Info | null> {
  const [info = null, commands] = await node.batch(infoWithCommands);
  return info === null || info instanceof ReplyError ? null : withCommands(info, commands);
}

/** @throws RedisError, with code NOPERM where the user may not call INFO. */
export async function readInfoWithCommands(node: RedisNode): Promise<Info> {
  const [info = null, commands] = await node.batch(infoWithCommands);
  if (info instanceof ReplyError) throw refusal(info, '`INFO`', node.address);
  return withCommands(info, commands);
}

/**
 * Refuses replicas that take no writes, before anything is planned for them. Where INFO is not permitted, the first write
 * finds out. @param subject What would write. @throws RedisError
 */
export async function requirePrimaries(server: RedisServer, subject: string): Promise<void> {
  for (const node of server.nodes) {
    const info = (await readInfoIfPermitted(node, 'REPLICATION')) ?? {};
    if (info['role'] !== 'slave' || info['slave_read_only'] === '0') continue;
    const primary = addressOf({ host: info['master_host'] ?? '', port: Number(info['master_port']) });
    throw new RedisError(
      'refused',
      'READONLY',
      `${node.address} is a replica of ${primary}, and ${subject} writes; nothing was changed`,
      `connect to the primary, ${primary}`,
    );
  }
}

/** `standalone`, `cluster` or `sentinel`, of the section SERVER, where it is reported. Valkey has a name of its own for it. */
export const modeOf = (info: Info | null): string | undefined =>
  info?.['redis_mode'] ?? info?.['server_mode'];

/** Calls by the name of the command, those of its subcommands together; null where the server reports none. */
export function commandCalls(
  info: Info,
  field: 'calls' | 'failed_calls' | 'usec' = 'calls',
): ReadonlyMap<string, number> | null {
  const counter = new RegExp(`(?:^|,)${field}=(\\d+)`);
  const calls = new Map<string, number>();
  for (const [field, value] of Object.entries(info)) {
    const name = /^cmdstat_([^|]+)/.exec(field)?.[1]?.toUpperCase();
    const count = counter.exec(value)?.[1];
    if (name !== undefined && count !== undefined) calls.set(name, (calls.get(name) ?? 0) + Number(count));
  }
  return calls.size === 0 ? null : calls;
}

/** A numeric field, or null where the server does not report it. */
export function infoNumber(info: Info, field: string): number | null {
  const text = info[field];
  const value = text === undefined || text === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}

/** The `db<n>` lines, ordered by number; a database that is empty has none. Null: the section is not reported. */
export function databasesOf(info: Info): DatabaseInfo[] | null {
  const databases = Object.entries(info)
    .flatMap(([name, value]) => {
      const number = /^db(\d+)$/.exec(name)?.[1];
      const keys = /\bkeys=(\d+)/.exec(value)?.[1];
      const expires = /\bexpires=(\d+)/.exec(value)?.[1];
      return number === undefined || keys === undefined
        ? []
        : [
            {
              database: Number(number),
              keys: Number(keys),
              keysWithTtl: expires === undefined ? null : Number(expires),
            },
          ];
    })
    .sort((left, right) => left.database - right.database);
  return databases.length === 0 && info['# Keyspace'] === undefined ? null : databases;
}

/**
 * Keys of a database with TTLs of single fields, as Redis from 7.4 on and Valkey from 9 on report them; null: not reported, as by
 * servers that have no such TTLs.
 */
export function keysWithFieldTtls(info: Info, database: number): number | null {
  const count = /\b(?:subexpiry|keys_with_volatile_items)=(\d+)/.exec(info[`db${database}`] ?? '')?.[1];
  return count === undefined ? null : Number(count);
}

/** A server's product and version. */
export interface Release {
  readonly product: string;
  readonly version: string;
}

/** The product and its own version: Valkey and others also report a Redis version, for compatibility. */
export function productOf(info: Info): Release {
  const valkey = info['valkey_version'];
  if (valkey !== undefined) return { product: 'valkey', version: valkey };
  const dragonfly = /^df-v?(.*)$/.exec(info['dragonfly_version'] ?? '')?.[1];
  if (dragonfly !== undefined) return { product: 'dragonfly', version: dragonfly };
  return { product: 'redis', version: info['redis_version'] ?? 'unknown' };
}

/** True for the version, given as numbers, or a later one; false where the server reports none. */
export function isFrom({ version }: Release, least: readonly number[]): boolean {
  const own = version.split('.').map(Number);
  for (const [index, part] of least.entries()) {
    const beyond = (own[index] ?? 0) - part;
    if (beyond !== 0) return beyond > 0;
  }
  return true;
}

/**
 * True where the server knows CLIENT NO-TOUCH, and survives it. Redis 8.0 to 8.2 and Valkey 8.0 and 8.1 had a fault for which they
 * crash at a command of a connection with NO-TOUCH on: at each that names a key of a slot that is on its way to another node,
 * and at a write for which another client waits. Measured on Redis 8.0.2 and 8.0.6 and on Valkey 8.1.1; Valkey 9.1.2 survives.
 * @see https://github.com/redis/redis/pull/14415 (Redis 8.4), https://github.com/valkey-io/valkey/pull/2347 (Valkey 8.0.6, 8.1.4)
 */
export function survivesNoTouch(release: Release): boolean {
  const from = (...least: number[]) => isFrom(release, least);
  return release.product === 'valkey'
    ? from(8, 1, 4) || (from(8, 0, 6) && !from(8, 1))
    : from(8, 4) || (from(7, 2) && !from(7, 9));
}

/**
 * True where the server looks up each key that `SCAN … TYPE` goes through, and counts a hit for it: all but Valkey from 8.0 on.
 * Measured on Redis 7.0.15, 8.0.2 and 8.0.6 and on Valkey 8.1.1 and 9.1.2; later ones of Redis are taken for such.
 */
export function countsScanType(info: Info): boolean {
  const { product, version } = productOf(info);
  return !(product === 'valkey' && Number.parseInt(version) >= 8);
}
