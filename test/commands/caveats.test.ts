import { expect, test } from 'vitest';
import { cli, jsonOf } from '../run-cli.ts';
import { send, sendAll } from '../server/redis.ts';
import { startServer, temporaryFolder } from '../server/own.ts';
import { withMap } from './invalidate-setup.ts';
import { json, urlAs } from './reading.ts';

const unreadable = '2 keys may be listed but not read by this user';
const { redis, server } = await startServer({
  config: ['user default on nopass ~* &* +@all', 'user app on >secret ~user:* +@all'],
});
await sendAll(server, [
  ['SET', 'user:1', 'a'],
  ['SET', 'cart:1', 'b'],
  ['SET', 'cart:2', 'b'],
]);
const app = { url: urlAs(redis.url, 'app') };
const env = withMap({ namespaces: { carts: { pattern: 'cart:*', ttl: '1h' } } });

/** The caveats of a run in JSON; the same texts are on stderr for rows. */
async function caveatsOf(
  args: readonly string[],
  options: Parameters<typeof cli>[1] = {},
): Promise<string[]> {
  const { stderr } = await cli([...args, '-o', 'tsv'], options);
  const caveats = (await json(args, options)).result['caveats'] as string[];
  for (const caveat of caveats) expect(stderr).toContain(caveat);
  return caveats;
}

test('a plan that cannot judge keys says so in a pipe, and is not complete', async () => {
  const args = ['prune', '--set-ttl', '--dry-run'];
  expect(await caveatsOf(args, { ...app, env })).toEqual([unreadable]);
  const result = jsonOf(await cli([...args, '-o', 'json'], { ...app, env }));
  expect(result).toMatchObject({ outcome: 'nothingToDo', complete: false });
  const person = await cli(args, { ...app, env, terminal: true });
  expect(person.stdout).toContain(unreadable);
  expect(person.stdout).toContain('nothing to do among the keys that this user may read');
  expect(person.stderr).not.toContain(unreadable);
});

test.each([['inspect'], ['stats'], ['keys', '--long']])(
  '%s names what it could not read',
  async (...args) => {
    expect(await caveatsOf(args, app)).toContain(unreadable);
  },
);

test('keys leaves out what --limit does, and says so', async () => {
  expect(await caveatsOf(['keys', '--limit', '1'], { url: redis.url })).toEqual([
    '1 key listed, and there may be more',
  ]);
  expect(await caveatsOf(['keys'], { url: redis.url })).toEqual([]);
});

test('undo names the keys that were written again', async () => {
  const { redis: own, server: other } = await startServer();
  await sendAll(other, [
    ['SET', 'user:1', 'a'],
    ['SET', 'user:2', 'a'],
  ]);
  const home = { url: own.url, env: { HOME: temporaryFolder(), XDG_STATE_HOME: temporaryFolder() } };
  const removed = jsonOf(await cli(['invalidate', '--pattern', 'user:*', '--yes', '-o', 'json'], home));
  await send(other, 'SET', 'user:2', 'new');
  const undone = await cli(['undo', String(removed['journal']), '--yes'], home);
  expect(undone.exitCode).toBe(0);
  expect(undone.stderr).toContain(
    'note: 1 key is there already, and stays as it is; --replace puts the old value in place\n',
  );
});

test('stats and check say why a hit rate is a range, and do not judge it', async () => {
  const { redis: own, server: counted } = await startServer();
  await send(counted, 'SET', 'user:1', 'a');
  await sendAll(counted, [
    ...Array.from({ length: 300 }, () => ['GET', 'user:1']),
    ...Array.from({ length: 300 }, () => ['GET', 'user:2']),
    ...Array.from({ length: 200 }, () => ['TTL', 'user:1']),
  ]);
  const [caveat] = await caveatsOf(['stats'], { url: own.url });
  expect(caveat).toMatch(
    /^No grade: hit rate between .*, target 80.0 %: 200 TTL calls hide it; `cachectl stats --window 10s` /,
  );
  const screen = await cli(['stats'], { url: own.url, terminal: true });
  expect(screen.stdout.match(/200 TTL calls/g)).toHaveLength(1);
  const { checks } = (await json(['check'], { url: own.url })).result as {
    checks: { id: string; message: string; status: string }[];
  };
  expect(checks.find(({ id }) => id === 'hit-rate')).toMatchObject({
    status: 'skip',
    message: expect.stringMatching(/ to .* default target of 80.0 %: 200 TTL calls hide it/) as string,
  });
});

test.each([
  ['keys', 'user:10?:profile'],
  ['export', 'user:10?:profile'],
  ['inspect', 'user:[12]'],
  ['diff', 'redis://127.0.0.1', 'redis://127.0.0.1', '--pattern', 'user:?'],
  ['invalidate', '--pattern', 'user:?', '--dry-run'],
])('%s does not take a wildcard of redis-cli for text (%s)', async (...args) => {
  const { exitCode, stderr } = await cli(args, { url: redis.url });
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(
    /is no wildcard here\nhint: write \* for anything and <id> for one whole segment, or \\/,
  );
});
