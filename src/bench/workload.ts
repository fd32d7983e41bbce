import { encodeArgument, encodeCommand } from '../redis/connection.ts';
import type { RedisCommand } from '../redis/server.ts';
import { asBytes, type ByteString } from '../support/bytes.ts';
import { firstAbove } from '../support/collections.ts';
import type { SeededRandom } from '../support/random.ts';
import type { KeyChoice } from './key-choice.ts';
import type { WorkloadName } from './options.ts';

/** The commands of one connection, already encoded. */
export interface CommandSource {
  /** The bytes of the next `count` commands. */
  encode(count: number): string;
  /** What the commands so far are answered with: a transaction has a reply for each of its commands. */
  readonly replies: number;
  /** Lookups among the commands so far; the server counts each as a hit or a miss. */
  readonly lookups: number;
  /** Of them, those of keys that were never written. */
  readonly absent: number;
  /** True where the keys are those of an application, which are used by being read. */
  readonly usesKeys: boolean;
}

/** What the commands of a workload on one node are made of: plain data. At an index of each list is what is done with one key. */
export interface Traffic {
  /** Keys of one read; where more than one, `reads` are arguments of MGET, and those of one command follow each other. */
  readonly keysPerRead: number;
  readonly reads: readonly string[];
  /** The same of keys that are never written. */
  readonly absentReads: readonly string[];
  /** Empty where nothing is written. */
  readonly writes: readonly OwnKey[];
  /** Of the largest size; the value of a write is its beginning. */
  readonly value: string;
  /** In the order of the keys; one at least. */
  readonly parts: readonly TrafficPart[];
  readonly usesKeys: boolean;
}

/** Keys that follow each other and are used alike: those of a namespace. */
export interface TrafficPart {
  readonly keys: number;
  /** How often they are used, next to the other parts. */
  readonly weight: number;
  /** Share of the commands that read, from 0 to 1. */
  readonly readShare: number;
  /** Share of the lookups whose key exists, from 0 to 1. */
  readonly hitRatio: number;
}

/** A key of the run, as it is written. */
export interface OwnKey {
  readonly name: ByteString;
  /** Of its value; of a hash, of each field. */
  readonly bytes: number;
  readonly ttlSeconds: number;
  /** Null: it is a string. */
  readonly fields: number | null;
}

/** Of the hash, a field. */
export const fieldOf = (index: number): ByteString => asBytes(String(index));

/** A hash in a transaction: a process that is killed leaves no key without a TTL. @param value See Traffic. */
export function encodeWrite({ name, bytes, ttlSeconds, fields }: OwnKey, value: string): string {
  const own = asBytes(value.slice(0, bytes));
  if (fields === null) return encodeCommand(['SET', name, own, 'EX', ttlSeconds]);
  const all = Array.from({ length: fields }, (_, field) => [fieldOf(field), own]).flat();
  const commands: RedisCommand[] = [
    ['MULTI'],
    ['HSET', name, ...all],
    ['PEXPIRE', name, ttlSeconds * 1000],
    ['EXEC'],
  ];
  return commands.map(encodeCommand).join('');
}

export const repliesOf = ({ fields }: OwnKey): number => (fields === null ? 1 : 4);

/** So many different values are kept as they are sent. */
const mostKeptValues = 64;

/** PING after PING. */
export function pingSource(): CommandSource {
  const ping = encodeCommand(['PING']);
  const source = {
    ...{ replies: 0, lookups: 0, absent: 0, usesKeys: false },
    encode: (count: number) => {
      source.replies += count;
      return ping.repeat(count);
    },
  };
  return source;
}

/** The same random stream gives the same commands on the same keys. */
export function commandSource(
  { keysPerRead, reads, absentReads, writes, value, parts, usesKeys }: Traffic,
  random: Pick<SeededRandom, 'fraction'>,
  choose: KeyChoice,
): CommandSource {
  const ends = endsOf(parts);
  const partOf = (index: number) =>
    (parts.length === 1 ? parts[0] : parts[firstAbove(ends, index)]) as TrafficPart;
  const read = (index: number, hitRatio: number): string => {
    source.lookups++;
    const isAbsent = hitRatio < 1 && absentReads.length > 0 && random.fraction() >= hitRatio;
    if (isAbsent) source.absent++;
    return (isAbsent ? absentReads[index % absentReads.length] : reads[index]) ?? '';
  };
  const readGroup = (index: number, hitRatio: number): string => {
    const start = index - (index % keysPerRead);
    const end = Math.min(start + keysPerRead, reads.length);
    let encoded = `*${end - start + 1}\r\n$4\r\nMGET\r\n`;
    for (let at = start; at < end; at++) encoded += read(at, hitRatio);
    return encoded;
  };
  const values = new Map<number, string>();
  const heads = writes.map(({ name }) => `*5\r\n$3\r\nSET\r\n${encodeArgument(name)}`);
  const write = (index: number): string => {
    const key = writes[index] as OwnKey;
    source.replies += repliesOf(key) - 1;
    if (key.fields !== null) return encodeWrite(key, value);
    const kept = values.get(key.bytes);
    const argument = kept ?? encodeArgument(value.slice(0, key.bytes));
    if (kept === undefined && values.size < mostKeptValues) values.set(key.bytes, argument);
    return `${heads[index] ?? ''}${argument}$2\r\nEX\r\n${encodeArgument(String(key.ttlSeconds))}`;
  };
  const source = {
    ...{ replies: 0, lookups: 0, absent: 0, usesKeys },
    encode(count: number): string {
      let encoded = '';
      source.replies += count;
      for (let made = 0; made < count; made++) {
        const index = choose();
        const { readShare, hitRatio } = partOf(index);
        if (readShare === 1 || (readShare > 0 && random.fraction() < readShare))
          encoded += keysPerRead === 1 ? read(index, hitRatio) : readGroup(index, hitRatio);
        else encoded += write(index);
      }
      return encoded;
    },
  };
  return source;
}

/** The first index behind each part. */
export function endsOf(parts: readonly Pick<TrafficPart, 'keys'>[]): number[] {
  let end = 0;
  return parts.map(({ keys }) => (end += keys));
}

/** The commands of a workload. */
export const commandNamesOf = (workload: WorkloadName): readonly string[] =>
  workload === 'mixed'
    ? ['GET', 'SET']
    : workload === 'like'
      ? ['GET', 'HGETALL', 'LRANGE', 'SMEMBERS', 'ZRANGE', 'SET', 'HSET']
      : [workload.toUpperCase()];

/** The same for a message about one of them. */
export const commandsOf = (workload: WorkloadName): string =>
  commandNamesOf(workload)
    .map((name) => `\`${name}\``)
    .join(' or ');
