import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { mapAt } from '../named-map.ts';
import { buildMap } from '../../src/config/build-map.ts';
import type { NamespaceMap } from '../../src/keyspace/map.ts';
import { asBytes, type ByteString } from '../../src/support/bytes.ts';
import { connect } from '../../src/redis/connect.ts';
import { infoNumber, readInfo } from '../../src/redis/info.ts';
import { type Reply, ReplyParser } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { type Fault, faultOf } from '../../src/sandbox/faults.ts';
import { generateRecords, seedServer } from '../../src/sandbox/seed.ts';
import {
  configFileOf,
  type FaultName,
  faultNames,
  type SystemName,
  systemNames,
} from '../../src/sandbox/systems.ts';
import { runTraffic } from '../../src/sandbox/traffic.ts';
import type { TrafficTotals } from '../../src/sandbox/traffic-account.ts';
import { cli, jsonOf } from '../run-cli.ts';
import { send, startPrivateServer, targetOf } from '../server/redis.ts';
import { temporaryFolder } from '../server/own.ts';

/** Of a test's own context, where several run at once. */
type Finish = (clean: () => unknown) => void;

const afterwards: Finish = (clean) =>
  onTestFinished(async () => {
    await clean();
  });

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
const mapOf = (system: SystemName) => buildMap(mapAt(configFileOf(system, packageRoot)).config);

/** The event that each cause of a miss leaves before it. */
const eventOf: Readonly<Partial<Record<Fault['cause'], string>>> = {
  expired: 'expired',
  evicted: 'evicted',
  invalidated: 'del',
  neverCached: 'none',
};

async function filledServer(
  system: SystemName,
  keys = 2000,
  finish: Finish = afterwards,
): Promise<RedisServer> {
  const redis = await startPrivateServer();
  finish(() => redis.stop());
  const server = await connect(targetOf(redis.url));
  finish(() => server.close());
  await seedServer(server.nodes[0], generateRecords(system, { keys, seed: 1, now: Date.now() }));
  return server;
}

/** Misses of each namespace by the last word that the server said of the key before, from now until `stop`. */
async function recordMisses(server: RedisServer, map: NamespaceMap, finish: Finish = afterwards) {
  await send(server, 'CONFIG', 'SET', 'notify-keyspace-events', 'Egxemn');
  const connection = await server.nodes[0].openConnection();
  finish(() => connection.close());
  const lastWords = new Map<ByteString, string>();
  const misses = new Map<string, Map<string, number>>();
  const take = (reply: Reply) => {
    if (!Array.isArray(reply) || reply[0] !== 'pmessage') return;
    const [, , channel, key] = reply as ByteString[];
    if (channel === undefined || key === undefined) return;
    const event = channel.replace(/^__keyevent@0__:/, '');
    if (event === 'keymiss') {
      const namespace = map.classify(key)?.name ?? '(unmapped)';
      const words = misses.get(namespace) ?? new Map<string, number>();
      const word = lastWords.get(key) ?? 'none';
      misses.set(namespace, words.set(word, (words.get(word) ?? 0) + 1));
    } else if (['expired', 'evicted', 'del'].includes(event)) {
      lastWords.set(key, event);
    }
  };
  const parser = new ReplyParser(take);
  connection.stream(['PSUBSCRIBE', asBytes('__keyevent@0__:*')], {
    bytes: (chunk) => parser.push(chunk),
    ended: () => undefined,
  });
  return misses;
}

/** Traffic until it has made so many operations. */
async function trafficOf(
  server: RedisServer,
  system: SystemName,
  options: { fault?: Fault; map?: NamespaceMap; operations: number; operationsPerSecond?: number },
): Promise<TrafficTotals> {
  const { operations: enough, operationsPerSecond = 1000, ...rest } = options;
  const stop = new AbortController();
  return runTraffic(server.nodes[0], system, 1, {
    ...rest,
    operationsPerSecond,
    signal: stop.signal,
    now: Date.now,
    onTick: ({ operations }) => {
      if (operations >= enough) stop.abort();
    },
  });
}

