import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseInfo } from '../../src/redis/info.ts';
import { replyText } from '../../src/redis/reply.ts';
import { cli, jsonOf } from '../run-cli.ts';
import { startServer, temporaryFolder } from '../server/own.ts';
import { send, sendAll } from '../server/redis.ts';
import { type Agent, startAgent } from './mcp-client.ts';

const { redis, server } = await startServer();
await sendAll(
  server,
  Array.from({ length: 40 }, (_, index) => ['SET', `user:${index}:profile`, `{"id":${index}}`, 'EX', 600]),
);

/** A call of each tool that reads. */
const calls = [
  ['stats', {}],
  ['inspect', {}],
  ['hits', { seconds: 0.2 }],
  ['whatif', { seconds: 0.2 }],
  ['keys', { long: true }],
  ['ttl', { keys: ['user:1:profile', 'none'] }],
  ['get', { key: 'user:1:profile' }],
  ['check', {}],
  ['doctor', { seconds: 0.2 }],
  ['plan_invalidation', { entity: 'user', ids: ['7'] }],
] as const;

async function answersOf({ call }: Agent): Promise<string[]> {
  const failed: string[] = [];
  for (const [name, input] of calls) {
    const { isError, text } = await call(name, input);
    if (isError) failed.push(`${name}: ${text}`);
  }
  return failed;
}

/** Starts an agent as a user with the rights that `acl` prints. */
async function agentAs(
  user: string,
  { less = [], options = [] }: { less?: readonly string[]; options?: readonly string[] } = {},
) {
  const printed = jsonOf(
    await cli(['acl', 'mcp', ...options, '--user', user, '-o', 'json'], { url: redis.url }),
  );
  const rules = String(printed['line']).split(' ').slice(3);
  await send(
    server,
    'ACL',
    'SETUSER',
    user,
    'reset',
    '>secret',
    ...rules.filter((rule) => !less.includes(rule)),
  );
  await send(server, 'ACL', 'LOG', 'RESET');
  const agent = await startAgent(['--url', redis.url.replace('://', `://${user}@`), ...options], {
    env: { REDISCLI_AUTH: 'secret' },
  });
  const refused = async () =>
    ((await send(server, 'ACL', 'LOG')) as unknown[][]).map((entry) =>
      String(entry[entry.indexOf('object') + 1]),
    );
  return { agent, refused };
}

describe('a user with the rights that `acl mcp` prints', () => {
  test('has every tool that reads, and a plan learns that it could keep no values', async () => {
    const { agent, refused } = await agentAs('least');
    expect(await answersOf(agent)).toEqual([]);
    expect(await refused()).toEqual(['discard', 'dump']);
  });

  test('is refused nothing with --allow-writes', async () => {
    const { agent, refused } = await agentAs('writer', { options: ['--allow-writes'] });
    expect(await answersOf(agent)).toEqual([]);
    expect(await refused()).toEqual([]);
  });

  test('learns from a tool which right it lacks', async () => {
    const { agent, refused } = await agentAs('less', { less: ['+scan'] });
    const { isError, text } = await agent.call('inspect');
    expect(isError).toBe(true);
    expect(text).toContain('NOPERM');
    expect(await refused()).toContain('scan');
  });
});

test('what the tools add to the counters is remembered as that of the command, and reported with each result', async () => {
  const counters = async () => {
    const info = parseInfo(replyText(await send(server, 'INFO', 'STATS')));
    return { hits: Number(info['keyspace_hits']), misses: Number(info['keyspace_misses']) };
  };
  const home = temporaryFolder();
  const state = join(home, 'state');
  const { call } = await startAgent(['--url', redis.url], { home, env: { XDG_STATE_HOME: state } });
  const before = await counters();
  const reported = { hits: 0, misses: 0 };
  for (const [name, input] of calls) {
    const { untrusted } = await call(name, input);
    const own = untrusted['ownLookups'] as typeof reported;
    reported.hits += own.hits;
    reported.misses += own.misses;
  }
  const after = await counters();
  const added = { hits: after.hits - before.hits, misses: after.misses - before.misses };
  expect(reported).toEqual(added);
  const [file = ''] = readdirSync(join(state, 'cachectl', 'lookups')).filter((name) =>
    name.endsWith('.json'),
  );
  const ledger = JSON.parse(readFileSync(join(state, 'cachectl', 'lookups', file), 'utf8')) as {
    readonly lookups: typeof reported;
  };
  expect(ledger.lookups).toMatchObject(added);
});
