import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import { cli } from '../run-cli.ts';
import { startCluster } from '../server/cluster.ts';
import { temporaryFolder } from '../server/own.ts';
import { beginFailover, startWatchedPair } from '../server/sentinel.ts';
import { sendAll } from '../server/redis.ts';
import { until } from '../server/until.ts';
import { startAgent } from './mcp-client.ts';

type Profile = NonNullable<ConfigFile['profiles']>[string];

const users = 100;
const records = Array.from({ length: users }, (_, id) =>
  JSON.stringify({ key: `user:${id}:profile`, value: { id }, ttl: '1h' }),
).join('\n');

async function agentOf(profile: Profile) {
  const home = temporaryFolder();
  const config: ConfigFile = {
    profiles: { here: profile },
    defaultProfile: 'here',
    namespaces: { profile: { pattern: 'user:<id>:profile', ttl: '1h' } },
    entities: { user: { patterns: ['user:<id>:profile'] } },
  };
  const file = join(home, 'cachectl.config.json');
  writeFileSync(file, JSON.stringify(config));
  const agent = await startAgent(['--config', file, '--allow-writes'], { home });
  const run = (...args: readonly string[]) =>
    cli(args, { cwd: home, env: { CACHECTL_CONFIG: file, XDG_STATE_HOME: home }, input: records });
  return { ...agent, run };
}

/** Each thing that an agent does, on whatever there is. */
async function tryAll({ call }: Awaited<ReturnType<typeof agentOf>>): Promise<void> {
  expect(await call('inspect')).toMatchObject({ isError: false, untrusted: { keys: users } });
  expect(await call('keys', { countOnly: true })).toMatchObject({ untrusted: { matched: users } });
  expect(await call('hits', { seconds: 0.3 })).toMatchObject({ untrusted: { valid: true } });
  expect(await call('check')).toMatchObject({ untrusted: { ok: true } });
  expect(await call('doctor', { only: ['ttl-rule-broken'] })).toMatchObject({ untrusted: { findings: [] } });
  const plan = await call('plan_invalidation', { entity: 'user', ids: ['7'] });
  const { planId } = plan.content as { planId: string };
  const applied = await call('apply_plan', { planId });
  expect(applied, applied.text).toMatchObject({ isError: false, untrusted: { removed: 1 } });
  expect(await call('get', { key: 'user:7:profile' })).toMatchObject({ untrusted: { exists: false } });
}

test('an agent has a cluster as it has one server', async () => {
  const cluster = await startCluster(3);
  onTestFinished(() => cluster.stop());
  const agent = await agentOf({ cluster: cluster.nodes.map(({ url }) => url) });
  expect(await agent.run('warm', '-')).toMatchObject({ exitCode: 0 });
  await tryAll(agent);
});

test('an agent behind a Sentinel goes on with whoever took over', async () => {
  const pair = await startWatchedPair((server) =>
    sendAll(
      server,
      Array.from({ length: users }, (_, id) => ['SET', `user:${id}:profile`, `{"id":${id}}`, 'EX', 3600]),
    ),
  );
  const agent = await agentOf({ sentinel: { name: 'main', nodes: [pair.sentinel.url] } });
  await tryAll(agent);
  await beginFailover(pair);
  await until('the replica took over', async () => {
    const { untrusted } = await agent.call('stats', { namespaces: false });
    const { server } = untrusted as { server?: { address?: string } };
    return server?.address?.includes(String(pair.replica.port)) === true;
  });
  expect(await agent.call('keys', { countOnly: true })).toMatchObject({ untrusted: { matched: users - 1 } });
});
