import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli, type CliOptions, jsonOf } from '../run-cli.ts';
import { emptyDatabase, send, sendAll, testUrl } from '../server/redis.ts';
import {
  differences,
  everyType,
  journalOf,
  readJournal,
  removedIn,
  runWithFileLimit,
  snapshot,
} from './invalidate-journals.ts';
import { countsOf, store, storedKeys } from './invalidate-setup.ts';
import { urlAs } from './reading.ts';
import { ownDatabase, startServer, temporaryFolder } from '../server/own.ts';

const server = await ownDatabase();

const users = (count: number) => Array.from({ length: count }, (_, index) => `user:${index}:profile`);
const run = (args: readonly string[], options: CliOptions = {}) =>
  cli(['invalidate', ...args, '--output', 'json'], { url: testUrl(), ...options });

describe('the journal of an invalidation', () => {
  test('holds every key that was removed and no other, for its owner alone', async () => {
    const hostile = ['user:7:\xff\x00', 'user:7:\r\n', 'user:7:é', 'user:7:'];
    await store(server, [...users(1200), ...hostile, 'order:7']);
    const state = temporaryFolder();

    const result = await run(['--pattern', 'user:*', '--yes', '--no-backup'], {
      env: { XDG_STATE_HOME: state },
    });

    expect(result.exitCode).toBe(0);
    const path = journalOf(result);
    expect(path.startsWith(join(state, 'cachectl', 'journals', ''))).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const journal = await readJournal(path);
    expect(removedIn(journal)).toEqual([...users(1200), ...hostile].sort());
    expect(journal.header).toMatchObject({
      kind: 'journal',
      withValues: false,
      action: "invalidate --pattern 'user:*'",
    });
    expect(journal.header.server).toContain('127.0.0.1');
    expect(journal.frames.at(-1)).toEqual({
      kind: 'end',
      summary: {
        ...{ removed: 1204, shortened: 0, generationsRaised: 0 },
        gone: 0,
        failed: 0,
        notAttempted: 0,
      },
    });
    expect(await storedKeys(server)).toEqual(['order:7']);
  });

  test('leaves out the keys that the server refused to remove', async () => {
    const { redis, server: admin } = await startServer({
      config: [
        'user ann on >secret resetkeys ~user:* %R~shop:* resetchannels -@all +ping +select +scan +unlink +info +dbsize +memory|usage +dump +pttl',
      ],
    });
    const own = users(700);
    const foreign = Array.from({ length: 40 }, (_, index) => `shop:user:${index}`);
    for (const backup of [[], ['--backup']]) {
      await emptyDatabase(admin);
      await store(admin, [...own, ...foreign]);
      const result = await run(['--pattern', '*user:*', '--yes', ...backup], {
        url: urlAs(redis.url, 'ann'),
        env: { XDG_STATE_HOME: temporaryFolder() },
      });

      expect(result.exitCode).toBe(1);
      expect(countsOf(result)).toMatchObject({ matched: 740, removed: 700, failed: 40 });
      expect(removedIn(await readJournal(journalOf(result)))).toEqual([...own].sort());
    }
  });

  test('is kept where --journal says, in folders that are made', async () => {
    await store(server, users(3));
    const folder = temporaryFolder();

    const result = await run(['user', '1', '--yes', '--journal', 'deep/one.journal'], { cwd: folder });

    const path = join(folder, 'deep', 'one.journal');
    expect(journalOf(result)).toBe(path);
    expect(removedIn(await readJournal(path))).toEqual(['user:1:profile']);
  });

  test('is not kept with --no-journal, nor by a dry run, a no, or a plan of nothing', async () => {
    await store(server, users(3));
    const state = temporaryFolder();
    const env = { XDG_STATE_HOME: state };

    const results = [
      await run(['user', '1', '--yes', '--no-journal'], { env }),
      await run(['user', '2', '--dry-run'], { env }),
      await run(['user', '2'], { env }),
      await run(['user', '99', '--yes'], { env }),
    ];

    expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 0, 5, 0]);
    expect(results.map((result) => jsonOf(result)['journal'])).toEqual([null, null, null, null]);
    expect(existsSync(join(state, 'cachectl', 'journals'))).toBe(false);
    expect(await storedKeys(server)).toHaveLength(2);
  });

  test('goes to the home folder without XDG_STATE_HOME, and nowhere without a home', async () => {
    await store(server, users(3));
    const home = temporaryFolder();

    const result = await run(['user', '1', '--yes'], { env: { HOME: home } });
    expect(journalOf(result).startsWith(join(home, '.local', 'state', 'cachectl', 'journals'))).toBe(true);

    const nowhere = await run(['user', '2', '--yes']);
    expect(nowhere.exitCode).toBe(0);
    expect(jsonOf(nowhere)).toMatchObject({ removed: 1, journal: null, backup: false });
  });
});

