import { expect, test } from 'vitest';
import { cli } from '../run-cli.ts';
import { startProxy } from '../server/proxy.ts';
import { connect } from '../../src/redis/connect.ts';
import { send, startPrivateServer, targetOf } from '../server/redis.ts';

/** As Redis 8.0.2 and Valkey 9.1.2 report a hash of which a field has a TTL. */
test.each(['subexpiry=1', 'keys_with_volatile_items=1'])(
  'records that lose the TTLs of fields are named, and archives keep them: %s',
  async (reported) => {
    const redis = await startPrivateServer();
    const server = await connect(targetOf(redis.url));
    await send(server, 'HSET', 'h', 'f', '1');
    const proxy = await startProxy(redis.port);
    proxy.rewriteInfo((line) => line.replace(/^(db0:.*)$/, `$1,${reported}`));
    const records = await cli(['export', '*'], { url: proxy.url });
    expect(records.stderr).toContain(
      '1 hash of the database has fields with a TTL of their own, which no record holds',
    );
    const archive = await cli(['export', '*', '--form', 'archive'], { url: proxy.url });
    expect(archive.stderr).not.toContain('TTL of their own');
    proxy.rewriteInfo(null);
    expect((await cli(['export', '*'], { url: proxy.url })).stderr).not.toContain('TTL of their own');
    server.close();
    await proxy.stop();
    await redis.stop();
  },
);
