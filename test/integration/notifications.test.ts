import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { RedisServer } from '../../src/redis/server.ts';
import { newDraftPath } from '../../src/support/files.ts';
import { sealed, unsealed } from '../../src/support/sealed.ts';
import { restoreLeftovers } from '../../src/traffic/notifications/put-back.ts';
import { missingFlags } from '../../src/traffic/notifications/notification-flags.ts';
import { send, startPrivateServer } from '../server/redis.ts';
import type { RedisProcess } from '../server/redis-process.ts';
import {
  acquire,
  flagsOn,
  notesIn,
  readNoteText,
  setFlags,
  startHost,
  testTerms,
} from './notifications-server.ts';
import { open, startRedis } from '../server/own.ts';

let shared: RedisProcess;

beforeAll(async () => {
  shared = await startPrivateServer();
});
afterAll(() => shared.stop());

async function serverWith(flags: string): Promise<RedisServer> {
  const server = await open(shared.url);
  await setFlags(server, flags);
  return server;
}

describe('one observation', () => {
  test.each(['', 'KEA', 'Kx', 'E', 'KEg$lshzxe', 'n', 'Amxe'])(
    'adds to `%s`, and leaves it byte for byte as it was',
    async (flags) => {
      const server = await serverWith(flags);
      const before = await flagsOn(server);
      const terms = testTerms();

      const lease = await acquire(server, terms);
      const during = String(await flagsOn(server));
      const outcome = await lease.restore();

      // Beside `A` an `n` is not shown.
      expect(missingFlags(during, `Em${flags.replace('n', '')}`)).toBe('');
      expect(lease).toMatchObject({ changed: true, newKeys: true, original: before });
      expect(outcome).toMatchObject({ outcome: 'restored', to: before, message: null });
      expect(await flagsOn(server)).toBe(before);
      expect(readdirSync(terms.folder)).toEqual([]);
    },
  );

  test.each(['gxenEm', 'AKEm'])('changes nothing where all is on already: `%s`', async (flags) => {
    const server = await serverWith(flags);
    const terms = testTerms();

    const lease = await acquire(server, terms);

    expect(lease).toMatchObject({ changed: false, value: flags, newKeys: flags === 'AKEm' ? null : true });
    expect(notesIn(terms.folder)).toEqual([]);
    expect(await lease.restore()).toMatchObject({ outcome: 'nothing' });
    expect(await flagsOn(server)).toBe(flags);
  });

  test('keeps an `n` that the server hides beside `A`, if its events are heard', async () => {
    const server = await serverWith('KEAn');
    let key = 0;
    const traffic = setInterval(() => void send(server, 'SET', `key:${key++}`, 1, 'PX', 100), 20);
    onTestFinished(() => clearInterval(traffic));

    const lease = await acquire(server, testTerms());
    await lease.restore();
    // Without `A` the letter can be seen.
    const listener = await open(shared.url);
    const connection = await listener.nodes[0].openConnection();
    let heard = '';
    connection.stream(['SUBSCRIBE', '__KEYEVENT@0__:NEW'.toLowerCase() as Uppercase<string>], {
      bytes: (chunk) => void (heard += String(chunk)),
      ended: () => undefined,
    });
    onTestFinished(() => connection.close());
    await expect.poll(() => heard).toContain('key:');

    expect(lease.original).toBe('AKEn');
    expect(lease.remarks).toEqual([]);
  });

  test('says that it cannot know of an `n` beside `A` on a server without traffic', async () => {
    const lease = await acquire(await serverWith('KEA'), testTerms());

    expect(lease.remarks).toEqual([expect.stringContaining('does not show whether `n` was on')]);
    expect(lease.original).toBe('AKE');
    await lease.restore();
  });

  test('restores once, however often it is asked', async () => {
    const server = await serverWith('');
    const lease = await acquire(server, testTerms());
    const [first, second] = await Promise.all([lease.restore(), lease.restore()]);
    await setFlags(server, 'gxenEm');

    expect(second).toEqual(first);
    expect(await lease.restore()).toEqual(first);
    expect(await flagsOn(server)).toBe('gxenEm');
  });

  test('leaves a value alone that somebody set meanwhile, and says so', async () => {
    const server = await serverWith('');
    const terms = testTerms();
    const lease = await acquire(server, terms);
    await setFlags(server, 'Kx');

    const outcome = await lease.restore();

    expect(outcome).toMatchObject({ outcome: 'changedMeanwhile', from: 'xK', to: '' });
    expect(outcome.message).toContain('changed meanwhile to `xK`');
    expect(await flagsOn(server)).toBe('xK');
    expect(notesIn(terms.folder)).toEqual([]);
  });
});

