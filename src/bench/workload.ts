import { encodeArgument, encodeCommand } from '../redis/connection.ts';
import type { SeededRandom } from '../support/random.ts';
import type { KeyChoice } from './key-choice.ts';
import type { WorkloadName } from './options.ts';

/** The commands of one connection, already encoded. */
export interface CommandSource {
  /** The bytes of the next `count` commands. */
  encode(count: number): string;
  /** Lookups among the commands so far; the server counts each as a hit or a miss. */
  readonly lookups: number;
  /** Of them, those of keys that were never written. */
  readonly absent: number;
}

/** What the commands of a workload on one node are made of: plain data. At an index of each list is what is done with one key. */
export interface Traffic {
  /** Keys of one read; where more than one, `reads` are arguments of MGET, and those of one command follow each other. */
  readonly keysPerRead: number;
  readonly reads: readonly string[];
  /** The same of keys that are never written. */
  readonly absentReads: readonly string[];
  readonly writes: readonly Write[];
  /** Of the largest size; the value of a write is its beginning. */
  readonly value: string;
  /** Share of the commands that read, from 0 to 1. */
  readonly readShare: number;
  /** Share of the lookups whose key exists, from 0 to 1. */
  readonly hitRatio: number;
}

/** SET of a key: what is before its value, how long that is, and what is behind it. */
export interface Write {
  readonly head: string;
  readonly bytes: number;
  readonly end: string;
}

/** So many different values are kept as they are sent. */
const mostKeptValues = 64;

/** PING after PING. */
export function pingSource(): CommandSource {
  const ping = encodeCommand(['PING']);
  return { encode: (count) => ping.repeat(count), lookups: 0, absent: 0 };
}

/** The same random stream gives the same commands on the same keys. */
export function commandSource(
  { keysPerRead, reads, absentReads, writes, value, readShare, hitRatio }: Traffic,
  random: Pick<SeededRandom, 'fraction'>,
  choose: KeyChoice,
): CommandSource {
  const read = (index: number): string => {
    source.lookups++;
    const isAbsent = hitRatio < 1 && absentReads.length > 0 && random.fraction() >= hitRatio;
    if (isAbsent) source.absent++;
    return (isAbsent ? absentReads[index % absentReads.length] : reads[index]) ?? '';
  };
  const readGroup = (index: number): string => {
    const start = index - (index % keysPerRead);
    const end = Math.min(start + keysPerRead, reads.length);
    let encoded = `*${end - start + 1}\r\n$4\r\nMGET\r\n`;
    for (let at = start; at < end; at++) encoded += read(at);
    return encoded;
  };
  const values = new Map<number, string>();
  const write = (index: number): string => {
    const { head, bytes, end } = writes[index] as Write;
    const kept = values.get(bytes);
    const argument = kept ?? encodeArgument(value.slice(0, bytes));
    if (kept === undefined && values.size < mostKeptValues) values.set(bytes, argument);
    return head + argument + end;
  };
  const source = {
    lookups: 0,
    absent: 0,
    encode(count: number): string {
      let encoded = '';
      for (let made = 0; made < count; made++) {
        const index = choose();
        if (readShare === 1 || (readShare > 0 && random.fraction() < readShare))
          encoded += keysPerRead === 1 ? read(index) : readGroup(index);
        else encoded += write(index);
      }
      return encoded;
    },
  };
  return source;
}

/** The commands of a workload. */
export const commandNamesOf = (workload: WorkloadName): readonly string[] =>
  workload === 'mixed' ? ['GET', 'SET'] : [workload.toUpperCase()];

/** The same for a message about one of them. */
export const commandsOf = (workload: WorkloadName): string =>
  commandNamesOf(workload)
    .map((name) => `\`${name}\``)
    .join(' or ');
