import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { buildMap } from '../../src/keyspace/map.ts';
import { asBytes } from '../../src/redis/bytes.ts';
import { connect } from '../../src/redis/connect.ts';
import { ReplyError, replyText } from '../../src/redis/reply.ts';
import type { RedisCommand, RedisServer } from '../../src/redis/server.ts';
import type { ConnectTarget } from '../../src/redis/target.ts';
import { observe, type ObserveOptions } from '../../src/traffic/observe.ts';
import { startCluster } from '../server/cluster.ts';
import type { RedisProcess } from '../server/redis-process.ts';
import { send, startPrivateServer, targetOf } from '../server/redis.ts';
import { flagsOn, setFlags, testTerms } from './notifications-server.ts';

const map = buildMap({
  namespaces: {
    users: { pattern: 'user:*', hitRateTarget: 0.5 },
    pages: { pattern: 'page:*' },
    counters: { pattern: 'count:*', kind: 'state' },
  },
});

async function startServer(config: readonly string[] = []): Promise<RedisProcess> {
  const server = await startPrivateServer({ config });
  onTestFinished(() => server.stop());
  return server;
}

async function open(url: string, changes: Partial<ConnectTarget> = {}): Promise<RedisServer> {
  const server = await connect(targetOf(url, changes));
  onTestFinished(() => server.close());
  return server;
}

/** Observes with the rights of a user, whose reconnections are those of the test. */
function observeFor(server: RedisServer, changes: Partial<ObserveOptions> = {}) {
  return observe(server, {
    ...testTerms(),
    ...{ map, mode: 'exact', mayChange: true, duty: 0.2, random: Math.random },
    ...{ signal: new AbortController().signal, seconds: 0.5, maxCost: null, maxBytes: 1e9 },
    reconnect: () => Promise.reject(new Error('no other way')),
    ...changes,
  });
}

/** Ever the same commands in ever new order, from before a window until after it. */
async function startTraffic(server: RedisServer, { tag = '', missing = true } = {}): Promise<void> {
  const lane = await server.nodes[0].openLane();
  let [running, turn] = [true, 0];
  const random = (below: number) => ((turn = (turn * 69_069 + 12_345) % 2 ** 31) >> 8) % below;
  const name = (kind: string) => asBytes(`${kind}:${tag}${random(missing ? 40 : 4)}`);
  const commands: readonly (() => RedisCommand)[] = [
    () => ['GET', name('user')],
    () => ['MGET', name('user'), name('page'), name('user')],
    () => ['SET', name('user'), asBytes('v"\r\n'), asBytes('px'), 20 + random(50)],
    () => ['SET', name('page'), asBytes('v'), 'GET'],
    () => ['DEL', name('page')],
    () => ['INCR', name('count')],
    () => ['EXISTS', name('count'), name('page')],
    () => ['OBJECT', 'REFCOUNT', name('count')],
    () => ['TTL', name('user')],
    () => ['GETEX', name('user'), 'PX', 30],
  ];
  const hits: typeof commands = [() => ['GET', name('user')], () => ['EXISTS', name('count')]];
  if (!missing) {
    const keys = ['user', 'count'].flatMap((kind) => [0, 1, 2, 3].map((number) => `${kind}:${tag}${number}`));
    await lane.exchange(keys.map((key) => ['SET', asBytes(key), 1]));
  }
  const run = async () => {
    while (running) {
      const chosen = missing ? commands : hits;
      const batch = Array.from(
        { length: 20 },
        (): RedisCommand => chosen[random(chosen.length)]?.() ?? ['PING'],
      );
      await lane.exchange(batch);
      await sleep(1 + random(3));
    }
  };
  // No event tells of a miss of OBJECT: it asks for keys that are always there.
  await lane.exchange(Array.from({ length: 40 }, (_, number) => ['INCR', asBytes(`count:${tag}${number}`)]));
  const done = run().catch(() => undefined);
  onTestFinished(async () => {
    running = false;
    await done;
    lane.close();
  });
  await sleep(30);
}

const sumOf = (values: readonly (number | null)[]) =>
  values.reduce<number>((sum, value) => sum + (value ?? 0), 0);