describe('several observations of one server', () => {
  let server: RedisServer;
  beforeEach(async () => {
    server = await serverWith('Kx');
  });

  test.each([
    ['first', 0, 1],
    ['last', 1, 0],
  ])('end with the value that was found, when the %s one ends first', async (_, one, other) => {
    const terms = testTerms();
    const leases = [await acquire(server, terms), await acquire(server, terms)];
    const during = await flagsOn(server);

    const early = await leases[one]?.restore();
    expect(early).toMatchObject({ outcome: 'held', pid: process.pid, to: 'xK' });
    expect(await flagsOn(server)).toBe(during);

    expect(await leases[other]?.restore()).toMatchObject({ outcome: 'restored', to: 'xK' });
    expect(await flagsOn(server)).toBe('xK');
    expect(leases[1]?.remarks).toEqual([expect.stringContaining('the last one to end puts')]);
  });

  test.each([
    ['first', 0, 1],
    ['last', 1, 0],
  ])('that want different events end so too, when the %s one ends first', async (_, one, other) => {
    const terms = testTerms();
    const leases = [
      await acquire(server, { ...terms, wanted: { required: 'Em', optional: '' } }),
      await acquire(server, terms),
    ];

    await leases[one]?.restore();
    expect(String(await flagsOn(server))).toContain('m');

    expect(await leases[other]?.restore()).toMatchObject({ outcome: 'restored' });
    expect(await flagsOn(server)).toBe('xK');
  });

  test('begun at the same time find the same value', async () => {
    const terms = testTerms();
    const leases = await Promise.all(Array.from({ length: 5 }, () => acquire(server, terms)));
    const outcomes = await Promise.all(leases.map((lease) => lease.restore()));

    expect(leases.map(({ original }) => original)).toEqual(Array(5).fill('xK'));
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual([
      ...Array<string>(4).fill('held'),
      'restored',
    ]);
    expect(await flagsOn(server)).toBe('xK');
  });

  test('go back to what somebody set between them', async () => {
    const terms = testTerms();
    const first = await acquire(server, terms);
    await setFlags(server, 'KEx');
    const second = await acquire(server, terms);

    expect(await second.restore()).toMatchObject({ outcome: 'held' });
    expect(await first.restore()).toMatchObject({ outcome: 'restored' });
    expect(await flagsOn(server)).toBe('xKE');
  });

  test('by two processes end with the value that was found', async () => {
    const terms = testTerms();
    const host = await startHost(shared.url, terms.folder);
    const lease = await acquire(server, terms);

    expect(await host.restore()).toMatchObject({ outcome: 'held', pid: process.pid });
    expect(await lease.restore()).toMatchObject({ outcome: 'restored', to: 'xK' });
    expect(await flagsOn(server)).toBe('xK');
  });
});

describe('after kill -9', () => {
  test('the next observation ends with the value that the killed one found', async () => {
    const server = await serverWith('Kx');
    const terms = testTerms();
    const host = await startHost(shared.url, terms.folder);
    await host.kill();
    expect(await flagsOn(server)).toBe(host.lease.value);

    const lease = await acquire(server, terms);
    const outcome = await lease.restore();

    expect(lease).toMatchObject({ original: 'xK', changed: true });
    expect(lease.remarks).toEqual([expect.stringContaining('an earlier observation ended without putting')]);
    expect(outcome).toMatchObject({ outcome: 'restored' });
    expect(await flagsOn(server)).toBe('xK');
    expect(readdirSync(terms.folder)).toEqual([]);
  });

  test('an observation that goes on puts the value back at its end', async () => {
    const server = await serverWith('Kx');
    const terms = testTerms();
    const lease = await acquire(server, terms);
    await (await startHost(shared.url, terms.folder)).kill();

    expect(await lease.restore()).toMatchObject({ outcome: 'restored' });
    expect(await flagsOn(server)).toBe('xK');
    expect(notesIn(terms.folder)).toEqual([]);
  });

  test('what it left is put back by itself', async () => {
    const server = await serverWith('KEA');
    const terms = testTerms();
    const host = await startHost(shared.url, terms.folder);
    await host.kill();

    const { outcomes, damaged } = await restoreLeftovers(server.nodes, terms);

    expect(outcomes).toMatchObject([{ outcome: 'restored', to: 'AKE', pid: host.pid }]);
    expect(damaged).toEqual([]);
    expect(await flagsOn(server)).toBe('AKE');
    expect(await restoreLeftovers(server.nodes, terms)).toMatchObject({ outcomes: [{ outcome: 'nothing' }] });
  });

  test('a lock that it held is broken', async () => {
    const server = await serverWith('');
    const terms = testTerms();
    const host = await startHost(shared.url, terms.folder);
    await host.kill();
    const note = JSON.parse(readNoteText(terms.folder)) as { holder: object };
    writeFileSync(join(terms.folder, 'lock'), JSON.stringify(note.holder));

    await (await acquire(server, terms)).restore();

    expect(await flagsOn(server)).toBe('');
  });

  test('what it began to write is swept away', async () => {
    const terms = testTerms();
    mkdirSync(terms.folder);
    const ended = { ...terms.processes, pid: 2 ** 22 + 1, lookUp: () => null };
    writeFileSync(newDraftPath(join(terms.folder, 'abc-1-def.json'), ended), '{"addr');

    await (await acquire(await serverWith(''), terms)).restore();

    expect(readdirSync(terms.folder)).toEqual([]);
  });

  test('a lock that it had no time to sign is broken', async () => {
    const server = await serverWith('Kx');
    const terms = testTerms();
    const lease = await acquire(server, terms);
    writeFileSync(join(terms.folder, 'lock'), '');
    writeFileSync(join(terms.folder, 'lock.breaking'), '');

    expect(await lease.restore()).toMatchObject({ outcome: 'restored' });
    expect(readdirSync(terms.folder)).toEqual([]);
  });

  test('a process that got its number is not taken for it', async () => {
    const server = await serverWith('');
    const terms = testTerms();
    await (await startHost(shared.url, terms.folder)).kill();
    const [name = ''] = notesIn(terms.folder);
    const note = unsealed(JSON.parse(readNoteText(terms.folder))) as { holder: object };
    const reused = { ...note, holder: { ...note.holder, pid: process.pid } };
    writeFileSync(join(terms.folder, name), JSON.stringify(sealed(reused)));

    expect((await restoreLeftovers(server.nodes, terms)).outcomes).toMatchObject([{ outcome: 'restored' }]);
  });

  test('a value that somebody set since is left alone', async () => {
    const server = await serverWith('');
    const terms = testTerms();
    await (await startHost(shared.url, terms.folder)).kill();
    await setFlags(server, 'Kx');

    expect((await restoreLeftovers(server.nodes, terms)).outcomes).toMatchObject([
      { outcome: 'changedMeanwhile', from: 'xK', to: '' },
    ]);
    expect(await flagsOn(server)).toBe('xK');
    expect(notesIn(terms.folder)).toEqual([]);
  });
});

