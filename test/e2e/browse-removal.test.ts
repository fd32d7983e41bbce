import { beforeEach, describe, expect, test } from 'vitest';
import { withMap } from '../commands/invalidate-setup.ts';
import { startServer } from '../server/own.ts';
import { emptyDatabase, send, sendAll } from '../server/redis.ts';
import { openShell } from './screen-shell.ts';

const { redis, server } = await startServer();
const keys = ['user:1', 'user:2', 'user:settings', 'session:1', 'session:2', 'page/1', 'page/2'];

beforeEach(async () => {
  await emptyDatabase(server);
  await sendAll(
    server,
    keys.map((key) => ['SET', key, 'x'.repeat(key.length)]),
  );
});

const left = async () => {
  const [, names] = (await send(server, 'SCAN', '0', 'COUNT', 1000)) as unknown as [string, string[]];
  return names.sort();
};
const without = (...gone: readonly string[]) => keys.filter((key) => !gone.includes(key)).sort();
const question = /\? Remove \d+ keys? .*\(y\/N\)/s;
/** What is left of the view. */
const ended = /^\d+ keys, .* in \d namespaces? at/m;
const back = /\? Press Enter to go back/;

describe('d in inspect --browse', () => {
  test('removes the keys of a namespace and no others, and undo brings them back', async () => {
    const { terminal, type } = await openShell(redis.url);
    await type('cachectl inspect --browse');
    await terminal.waitFor(/^> user:/m);
    await terminal.send('Enter');
    await terminal.waitFor(/^> <id> +[\d.]+ k?B +2 [^]*d remove/m);
    await terminal.send('d');
    const plan = await terminal.waitFor(question);
    expect(plan).toMatch(/user:<id>/);
    await terminal.send('y', 'Enter');
    const done = await terminal.waitFor(back);
    expect(done).toMatch(/removed 2 keys/);
    expect(done).toMatch(/cachectl undo /);
    await terminal.send('Enter');
    const after = await terminal.waitFor(/^user: {2}3 keys, .*, before 2 keys were removed$/m);
    expect(after).not.toMatch(/<id>/);
    expect(await left()).toEqual(without('user:1', 'user:2'));
    await terminal.send('q');
    await terminal.waitFor(ended);
    await type('cachectl undo --last --yes && echo undone');
    await terminal.waitFor(/^undone$/m);
    expect(await left()).toEqual(without());
  });

  test('removes one key, and leads back to those that are left', async () => {
    const { terminal, type } = await openShell(redis.url);
    await type('cachectl inspect --browse');
    await terminal.waitFor(/^> user:/m);
    await terminal.send('Enter');
    await terminal.waitFor(/^> <id>/m);
    await terminal.send('Enter');
    await terminal.waitFor(/^user:<id> {2}2 keys/m);
    await terminal.send('Enter');
    // The pattern matches user:settings too.
    await terminal.waitFor(/^user:<id> {2}2 keys$[^]*^> user:1\n {2}user:2\n\n/m);
    await terminal.send('Enter');
    await terminal.waitFor(/^ {2}key +user:1$/m);
    await terminal.send('d');
    await terminal.waitFor(question);
    await terminal.send('y', 'Enter');
    await terminal.waitFor(back);
    await terminal.send('Enter');
    await terminal.waitFor(/^user:<id> {2}2 keys, before 1 key was removed$[^]*^> user:2\n\n/m);
    expect(await left()).toEqual(without('user:1'));
    await terminal.send('q');
    await terminal.waitFor(ended);
  });

  test('leaves everything where the answer is no, or Ctrl-C', async () => {
    const { terminal, type } = await openShell(redis.url);
    await type('cachectl inspect --browse');
    await terminal.waitFor(/^> user:/m);
    // Who has said no is back at once.
    await terminal.send('d');
    await terminal.waitFor(question);
    await terminal.send('n', 'Enter');
    await terminal.waitFor(/^all keys {2}7 keys, [\d.]+ k?B$[^]*^> user:[^]*nothing was removed/m);
    await terminal.send('d');
    await terminal.waitFor(question);
    await terminal.send('C-c');
    expect(await terminal.waitFor(back)).toMatch(/error: .*nothing was (removed|changed)/);
    await terminal.send('Enter');
    await terminal.waitFor(/^all keys {2}7 keys, [\d.]+ k?B$[^]*^> user:/m);
    expect(await left()).toEqual(without());
    await terminal.send('q');
    await terminal.waitFor(ended);
  });

  test('asks for the name of a protected profile', async () => {
    const env = withMap({ profiles: { prod: { url: redis.url, protected: true } } });
    const { terminal, type } = await openShell(redis.url, { env });
    await type('cachectl inspect --browse --profile prod');
    await terminal.waitFor(/^> user:/m);
    await terminal.send('d');
    await terminal.waitFor(question);
    await terminal.send('y', 'Enter');
    await terminal.waitFor(/Type its name to remove/);
    await terminal.send('-l', 'staging');
    await terminal.send('Enter');
    await terminal.waitFor(/^> user:/m);
    expect(await left()).toEqual(without());
    await terminal.send('d');
    await terminal.waitFor(question);
    await terminal.send('y', 'Enter');
    await terminal.waitFor(/Type its name to remove/);
    await terminal.send('-l', 'prod');
    await terminal.send('Enter');
    await terminal.waitFor(/removed 3 keys[^]*Press Enter/);
    await terminal.send('Enter');
    await terminal.waitFor(/^all keys .*before 3 keys were removed$/m);
    await terminal.send('q');
    await terminal.waitFor(ended);
  });

  test.each([
    ['state', { kind: 'state' as const }, {}, /^`user` is state/m],
    ['what a read-only profile has', {}, { readOnly: true }, /^profile `live` is read-only/m],
  ])('says why %s stays', async (_, kind, protection, reason) => {
    const env = withMap({
      profiles: { live: { url: redis.url, ...protection } },
      namespaces: { user: { pattern: 'user:*', ...kind } },
    });
    const { terminal, type } = await openShell(redis.url, { env });
    await type('cachectl inspect --browse --profile live');
    await terminal.waitFor(/^> \(unmapped\)[^]*^ {2}user/m);
    await terminal.send('Down', 'd');
    await terminal.waitFor(reason);
    await terminal.send('q');
    await terminal.waitFor(ended);
    expect(await left()).toEqual(without());
  });

  test('of a selection removes what is in it', async () => {
    const { terminal, type } = await openShell(redis.url);
    await type('cachectl inspect --browse --exclude session:1 --regex 1');
    await terminal.waitFor(/^> session:<id>|^> user:<id>|^> page/m);
    await terminal.send('/', 'u', 's', 'e', 'r', 'Enter');
    await terminal.waitFor(/^> user:/m);
    await terminal.send('d');
    await terminal.waitFor(/\? Remove 1 key /);
    await terminal.send('y', 'Enter');
    await terminal.waitFor(back);
    await terminal.send('Enter');
    await terminal.waitFor(/before 1 key was removed/);
    await terminal.send('q');
    await terminal.waitFor(ended);
    expect(await left()).toEqual(without('user:1'));
  });
});