/** Does something once the window has begun. */
function during(action: () => Promise<unknown>, afterMillis = 100): Pick<ObserveOptions, 'onBegin'> {
  return { onBegin: () => void sleep(afterMillis).then(action) };
}

describe('with traffic over both edges of the window', () => {
  test('in mode exact each lookup is attributed, in window after window', async () => {
    const { url } = await startServer();
    const server = await open(url);
    await startTraffic(await open(url));
    for (let window = 0; window < 5; window++) {
      const { report, restored } = await observeFor(server, { seconds: 0.4 });
      expect(report.residual).toEqual({ reads: 0, hits: 0, misses: 0 });
      expect(report).toMatchObject({ mode: 'exact', valid: true, invalidReasons: [], endedBy: null });
      expect(report.reads).toBeGreaterThan(100);
      expect(sumOf(report.namespaces.map(({ reads }) => reads))).toBe(report.reads);
      expect(sumOf(report.namespaces.map(({ hits }) => hits))).toBe(report.hits);
      expect(sumOf(report.namespaces.map(({ misses }) => misses))).toBe(report.misses);
      expect(report.namespaces.map(({ namespace }) => namespace).sort()).toEqual([
        'counters',
        'pages',
        'users',
      ]);
      for (const { misses, causes } of report.namespaces)
        expect(sumOf(Object.values(causes ?? {}))).toBe(misses);
      expect(restored.map(({ outcome }) => outcome)).toEqual(['restored']);
    }
    expect(await flagsOn(server)).toBe('');
  });

  test('in mode misses-only each miss is', async () => {
    const { url } = await startServer();
    const server = await open(url);
    await startTraffic(await open(url));
    for (let window = 0; window < 5; window++) {
      const { report } = await observeFor(server, { mode: 'misses-only', seconds: 0.3 });
      expect(report.residual).toEqual({ reads: null, hits: null, misses: 0 });
      expect(report).toMatchObject({ mode: 'misses-only', valid: true });
      expect(sumOf(report.namespaces.map(({ misses }) => misses))).toBe(report.misses);
      expect(report.namespaces.map(({ reads }) => reads)).not.toContain(expect.any(Number));
    }
  });

  test('in mode sampled the bursts are attributed whole, and the intervals hold the sum', async () => {
    const { url } = await startServer();
    const server = await open(url);
    await startTraffic(await open(url));
    const { report } = await observeFor(server, { mode: 'sampled', seconds: 1.5 });
    expect(report.residual).toEqual({ reads: 0, hits: 0, misses: 0 });
    expect(report).toMatchObject({ mode: 'sampled', valid: true });
    expect(report.cost.duty).toBeGreaterThan(0.05);
    const estimated = sumOf(report.namespaces.map(({ hits }) => hits));
    expect(Math.abs(estimated - (report.hits ?? 0))).toBeLessThan(10);
  });

  test('in another database the map counts for that one, and the rest is told by its number', async () => {
    const { url } = await startServer();
    const server = await open(`${url}/3`);
    await startTraffic(await open(`${url}/3`));
    await startTraffic(await open(url));
    const { report } = await observeFor(server);
    expect(report.residual).toEqual({ reads: 0, hits: 0, misses: 0 });
    expect(report.namespaces.map(({ namespace, database }) => `${namespace} ${database}`).sort()).toEqual([
      '(database 0) 0',
      'counters 3',
      'pages 3',
      'users 3',
    ]);
  });

  test('on a cluster the traffic of all primaries is attributed', async () => {
    const cluster = await startCluster(3);
    onTestFinished(() => cluster.stop());
    const places = cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
    const server = await open(cluster.nodes[0].url, { topology: { kind: 'cluster', seeds: places } });
    expect(server.nodes).toHaveLength(3);
    const tags = server.nodes.map((node) => {
      let number = 0;
      while (server.nodeFor(asBytes(`{${number}}`)) !== node) number++;
      return `{${number}}:`;
    });
    for (const [index, node] of server.nodes.entries())
      await startTraffic({ ...server, nodes: [node] }, { tag: tags[index] ?? '' });
    const { report, restored } = await observeFor(server, { seconds: 0.8 });
    expect(report.residual).toEqual({ reads: 0, hits: 0, misses: 0 });
    expect(report).toMatchObject({ valid: true, mode: 'exact' });
    expect(report.reads).toBeGreaterThan(300);
    const missed = report.missingKeys.map(({ key }) => tags.findIndex((tag) => key.includes(tag)));
    expect(new Set(missed)).toEqual(new Set([0, 1, 2]));
    expect(restored.map(({ outcome }) => outcome)).toEqual(['restored', 'restored', 'restored']);
    for (const admin of cluster.admins) expect(await flagsOn(admin)).toBe('');
  });
});

