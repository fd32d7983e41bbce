import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeFrame, encodeHeader } from '../../src/records/archive/format.ts';
import { replyText } from '../../src/redis/reply.ts';
import { cli, type CliOptions, jsonOf } from '../run-cli.ts';
import { isLong, rounds } from '../server/effort.ts';
import { emptyDatabase, send, sendAll, testUrl } from '../server/redis.ts';
import { differences, everyType, journalOf, readJournal, snapshot } from './invalidate-journals.ts';
import { store, storedKeys } from './invalidate-setup.ts';
import { urlAs } from './reading.ts';
import { ownDatabase, startServer, temporaryFolder } from '../server/own.ts';

const server = await ownDatabase();

/** Removes the users, keeping their values, and gives the journal. */
async function removeUsers(
  args: readonly string[] = ['--backup'],
  options: CliOptions = {},
): Promise<string> {
  const result = await cli(['invalidate', '--pattern', 'user:*', '--yes', '-o', 'json', ...args], {
    url: testUrl(),
    env: { XDG_STATE_HOME: temporaryFolder() },
    ...options,
  });
  expect(result.exitCode, result.stderr).toBe(0);
  return journalOf(result);
}
/** Makes the journal one of so long ago. */
async function age(journal: string, millis: number): Promise<void> {
  const { header, frames } = await readJournal(journal);
  const { sync: _sync, ...rest } = header;
  const old = frames.flatMap((frame) => {
    if (!('expiresAtMillis' in frame)) return frame.kind === 'damaged' ? [] : [encodeFrame(frame)];
    const { expiresAtMillis } = frame;
    return [encodeFrame({ ...frame, expiresAtMillis: expiresAtMillis && expiresAtMillis - millis })];
  });
  writeFileSync(journal, Buffer.concat([encodeHeader({ ...rest, version: 1 }), ...old]));
}
const undo = (args: readonly string[], options: CliOptions = {}) =>
  cli(['undo', ...args, '--output', 'json'], { url: testUrl(), ...options });

