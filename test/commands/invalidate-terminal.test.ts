import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { emptyDatabase, testServer, testUrl } from '../server/redis.ts';
import { runBinaryInTerminal, type Terminal } from '../server/terminal.ts';
import { store, storedKeys, withMap } from './invalidate-setup.ts';

const config: ConfigFile = {
  namespaces: {
    profile: { pattern: 'user:<id>:profile' },
    speech: { pattern: 'tts:<hash>' },
    session: { pattern: 'session:<id>', kind: 'state' },
  },
  entities: { user: { patterns: ['user:<id>:*'] } },
};
const keys = ['user:1:profile', 'user:12:profile', 'session:1', 'tts:0123456789abcdef'];

let server: RedisServer;
beforeAll(async () => {
  server = await testServer();
});
beforeEach(async () => {
  await emptyDatabase(server);
  await store(server, keys);
});
afterAll(() => server.close());

async function open(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  columns = 110,
): Promise<Terminal> {
  const terminal = await runBinaryInTerminal(['invalidate', ...args], {
    env: { REDIS_URL: testUrl(), ...env },
    columns,
    rows: 40,
  });
  onTestFinished(() => terminal.close());
  return terminal;
}

describe('invalidate at a terminal', () => {
  test('prints what is to be known of a result behind it', async () => {
    const terminal = await open(['usr', '12'], {});
    const shown = await terminal.waitFor(/did you mean `user`\?/);
    expect(shown.indexOf('nothing matched')).toBeGreaterThanOrEqual(0);
    expect(shown.indexOf('nothing matched')).toBeLessThan(shown.indexOf('did you mean'));
  });

  test('cuts no word of the question, nor the journal, where the terminal is narrow', async () => {
    const terminal = await open(['user', '12'], withMap(config), 60);
    const asked = await terminal.waitFor(/\(y\/N\)/);
    expect(asked.replaceAll(/\s*\n\s*/g, ' ')).toMatch(
      /\? Remove 1 key \([\d.]+ k?B, 25\.0 % of the keyspace\) from redis:\/\/\S+\? \(y\/N\)/,
    );
    await terminal.send('y', 'Enter');
    expect(await terminal.waitFor(/undo \\\n\s*\S+/)).toMatch(/cachectl undo \\\n\s*\//);
  });

  test('shows the plan once, asks, and tells how it ended', async () => {
    const terminal = await open(['user', '12'], withMap(config));

    const asked = await terminal.waitFor(/Remove 1 key \(.*% of the keyspace\) from redis:.*\?/);
    expect(asked).toContain('user:12:profile');
    expect(await storedKeys(server)).toHaveLength(4);
    await terminal.send('y', 'Enter');

    const shown = await terminal.waitFor(/removed 1 key/);
    expect(shown.match(/Plan for/g)).toHaveLength(1);
    expect(await terminal.exitCode()).toBe(0);
    expect(await storedKeys(server)).toEqual(keys.filter((key) => key !== 'user:12:profile').sort());
  });

  test('removes nothing after a no, or none at all', async () => {
    for (const answer of [['n', 'Enter'], ['Enter']]) {
      const terminal = await open(['user', '12'], withMap(config));
      await terminal.waitFor(/Remove 1 key/);
      await terminal.send(...answer);
      await terminal.waitFor(/not confirmed; nothing was removed/);
      expect(await terminal.exitCode()).toBe(5);
    }
    expect(await storedKeys(server)).toHaveLength(4);
  });

  test('removes nothing after Ctrl-C at the question', async () => {
    const terminal = await open(['user', '12'], withMap(config));
    await terminal.waitFor(/Remove 1 key/);
    await terminal.send('C-c');

    expect(await terminal.exitCode()).toBe(130);
    expect(await storedKeys(server)).toHaveLength(4);
  });

  test('wants the name of a protected profile typed, after the question', async () => {
    const env = withMap({ ...config, profiles: { prod: { url: testUrl(), protected: true } } });

    const refused = await open(['user', '12', '--profile', 'prod'], env);
    await refused.waitFor(/Remove 1 key/);
    await refused.send('y', 'Enter');
    await refused.waitFor(/Type its name to remove 1 key/);
    await refused.send('production', 'Enter');
    await refused.waitFor(/typed name is not/);
    expect(await refused.exitCode()).toBe(5);
    expect(await storedKeys(server)).toHaveLength(4);

    const named = await open(['user', '12', '--profile', 'prod', '--yes'], env);
    expect(await named.waitFor(/Type its name to remove 1 key/)).toContain('Plan for');
    await named.send('prod', 'Enter');
    expect(await named.exitCode()).toBe(0);
    expect(await storedKeys(server)).toHaveLength(3);
  });

  test('without arguments offers what there is, but no state, and asks for the id', async () => {
    const terminal = await open([], withMap(config));

    const menu = await terminal.waitFor(/What do you want to remove\?/);
    expect(menu).toMatch(/user\s+one by its id \(2 keys/);
    expect(menu).toMatch(/profile\s+2 keys/);
    expect(menu).toMatch(/speech\s+1 key,/);
    expect(menu).not.toContain('session');
    await terminal.send('Enter');
    await terminal.waitFor(/Id of the user/);
    await terminal.send('1', 'Enter');
    await terminal.waitFor(/Remove 1 key/);
    await terminal.send('y', 'Enter');

    expect(await terminal.exitCode()).toBe(0);
    expect(await storedKeys(server)).toEqual(keys.filter((key) => key !== 'user:1:profile').sort());
  });

  test('without arguments and without a map offers inferred namespaces, and a pattern', async () => {
    const terminal = await open(['--dry-run'], {});

    expect(await terminal.waitFor(/What do you want to remove\?/)).toContain('user:<id>:profile');
    await terminal.send('Up', 'Enter');
    await terminal.waitFor(/Pattern \(/);
    await terminal.send('tts:*', 'Enter');

    expect(await terminal.waitFor(/dry run: nothing was removed/)).toContain('tts:0123456789abcdef');
    expect(await terminal.exitCode()).toBe(0);
  });

  test('in CI asks nothing', async () => {
    const terminal = await open([], { ...withMap(config), CI: 'true' });

    await terminal.waitFor(/nothing was named to invalidate/);
    expect(await terminal.exitCode()).toBe(2);
  });

  test('wants the number of the keys typed where it is a large one', async () => {
    await store(
      server,
      Array.from({ length: 1500 }, (_, index) => `tts:${index}`),
    );
    const args = ['--pattern', 'tts:*'];

    const refused = await open(args, withMap(config));
    await refused.waitFor(/Remove 1,501 keys/);
    await refused.send('y', 'Enter');
    await refused.waitFor(/Type the number of keys \(1501\)/);
    await refused.send('1500', 'Enter');
    await refused.waitFor(/not that of the keys; nothing was changed/);
    expect(await refused.exitCode()).toBe(5);
    expect(await storedKeys(server)).toHaveLength(1504);

    const typed = await open(args, withMap(config));
    await typed.waitFor(/Remove 1,501 keys/);
    await typed.send('y', 'Enter');
    await typed.waitFor(/Type the number of keys/);
    await typed.send('1501', 'Enter');
    expect(await typed.exitCode()).toBe(0);
    expect(await storedKeys(server)).toHaveLength(3);
  });
});
