import { expect, test } from 'vitest';
import { cli } from '../run-cli.ts';
import { emptyDatabase, sendAll, testUrl } from '../server/redis.ts';
import { ownDatabase } from '../server/own.ts';
import { withMap } from './invalidate-setup.ts';

const server = await ownDatabase();

const fill = () =>
  sendAll(server, [
    ...Array.from({ length: 30 }, (_, index) => ['SET', `user:${index}:profile`, 'x']),
    ['SET', 'page:1', 'x'],
  ]);
const env = withMap({ namespaces: { user: { pattern: 'user:<id>:profile', ttl: '1h' } } });

test.each([
  ['keys', ['keys', 'usr:<id>:*']],
  ['inspect', ['inspect', 'usr:<id>:*']],
  ['export', ['export', 'usr:<id>:*']],
  ['prune', ['prune', '--set-ttl', '--pattern', 'usr:<id>:*']],
  ['invalidate', ['invalidate', '--pattern', 'usr:<id>:*']],
])('%s says that no key fits the pattern, and which pattern may be meant', async (_name, args) => {
  await fill();
  const { exitCode, stderr } = await cli(args, { url: testUrl(), env });
  expect(exitCode).toBe(0);
  expect(stderr).toContain('nothing matched: of 31 keys none fits `usr:<id>:*`');
  expect(stderr).toContain('did you mean `user:<id>:*`?');
});

test('diff says that it compared no key, and whether one of that name is there', async () => {
  await fill();
  const { exitCode, stderr } = await cli(['diff', testUrl(), testUrl(), '--pattern', 'usr:*'], { env });
  expect(exitCode).toBe(0);
  expect(stderr).toContain('of 31 keys none fits `usr:*`; did you mean `user:*`?');
});

test('where no name is like it, says how names begin', async () => {
  await fill();
  const { stderr } = await cli(['keys', 'order:*'], { url: testUrl() });
  expect(stderr).toContain('of 31 keys none fits `order:*`; names begin with `user`, `page`\n');
});

test('says with which options nothing fits, and nothing where keys fit or none were asked for', async () => {
  await fill();
  const none = await cli(['keys', 'user:*', '--size', '>1MB'], { url: testUrl() });
  expect(none.stderr).toContain("of 31 keys none fits `user:*`, `--size '>1MB'`\n");
  const some = await cli(['keys', 'user:*'], { url: testUrl() });
  expect(some.stderr).not.toContain('nothing matched');
  await emptyDatabase(server);
  const empty = await cli(['keys', 'user:*'], { url: testUrl() });
  expect(empty.stderr).toContain('nothing matched: there are no keys\n');
  const all = await cli(['inspect'], { url: testUrl() });
  expect(all.stderr).not.toContain('nothing matched');
});