describe('a journal that cannot be kept', () => {
  test('because there is a file of its name, refuses before anything is changed', async () => {
    await store(server, users(3));
    const file = join(temporaryFolder(), 'precious');
    writeFileSync(file, 'not to be lost');

    for (const path of [file, '/dev/full']) {
      const result = await run(['user', '1', '--yes', '--journal', path]);

      expect(result.exitCode).toBe(2);
      expect(result.stderr).toContain('there is a file of that name; nothing was changed');
      expect(result.stderr).toContain('--journal FILE');
    }
    expect(readFileSync(file, 'utf8')).toBe('not to be lost');
    expect(await storedKeys(server)).toHaveLength(3);
  });

  test('because of its folder, refuses before anything is changed', async () => {
    await store(server, users(3));
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    mkdirSync(join(folder, 'folder'));

    const below = await run(['user', '1', '--yes', '--journal', join(folder, 'file', 'x')]);
    const onFolder = await run(['user', '1', '--yes', '--journal', join(folder, 'folder')]);
    const tooLong = await run(['user', '1', '--yes', '--journal', join(folder, 'x'.repeat(300))]);

    expect([below, onFolder, tooLong].map(({ exitCode }) => exitCode)).toEqual([2, 2, 2]);
    expect(below.stderr).toContain('nothing was changed');
    expect(tooLong.stderr).toContain('its name is too long');
    expect(await storedKeys(server)).toHaveLength(3);
  });

  test.each([
    ['--backup without a home', ['--backup'], {}, 'neither XDG_STATE_HOME nor HOME'],
    ['--backup with --no-journal', ['--backup', '--no-journal'], { HOME: '/tmp' }, '--no-journal keeps none'],
    [
      '--backup in soft mode',
      ['--backup', '--mode', 'soft'],
      { HOME: '/tmp' },
      '--mode soft removes nothing',
    ],
    [
      '--backup of a counter',
      ['--backup', '--mode', 'generation'],
      { HOME: '/tmp' },
      '--mode generation removes nothing',
    ],
  ])('as %s, refuses before a server is asked', async (_name, args, env, message) => {
    const result = await run(['user', '1', '--yes', ...args], { env, url: 'redis://127.0.0.1:1' });

    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain(message);
  });

  test('because the disk is full half-way, stops, and tells what was done', async () => {
    const keys = users(8_000);
    for (const backup of [[], ['--backup']]) {
      await emptyDatabase(server);
      await store(server, keys);
      const before = backup.length > 0 ? await snapshot(server) : null;
      const folder = temporaryFolder();
      const journal = join(folder, 'full.journal');
      const line = [
        'invalidate',
        '--pattern',
        'user:*',
        '--yes',
        '-o',
        'json',
        '--journal',
        journal,
        ...backup,
      ];

      const result = await runWithFileLimit(120, line, { REDIS_URL: testUrl() });

      expect(result.exitCode).toBe(2);
      const { matched, removed, failed, notAttempted, gone } = countsOf(result);
      expect(matched).toBe(8_000);
      expect(gone).toBe(0);
      expect(removed).toBeGreaterThan(0);
      expect(failed).toBeGreaterThan(0);
      expect(notAttempted).toBeGreaterThan(0);
      expect(result.stderr).toContain('full.journal` cannot be written');
      expect(result.stderr).toContain('make room');
      expect(await send(server, 'DBSIZE')).toBe(8_000 - removed);
      const read = await readJournal(journal);
      // No space was left to close it.
      expect(read.cut).toBe(true);
      const left = new Set(await storedKeys(server));
      expect(removedIn(read)).toEqual(keys.filter((key) => !left.has(key)).sort());

      if (before !== null) {
        const undone = await cli(['undo', journal, '--yes', '-o', 'json'], { url: testUrl() });
        expect(jsonOf(undone)).toMatchObject({ restored: removed, rewritten: 0, failed: 0 });
        expect(differences(before, await snapshot(server))).toEqual([]);
      }
      const again = await run(['--pattern', 'user:*', '--yes', '--no-journal']);
      expect(again.exitCode).toBe(0);
      expect(await send(server, 'DBSIZE')).toBe(0);
    }
  }, 60_000);

  test('is not left behind as an empty file where not even its beginning fits', async () => {
    await store(server, users(3));
    const folder = temporaryFolder();
    const journal = join(folder, 'none.journal');
    const line = ['invalidate', 'user', '1', '--yes', '--journal', journal];

    const result = await runWithFileLimit(0, line, { REDIS_URL: testUrl() });

    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain('nothing was changed');
    expect(existsSync(journal)).toBe(false);
    expect(await storedKeys(server)).toHaveLength(3);
  });

  test('a backup of ten thousand ids can be read back', async () => {
    const ids = Array.from({ length: 10_000 }, (_, index) => `customer-with-a-long-name-${index}`);
    await sendAll(server, everyType('user:customer-with-a-long-name-7'));
    const before = await snapshot(server);
    const file = join(temporaryFolder(), 'ids.txt');
    writeFileSync(file, ids.join('\n'));

    const result = await run(['user', '--ids-from', file, '--backup', '--yes'], {
      env: { XDG_STATE_HOME: temporaryFolder() },
    });
    expect(countsOf(result).removed).toBe(7);

    const undone = await cli(['undo', journalOf(result), '--yes'], { url: testUrl() });
    expect(undone.exitCode).toBe(0);
    expect(differences(before, await snapshot(server))).toEqual([]);
  });
});
