import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InvalidateResult } from '../../src/commands/invalidate/result.ts';
import { counted } from '../../src/render/units.ts';
import { ours } from './contenders.ts';
import { type EmptyServer, expectKeys } from './empty-server.ts';
import { type Measured, measure, measureWithOutput } from './measure.ts';
import type { PipePeer } from './pipe-peers.ts';
import type { Race, Racer } from './race.ts';
import {
  keysOfUser,
  type Population,
  recordsOfSessions,
  recordsOfUsers,
  type StringRecord,
  writeRecords,
} from './records.ts';
import { environmentIn } from './temporary-folder.ts';

/** A server that holds the population, the peers, and a folder for files and journals. */
export interface Ground {
  readonly server: EmptyServer;
  readonly population: Population;
  readonly peers: readonly PipePeer[];
  readonly folder: string;
}

/** What a racer is to remove, which is put back behind it. */
interface Prey {
  readonly keys: number;
  readonly records: () => Iterable<StringRecord>;
}

const idsInFile = 1000;
const callsOfPeer = 20;
const backupName = 'backup.journal';

/** One user among all. */
export function raceForOneUser(ground: Ground): Race {
  const { peers, server, population } = ground;
  const userOf = (round: number) => userAt(population, round + 1, 100);
  const prey = (round: number): Prey => ({
    keys: keysOfUser,
    records: () => recordsOfUsers([userOf(round)]),
  });
  return {
    title: `the ${keysOfUser} keys of one user: \`invalidate user N --yes\` beside \`--scan --pattern 'user:N:*' | xargs -r CLI unlink\``,
    racers: [
      remover(ground, 'without a journal', (round) => `user ${userOf(round)} --no-journal`, prey),
      remover(ground, 'with its journal', (round) => `user ${userOf(round)}`, prey),
      ...peers.map((peer): Racer => ({
        name: peer.name,
        peer: peer.program,
        run: (round) => {
          const pipe = `${peer.scan(server.port, `user:${userOf(round)}:*`)} | xargs -r ${peer.call(server.port)} unlink`;
          return removing(ground, peer.name, prey(round), () => measure('sh', ['-c', pipe]));
        },
      })),
    ],
  };
}

/** Many users at once, where a pipe needs a walk for each. */
export function raceForManyUsers(ground: Ground): Race {
  const { folder, peers, server, population } = ground;
  const count = Math.min(idsInFile, population.users);
  const users = Array.from({ length: count }, (_, index) => userAt(population, index, count));
  const calls = Math.min(callsOfPeer, count);
  const few = Array.from({ length: calls }, (_, index) => userAt(population, index, calls));
  const file = join(folder, 'ids.txt');
  const preyOf = (list: readonly number[]): Prey => ({
    keys: list.length * keysOfUser,
    records: () => recordsOfUsers(list),
  });
  writeFileSync(file, users.join('\n') + '\n');
  return {
    title: `${counted(count, 'user')}: \`invalidate user --ids-from FILE --yes\` beside one pipe for each; of the pipes ${calls} ran, and their time is EXTRAPOLATED to ${count} (× ${(count / calls).toFixed(0)})`,
    racers: [
      remover(
        ground,
        'with its journal',
        () => `user --ids-from ${file}`,
        () => preyOf(users),
      ),
      ...peers.map((peer): Racer => ({
        name: `${peer.name} (${calls} calls × ${(count / calls).toFixed(0)})`,
        peer: peer.program,
        factor: count / calls,
        run: () => {
          const call = peer.call(server.port);
          const pipes = few.map(
            (user) => `${peer.scan(server.port, `user:${user}:*`)} | xargs -r ${call} unlink`,
          );
          return removing(ground, peer.name, preyOf(few), () => measure('sh', ['-c', pipes.join('\n')]));
        },
      })),
    ],
  };
}

/** A whole namespace. */
export function raceForNamespace(ground: Ground): Race {
  const { peers, server, population, folder } = ground;
  const pattern = 'session:*';
  const prey = (): Prey => ({
    keys: population.sessions,
    records: () => recordsOfSessions(population.sessions),
  });
  const backup = join(folder, backupName);
  return {
    title: `${counted(population.sessions, 'key')} of one namespace: \`invalidate --pattern '${pattern}' --yes\` beside \`--scan --pattern '${pattern}' | xargs -n 1000 CLI unlink\``,
    racers: [
      remover(ground, 'with its journal', () => `--pattern ${pattern}`, prey),
      remover(ground, 'with --backup', () => `--pattern ${pattern} --backup --journal ${backup}`, prey),
      ...peers.map((peer): Racer => ({
        name: peer.name,
        peer: peer.program,
        run: () => {
          const pipe = `${peer.scan(server.port, pattern)} | xargs -r -n 1000 ${peer.call(server.port)} unlink`;
          return removing(ground, peer.name, prey(), () => measure('sh', ['-c', pipe]));
        },
      })),
    ],
  };
}

/** Users spread over all of them. */
function userAt({ users }: Population, place: number, places: number): number {
  return Math.floor(((place % places) * users) / places);
}

function remover(
  ground: Ground,
  how: string,
  selection: (round: number) => string,
  prey: (round: number) => Prey,
): Racer {
  const name = `cachectl invalidate, ${how}`;
  return {
    name,
    run: (round) =>
      removing(ground, name, prey(round), async () => {
        const { command, args } = ours(ground.server.url, `invalidate ${selection(round)} --yes`);
        const { output, ...measured } = await measureWithOutput(command, args, environmentIn(ground.folder));
        const { removed } = JSON.parse(output) as InvalidateResult;
        if (removed !== prey(round).keys) throw new Error(`${name} says that it removed ${removed} keys`);
        rmSync(join(ground.folder, 'cachectl'), { recursive: true, force: true });
        rmSync(join(ground.folder, backupName), { force: true });
        return measured;
      }),
  };
}

/** Lets the work remove the keys, counts those that are left, and puts them back. */
async function removing(
  { server: { node }, population }: Ground,
  name: string,
  { keys, records }: Prey,
  work: () => Promise<Measured>,
): Promise<Measured> {
  await expectKeys(node, population.keys, `putting back what was removed before ${name}`);
  const measured = await work();
  await expectKeys(node, population.keys - keys, name);
  await writeRecords(node, records());
  return measured;
}
