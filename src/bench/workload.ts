import { encodeCommand } from '../redis/lane.ts';
import type { WorkloadName } from './options.ts';

/** The commands of one connection, already encoded. */
export interface CommandSource {
  /** The bytes of the next `count` commands. */
  encode(count: number): string;
  /** GETs among the commands so far; the server counts each as a hit or a miss. */
  readonly lookups: number;
}

/** What the commands work on: all that `KeySet` knows of their bytes. */
interface EncodedKeys {
  readonly gets: readonly string[];
  readonly setHeads: readonly string[];
  readonly setTail: string;
}

interface Random {
  /** From 0 to 1, 1 excluded. */
  fraction(): number;
  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number;
}

/** The same random stream gives the same commands on the same keys. */
export function commandSource(
  workload: WorkloadName,
  keys: EncodedKeys,
  getRatio: number,
  random: Random,
): CommandSource {
  if (workload === 'ping') {
    const ping = encodeCommand(['PING']);
    return { encode: (count) => ping.repeat(count), lookups: 0 };
  }
  const { gets, setHeads, setTail } = keys;
  const share = workload === 'get' ? 1 : workload === 'set' ? 0 : getRatio;
  const source = {
    lookups: 0,
    encode(count: number): string {
      let encoded = '';
      for (let made = 0; made < count; made++) {
        const index = random.below(gets.length);
        if (share === 1 || (share > 0 && random.fraction() < share)) {
          source.lookups++;
          encoded += gets[index] ?? '';
        } else {
          encoded += (setHeads[index] ?? '') + setTail;
        }
      }
      return encoded;
    },
  };
  return source;
}

/** The commands of a workload, for a message about one of them. */
export function commandsOf(workload: WorkloadName): string {
  return { ping: '`PING`', get: '`GET`', set: '`SET`', mixed: '`GET` or `SET`' }[workload];
}
