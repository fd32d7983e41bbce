import { encodeCommand } from '../redis/connection.ts';
import type { SeededRandom } from '../support/random.ts';
import type { KeyChoice } from './key-choice.ts';
import type { KeySet } from './keys.ts';
import type { WorkloadName } from './options.ts';

/** The commands of one connection, already encoded. */
export interface CommandSource {
  /** The bytes of the next `count` commands. */
  encode(count: number): string;
  /** GETs among the commands so far; the server counts each as a hit or a miss. */
  readonly lookups: number;
  /** Of them, those of keys that were never written. */
  readonly absent: number;
}

/** The same random stream gives the same commands on the same keys. */
export function commandSource(
  workload: WorkloadName,
  keys: Pick<KeySet, 'gets' | 'absentGets' | 'setHeads' | 'setTail'>,
  { getRatio, hitRatio }: { readonly getRatio: number; readonly hitRatio: number },
  random: Pick<SeededRandom, 'fraction'>,
  choose: KeyChoice,
): CommandSource {
  if (workload === 'ping') {
    const ping = encodeCommand(['PING']);
    return { encode: (count) => ping.repeat(count), lookups: 0, absent: 0 };
  }
  const { gets, absentGets, setHeads, setTail } = keys;
  const share = workload === 'get' ? 1 : workload === 'set' ? 0 : getRatio;
  const source = {
    lookups: 0,
    absent: 0,
    encode(count: number): string {
      let encoded = '';
      for (let made = 0; made < count; made++) {
        const index = choose();
        if (share === 1 || (share > 0 && random.fraction() < share)) {
          source.lookups++;
          const isAbsent = hitRatio < 1 && absentGets.length > 0 && random.fraction() >= hitRatio;
          if (isAbsent) source.absent++;
          encoded += (isAbsent ? absentGets[index % absentGets.length] : gets[index]) ?? '';
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
