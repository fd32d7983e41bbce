import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { bytesOf } from '../../src/support/bytes.ts';
import { ReplyError } from '../../src/redis/reply.ts';
import type { RedisCommand, RedisNode } from '../../src/redis/server.ts';

/** A key with a string value. */
export interface StringRecord {
  readonly key: string;
  readonly value: string;
  /** Seconds. */
  readonly ttl: number;
}

const partsOfUser = ['profile', 'settings', 'daily', 'weekly', 'feed', 'avatar', 'quota', 'streak', 'badges'];
export const keysOfUser = partsOfUser.length;
const daySeconds = 86_400;

/** Seven tenths of the keys belong to users, the others are one namespace of sessions. */
export interface Population {
  readonly keys: number;
  readonly users: number;
  readonly sessions: number;
}

export function populationOf(keys: number): Population {
  const users = Math.floor((keys * 0.7) / keysOfUser);
  return { keys, users, sessions: keys - users * keysOfUser };
}

export function* everyRecord({ users, sessions }: Population): Generator<StringRecord> {
  yield* recordsOfUsers(Array.from({ length: users }, (_, user) => user));
  yield* recordsOfSessions(sessions);
}

export function* recordsOfUsers(users: Iterable<number>): Generator<StringRecord> {
  for (const user of users) for (const part of partsOfUser) yield recordOf(`user:${user}:${part}`, user);
}

export function* recordsOfSessions(sessions: number): Generator<StringRecord> {
  for (let index = 0; index < sessions; index++) yield recordOf(`session:${digest(index)}`, index);
}

/** JSON text with quotation marks and a letter of two bytes, so that a converter has to do its work. */
function recordOf(key: string, index: number): StringRecord {
  const value = JSON.stringify({ id: index, name: `Zoë ${index}`, note: 'v'.repeat(80) });
  return { key, value, ttl: daySeconds + (index % 600) };
}

/** 32 hex digits; the leading letter keeps one of decimals alone from being read as a number. */
function digest(index: number): string {
  const digits = (BigInt(index + 1) * 0x9e3779b97f4a7c15n).toString(16);
  return 'a' + digits.padStart(32, 'a').slice(-31);
}

/** @throws Error when a record is refused */
export async function writeRecords(node: RedisNode, records: Iterable<StringRecord>): Promise<void> {
  const connection = await node.openConnection();
  try {
    for (const batch of inBatches(records)) {
      const replies = await connection.exchange(
        batch.map(({ key, value, ttl }): RedisCommand => [
          'SET',
          bytesOf(key),
          bytesOf(value),
          'EX',
          Math.ceil(ttl),
        ]),
      );
      const refused = replies.find((reply) => reply instanceof ReplyError);
      if (refused) throw new Error(`a record was refused: ${refused.message}`);
    }
  } finally {
    connection.close();
  }
}

export async function writeNdjson(file: string, records: Iterable<StringRecord>): Promise<void> {
  await pipeline(Readable.from(linesOf(records)), createWriteStream(file));
}

export async function gzipFile(file: string, to: string): Promise<void> {
  await pipeline(createReadStream(file), createGzip({ level: 1 }), createWriteStream(to));
}

function* linesOf(records: Iterable<StringRecord>): Generator<string> {
  for (const batch of inBatches(records)) yield batch.map((record) => JSON.stringify(record) + '\n').join('');
}

function* inBatches(records: Iterable<StringRecord>): Generator<StringRecord[]> {
  let batch: StringRecord[] = [];
  for (const record of records) {
    batch.push(record);
    if (batch.length < 1000) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
