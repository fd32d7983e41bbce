import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import type { ArchiveFrame, ArchiveHeader } from '../../src/records/archive/format.ts';
import { readArchive } from '../../src/records/archive/reader.ts';
import { replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { type CliResult, jsonOf } from '../run-cli.ts';
import { binary, cleanEnvironment, requireBundle } from '../server/binary.ts';
import { sendAll } from '../server/redis.ts';
import { storedKeys } from './invalidate-setup.ts';
import { temporaryFolder } from '../server/own.ts';

export interface Journal {
  readonly header: ArchiveHeader;
  readonly frames: readonly ArchiveFrame[];
  readonly cut: boolean;
}

export async function readJournal(path: string): Promise<Journal> {
  const archive = await readArchive(createReadStream(path));
  const frames: ArchiveFrame[] = [];
  for await (const frame of archive.frames) frames.push(frame);
  return { header: archive.header, frames, cut: archive.isCut() };
}

/** The path in a result; fails where there is none. */
export function journalOf(result: CliResult): string {
  const { journal } = jsonOf(result);
  if (typeof journal !== 'string') throw new Error(`there is no journal: ${result.stdout}${result.stderr}`);
  return journal;
}

/** The keys that a journal says are removed, sorted. */
export function removedIn({ frames }: Journal): string[] {
  const removed = new Set<string>();
  for (const frame of frames) {
    if (frame.kind === 'value' || frame.kind === 'removed') removed.add(frame.key);
    else if (frame.kind === 'stays') removed.delete(frame.key);
  }
  return [...removed].sort();
}

interface StoredKey {
  readonly dump: string;
  /** Milliseconds since the epoch; null without TTL. */
  readonly expiresAtMillis: number | null;
}

/** The whole database: values (as DUMP gives them, where that is steady), and when they expire. */
export async function snapshot(server: RedisServer): Promise<Map<string, StoredKey>> {
  const keys = await storedKeys(server);
  const ofEach = (commandOf: (key: string, index: number) => string) =>
    sendAll(
      server,
      keys.map((key, index) => [commandOf(key, index), key]),
    );
  const types = await ofEach(() => 'TYPE');
  // DUMP gives the members of a set in the order of its table.
  const values = await ofEach((_key, index) => (types[index] === 'set' ? 'SMEMBERS' : 'DUMP'));
  const expiries = await ofEach(() => 'PEXPIRETIME');
  return new Map(
    keys.map((key, index) => {
      const value = values[index] ?? null;
      const dump = Array.isArray(value) ? JSON.stringify((value as string[]).sort()) : replyText(value);
      const expiry = Number(expiries[index]);
      return [key, { dump, expiresAtMillis: expiry < 0 ? null : expiry }];
    }),
  );
}

/** What differs: keys by name, and TTLs that are more than a second apart. */
export function differences(
  before: ReadonlyMap<string, StoredKey>,
  after: ReadonlyMap<string, StoredKey>,
): string[] {
  const all = [...new Set([...before.keys(), ...after.keys()])].sort();
  return all.flatMap((key) => {
    const [was, is] = [before.get(key), after.get(key)];
    if (!was || !is) return [`${key} is ${is ? 'new' : 'missing'}`];
    if (was.dump !== is.dump) return [`${key} has another value`];
    if ((was.expiresAtMillis === null) !== (is.expiresAtMillis === null))
      return [`${key} has another kind of TTL`];
    const drift = Math.abs((is.expiresAtMillis ?? 0) - (was.expiresAtMillis ?? 0));
    return drift > 1000 ? [`${key} expires ${drift} ms from where it did`] : [];
  });
}

/** One key of every type, with a prefix; two of them expire. */
export function everyType(prefix: string): (string | number)[][] {
  const name = (type: string) => `${prefix}:${type}`;
  return [
    ['SET', name('text'), 'plain', 'EX', 5000],
    ['SET', name('binary'), '\x00\xff\r\n\x80'],
    ['HSET', name('hash'), 'field', 'value', '\xff', '\x00'],
    ['RPUSH', name('list'), 'a', 'b', '\x00'],
    ['SADD', name('set'), 'a', '\xfe'],
    ['ZADD', name('zset'), 1.5, 'a', -2, 'b'],
    ['XADD', name('stream'), '1-1', 'field', 'value'],
    ['EXPIRE', name('hash'), 900],
  ];
}

/**
 * Runs the built program where the system lets no file grow beyond so many blocks of 512 bytes: what a full disk does,
 * without a disk.
 */
export async function runWithFileLimit(
  blocks: number,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<CliResult> {
  requireBundle();
  const command = ['-c', `ulimit -f ${blocks}; exec "$@"`, 'sh', process.execPath, binary, ...args];
  const child = spawn('sh', command, { env: cleanEnvironment(temporaryFolder(), env) });
  const [stdout, stderr] = [[] as Buffer[], [] as Buffer[]];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const exitCode = await new Promise<number>((resolve) =>
    child.once('close', (code, signal) => resolve(signal === null ? (code ?? -1) : -1)),
  );
  return {
    exitCode,
    stdout: Buffer.concat(stdout).toString('utf8'),
    stderr: Buffer.concat(stderr).toString('utf8'),
  };
}
