import { beforeEach, describe, expect, test } from 'vitest';
import { callsOf } from '../server/redis.ts';
import { flagsOn, hitsJson, notesIn, runHits, setFlags, traffic } from './hits-runs.ts';
import { folderWith, urlAs } from './reading.ts';
import { startServer, temporaryFolder } from '../server/own.ts';

/** No more than `hits` needs, but for what it asks where TTL is refused. */
const documented =
  'user observer on >secret resetkeys %R~* resetchannels &__keyevent@*__:* -@all +ping +hello +auth +select +info ' +
  '+ttl +type +multi +exec +subscribe +monitor +config|get +config|set +memory|usage +client|setname';

const { redis, server } = await startServer({
  config: [
    documented,
    'user noset on >secret ~* &* +@all -config|set',
    'user noget on >secret ~* &* +@all -config|get',
    'user noconfig on >secret ~* &* +@all -config',
    'user nomonitor on >secret ~* &* +@all -monitor',
    'user nomulti on >secret ~* &* +@all -multi -exec',
    'user owned on >secret ~user:* &* +@all',
    'user shut on >secret ~user:* &* +@all -acl',
    'user infoonly on >secret resetkeys resetchannels -@all +ping +hello +auth +select +info',
  ],
});
beforeEach(() => setFlags(server, ''));

const as = (user: string) => urlAs(redis.url, user);
const whenever = { during: () => traffic(server, 3, 2), state: '' };
const line = 'CONFIG SET notify-keyspace-events gxenEm';

/** Counts the changes of the configuration that a run makes. */
async function configSets(work: () => Promise<unknown>): Promise<number> {
  const before = await callsOf(server, 'config|set');
  await work();
  return (await callsOf(server, 'config|set')) - before;
}

describe('a user with what hits needs', () => {
  test('observes in mode exact, and attributes every lookup', async () => {
    const state = temporaryFolder();
    const { exitCode, result, stdout, stderr } = await hitsJson(server, as('observer'), ['--mode', 'exact'], {
      ...whenever,
      state,
    });
    expect(stdout).not.toContain('secret');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(result).toMatchObject({
      ...{ mode: 'exact', valid: true, reads: 5, hits: 3, misses: 2, remarks: [] },
      residual: { reads: 0, hits: 0, misses: 0 },
      notifications: [{ outcome: 'restored', to: '' }],
    });
    expect(await flagsOn(server)).toBe('');
    expect(notesIn(state)).toEqual([]);
  });
});

describe('a user without CONFIG SET', () => {
  test('has the counters, and the one line that an administrator has to send', async () => {
    const { exitCode, result } = await hitsJson(server, as('noset'), [], {
      ...whenever,
      state: temporaryFolder(),
      lookups: 2,
    });
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({
      ...{ mode: 'counters', valid: true, hits: 3, misses: 2, namespaces: [], notifications: [] },
      residual: { reads: null, misses: null },
    });
    expect(result.modeReason.match(/CONFIG SET notify-keyspace-events \w+/g)).toHaveLength(1);
    expect(await flagsOn(server)).toBe('');
  });

  test('has all of it once that line was sent, as has a user without any CONFIG', async () => {
    const first = await hitsJson(server, as('noset'));
    const [, told = ''] = /CONFIG SET notify-keyspace-events (\w+)/.exec(first.result.modeReason) ?? [];
    await setFlags(server, told);
    const set = await flagsOn(server);
    for (const user of ['noset', 'noconfig']) {
      const { exitCode, result } = await hitsJson(server, as(user), [], {
        ...whenever,
        state: temporaryFolder(),
      });
      expect(exitCode, user).toBe(0);
      expect(result, user).toMatchObject({
        ...{ mode: 'exact', valid: true, reads: 5, hits: 3, misses: 2 },
        residual: { reads: 0, misses: 0 },
      });
      expect(result.notifications.every(({ outcome }) => outcome === 'nothing')).toBe(true);
      expect(await flagsOn(server)).toBe(set);
    }
    expect((await hitsJson(server, as('noset'))).result.remarks).toEqual([]);
  });

  test('is told where only a part of the causes is known', async () => {
    await setFlags(server, 'Em');
    const { result } = await hitsJson(server, as('noset'), [], { ...whenever, state: temporaryFolder() });
    expect(result).toMatchObject({ mode: 'exact', valid: true, reads: 5, misses: 2 });
    expect(result.remarks).toHaveLength(1);
    expect(result.remarks[0]).toContain('causes');
    expect(result.remarks[0]).toContain('CONFIG SET notify-keyspace-events');
  });

  test('that asks for a mode is refused, with the line', async () => {
    const { exitCode, result, stderr } = await hitsJson(server, as('noset'), ['--mode', 'exact']);
    expect(exitCode).toBe(4);
    expect(result).toMatchObject({ ok: false, error: { kind: 'refused' }, mode: null });
    expect(stderr).toMatch(/^error: .*does not report misses.*`CONFIG SET`.*NOPERM/);
    expect(stderr).toContain(line.slice(0, -6));
    expect(await flagsOn(server)).toBe('');
  });
});