describe('a window in which something was lost is not valid, and the server is as it was', () => {
  async function scene() {
    const started = await startServer();
    const admin = await open(started.url);
    await setFlags(admin, 'Kx');
    const server = await open(started.url);
    await startTraffic(await open(started.url));
    return { started, admin, server };
  }

  test.each(['exact', 'misses-only', 'sampled'] as const)(
    'a subscriber that the server cut off, in mode %s',
    async (mode) => {
      const { admin, server } = await scene();
      const before = await flagsOn(admin);
      const kill = () => send(admin, 'CLIENT', 'KILL', 'TYPE', 'pubsub');
      const { report, restored, failure } = await observeFor(server, { mode, seconds: 3, ...during(kill) });
      expect(report).toMatchObject({ valid: false, endedBy: 'lost' });
      expect(report.invalidReasons.join()).toMatch(/subscription/);
      expect(failure).toBeNull();
      expect(restored.map(({ outcome }) => outcome)).toEqual(['restored']);
      expect(await flagsOn(admin)).toBe(before);
    },
  );

  test('a MONITOR that the server cut off', async () => {
    const { admin, server } = await scene();
    const before = await flagsOn(admin);
    const kill = async () => {
      const clients = replyText(await send(admin, 'CLIENT', 'LIST')).split('\n');
      const id = clients.map((line) => /^id=(\d+) .* flags=O /.exec(line)?.[1]).find((each) => each);
      expect(await send(admin, 'CLIENT', 'KILL', 'ID', id ?? '')).toBe(1);
    };
    const { report, failure } = await observeFor(server, { seconds: 3, ...during(kill) });
    expect(report).toMatchObject({ valid: false, endedBy: 'lost' });
    expect(report.invalidReasons.join()).toMatch(/MONITOR/);
    expect(failure).toBeNull();
    expect(await flagsOn(admin)).toBe(before);
  });

  test('events that somebody switched off, who keeps what they set', async () => {
    const { admin, server } = await scene();
    const { report } = await observeFor(server, { seconds: 2, ...during(() => setFlags(admin, '')) });
    expect(report.valid).toBe(false);
    expect(await flagsOn(admin)).toBe('');
  });

  test('a short while without events, too', async () => {
    const { admin, server } = await scene();
    const blink = async () => {
      const flags = String(await flagsOn(admin));
      await setFlags(admin, '');
      await sleep(300);
      await setFlags(admin, flags);
    };
    const { report } = await observeFor(server, { seconds: 0.9, ...during(blink) });
    expect(report.valid).toBe(false);
  });

  test.each(['exact', 'misses-only'] as const)('counters that were reset, in mode %s', async (mode) => {
    const { admin, server } = await scene();
    const reset = () => send(admin, 'CONFIG', 'RESETSTAT');
    const { report } = await observeFor(server, { mode, seconds: 0.8, ...during(reset, 400) });
    expect(report.valid).toBe(false);
  });

  test('counters that were reset and grew beyond what they were', async () => {
    const { url } = await startServer();
    const [admin, server] = [await open(url), await open(url)];
    await startTraffic(await open(url), { missing: false });
    const reset = () => send(admin, 'CONFIG', 'RESETSTAT');
    const { report } = await observeFor(server, {
      mode: 'misses-only',
      seconds: 2.5,
      ...during(reset, 1200),
    });
    expect(report.valid).toBe(false);
  });

  test('a server that was killed', async () => {
    const { started, server } = await scene();
    const kill = async () => {
      started.kill('SIGKILL');
      await sleep(0);
    };
    const { report, restored, failure } = await observeFor(server, { seconds: 3, ...during(kill) });
    expect(report).toMatchObject({ valid: false, endedBy: 'lost' });
    expect(failure).toMatchObject({ failure: 'lost' });
    expect(restored.map(({ outcome }) => outcome)).toEqual(['failed']);
  });
});