const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, each) => total + each, 0);

/** One system with all faults, and each fault with another one: what differs between systems is data, held by test/unit. */
const faultsOf: Readonly<Record<SystemName, readonly FaultName[]>> = {
  education: faultNames,
  content: ['small-memory'],
  honzik: ['unstable-keys'],
  boardroom: ['short-ttl'],
  subjunctive: ['invalidation-loop'],
};

describe.each(systemNames)('in the system %s', (system) => {
  test.concurrent.for(faultsOf[system])(
    '%s makes misses of its cause',
    { timeout: 30_000 },
    async (name, context) => {
      const finish: Finish = (clean) =>
        context.onTestFinished(async () => {
          await clean();
        });
      const map = mapOf(system);
      const fault = faultOf(system, name);
      const server = await filledServer(system, 2000, finish);
      const seen = await recordMisses(server, map, finish);

      const totals = await trafficOf(server, system, { fault, map, operations: 2000 });

      for (const namespace of fault.namespaces) {
        const words = seen.get(namespace) ?? new Map<string, number>();
        const misses = sum(words.values());
        expect(misses).toBeGreaterThan(50);
        expect((words.get(eventOf[fault.cause] ?? '') ?? 0) / misses).toBeGreaterThan(0.8);
        // What the traffic knows of itself is what the server has seen.
        const own = totals.byNamespace.get(namespace);
        expect(own?.misses).toBe(misses);
        expect(own?.reads).toBe((own?.hits ?? 0) + (own?.misses ?? 0));
        expect((own?.causes[fault.cause] ?? 0) / misses).toBeGreaterThan(0.8);
      }
      const hits = sum(fault.namespaces.map((each) => totals.byNamespace.get(each)?.hits ?? 0));
      if (name === 'unstable-keys') expect(hits).toBe(0);
      else expect(hits).toBeGreaterThan(100);
    },
  );
});

describe('the totals of traffic', () => {
  test('without a map name no namespaces', async () => {
    const server = await filledServer('honzik');
    const totals = await trafficOf(server, 'honzik', { operations: 300 });
    expect(totals.byNamespace.size).toBe(0);
  });

  test('by namespace add up to what the server counted, with lists and all', async () => {
    const server = await filledServer('education', 5000);
    const before = await readInfo(server.nodes[0]);
    const totals = await trafficOf(server, 'education', {
      map: mapOf('education'),
      operations: 3000,
      operationsPerSecond: 4000,
    });
    const after = await readInfo(server.nodes[0]);
    const grown = (field: string) => Number(infoNumber(after, field)) - Number(infoNumber(before, field));

    expect(totals.hits).toBe(grown('keyspace_hits'));
    expect(totals.misses).toBe(grown('keyspace_misses'));
    const rows = [...totals.byNamespace.values()];
    expect(sum(rows.map(({ hits }) => hits))).toBe(totals.hits);
    expect(sum(rows.map(({ misses }) => misses))).toBe(totals.misses);
    for (const { reads, hits, misses, causes } of rows) {
      expect(reads).toBe(hits + misses);
      expect(sum(Object.values(causes))).toBe(misses);
    }
    const commands = await send(server, 'INFO', 'commandstats');
    expect(commands).toMatch(/cmdstat_mget:calls=\d+/);
    expect(totals.byNamespace.has('session')).toBe(true);
  });

  test('tell of usual traffic the causes that the server tells of, nearly all of them', async () => {
    const map = mapOf('content');
    const server = await filledServer('content', 5000);
    const seen = await recordMisses(server, map);
    const totals = await trafficOf(server, 'content', { map, operations: 4000, operationsPerSecond: 4000 });

    const known = { expired: 0, invalidated: 0, neverCached: 0, unknown: 0 };
    for (const { causes } of totals.byNamespace.values())
      for (const cause of Object.keys(known) as (keyof typeof known)[]) known[cause] += causes[cause];
    const told = (word: string) => sum([...seen.values()].map((words) => words.get(word) ?? 0));
    const all = () => sum([...seen.values()].flatMap((words) => [...words.values()]));
    await vi.waitFor(() => expect(all()).toBe(totals.misses));
    expect(known.unknown).toBe(0);
    // A server that needs a millisecond for PEXPIRE 1 takes the time for over, deletes the key, and reports `del`.
    expect(Math.abs(known.invalidated - told('del'))).toBeLessThan(10);
    expect(Math.abs(known.expired - told('expired'))).toBeLessThan(10);
    expect(Math.abs(known.neverCached - told('none'))).toBeLessThan(5);
    expect(Math.min(known.invalidated, known.expired, known.neverCached)).toBeGreaterThan(50);
  });
});

