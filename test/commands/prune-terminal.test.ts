import { describe, expect, onTestFinished, test } from 'vitest';
import { send, testUrl } from '../server/redis.ts';
import { runBinaryInTerminal, type Terminal } from '../server/terminal.ts';
import { store, storedKeys, withMap } from './invalidate-setup.ts';
import { rules, storeIdle, ttlOf } from './prune-setup.ts';
import { ownDatabase } from '../server/own.ts';

const server = await ownDatabase();

async function open(args: readonly string[], env = withMap(rules)): Promise<Terminal> {
  const terminal = await runBinaryInTerminal(['prune', ...args], {
    env: { REDIS_URL: testUrl(), ...env },
    columns: 140,
    rows: 40,
  });
  onTestFinished(() => terminal.close());
  return terminal;
}

describe('prune at a terminal', () => {
  test('shows the plan once, asks, and leaves alone what changed while it waited', async () => {
    await store(server, ['user:1:profile', 'user:2:profile']);
    for (const id of [1, 2]) await storeIdle(server, `draft:${id}`, 90_000);
    await send(server, 'SET', 'feed:1', 'x', 'PX', 7_200_000);
    await send(server, 'SET', 'feed:2', 'x', 'PX', 7_200_000);
    const terminal = await open(['--set-ttl', '--too-long', '--idle', '1d']);

    const asked = await terminal.waitFor(/Change 4 keys and remove 2 on redis:/);
    expect(asked).toMatch(/profile +set TTL +2/);
    await send(server, 'PEXPIRE', 'user:1:profile', 5_000_000);
    await send(server, 'PEXPIRE', 'feed:1', 30_000);
    await send(server, 'GET', 'draft:1');
    await terminal.send('y', 'Enter');

    const shown = await terminal.waitFor(/3 keys were used or changed meanwhile/);
    expect(shown).toMatch(/set a TTL on 1 key, shortened the TTL of 1 key and removed 1 key/);
    expect(shown.match(/Plan for/g)).toHaveLength(1);
    expect(await terminal.exitCode()).toBe(0);
    expect(await ttlOf(server, 'user:1:profile')).toBeGreaterThan(3_600_000);
    expect(await ttlOf(server, 'user:2:profile')).toBeLessThanOrEqual(3_600_000);
    expect(await ttlOf(server, 'feed:1')).toBeLessThanOrEqual(30_000);
    expect(await storedKeys(server)).not.toContain('draft:2');
    expect(await storedKeys(server)).toContain('draft:1');
  });

  test('changes nothing after a no, none at all, or Ctrl-C', async () => {
    await store(server, ['user:1:profile']);
    for (const [keys, exitCode] of [
      [['n', 'Enter'], 5],
      [['Enter'], 5],
      [['C-c'], 130],
    ] as const) {
      const terminal = await open(['--set-ttl']);
      await terminal.waitFor(/Change the TTL of 1 key on redis:/);
      await terminal.send(...keys);
      expect(await terminal.exitCode()).toBe(exitCode);
    }
    expect(await ttlOf(server, 'user:1:profile')).toBe(-1);
  });

  test('wants the name of a protected profile typed', async () => {
    await store(server, ['user:1:profile']);
    const env = withMap({ ...rules, profiles: { prod: { url: testUrl(), protected: true } } });
    const terminal = await open(['--set-ttl', '--yes', '--profile', 'prod'], env);

    await terminal.waitFor(/Type its name to set a TTL on 1 key/);
    await terminal.send('prod', 'Enter');

    expect(await terminal.exitCode()).toBe(0);
    expect(await ttlOf(server, 'user:1:profile')).toBeGreaterThan(0);
  });
});
