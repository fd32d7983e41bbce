import { beforeAll, describe, expect, test } from 'vitest';
import { displayWidth } from '../../src/render/width.ts';
import { linesOf } from '../commands/reading.ts';
import { cli } from '../run-cli.ts';
import { send, sendAll } from '../server/redis.ts';
import { startServer } from '../server/own.ts';
import { expectRestored, openShell } from './screen-shell.ts';
import { shell } from './shell.ts';

const { redis, server } = await startServer();
const hostile = 'esc\x1b[41m\x1b]0;pwned\x07';

beforeAll(async () => {
  await sendAll(server, [
    ...Array.from({ length: 50 }, (_, index) => [
      ...['SET', `user:${index}:profile`, 'x'.repeat(300), 'EX', String(3000 + index)],
    ]),
    ...Array.from({ length: 20 }, (_, index) => ['SET', `user:${index}:feed:home`, 'x']),
    ...Array.from({ length: 20 }, (_, index) => ['SET', `session:${index}`, 'x']),
    ...['1', '2'].map((id) => ['SET', `${hostile}:${id}`, 'x']),
  ]);
});

describe('inspect --browse', () => {
  test('leads from the keyspace to a namespace and back, and what a key is called does nothing', async () => {
    const { terminal, type } = await openShell(redis.url);
    await type('cachectl inspect --browse');
    const start = await terminal.waitFor(/^> user:<id>: +[\d.]+ kB +70 /m);
    expect(start).toMatch(/^all keys {2}92 keys, [\d.]+ kB$/m);
    expect(start).toMatch(/NAMESPACE \(3\) +BYTES▼/);
    expect(start).not.toContain('what stood here');
    expect(await terminal.screen(true)).not.toContain('\x1b[41m');
    await terminal.send('s', 's', 's');
    await terminal.waitFor(/NAMESPACE \(3\)▼/);
    await terminal.send('b', 'Enter');
    await terminal.waitFor(/^> profile +[\d.]+ kB +50 [^]*^ {2}feed:home /m);
    await terminal.send('Enter');
    const leaf = await terminal.waitFor(/^user:<id>:profile {2}50 keys/m);
    expect(leaf).toMatch(/^Time to live$/m);
    expect(leaf).toMatch(/lines 1 to \d+ of \d+/);
    await terminal.send('End');
    expect(await terminal.waitFor(/^ {2}user:\d+:profile +\d+ B {2}string$/m)).not.toContain('feed:home');
    await terminal.send('BSpace', 'Left');
    await terminal.waitFor(/^all keys/m);
    await terminal.send('/', 'S', 'E', 'S', 'Enter');
    await terminal.waitFor(/NAMESPACE \(1\)[^]*^> session:<id> [^]*\/SES {2}Esc show all/m);
    await terminal.send('Escape');
    await terminal.waitFor(/NAMESPACE \(3\)/);
    await terminal.send('q');
    const screen = await expectRestored(terminal, type, 0);
    expect(screen).toMatch(/^92 keys, [\d.]+ kB in 4 namespaces at redis:\/\/127/m);
    expect(screen).toMatch(/this\s+run added \d+ to keyspace_hits/);
  });

  test('leads on to the keys of a namespace, and to what get shows of one', async () => {
    const { terminal, type } = await openShell(redis.url);
    await type('cachectl inspect --browse');
    await terminal.waitFor(/^> user/m);
    await terminal.send('End', 'Enter', 'Enter');
    await terminal.waitFor(/^<text>:<id> {2}2 keys$[^]*^> esc\\x1b\[41m\\x1b\]0;pwned\\x07:1$/m);
    await terminal.send('Down', 'Enter');
    const screen = await terminal.waitFor(/^Value \(text\)\nx$/m);
    expect(screen).toMatch(/^ {2}key +esc\\x1b\[41m\\x1b\]0;pwned\\x07:2$/m);
    expect(await terminal.screen(true)).not.toContain('\x1b[41m');
    await terminal.send('Escape');
    await terminal.waitFor(/^> esc.*:2$/m);
    await terminal.send('Escape', 'Escape');
    await terminal.waitFor(/^all keys/m);
    await terminal.send('q');
    await expectRestored(terminal, type, 0);
  });

  test('needs the rights of get for a value, and of invalidate for d; without them it says so and goes on', async () => {
    for (const commands of ['inspect get', 'inspect']) {
      const { stdout } = await cli(['acl', ...commands.split(' ')], { url: redis.url });
      await send(
        server,
        'ACL',
        'SETUSER',
        'viewer',
        'reset',
        '>secret',
        ...stdout.trim().split(' ').slice(3),
      );
      const { terminal, type } = await openShell(redis.url.replace('//', '//viewer:secret@'));
      await type('cachectl inspect --browse');
      await terminal.waitFor(/^> user/m);
      await terminal.send('/', 's', 'e', 's', 'Enter', 'Enter', 'Enter');
      await terminal.waitFor(/^> session:\d+$/m);
      await terminal.send('Enter');
      await terminal.waitFor(
        commands === 'inspect'
          ? /has\s+no\s+permissions\s+to\s+run the 'getrange' command/
          : /^Value \(text\)\nx$/m,
      );
      await terminal.send('d');
      await terminal.waitFor(/\(y\/N\)/);
      await terminal.send('y', 'Enter');
      expect(await terminal.waitFor(/\? Press Enter to go back/)).toMatch(/unlink/i);
      await terminal.send('Enter');
      await terminal.waitFor(/^> session:\d+$|^Value/m);
      await terminal.send('q');
      await terminal.waitFor(/^92 keys, .* in 4 namespaces at/m);
    }
    expect(await send(server, 'EXISTS', 'session:1')).toBe(1);
  });

  test('fits whatever the terminal becomes, and Ctrl-C ends it with 130', async () => {
    const { terminal, type } = await openShell(redis.url);
    await type('cachectl inspect --browse');
    await terminal.waitFor(/^> user/m);
    await terminal.send('Enter', 'Enter');
    await terminal.waitFor(/lines 1 to \d+/);
    await terminal.resize(40, 10);
    const small = await terminal.waitFor(/^lines 1 to 6 /m);
    expect(linesOf(small)).toHaveLength(10);
    for (const line of linesOf(small)) expect(displayWidth(line)).toBeLessThan(40);
    await terminal.resize(30, 8);
    await terminal.waitFor(/^too small: 30x8/m);
    // The size is a setting of the terminal, too.
    await terminal.resize(80, 24);
    await terminal.waitFor(/^Time since the last access$/m);
    await terminal.send('C-c');
    await expectRestored(terminal, type, 130);
  });

  test.each([
    ['q', 0, /the reading was ended early/],
    ['C-c', 130, /the walk ended early/],
  ])('has its screen while it reads, on which %s ends it and nothing is echoed', async (key, code, said) => {
    const { terminal, type } = await openShell(redis.url, { rows: 60 });
    await type('cachectl inspect --browse --exact --max-rate 5');
    expect(await terminal.waitFor(/^reading keys .*\d+ %/m)).not.toContain('what stood here');
    await terminal.send('-l', 'xyz');
    await terminal.send(key);
    const screen = await expectRestored(terminal, type, code);
    expect(screen).toMatch(said);
    expect(screen).not.toContain('xyz');
  });

  test('shows on Esc what it has read until then', async () => {
    const { terminal, type } = await openShell(redis.url);
    await type('cachectl inspect --browse --exact --max-rate 5');
    await terminal.waitFor(/^reading keys .*\d+ %/m);
    await terminal.send('Escape');
    await terminal.waitFor(/^all keys {2}\d+ keys?[^]*the reading was ended early: these are not all keys/m);
    await terminal.send('q');
    await expectRestored(terminal, type, 0);
  });

  test('says how to go on where there is no terminal', async () => {
    for (const line of ['cachectl inspect --browse', 'cachectl inspect --browse --since monday.json']) {
      const { exitCode, stdout, stderr } = await shell(`${line} </dev/null`, { REDIS_URL: redis.url });
      expect({ exitCode, stdout: String(stdout) }).toEqual({ exitCode: 2, stdout: '' });
      expect(stderr).toMatch(/^error: --browse .*\nhint: leave/);
    }
  });
});
