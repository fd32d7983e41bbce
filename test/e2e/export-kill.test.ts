import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connect } from '../../src/redis/connect.ts';
import { startBinary } from '../server/binary.ts';
import { send, startPrivateServer, targetOf } from '../server/redis.ts';
import { until } from '../server/until.ts';

test('what an export leaves that was killed is removed by the next one, and not while it is written', async () => {
  const redis = await startPrivateServer();
  onTestFinished(() => redis.stop());
  const server = await connect(targetOf(redis.url));
  onTestFinished(() => server.close());
  await send(server, 'DEBUG', 'POPULATE', 20_000, 'user');
  const folder = mkdtempSync(join(tmpdir(), 'cachectl-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
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