describe('a user without', () => {
  const minimal =
    '+ping +hello +auth +select +info +client|setname +client|id +ttl +exists +multi +exec +subscribe ' +
    '+psubscribe +monitor +config|get +config|set +memory|usage';

  async function observeAs(rights: string, changes: Partial<ObserveOptions> = {}) {
    const { url } = await startServer([`user eve on >secret ~* &* -@all ${minimal} ${rights}`]);
    const admin = await open(url);
    await startTraffic(await open(url));
    const server = await open(url, { username: 'eve', password: 'secret' });
    const outcome = await observeFor(server, { mode: null, ...changes });
    expect(await flagsOn(admin)).toBe('');
    return outcome;
  }

  test('nothing of what is needed is observed in mode exact', async () => {
    const { report } = await observeAs('');
    expect(report).toMatchObject({ mode: 'exact', valid: true, residual: { reads: 0, hits: 0, misses: 0 } });
  });

  test('MONITOR is observed by the misses alone, with the reason', async () => {
    const { report } = await observeAs('-monitor');
    expect(report).toMatchObject({ mode: 'misses-only', valid: true, residual: { misses: 0 } });
    expect(report.modeReason).toMatch(/MONITOR is not permitted/);
  });

  test('CONFIG is observed by the counters alone, with the line to send', async () => {
    const { report } = await observeAs('-config|get -config|set');
    expect(report).toMatchObject({ mode: 'counters', namespaces: [] });
    expect(report.hits).toBeGreaterThan(0);
    expect(report.modeReason).toMatch(/notify-keyspace-events/);
  });

  test('CONFIG cannot ask for a mode that needs it', async () => {
    await expect(observeAs('-config|get -config|set', { mode: 'exact' })).rejects.toMatchObject({
      failure: 'refused',
    });
  });

  test.each([
    ['transactions', '-multi -exec'],
    ['the end of a transaction', '-exec'],
    ['TTL', '-ttl'],
    ['TTL and EXISTS', '-ttl -exists +type'],
    ['transactions and TTL', '-multi -exec -ttl'],
  ])('%s is observed all the same', async (_, rights) => {
    const { report } = await observeAs(rights);
    expect(report).toMatchObject({ mode: 'exact', valid: true, residual: { reads: 0, hits: 0, misses: 0 } });
  });
});

test('what MONITOR prints of hostile arguments is read as it was sent', async () => {
  const { url } = await startServer();
  const server = await open(url);
  const sender = await (await open(url)).nodes[0].openLane();
  onTestFinished(() => sender.close());
  const hostile = [
    ...[
      '',
      ' ',
      '"',
      '\\',
      '" "GET" "x',
      '] "GET" "x"',
      '\r\n',
      '\n+OK\r\n',
      '\x00\x01',
      '\\x41',
      '\\',
      'a\\',
    ],
    ...[Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join(''), 'GET', '1234', '-1'],
  ].map(asBytes);
  const commands: RedisCommand[] = hostile.flatMap((word): RedisCommand[] => [
    ['GET', word],
    ['MGET', word, word, ...hostile],
    ['SET', word, word, 'GET', 'PX', 10_000],
    ['SET', word, word],
    [asBytes('set'), word, asBytes('GET'), asBytes('kEePtTl')],
    ['OBJECT', 'ENCODING', word],
    ['XREAD', 'COUNT', 1, 'STREAMS', asBytes(`x${word}`), 0],
    ['ZUNION', 2, asBytes(`z${word}`), asBytes(`y${word}`)],
    ['EVAL', asBytes('return redis.call("get", KEYS[1])'), 1, word],
    ['EVAL', asBytes('return redis.call("exists", KEYS[1], ARGV[1])'), 1, word, word],
    ['GETSET', word, word],
    ['HGET', asBytes(`h${word}`), word],
  ]);
  let refused: ReplyError[] = [];
  const talk = async () => {
    const replies = await sender.exchange(commands);
    refused = replies.filter((reply) => reply instanceof ReplyError);
  };
  const { report } = await observeFor(server, { seconds: 1, ...during(talk) });
  expect(refused).toEqual([]);
  expect(report.residual).toEqual({ reads: 0, hits: 0, misses: 0 });
  expect(report.reads).toBeGreaterThan(200);
});