describe('a user without CONFIG GET', () => {
  test('has the counters where nothing comes, and the line', async () => {
    const { exitCode, result } = await hitsJson(server, as('noget'));
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({ mode: 'counters', valid: true });
    expect(result.modeReason).toContain('CONFIG SET notify-keyspace-events');
    expect(result.modeReason).toContain('`CONFIG GET`');
    expect(await flagsOn(server)).toBe('');
  });
});

describe('a user without MONITOR', () => {
  test('has the misses and their causes', async () => {
    const { exitCode, result } = await hitsJson(server, as('nomonitor'), [], {
      ...whenever,
      state: temporaryFolder(),
    });
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({
      ...{ mode: 'misses-only', valid: true, reads: 5, misses: 2, residual: { reads: null, misses: 0 } },
      namespaces: [{ namespace: 'user:<id>:absent', misses: 2, reads: null, causes: { goneOrNew: 2 } }],
    });
    expect(result.modeReason).toMatch(/MONITOR.*not permitted/);
    expect(await flagsOn(server)).toBe('');
  });

  test.each(['exact', 'sampled'])(
    'that asks for %s is refused, and nothing is left changed',
    async (mode) => {
      const state = temporaryFolder();
      const { exitCode, stderr, result } = await hitsJson(server, as('nomonitor'), ['--mode', mode], {
        state,
      });
      expect(exitCode).toBe(4);
      expect(result).toMatchObject({ ok: false, error: { kind: 'refused' }, mode: null });
      expect(stderr).toMatch(/^error: `MONITOR`.*NOPERM/);
      expect(stderr).toContain('\nhint: ');
      expect(await flagsOn(server)).toBe('');
      expect(notesIn(state)).toEqual([]);
    },
  );
});

test('a user without transactions has all, and its own lookups taken off', async () => {
  const { exitCode, result } = await hitsJson(server, as('nomulti'), [], {
    ...whenever,
    state: temporaryFolder(),
  });
  expect(exitCode).toBe(0);
  expect(result).toMatchObject({
    ...{ mode: 'exact', valid: true, reads: 5, hits: 3, misses: 2 },
    residual: { reads: 0, hits: 0, misses: 0 },
  });
});

describe('a user who may not look up the keys that mark a window', () => {
  test.each(['infoonly', 'shut'])('has the counters (%s)', async (user) => {
    const { exitCode, result, stderr } = await hitsJson(server, as(user));
    expect(stderr).toMatch(/^warning: observed in mode counters: .*\n$/);
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({ mode: 'counters', valid: true, reads: 0, serverCost: { markLookups: 0 } });
    expect(result.modeReason).toContain('no window can be marked');
    expect(result.modeReason).toContain('NOPERM');
  });

  test('is refused another mode, and changes nothing', async () => {
    const { exitCode, result } = await hitsJson(server, as('shut'), ['--mode', 'misses-only']);
    expect(exitCode).toBe(4);
    expect(result).toMatchObject({ ok: false, error: { kind: 'refused', code: 'NOPERM' } });
    expect(await flagsOn(server)).toBe('');
  });
});

test('a user with keys of its own, who may ask which, marks the window with one of them', async () => {
  const { exitCode, result } = await hitsJson(server, as('owned'), ['--mode', 'exact'], {
    ...whenever,
    // The mark that is refused is never counted.
    state: temporaryFolder(),
  });
  expect(exitCode).toBe(0);
  expect(result).toMatchObject({
    ...{ mode: 'exact', valid: true, reads: 5, hits: 3, misses: 2 },
    residual: { reads: 0, hits: 0, misses: 0 },
  });
});

describe('a read-only profile', () => {
  const cwd = () => folderWith({ profiles: { looks: { url: redis.url, readOnly: true } } });

  test('changes nothing, and has the counters where events are off', async () => {
    const state = temporaryFolder();
    const sets = await configSets(async () => {
      const { exitCode, result } = await hitsJson(
        server,
        '',
        ['--profile', 'looks', '-c', 'cachectl.config.json'],
        {
          ...whenever,
          ...{ state, lookups: 2, cwd: cwd() },
        },
      );
      expect(exitCode).toBe(0);
      expect(result).toMatchObject({ mode: 'counters', hits: 3, misses: 2, notifications: [] });
      expect(result.modeReason).toContain('the profile is read-only');
    });
    expect(sets).toBe(0);
    expect(notesIn(state)).toEqual([]);
  });

  test('has all where they are on', async () => {
    await setFlags(server, 'KEA');
    await setFlags(server, 'KEAmn');
    const sets = await configSets(async () => {
      const { result } = await hitsJson(server, '', ['--profile', 'looks', '-c', 'cachectl.config.json'], {
        ...whenever,
        ...{ state: temporaryFolder(), cwd: cwd() },
      });
      expect(result).toMatchObject({ mode: 'exact', reads: 5, residual: { reads: 0 }, notifications: [] });
    });
    expect(sets).toBe(0);
  });

  test('refuses to put a value back', async () => {
    const sets = await configSets(async () => {
      const outcome = await runHits(
        server,
        '',
        ['--restore', '--profile', 'looks', '-c', 'cachectl.config.json'],
        { cwd: cwd() },
      );
      expect(outcome.exitCode).toBe(2);
      expect(outcome.stderr).toMatch(/^error: profile `looks` is read-only/);
    });
    expect(sets).toBe(0);
  });
});
