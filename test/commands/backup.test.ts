import { statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { cli, type CliOptions, jsonOf } from '../run-cli.ts';
import { callsOf, emptyDatabase, makeIdle, sendAll, testUrl } from '../server/redis.ts';
import { differences, everyType, journalOf, readJournal, snapshot } from './invalidate-journals.ts';
import { store, storedKeys, withMap } from './invalidate-setup.ts';
import { urlAs } from './reading.ts';
import { ownDatabase, startServer, temporaryFolder } from '../server/own.ts';

const server = await ownDatabase();

const json = (args: readonly string[], options: CliOptions = {}) =>
  cli([...args, '--output', 'json'], { url: testUrl(), ...options });
const withState = () => ({ XDG_STATE_HOME: temporaryFolder() });

describe('a removal without --backup', () => {
  test('keeps the values of a small plan, and undo puts every one of them back', async () => {
    await sendAll(server, everyType('user:130'));
    const before = await snapshot(server);

    const removed = await json(['invalidate', 'user', '130', '--yes'], { env: withState() });
    const journal = journalOf(removed);

    expect(await storedKeys(server)).toEqual([]);
    expect(jsonOf(removed)).toMatchObject({ backup: true, backupPlanned: true, noUndoBecause: null });
    expect(statSync(journal).mode & 0o777).toBe(0o600);
    const undone = await json(['undo', journal, '--yes']);
    expect(jsonOf(undone)).toMatchObject({ restored: 7, failed: 0 });
    expect(differences(before, await snapshot(server))).toEqual([]);
  });

  test('keeps names alone from 10,001 keys on, and the plan says so before the question', async () => {
    await store(
      server,
      Array.from({ length: 10_001 }, (_, index) => `page:${index}`),
    );
    const args = ['invalidate', '--pattern', 'page:*'];

    const planned = await cli([...args, '--dry-run'], { url: testUrl(), env: withState(), terminal: true });

    const reason =
      '10,001 keys are more than the 10,000 whose values are kept by default; --backup keeps them';
    expect(planned.stdout.replace(/\s+/g, ' ')).toContain(`this cannot be undone: ${reason}`);
    expect(jsonOf(await json([...args, '--dry-run', '--backup'], { env: withState() }))).toMatchObject({
      backupPlanned: true,
      noUndoBecause: null,
    });
    const removed = await json([...args, '--yes'], { env: withState() });
    expect(jsonOf(removed)).toMatchObject({ removed: 10_001, backup: false, noUndoBecause: reason });
    expect((await readJournal(journalOf(removed))).header.withValues).toBe(false);
  });

  test('keeps names alone of more than 100 MB of values', async () => {
    await sendAll(server, [
      ['SET', 'page:1', 'x'],
      ['SETRANGE', 'page:2', 100_000_001, 'x'],
    ]);
    const planned = await json(['invalidate', '--pattern', 'page:*', '--dry-run'], { env: withState() });
    expect(jsonOf(planned)).toMatchObject({ matched: 2, backupPlanned: false });
    expect(jsonOf(planned)['noUndoBecause']).toMatch(/are more than the 100\.0 MB that are kept by default/);
  });

  test('keeps no values with --no-backup', async () => {
    await store(server, ['user:1:a']);
    const removed = await json(['invalidate', 'user', '1', '--yes', '--no-backup'], { env: withState() });
    expect(jsonOf(removed)).toMatchObject({
      ...{ removed: 1, backup: false, noUndoBecause: '--no-backup keeps no values' },
    });
    expect((await readJournal(journalOf(removed))).frames[0]).toEqual({ kind: 'removed', key: 'user:1:a' });
  });

  test('follows the profile: never and always', async () => {
    const profiles = (backup: 'never' | 'always') => ({
      ...withMap({ profiles: { shop: { url: testUrl(), backup } } }),
      ...withState(),
    });
    await store(
      server,
      Array.from({ length: 10_001 }, (_, index) => `page:${index}`),
    );
    const args = ['invalidate', '--pattern', 'page:*', '--dry-run', '--profile', 'shop'];
    const env = profiles('always');
    const always = await cli([...args, '--output', 'json'], { env });
    expect(jsonOf(always)).toMatchObject({ backupPlanned: true });
    const never = await cli([...args, '--output', 'json'], { env: profiles('never') });
    expect(jsonOf(never)).toMatchObject({
      ...{ backupPlanned: false, noUndoBecause: 'profile `shop` keeps no values; --backup keeps them' },
    });
    // By its address alone a profile does not take away what is kept.
    await emptyDatabase(server);
    await store(server, ['page:1']);
    const byAddress = await json(['invalidate', '--pattern', 'page:*', '--dry-run'], {
      env: profiles('never'),
    });
    expect(jsonOf(byAddress)).toMatchObject({ backupPlanned: true });
  });

  test('removes what the user may remove and not read, and says that this cannot be undone', async () => {
    const { redis, server: admin } = await startServer({
      config: [
        'user ann on >secret ~* resetchannels -@all +ping +select +scan +unlink +info +dbsize +memory|usage +multi +discard',
      ],
    });
    await store(admin, ['user:1:a', 'user:1:b']);
    const removed = await json(['invalidate', 'user', '1', '--yes'], {
      url: urlAs(redis.url, 'ann'),
      env: withState(),
    });
    expect(jsonOf(removed)).toMatchObject({
      ...{ removed: 2, failed: 0, backup: false },
      noUndoBecause: 'this user may not read the values (`DUMP`, `PTTL`)',
    });
    expect(removed.exitCode).toBe(0);
  });

  test('asks the server nothing that counts as a lookup to find out whether values can be kept', async () => {
    const { redis, server: own } = await startServer();
    await store(own, ['user:1:a', 'user:1:b']);
    const planned = await json(['invalidate', 'user', '1', '--dry-run'], {
      url: redis.url,
      env: withState(),
    });
    expect(jsonOf(planned)).toMatchObject({ backupPlanned: true });
    expect(await callsOf(own, 'dump')).toBe(0);
  });
});

describe('apply and prune', () => {
  test('apply keeps the values of a small plan as well', async () => {
    await sendAll(server, everyType('user:7'));
    const before = await snapshot(server);
    const folder = temporaryFolder();
    await json(['invalidate', 'user', '7', '--plan-out', `${folder}/plan.json`]);
    const applied = await json(['apply', `${folder}/plan.json`, '--yes'], { env: withState() });
    expect(jsonOf(applied)).toMatchObject({ removed: 7, backup: true });
    await json(['undo', journalOf(applied), '--yes']);
    expect(differences(before, await snapshot(server))).toEqual([]);
  });

  test('prune --idle keeps what it removes, and undo puts it back', async () => {
    await sendAll(server, [...everyType('page:1'), ['SET', 'other:1', 'x']]);
    const before = await snapshot(server);
    await makeIdle(
      server,
      (await storedKeys(server)).filter((key) => key !== 'other:1'),
      100,
    );
    const env = { ...withMap({ namespaces: { pages: { pattern: 'page:*' } } }), ...withState() };

    const pruned = await json(['prune', '--idle', '1s', '--yes'], { env });

    expect(jsonOf(pruned)).toMatchObject({ outcome: 'pruned', removed: 7, backup: true });
    expect(await storedKeys(server)).toEqual(['other:1']);
    expect(statSync(journalOf(pruned)).mode & 0o777).toBe(0o600);
    const undone = await json(['undo', journalOf(pruned), '--yes']);
    expect(jsonOf(undone)).toMatchObject({ restored: 7 });
    expect(differences(before, await snapshot(server))).toEqual([]);
  });

  test('prune --idle says that what it removes cannot be undone where it keeps no values', async () => {
    await store(server, ['page:1']);
    await makeIdle(server, ['page:1'], 100);
    const env = { ...withMap({ namespaces: { pages: { pattern: 'page:*' } } }), ...withState() };
    const { stdout } = await cli(['prune', '--idle', '1s', '--dry-run', '--no-backup'], {
      ...{ url: testUrl(), env, terminal: true },
    });
    expect(stdout).toContain('the removal cannot be undone: --no-backup keeps no values');
  });
});