describe('undo', () => {
  test('gives back every type, with the time to live that would be left', async () => {
    await sendAll(server, everyType('user:1'));
    await sendAll(server, [
      ['SET', 'user:\xff\x00\r\n', '\x80'],
      ['SET', 'order:1', 'stays'],
    ]);
    const before = await snapshot(server);

    const journal = await removeUsers();
    expect(await storedKeys(server)).toEqual(['order:1']);
    const result = await undo([journal, '--yes']);

    expect(result.exitCode).toBe(0);
    const counts = { keys: 8, restored: 8, skipped: 0, failed: 0, journalTruncated: false };
    expect(jsonOf(result)).toMatchObject(counts);
    expect(differences(before, await snapshot(server))).toEqual([]);
  });

  test('gives the same keyspace back, whatever the keys and values', async () => {
    const bytes = fc.uint8Array({ maxLength: 30 }).map((each) => Buffer.from(each).toString('latin1'));
    const entry = fc.record({
      key: bytes.map((each) => `user:${each}`),
      value: bytes,
      seconds: fc.option(fc.integer({ min: 100, max: 1_000_000 })),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 120 }), async (entries) => {
        await emptyDatabase(server);
        await sendAll(
          server,
          entries.map(({ key, value, seconds }) =>
            seconds === null ? ['SET', key, value] : ['SET', key, value, 'EX', seconds],
          ),
        );
        const before = await snapshot(server);
        const folder = temporaryFolder();
        const journal = await removeUsers(['--backup', '--journal', join(folder, 'a.journal')]);
        expect(await storedKeys(server)).toEqual([]);
        expect((await undo([journal, '--yes'])).exitCode).toBe(0);
        expect(differences(before, await snapshot(server))).toEqual([]);
      }),
      { numRuns: rounds(40) },
    );
  });

  test('does not depend on the clocks of the machines that it and the removal run on', async () => {
    await sendAll(server, [
      ['SET', 'user:1', 'x', 'EX', 600],
      ['SET', 'user:2', 'x', 'EX', 7200],
    ]);
    const before = await snapshot(server);
    for (const hours of [-1, 1]) {
      const now = () => Date.now() + hours * 3_600_000;
      const journal = await removeUsers(['--backup'], { now });
      expect(jsonOf(await undo([journal, '--yes']))).toMatchObject({ restored: 2 });
      expect(differences(before, await snapshot(server))).toEqual([]);
    }
  });

  test('passes over keys that would have expired by now', async () => {
    await sendAll(server, [
      ['SET', 'user:1', 'x', 'EX', 600],
      ['SET', 'user:2', 'x', 'EX', 7200],
    ]);
    const journal = await removeUsers();
    await age(journal, 3_600_000);

    const result = await undo([journal, '--yes']);

    expect(jsonOf(result)).toMatchObject({ keys: 2, restored: 1, expired: 1 });
    expect(await storedKeys(server)).toEqual(['user:2']);
    const left = Number(await send(server, 'PTTL', 'user:2'));
    expect(Math.abs(left - 3_600_000)).toBeLessThan(5000);
  });

  test('leaves what was written since, unless --replace says otherwise, and may be run twice', async () => {
    await store(server, ['user:1', 'user:2', 'user:3']);
    const journal = await removeUsers();
    await send(server, 'SET', 'user:2', 'new');

    for (const expected of [
      { restored: 2, rewritten: 1 },
      { restored: 0, rewritten: 3 },
    ]) {
      const preview = await undo([journal, '--dry-run']);
      const result = await undo([journal, '--yes']);
      expect(jsonOf(preview)).toMatchObject({ ...expected, dryRun: true });
      expect(jsonOf(result)).toMatchObject({ ...expected, dryRun: false, failed: 0 });
      expect(await send(server, 'GET', 'user:2')).toBe('new');
    }
    const shown = await cli(['undo', journal, '--yes'], { url: testUrl(), terminal: true });
    expect(shown.stdout).toMatch(/\nnothing to restore: 3 keys are there already\n$/);
    const replaced = await undo([journal, '--yes', '--replace']);
    expect(jsonOf(replaced)).toMatchObject({ restored: 3, rewritten: 0 });
    expect(await send(server, 'GET', 'user:2')).toBe('value');
  });

  test('with --replace leaves keys alone that were never removed', async () => {
    const { redis, server: admin } = await startServer({
      config: [
        'user ann on >secret resetkeys ~user:1* %R~user:2* resetchannels -@all +ping +select +scan +unlink +dump +pttl +dbsize +memory|usage',
      ],
    });
    await store(admin, ['user:1', 'user:2']);
    const removed = await cli(['invalidate', '--pattern', 'user:*', '--backup', '--yes', '-o', 'json'], {
      url: urlAs(redis.url, 'ann'),
      env: { XDG_STATE_HOME: temporaryFolder() },
    });
    expect(removed.exitCode).toBe(1);
    await send(admin, 'SET', 'user:2', 'new');

    const result = await undo([journalOf(removed), '--yes', '--replace', '--other-server'], {
      url: redis.url,
    });

    expect(jsonOf(result)).toMatchObject({ keys: 1, restored: 1 });
    expect(await send(admin, 'GET', 'user:2')).toBe('new');
  });

  test('counts in a dry run what the real run does, and changes nothing', async () => {
    await store(server, ['user:1', 'user:2', 'user:3']);
    await send(server, 'SET', 'user:4', 'x', 'EX', 500);
    const journal = await removeUsers();
    await send(server, 'SET', 'user:1', 'new');
    await age(journal, 1_000_000);

    const preview = jsonOf(await undo([journal, '--dry-run']));
    expect(await storedKeys(server)).toEqual(['user:1']);
    const real = jsonOf(await undo([journal, '--yes']));

    const counts = { keys: 4, restored: 2, rewritten: 1, expired: 1, withoutValue: 0, failed: 0 };
    expect(preview).toMatchObject(counts);
    expect(real).toMatchObject(counts);
  });

  test('works for a user who may not ask for sizes', async () => {
    const { redis, server: admin } = await startServer({
      config: ['user ann on >secret ~* resetchannels -@all +ping +select +restore +exists'],
    });
    await store(admin, ['user:1', 'user:2']);
    const journal = await removeUsers(['--backup'], { url: redis.url, env: { HOME: temporaryFolder() } });
    await send(admin, 'SET', 'user:2', 'new');

    const result = await undo([journal, '--yes'], { url: urlAs(redis.url, 'ann') });

    expect(result.exitCode).toBe(0);
    expect(jsonOf(result)).toMatchObject({ restored: 1, rewritten: 1 });
  });

  test('of names alone says that nothing can come back, and fails', async () => {
    await store(server, ['user:1', 'user:2']);
    const journal = await removeUsers(['--no-backup']);

    for (const args of [['--dry-run'], ['--yes']]) {
      const result = await undo([journal, ...args]);
      expect(result.exitCode).toBe(1);
      expect(jsonOf(result)).toMatchObject({ keys: 2, restored: 0, withoutValue: 2 });
    }
    const shown = await cli(['undo', journal, '--yes'], { url: testUrl(), terminal: true });
    expect(shown.stdout).toContain('of 2 keys only the name was kept');
    expect(await storedKeys(server)).toEqual([]);
  });

  test('asks first, and without a terminal refuses', async () => {
    await store(server, ['user:1']);
    const journal = await removeUsers();

    const result = await undo([journal]);

    expect(result.exitCode).toBe(5);
    expect(result.stderr).toContain('nothing was restored');
    expect(await storedKeys(server)).toEqual([]);
  });

  test('is refused on another server or database, unless --other-server says otherwise', async () => {
    const { redis, server: other } = await startServer();
    await store(server, ['user:1']);
    const journal = await removeUsers();

    for (const url of [redis.url, new URL('/15', redis.url).href]) {
      const refused = await undo([journal, '--yes'], { url });
      expect(refused.exitCode).toBe(2);
      expect(refused.stderr).toContain('--other-server');
    }
    expect(await storedKeys(other)).toEqual([]);
    const meant = await undo([journal, '--yes', '--other-server'], { url: redis.url });
    expect(meant.exitCode).toBe(0);
    expect(await storedKeys(other)).toEqual(['user:1']);
  });

  test('names the records that are damaged, fails, and restores the others', async () => {
    await store(server, ['user:1', 'user:2', 'user:3']);
    const journal = await removeUsers();
    const whole = readFileSync(journal);
    const nameAt = whole.indexOf('user:2');
    // The expiry is eight bytes and two checksums before the name; then a byte of the name, and one of the value.
    const damages: readonly [number, string][] = [
      [nameAt - 9, 'user:2'],
      [nameAt, 'tser:2'],
      [nameAt + 8, 'user:2'],
    ];
    for (const [place, example] of damages) {
      await emptyDatabase(server);
      const bytes = Buffer.from(whole);
      bytes[place] = (bytes[place] ?? 0) ^ 0x01;
      writeFileSync(journal, bytes);
      for (const args of [['--dry-run'], ['--yes']]) {
        const result = await undo([journal, ...args]);
        expect(result.exitCode).toBe(1);
        expect(jsonOf(result)).toMatchObject({
          ...{ keys: 3, restored: 2, failed: 1, journalTruncated: false },
          problems: [{ keys: 1, example: { key: example }, reason: 'its record in the journal is damaged' }],
        });
      }
      expect(await storedKeys(server)).toEqual(['user:1', 'user:3']);
    }
    await emptyDatabase(server);
    const { stdout } = await cli(['undo', journal, '--yes', '--no-color'], {
      url: testUrl(),
      terminal: true,
    });
    expect(stdout).toMatch(/\n✗ restored 2 keys in .*; 1 failed, 0 not attempted\n$/);
  });

  test('takes a journal of before, which has no checksums', async () => {
    await store(server, ['user:1', 'user:2']);
    const before = await snapshot(server);
    const journal = await removeUsers();
    await age(journal, 0);

    expect(jsonOf(await undo([journal, '--yes']))).toMatchObject({
      restored: 2,
      failed: 0,
      journalTruncated: false,
    });
    expect(differences(before, await snapshot(server))).toEqual([]);
  });
});