describe('what was left behind', () => {
  test('is not touched while its process runs', async () => {
    const server = await serverWith('');
    const terms = testTerms();
    const lease = await acquire(server, terms);

    const { outcomes } = await restoreLeftovers(server.nodes, terms);

    expect(outcomes).toMatchObject([{ outcome: 'held', pid: process.pid, to: '' }]);
    expect(await flagsOn(server)).toBe(lease.value);
    await lease.restore();
  });

  test('on another server is named, and left to it', async () => {
    const server = await serverWith('');
    const other = await startRedis();
    const terms = testTerms();
    const host = await startHost(other.url, terms.folder);
    await host.kill();

    const { outcomes } = await restoreLeftovers(server.nodes, terms);

    expect(outcomes).toMatchObject([
      { outcome: 'nothing' },
      { outcome: 'elsewhere', address: `127.0.0.1:${other.port}`, to: '', pid: host.pid },
    ]);
    expect(notesIn(terms.folder)).toHaveLength(1);
    const there = await open(other.url);
    expect((await restoreLeftovers(there.nodes, terms)).outcomes).toMatchObject([{ outcome: 'restored' }]);
    expect(await flagsOn(there)).toBe('');
  });

  test('is found over another address of the same server', async () => {
    const server = await serverWith('');
    const terms = testTerms();
    await (await startHost(`unix://${shared.socketPath}`, terms.folder)).kill();

    expect((await restoreLeftovers(server.nodes, terms)).outcomes).toMatchObject([{ outcome: 'restored' }]);
    expect(await flagsOn(server)).toBe('');
  });

  test.each([
    ['no JSON', 'not a note', 'it is no JSON'],
    ['another shape', '{"address":"x"}', 'it does not say what to put back'],
    ['letters that are none', '{"original":"x; y"}', 'it does not say what to put back'],
  ])('in a damaged note (%s) is reported, and disturbs nobody', async (_, text, reason) => {
    const server = await serverWith('');
    const terms = testTerms();
    mkdirSync(terms.folder);
    const path = join(terms.folder, 'broken.json');
    writeFileSync(path, text);

    const lease = await acquire(server, terms);
    expect(lease.remarks).toEqual([expect.stringContaining(`\`${path}\` cannot be used: ${reason}`)]);
    expect(await lease.restore()).toMatchObject({ outcome: 'restored' });

    const { outcomes, damaged } = await restoreLeftovers(server.nodes, terms);
    expect(outcomes).toMatchObject([{ outcome: 'nothing' }]);
    expect(damaged).toEqual([{ path, reason }]);
    expect(existsSync(path)).toBe(true);
  });

  test('is nothing where there is no folder', async () => {
    const server = await serverWith('');
    const terms = testTerms();

    expect(await restoreLeftovers(server.nodes, terms)).toMatchObject({ outcomes: [{ outcome: 'nothing' }] });
    expect(await restoreLeftovers(server.nodes, { ...terms, folder: null })).toMatchObject({
      outcomes: [{ outcome: 'nothing' }],
    });
    expect(existsSync(terms.folder)).toBe(false);
  });
});
