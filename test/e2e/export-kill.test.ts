import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startBinary } from '../server/binary.ts';
import { send } from '../server/redis.ts';
import { until } from '../server/until.ts';
import { startServer, temporaryFolder } from '../server/own.ts';

test('what an export leaves that was killed is removed by the next one, and not while it is written', async () => {
  const { redis, server } = await startServer();
  await send(server, 'DEBUG', 'POPULATE', 20_000, 'user');
  const folder = temporaryFolder();
  const exportTo = (name: string, ...args: readonly string[]) =>
    startBinary(['export', '--to', join(folder, name), ...args], { env: { REDIS_URL: redis.url } });
  const drafts = () => readdirSync(folder).filter((name) => name.endsWith('.tmp'));

  const { child, outcome } = exportTo('slow.ndjson', '--max-rate', '500');
  await until('a draft is begun', () => drafts().length > 0);
  expect(await exportTo('first.ndjson').outcome).toMatchObject({ exitCode: 0 });
  expect(drafts()).toHaveLength(1);

  child.kill('SIGKILL');
  expect(await outcome).toMatchObject({ signal: 'SIGKILL' });
  expect(readdirSync(folder).sort()).toEqual(['first.ndjson', ...drafts()]);
  expect(drafts()).toHaveLength(1);

  expect(await exportTo('second.ndjson').outcome).toMatchObject({ exitCode: 0 });
  expect(readdirSync(folder).sort()).toEqual(['first.ndjson', 'second.ndjson']);
}, 60_000);
