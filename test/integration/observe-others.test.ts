import { expect, test } from 'vitest';
import { clientName } from '../../src/redis/target.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { send } from '../server/redis.ts';
import { during, observeFor, sumOf } from './observed-traffic.ts';
import { open, startRedis } from '../server/own.ts';

test('two observers at a time take the lookups of each other off', async () => {
  const { url } = await startRedis();
  const application = await open(url);
  await send(application, 'SET', 'user:1', 'x');
  const read = async () => {
    await send(application, 'GET', 'user:1');
    await send(application, 'MGET', 'user:1', 'user:2');
  };
  const [inner, other] = [await open(url, { database: 5 }), await open(url)];
  const { report } = await observeFor(
    await open(url),
    during(() => Promise.all([observeFor(inner, during(read)), observeFor(other)])),
  );
  expect(report).toMatchObject({
    valid: true,
    residual: { reads: 0, hits: 0, misses: 0 },
    reads: 3,
    hits: 2,
    misses: 1,
    namespaces: [{ namespace: 'users', reads: 3, hits: 2, misses: 1 }],
    mostMissed: [{ key: 'user:2', misses: 1 }],
  });
  expect(report.remarks.join()).toMatch(/another cachectl observes this server too: \d+ of its lookups/);
});

test.each(['exact', 'sampled'] as const)(
  'reads by other commands of this program are no traffic in mode %s, whenever they connected',
  async (mode) => {
    const { url } = await startRedis();
    const [application, before] = [await open(url), await open(url, { clientName })];
    await send(application, 'SET', 'user:1', 'x');
    await send(before, 'PING');
    const work = async () => {
      const later = await open(url, { clientName });
      const until = Date.now() + (mode === 'exact' ? 300 : 3000);
      for (let round = 0; Date.now() < until || round < 20; round++) {
        await Promise.all([send(application, 'GET', 'user:1'), send(application, 'GET', 'user:2')]);
        for (const ours of [before, later])
          await Promise.all([
            send(ours, 'PTTL', 'user:1'),
            send(ours, 'GET', 'user:1'),
            send(ours, 'TYPE', 'user:1'),
          ]);
        reads += 2;
      }
      await send(later, 'SET', 'user:3', 'x');
    };
    let reads = 0;
    const { report } = await observeFor(await open(url), { ...during(work), mode });
    expect(report.valid).toBe(true);
    const [users] = report.namespaces;
    expect(report.misses).toBe(reads / 2);
    if (mode === 'exact') {
      expect(report).toMatchObject({ reads, hits: reads / 2, residual: { reads: 0, hits: 0, misses: 0 } });
      expect(users).toMatchObject({ reads, hits: reads / 2, writes: 1 });
      expect(report.remarks).toEqual([`${3 * reads} reads by other commands of cachectl are taken off`]);
    } else {
      expect(users?.hitRate).toBeLessThan(0.7);
      expect(report.hitRate).toBeLessThan(0.7);
    }
  },
);

test('no key is told to miss most where none stands out', async () => {
  const { url } = await startRedis();
  const application = await open(url);
  const connection = await application.nodes[0].openConnection();
  const misses = async () => {
    const keys = Array.from({ length: 30_000 }, (_, number) => asBytes(`user:${number}`));
    for (let round = 0; round < 3; round++) await connection.exchange(keys.map((key) => ['GET', key]));
  };
  const { report } = await observeFor(await open(url), during(misses));
  connection.close();
  expect(sumOf(report.namespaces.map((each) => each.misses))).toBe(90_000);
  expect(report.mostMissed).toEqual([]);
});

test('a key that stands out among thousands is told', async () => {
  const { url } = await startRedis();
  const application = await open(url);
  const connection = await application.nodes[0].openConnection();
  const misses = () =>
    connection.exchange(
      Array.from({ length: 6000 }, (_, number) => [
        'GET',
        asBytes(number % 3 === 0 ? 'user:hot' : `user:${number}`),
      ]),
    );
  const { report } = await observeFor(await open(url), during(misses));
  connection.close();
  const [hottest] = report.mostMissed;
  expect(hottest).toMatchObject({ key: 'user:hot', namespace: 'users', cause: 'neverCached' });
  expect(hottest?.missesAtLeast).toBeLessThanOrEqual(2000);
  expect(hottest?.misses).toBeGreaterThanOrEqual(2000);
});

test('state is held against no target', async () => {
  const { url } = await startRedis();
  const application = await open(url);
  const read = () => send(application, 'GET', 'count:1');
  const { report } = await observeFor(await open(url), during(read));
  expect(report.namespaces).toMatchObject([{ namespace: 'counters', misses: 1, targetMet: null }]);
});