describe('undo on a server that evicts', () => {
  test('stops at once, counts what was evicted and fails, unless --allow-evictions says otherwise', async () => {
    const { redis, server: admin } = await startServer();
    const users = Array.from({ length: 10_000 }, (_, index) => ['SET', `user:${index}`, 'x'.repeat(200)]);
    await sendAll(admin, users);
    const journal = await removeUsers(['--backup'], { url: redis.url, env: { HOME: temporaryFolder() } });
    await send(admin, 'CONFIG', 'SET', 'maxmemory', '2500kb');
    await send(admin, 'CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    await send(admin, 'CONFIG', 'RESETSTAT');
    const evicted = async () =>
      Number(/evicted_keys:(\d+)/.exec(replyText(await send(admin, 'INFO', 'stats')))?.[1]);

    const result = await undo([journal, '--yes'], { url: redis.url });

    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain(
      'hint: raise `maxmemory` and run it again; --allow-evictions continues anyway',
    );
    const fields = jsonOf(result) as Record<'restored' | 'notAttempted' | 'evictedKeys', number>;
    expect(fields.evictedKeys).toBe(await evicted());
    expect(fields.evictedKeys).toBeGreaterThan(0);
    // It looks after each 250 keys.
    expect(fields.evictedKeys).toBeLessThan(1000);
    expect(fields.restored + fields.notAttempted).toBe(10_000);
    expect(fields.notAttempted).toBeGreaterThan(2000);

    const meant = await undo([journal, '--yes', '--allow-evictions'], { url: redis.url });
    expect(meant.exitCode).toBe(0);
    expect(jsonOf(meant)).toMatchObject({ failed: 0, notAttempted: 0 });
    expect(jsonOf(meant)['evictedKeys']).toBeGreaterThan(1000);
  });
});

describe('a journal that was cut', () => {
  test('at a record or within the last gives back what is complete', async () => {
    await store(server, ['user:1', 'user:2', 'user:3']);
    const journal = await removeUsers();
    const whole = readFileSync(journal);
    const start = whole.indexOf(0x0a) + 1;
    const { frames } = await readJournal(journal);
    const ends: number[] = [];
    for (const frame of frames) {
      const size = frame.kind === 'value' ? 29 + frame.key.length + frame.payload.length : 0;
      if (size > 0) ends.push((ends.at(-1) ?? start) + size);
    }
    expect(ends).toHaveLength(3);
    const lastRecord = ends[1] ?? start;
    const within = Array.from({ length: whole.length - lastRecord + 1 }, (_, more) => lastRecord + more);
    const cuts = within.filter((length) => isLong || length % 4 === 0);
    for (const length of [
      start,
      start + 1,
      ends[0] ?? start,
      lastRecord,
      ...cuts,
      whole.length - 1,
      whole.length,
    ]) {
      await emptyDatabase(server);
      writeFileSync(journal, whole.subarray(0, length));
      const complete = ends.filter((end) => end <= length).length;

      const result = await undo([journal, '--yes']);

      expect(result.exitCode, `cut at ${length}`).toBe(0);
      expect(jsonOf(result)).toMatchObject({ restored: complete, journalTruncated: length < whole.length });
      expect(await storedKeys(server)).toHaveLength(complete);
    }
  });

  test('within its header is refused', async () => {
    await store(server, ['user:1']);
    const journal = await removeUsers();
    const whole = readFileSync(journal);
    for (const length of [0, 1, 40, whole.indexOf(0x0a)]) {
      writeFileSync(journal, whole.subarray(0, length));
      const result = await undo([journal, '--yes']);
      expect(result.exitCode).toBe(2);
      expect(result.stderr).toContain('cannot be used');
    }
  });
});

describe('what is no journal', () => {
  test('is refused before a server is asked', async () => {
    const folder = temporaryFolder();
    const export_ = join(folder, 'keys.archive');
    writeFileSync(
      export_,
      encodeHeader({
        ...{ format: 'cachectl-archive', version: 1, kind: 'export', createdAt: '2026-01-01T00:00:00.000Z' },
        ...{ server: 'redis://127.0.0.1:1/0', database: 0, profile: null, action: 'export', patterns: [] },
        withValues: true,
      }),
    );
    const text = join(folder, 'notes.txt');
    writeFileSync(text, 'user:1\nuser:2\n');
    const damaged = join(folder, 'damaged.journal');
    writeFileSync(damaged, Buffer.concat([readFileSync(export_), Buffer.alloc(100, 'z')]));
    const cases: readonly (readonly [string, string])[] = [
      [export_, `cachectl warm ${export_}`],
      [text, 'is no header'],
      [join(folder, 'absent'), 'no such file'],
      [folder, 'it is a folder'],
      [damaged, 'it is damaged'],
    ];
    for (const [path, message] of cases) {
      const result = await undo([path, '--yes'], { url: 'redis://127.0.0.1:1' });
      expect(result.exitCode, path).toBe(2);
      expect(result.stderr).toContain(message);
    }
  });
});
