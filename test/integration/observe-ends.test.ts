import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { replyText } from '../../src/redis/reply.ts';
import type { ObserveOptions } from '../../src/traffic/observe.ts';
import { countersOf } from '../commands/reading.ts';
import { send } from '../server/redis.ts';
import { until } from '../server/until.ts';
import { flagsOn, setFlags } from './notifications-server.ts';
import { during, endedBy, observeFor, startTraffic } from './observed-traffic.ts';
import { open, startRedis } from '../server/own.ts';

describe('a window in which something was lost is not valid, and the server is as it was', () => {
  async function scene() {
    const started = await startRedis();
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
      const { report, restored, failure } = await observeFor(server, { mode, ...endedBy(kill) });
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
      const id = clients.map((line) => /^id=(\d+) .* cmd=monitor /.exec(line)?.[1]).find((each) => each);
      expect(await send(admin, 'CLIENT', 'KILL', 'ID', id ?? '')).toBe(1);
    };
    const { report, failure } = await observeFor(server, endedBy(kill));
    expect(report).toMatchObject({ valid: false, endedBy: 'lost' });
    expect(report.invalidReasons.join()).toMatch(/MONITOR/);
    expect(failure).toBeNull();
    expect(await flagsOn(admin)).toBe(before);
  });

  test('events that somebody switched off, who keeps what they set', async () => {
    const { admin, server } = await scene();
    const { report } = await observeFor(
      server,
      endedBy(() => setFlags(admin, '')),
    );
    expect(report.valid).toBe(false);
    expect(report.invalidReasons).toEqual([
      expect.stringMatching(/`notify-keyspace-events` of .* is `""` now, changed by another client/),
    ]);
    expect(await flagsOn(admin)).toBe('');
  });

  test('causes that somebody switched off, while misses are still told', async () => {
    const { admin, server } = await scene();
    const { report } = await observeFor(
      server,
      during(() => setFlags(admin, 'Egmn')),
    );
    expect(report).toMatchObject({ valid: false, endedBy: null });
    expect(report.invalidReasons.join()).toMatch(
      /changed by another client in the window: events are missing/,
    );
  });

  test('a short while without events, too', async () => {
    const { admin, server } = await scene();
    const blink = async () => {
      const flags = String(await flagsOn(admin));
      await setFlags(admin, '');
      await sleep(300);
      await setFlags(admin, flags);
    };
    const { report } = await observeFor(server, during(blink));
    expect(report.valid).toBe(false);
  });

  test.each(['exact', 'misses-only'] as const)('counters that were reset, in mode %s', async (mode) => {
    const { admin, server } = await scene();
    const reset = () => send(admin, 'CONFIG', 'RESETSTAT');
    const { report } = await observeFor(server, { mode, ...during(reset) });
    expect(report.valid).toBe(false);
  });

  test('counters that were reset and grew beyond what they were', async () => {
    const { url } = await startRedis();
    const [admin, server] = [await open(url), await open(url)];
    await startTraffic(await open(url), { missing: false });
    const hits = async () => (await countersOf(admin)).hits;
    const reset = async () => {
      const before = await hits();
      await send(admin, 'CONFIG', 'RESETSTAT');
      await until('more hits than before', async () => (await hits()) > before);
    };
    const { report } = await observeFor(server, { mode: 'misses-only', ...during(reset) });
    expect(report.valid).toBe(false);
  });

  test('a server that was killed', async () => {
    const { started, server } = await scene();
    const kill = async () => {
      started.kill('SIGKILL');
      await started.stop();
    };
    const { report, restored, failure } = await observeFor(server, endedBy(kill));
    expect(report).toMatchObject({ valid: false, endedBy: 'lost' });
    expect(failure).toMatchObject({ failure: 'lost' });
    expect(restored.map(({ outcome }) => outcome)).toEqual(['failed']);
  });
});

describe('an end before its time', () => {
  async function scene() {
    const { url } = await startRedis();
    const server = await open(url);
    await startTraffic(await open(url));
    return server;
  }

  test('by a signal leaves a window that is valid', async () => {
    const server = await scene();
    const abort = new AbortController();
    const began = performance.now();
    const { report, restored } = await observeFor(server, {
      ...{ seconds: 60, signal: abort.signal },
      onBegin: () => void setTimeout(() => abort.abort(), 300),
    });
    expect(performance.now() - began).toBeLessThan(30_000);
    expect(report).toMatchObject({ valid: true, endedBy: 'interrupted', residual: { reads: 0, misses: 0 } });
    expect(report.windowSeconds).toBeGreaterThan(0.2);
    expect(restored.map(({ outcome }) => outcome)).toEqual(['restored']);
  });

  test('by a signal is the only one of a window without end', async () => {
    const server = await scene();
    const { report } = await observeFor(server, { seconds: null, signal: AbortSignal.timeout(600) });
    expect(report).toMatchObject({ valid: true, endedBy: null, residual: { reads: 0 } });
  });

  test('by a signal that came before it began leaves a window of no length', async () => {
    const server = await scene();
    const { report } = await observeFor(server, { seconds: 60, signal: AbortSignal.abort() });
    expect(report).toMatchObject({ valid: true, endedBy: 'interrupted' });
    expect(report.windowSeconds).toBeLessThan(10);
    expect(await flagsOn(server)).toBe('');
  });

  test('comes with too many bytes, or too much work', async () => {
    const server = await scene();
    const limits: Partial<ObserveOptions>[] = [
      { maxBytes: 1000 },
      { maxCost: { kind: 'operations', perSecond: 1 } },
      { maxCost: { kind: 'cpu', share: 1e-9 } },
    ];
    for (const limit of limits) {
      const { report } = await observeFor(server, { seconds: 60, ...limit });
      expect(report.endedBy).toBe('maxBytes' in limit ? 'max-bytes' : 'max-cost');
      expect(report).toMatchObject({ valid: true, residual: { reads: 0, hits: 0, misses: 0 } });
      expect(report.windowSeconds).toBeLessThan(30);
    }
  });
});

describe('a user without', () => {
  const minimal =
    '+ping +hello +auth +select +info +client|setname +client|id +ttl +exists +multi +exec +subscribe ' +
    '+psubscribe +monitor +config|get +config|set +memory|usage';

  async function observeAs(rights: string, changes: Partial<ObserveOptions> = {}) {
    const { url } = await startRedis({ config: [`user eve on >secret ~* &* -@all ${minimal} ${rights}`] });
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
