import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cli, jsonOf } from '../run-cli.ts';
import { startProxy } from '../server/proxy.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { connect } from '../../src/redis/connect.ts';
import { emptyDatabase, send, startPrivateServer, targetOf, testUrl } from '../server/redis.ts';
import { emptyServer, temporaryFolder } from '../server/own.ts';

/** As Redis 8.0 and Valkey 9.1 report a hash of which a field has a TTL, to a user who may not read it, or whose server cannot. */
test.each(['subexpiry=1', 'keys_with_volatile_items=1'])(
  'records whose TTLs of fields could not be read are named, and archives keep them: %s',
  async (reported) => {
    const redis = await startPrivateServer();
    const server = await connect(targetOf(redis.url));
    await send(server, 'HSET', 'h', 'f', '1');
    await server.nodes[0].batch([['ACL', asBytes('SETUSER'), asBytes('default'), asBytes('-hpexpiretime')]]);
    const proxy = await startProxy(redis.port);
    proxy.rewriteInfo((line) => line.replace(/^(db0:.*?avg_ttl=\d+).*$/, `$1,${reported}`));
    const exported = await cli(['export', '*'], { url: proxy.url });
    expect(exported.stderr).toContain(
      '1 hash of the database has fields with a TTL of their own, which could not be read (the server answered',
    );
    const archive = await cli(['export', '*', '--form', 'archive'], { url: proxy.url });
    expect(archive.stderr).not.toContain('TTL of their own');
    const inspected = await cli(['inspect', '-o', 'table'], { url: proxy.url });
    expect(inspected.stdout).toContain('1 hash of the database has fields with TTLs of their own');
    expect(jsonOf(await cli(['stats', '-o', 'json'], { url: proxy.url }))).toMatchObject({
      reading: { keysWithFieldTtls: 1 },
    });
    const records = '{"key":"w","type":"hash","value":{"f":"1"}}';
    const warmed = await cli(['warm', '-', '--verify', '-o', 'json'], { url: proxy.url, input: records });
    expect(warmed.exitCode).toBe(1);
    expect(jsonOf(warmed)).toMatchObject({ verified: 0, mismatched: 0, notCompared: 1 });
    expect(warmed.stderr).toContain(
      '1 record could not be compared:\n  stdin:1  `w`  the TTLs of its fields could not be read',
    );
    const compared = await cli(['diff', redis.url, proxy.url, '-o', 'json'], { url: redis.url });
    expect(jsonOf(compared)).toMatchObject({ equal: null, compared: 0, failed: 2 });
    proxy.rewriteInfo(null);
    expect((await cli(['export', '*'], { url: proxy.url })).stderr).not.toContain('TTL of their own');
    server.close();
    await proxy.stop();
    await redis.stop();
  },
);

test('TTLs of fields survive an export and are compared, or nothing is written to a server that knows none', async () => {
  const server = await emptyServer();
  await emptyDatabase(server);
  const [long, expiresAtMillis] = [
    Array.from({ length: 4000 }, (_, at) => [`f${at}`, 'x'.repeat(90)]),
    Date.now() + 3_600_000,
  ];
  const record = (key: string, value: object, at: number) =>
    JSON.stringify({ key, type: 'hash', value, fieldExpiresAtMillis: { f1: at } });
  const input = [
    record('short', { f1: 'a', f2: 'b' }, expiresAtMillis),
    record('long', Object.fromEntries(long) as object, expiresAtMillis),
  ];
  const warmed = await cli(['warm', '-', '--verify', 'all', '-o', 'json'], {
    url: testUrl(),
    input: input.join('\n'),
  });
  if (JSON.stringify(await send(server, 'COMMAND', 'INFO', 'HPEXPIREAT')) === '[null]') {
    expect(warmed).toMatchObject({ exitCode: 4 });
    expect(jsonOf(warmed)).toMatchObject({ ok: false, written: 0, failed: 0 });
    expect(warmed.stderr).toMatch(
      /fields of hashes in these records have TTLs of their own, which [\d.:]+ does not know/,
    );
    expect(await send(server, 'DBSIZE')).toBe(0);
    return;
  }
  expect(jsonOf(warmed)).toMatchObject({ written: 2, verified: 2 });
  const exported = await cli(['export', '*'], { url: testUrl() });
  for (const line of exported.stdout.trim().split('\n'))
    expect(JSON.parse(line)).toMatchObject({ fieldExpiresAtMillis: { f1: expiresAtMillis } });
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'a.ndjson'), exported.stdout);
  const compare = async (file: string) =>
    jsonOf(await cli(['diff', file, testUrl(), '-o', 'json'], { url: testUrl(), cwd: folder }));
  expect(await compare('a.ndjson')).toMatchObject({ equal: true, compared: 2 });
  await cli(['export', '*', '--to', 'a.archive'], { url: testUrl(), cwd: folder });
  expect(await compare('a.archive')).toMatchObject({ equal: true, compared: 2 });
  for (const key of ['short', 'long']) await send(server, 'HPERSIST', key, 'FIELDS', '1', 'f1');
  for (const file of ['a.ndjson', 'a.archive'])
    expect(await compare(file)).toMatchObject({ equal: false, differentTtls: 2 });
});
