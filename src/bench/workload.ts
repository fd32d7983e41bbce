import { encodeCommand } from '../redis/connection.ts';
import type { SeededRandom } from '../support/random.ts';
import type { KeySet } from './keys.ts';
import type { WorkloadName } from './options.ts';

/** The commands of one connection, already encoded. */
export interface CommandSource {
  /** The bytes of the next `count` commands. */
  encode(count: number): string;
  /** GETs among the commands so far; the server counts each as a hit or a miss. */
  readonly lookups: number;
}

/** The same random stream gives the same commands on the same keys. */
export function commandSource(
  workload: WorkloadName,
  keys: Pick<KeySet, 'gets' | 'setHeads' | 'setTail'>,
  getRatio: number,
  random: Pick<SeededRandom, 'fraction' | 'below'>,
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

/** The commands of a workload. */
export const commandNamesOf = (workload: WorkloadName): readonly string[] =>
  ({ ping: ['PING'], get: ['GET'], set: ['SET'], mixed: ['GET', 'SET'] })[workload];

/** The same for a message about one of them. */
export const commandsOf = (workload: WorkloadName): string =>
  commandNamesOf(workload)
    .map((name) => `\`${name}\``)
    .join(' or ');
