import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';
import { cli } from '../run-cli.ts';
import { send, sendAll, untilCalled } from '../server/redis.ts';
import { stats, statsTable } from './stats-runs.ts';
import { startServer } from '../server/own.ts';

const { redis, server } = await startServer();
beforeEach(async () => {
  await send(server, 'FLUSHALL');
});

const big = 40_000;
const pads = 20_000;
const populate = (count: number, prefix: string) => send(server, 'DEBUG', 'POPULATE', count, prefix, 50);

/** At this pace a sample of the least size takes some three seconds. */
const paced = ['--precision', '5%', '--seed', '1', '--max-rate', '4000'];

/** Runs a command line, and comes back once it has begun to read keys. */
async function begun<Outcome>(start: () => Promise<Outcome>): Promise<{ running: Promise<Outcome> }> {
  await send(server, 'CONFIG', 'RESETSTAT');
  const running = start();
  await untilCalled(server, 'scan');
  return { running };
}

async function whileChanging(change: (pad: number) => (string | number)[]) {
  const { running } = await begun(() => stats(redis.url, paced));
  for (let first = 0; first < pads; first += 1000) {
    await sendAll(
      server,
      Array.from({ length: 1000 }, (_, index) => change(first + index)),
    );
    await sleep(30);
  }
  return (await running).result;
}

const within = (interval: readonly [number, number] | null | undefined, truth: number) =>
  interval !== null && interval !== undefined && interval[0] <= truth && truth <= interval[1];

test.each([
  ['shrinks', pads, 0, (pad: number) => ['UNLINK', `pad:${pad}`]],
  ['grows', 0, pads, (pad: number) => ['SET', `pad:${pad}`, 'x'.repeat(50)]],
] as const)(
  'a sample holds what a keyspace that %s meanwhile has at its end',
  async (_name, from, to, change) => {
    await populate(big, 'big');
    if (from > 0) await populate(from, 'pad');
    const result = await whileChanging((pad) => [...change(pad)]);
    const intervalOf = (name: string) =>
      result.namespaces.find(({ namespace }) => namespace.startsWith(name))?.keysInterval;
    expect(result.reading).toMatchObject({
      method: 'sample',
      keyspaceKeys: big + from,
      keyspaceKeysAtEnd: big + to,
    });
    expect(within(result.keysInterval, big + to)).toBe(true);
    expect(within(intervalOf('big'), big)).toBe(true);
    expect(within(intervalOf('pad'), to)).toBe(true);
  },
);

test('a sample says how DBSIZE went, and nothing of it where it kept still', async () => {
  await populate(big, 'big');
  expect(await statsTable(redis.url, ['--precision', '10%'])).not.toContain('DBSIZE');
  await populate(pads, 'pad');
  const line = ['stats', ...paced, '--no-color'];
  const { running } = await begun(() => cli(line, { url: redis.url, terminal: true }));
  await sendAll(
    server,
    Array.from({ length: pads / 2 }, (_, pad) => ['UNLINK', `pad:${pad}`]),
  );
  expect((await running).stdout.replaceAll(/\s+/g, ' ')).toContain(
    'the number of keys went from 60,000 to 50,000 while the sample was drawn: the intervals hold what any namespace may have lost or gained',
  );
});

test('keys that have expired and that DBSIZE still counts are accounted for', async () => {
  await populate(300, 'user');
  await send(server, 'DEBUG', 'SET-ACTIVE-EXPIRE', 0);
  await sendAll(
    server,
    Array.from({ length: 40 }, (_, index) => ['SET', `gone:${index}`, 'x', 'PX', 1]),
  );
  await sleep(20);
  const output = await statsTable(redis.url);
  expect(output).toContain('300 keys');
  expect(output.replaceAll(/\s+/g, ' ')).toContain(
    'the number of keys went from 340 to 300 during the read; 40 keys had expired or been removed before being reached',
  );
  const { result } = await stats(redis.url);
  // SCAN removes what it finds expired.
  expect(result.reading).toMatchObject({ keyspaceKeys: 300, keyspaceKeysAtEnd: 300, goneKeys: 0 });
  await send(server, 'DEBUG', 'SET-ACTIVE-EXPIRE', 1);
});
