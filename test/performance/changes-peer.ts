import { counted } from '../../src/render/units.ts';
import { onEmptyServer } from './empty-server.ts';
import { say } from './measure.ts';
import { findPipePeers } from './pipe-peers.ts';
import { programArguments } from './program-arguments.ts';
import { runRace } from './race.ts';
import { everyRecord, populationOf, writeRecords } from './records.ts';
import { type Ground, raceForManyUsers, raceForNamespace, raceForOneUser } from './removal-races.ts';
import { grouped } from './table.ts';
import { inTemporaryFolder } from './temporary-folder.ts';
import { raceForExport, raceForWarming } from './transfer-races.ts';

/**
 * `cachectl invalidate`, `warm` and `export` next to what one writes with redis-cli or valkey-cli in a shell, alternating.
 * Times are those of whole commands and pipes. In every round the keys are counted before and after, and the comparison
 * ends where somebody did not do the work. Usage: npm run bench:changes -- [keys] [rounds] [--skip-slow]
 */
const {
  numbers: [keys = 0, rounds = 0],
  skipSlow,
} = programArguments(1_000_000, 5);

const { list: peers, remarks } = findPipePeers(skipSlow);
// Page sizes matter to walks alone.
const [loader] = findPipePeers(false).list;
const population = populationOf(keys);

await inTemporaryFolder(async (folder) => {
  await onEmptyServer(async (server) => {
    say(`filling a server (${server.product}) with ${grouped(keys)} keys …`);
    await writeRecords(server.node, everyRecord(population));
    say(
      `\n${counted(keys, 'key')} of ${counted(population.users, 'user')} and ${counted(population.sessions, 'session')}, ${server.product}, ` +
        `Node ${process.version}; medians of ${counted(rounds, 'round')}, alternating; ratios are those within a round`,
    );
    say('cachectl: SCAN COUNT 500 (its default); peak MB is the memory of its process');
    for (const remark of remarks) say(remark);
    const ground: Ground = { server, population, peers, folder };
    await runRace(raceForOneUser(ground), rounds);
    await runRace(raceForManyUsers(ground), rounds);
    await runRace(raceForNamespace(ground), rounds);
    await runRace(raceForExport(ground), rounds);
  });
  if (loader === undefined) say('\nwithout redis-cli and valkey-cli there is nothing to hold `warm` against');
  else await runRace(await raceForWarming({ population, folder }, loader), rounds);
});