describe('a memory that is too small', () => {
  test('is found for a server that was full before, whose tables alone are more than what is left', async () => {
    const keys = 120_000;
    const server = await filledServer('subjunctive', keys);
    const fault = faultOf('subjunctive', 'small-memory');
    const totals = await trafficOf(server, 'subjunctive', {
      fault,
      map: mapOf('subjunctive'),
      operations: 2000,
    });
    const row = totals.byNamespace.get('feedback_digest');
    expect(row?.causes.evicted).toBeGreaterThan(100);
    expect(row?.hits).toBeGreaterThan(100);
    // Fewest where keys take most: 2,000 on Redis 7.0, 7,000 on Valkey 9.1.
    expect(await send(server, 'DBSIZE')).toBeLessThan(keys / 10);
  });
});

describe('sandbox --fault', () => {
  const environment = () => {
    const state = temporaryFolder();
    return { PATH: process.env['PATH'] ?? '', XDG_STATE_HOME: state };
  };
  const sandbox = (...args: string[]) =>
    cli(['sandbox', '--keys', '1000', ...args], { env: environment(), terminal: true });

  test(
    'lets `hits` name the cause, and shows beside it what the traffic knows',
    { timeout: 120_000 },
    async () => {
      const run = await sandbox(
        ...['--system', 'honzik', '--fault', 'invalidation-loop'],
        ...['--', 'hits', '--for', '2s', '--output', 'json'],
      );
      expect(run.exitCode).toBe(0);
      const { namespaces } = jsonOf(run) as {
        namespaces: { namespace: string; causes: Record<string, number> }[];
      };
      const causes = namespaces.find(({ namespace }) => namespace === 'daily')?.causes ?? {};
      expect((causes['invalidated'] ?? 0) / sum(Object.values(causes))).toBeGreaterThan(0.8);
      expect(run.stderr).toContain('fault invalidation-loop: each message removes the statistics of the day');
      expect(run.stderr).toContain('to be seen: misses of daily are invalidated');
      expect(run.stderr).toMatch(/What the traffic itself knows.*\n.*NAMESPACE.*\n *daily /);
    },
  );

  test('tells what it does when it stands, and in JSON', { timeout: 30_000 }, async () => {
    const stop = new AbortController();
    const told = await cli(['sandbox', '--keys', '100', '--fault', 'unstable-keys', '--output', 'json'], {
      env: environment(),
      signal: stop.signal,
      onOutput: () => stop.abort('SIGINT'),
    });
    expect(jsonOf(told)).toMatchObject({
      fault: {
        name: 'unstable-keys',
        namespaces: ['decorated_query', 'decorated_function'],
        cause: 'neverCached',
      },
    });
  });

  test('names the faults there are where it does not know one', async () => {
    const run = await sandbox('--fault', 'none');
    expect(run.exitCode).toBe(2);
    for (const name of faultNames) expect(run.stderr).toContain(name);
  });
});
