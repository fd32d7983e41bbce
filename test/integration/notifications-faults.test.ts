import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { InputError } from '../../src/support/failure.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { acquireNotifications } from '../../src/traffic/notifications/switch-on.ts';
import { restoreLeftovers } from '../../src/traffic/notifications/put-back.ts';
import { notificationFolder } from '../../src/traffic/notifications/note.ts';
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

describe('a server that is started again', () => {
  /** The same port, another process. */
  async function restart(redis: RedisProcess, config: readonly string[]): Promise<void> {
    await redis.stop();
    await startRedis({ args: ['--port', String(redis.port)], config });
  }

  test('has its value from its configuration: an observation drops its note', async () => {
    const redis = await startRedis();
    const terms = testTerms();
    const lease = await acquire(await open(redis.url), terms);
    await restart(redis, ['notify-keyspace-events Kx']);

    const outcome = await lease.restore(async () => (await open(redis.url)).nodes[0]);

    expect(outcome).toMatchObject({ outcome: 'restarted', from: 'xK', to: '' });
    expect(await flagsOn(await open(redis.url))).toBe('xK');
    expect(notesIn(terms.folder)).toEqual([]);
  });

  test('is not given back what was found before by the next observation', async () => {
    const redis = await startRedis();
    const terms = testTerms();
    await (await startHost(redis.url, terms.folder)).kill();
    await restart(redis, ['notify-keyspace-events Kx']);
    const server = await open(redis.url);

    const lease = await acquire(server, terms);

    expect(lease.original).toBe('xK');
    expect(lease.remarks).toEqual([expect.stringContaining('was started again')]);
    expect(await lease.restore()).toMatchObject({ outcome: 'restored' });
    expect(await flagsOn(server)).toBe('xK');
  });

  test('has nothing left behind', async () => {
    const redis = await startRedis();
    const terms = testTerms();
    await (await startHost(redis.url, terms.folder)).kill();
    await restart(redis, ['notify-keyspace-events Kx']);
    const server = await open(redis.url);

    expect((await restoreLeftovers(server.nodes, terms)).outcomes).toMatchObject([
      { outcome: 'restarted', from: 'xK', to: '' },
    ]);
    expect(notesIn(terms.folder)).toEqual([]);
  });

  test('is not taken for another server at its address that is older than the note', async () => {
    const redis = await startRedis();
    const terms = testTerms();
    await (await startHost(redis.url, terms.folder)).kill();
    await restart(redis, []);
    const server = await open(redis.url);
    // By the clock of the second run, the server there has been up since long before the note.
    const inThePast = { ...terms, now: () => Date.now() - 3_600_000 };

    expect((await restoreLeftovers(server.nodes, inThePast)).outcomes).toMatchObject([
      { outcome: 'nothing' },
      { outcome: 'elsewhere', to: '' },
    ]);
    expect(notesIn(terms.folder)).toHaveLength(1);
  });
});

describe('a connection that is lost', () => {
  test('is opened again for the restore', async () => {
    const server = await serverWith('Kx');
    const observed = await open(shared.url);
    const lease = await acquire(observed, testTerms());
    await send(server, 'CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');

    const outcome = await lease.restore(async () => (await open(shared.url)).nodes[0]);

    expect(outcome).toMatchObject({ outcome: 'restored' });
    expect(await flagsOn(server)).toBe('xK');
  });

  test('to a server that stays away leaves the note, and says how to go on', async () => {
    const redis = await startRedis();
    const terms = testTerms();
    const lease = await acquire(await open(redis.url), terms);
    await redis.stop();

    const outcome = await lease.restore(async () => (await open(redis.url)).nodes[0]);

    expect(outcome).toMatchObject({ outcome: 'failed', to: '', pid: process.pid });
    expect(outcome.message).toContain('run `cachectl hits --restore` once the server can be reached');
    expect(notesIn(terms.folder)).toHaveLength(1);
  });

  test('to a server that hangs is given up after 3 s, and the value goes back later', async () => {
    const redis = await startRedis();
    const terms = testTerms();
    const lease = await acquire(await open(redis.url), terms);
    redis.kill('SIGSTOP');

    const outcome = await lease.restore(async () => (await open(redis.url)).nodes[0]);
    redis.kill('SIGCONT');

    expect(outcome).toMatchObject({ outcome: 'failed' });
    const server = await open(redis.url);
    const { outcomes } = await restoreLeftovers(server.nodes, terms);
    // What was sent to the old connection may have been done when the server went on.
    expect(['restored', 'nothing']).toContain(outcomes[0]?.outcome);
    expect(await flagsOn(server)).toBe('');
    expect(notesIn(terms.folder)).toEqual([]);
  });

  test('to a server that hangs does not keep others from their restore', async () => {
    const terms = testTerms();
    const hung = await Promise.all([startRedis(), startRedis(), startRedis()]);
    const leases = [];
    await serverWith('Kx');
    for (const { url } of [...hung, shared]) leases.push(await acquire(await open(url), terms));
    for (const redis of hung) redis.kill('SIGSTOP');
    const settled: number[] = [];

    const outcomes = leases.map(async (lease, index) => {
      const { outcome } = await lease.restore();
      settled.push(index);
      return { outcome };
    });

    await outcomes[3];
    expect(settled).toEqual([3]);
    expect((await Promise.all(outcomes)).map(({ outcome }) => outcome)).toEqual([
      'failed',
      'failed',
      'failed',
      'restored',
    ]);
  });

  test('in favour of another server changes nothing there', async () => {
    const redis = await startRedis();
    const other = await serverWith('gxenEm');
    const terms = testTerms();
    const lease = await acquire(await open(redis.url), terms);
    await redis.stop();

    const outcome = await lease.restore(async () => (await open(shared.url)).nodes[0]);

    expect(outcome).toMatchObject({ outcome: 'failed' });
    expect(outcome.message).toContain('another server answers');
    expect(await flagsOn(other)).toBe('gxenEm');
    expect(notesIn(terms.folder)).toHaveLength(1);
  });
});

describe('a server that refuses', () => {
  let redis: RedisProcess;
  beforeAll(async () => {
    redis = await startPrivateServer({
      config: [
        'notify-keyspace-events Kx',
        'user get on >s3cret ~* &* +@all -config|set',
        'user set on >s3cret ~* &* +@all -config|get',
        'user blind on >s3cret ~* &* +@all -info',
      ],
    });
  });
  afterAll(() => redis.stop());
  const as = (user: string) => open(redis.url.replace('//', `//${user}:s3cret@`));

  test('CONFIG SET is a refusal with the line for an administrator, and leaves no note', async () => {
    const terms = testTerms();
    const server = await as('get');

    const refusal = await acquireNotifications(server.nodes[0], terms);

    expect(refusal).toMatchObject({
      refused: { subject: '`CONFIG SET`' },
      code: 'NOPERM',
      missing: 'Emeg',
      hint: expect.stringContaining('`CONFIG SET notify-keyspace-events xKEmegn`') as string,
    });
    expect(notesIn(terms.folder)).toEqual([]);
    expect(await flagsOn(await open(redis.url))).toBe('xK');
  });

  test('CONFIG GET is a refusal that says that nothing is known', async () => {
    const terms = testTerms();

    const refusal = await acquireNotifications((await as('set')).nodes[0], terms);

    expect(refusal).toMatchObject({
      refused: { subject: '`CONFIG GET`' },
      missing: null,
      hint: expect.stringContaining('`CONFIG SET notify-keyspace-events Emxegn`, if it is not on') as string,
    });
    expect(refusal).toHaveProperty('message', expect.stringContaining('is unknown'));
    expect(notesIn(terms.folder)).toEqual([]);
  });

  test('a command that has another name there', async () => {
    const renamed = await startRedis({ config: ['rename-command CONFIG ""'] });

    const refusal = await acquireNotifications((await open(renamed.url)).nodes[0], testTerms());

    expect(refusal).toMatchObject({
      code: 'ERR',
      refused: { subject: '`CONFIG GET`', answer: expect.stringContaining('unknown command') as string },
    });
  });

  test('CONFIG SET does not hinder where all is on, with or without a folder', async () => {
    const admin = await open(redis.url);
    await setFlags(admin, 'gxeEm');
    onTestFinished(() => setFlags(admin, 'Kx'));
    const server = await as('get');
    const terms = testTerms();

    for (const folder of [terms.folder, null])
      expect(await acquireNotifications(server.nodes[0], { ...terms, folder })).toMatchObject({
        changed: false,
        newKeys: false,
        value: 'gxeEm',
      });
    expect(notesIn(terms.folder)).toEqual([]);
  });

  test('a letter that it does not know is asked for the rest', async () => {
    const server = await open(redis.url);
    const wanted = { required: 'Emxeg', optional: 'nq' };

    const lease = await acquire(server, testTerms({ wanted }));

    expect(lease).toMatchObject({ original: 'xK', value: 'gxeKEm', newKeys: false });
    expect(await lease.restore()).toMatchObject({ outcome: 'restored' });
    expect(await flagsOn(server)).toBe('xK');
  });

  test('a letter that is needed leaves it as it was', async () => {
    const server = await open(redis.url);
    const terms = testTerms({ wanted: { required: 'Emq', optional: '' } });

    expect(await acquireNotifications(server.nodes[0], terms)).toMatchObject({
      refused: { subject: '`CONFIG SET`' },
      code: 'ERR',
      missing: 'Emq',
    });
    expect(await flagsOn(server)).toBe('xK');
    expect(notesIn(terms.folder)).toEqual([]);
  });

  test('the restore is a failure, and the note is kept for someone who may', async () => {
    const admin = await open(redis.url);
    await send(admin, 'ACL', 'SETUSER', 'fickle', 'on', '>s3cret', '~*', '&*', '+@all');
    const terms = testTerms();
    const lease = await acquire(await as('fickle'), terms);
    await send(admin, 'ACL', 'SETUSER', 'fickle', '-config|set');

    const outcome = await lease.restore();

    expect(outcome).toMatchObject({ outcome: 'failed', to: 'xK' });
    expect(outcome.message).toContain('NOPERM');
    expect((await restoreLeftovers(admin.nodes, terms)).outcomes).toMatchObject([{ outcome: 'restored' }]);
    expect(await flagsOn(admin)).toBe('xK');
  });

  test('INFO is recognised by its address', async () => {
    const terms = testTerms();
    const blind = await as('blind');
    const lease = await acquire(blind, terms);

    expect(JSON.parse(readNoteText(terms.folder))).toMatchObject({ runId: null });
    expect(await lease.restore()).toMatchObject({ outcome: 'restored' });
    expect(await flagsOn(blind)).toBe('xK');
  });
});

describe('the note', () => {
  test('is for its owner alone, names the server and its process, and holds no password', async () => {
    const redis = await startRedis({ args: ['--requirepass', 's3cret'] });
    const terms = testTerms();
    const server = await open(redis.url.replace('//', '//:s3cret@'));

    const lease = await acquire(server, terms);
    const [name = ''] = notesIn(terms.folder);
    const text = readNoteText(terms.folder);
    await lease.restore();

    expect(statSync(terms.folder).mode & 0o777).toBe(0o700);
    expect(name).not.toContain('s3cret');
    expect(text).not.toContain('s3cret');
    expect(JSON.parse(text)).toMatchObject({
      address: `127.0.0.1:${redis.port}`,
      runId: expect.stringMatching(/^[0-9a-f]{40}$/) as string,
      original: '',
      holder: { pid: process.pid, hostname: terms.processes.hostname },
    });
  });

  test('can be read by its owner alone', async () => {
    const terms = testTerms();
    const lease = await acquire(await serverWith(''), terms);
    const [name = ''] = notesIn(terms.folder);

    expect(statSync(join(terms.folder, name)).mode & 0o777).toBe(0o600);
    await lease.restore();
  });

  test('that has gone does not stop the restore', async () => {
    const server = await serverWith('Kx');
    const terms = testTerms();
    const lease = await acquire(server, terms);
    const [name = ''] = notesIn(terms.folder);
    writeFileSync(join(terms.folder, name), '');

    expect(await lease.restore()).toMatchObject({ outcome: 'restored' });
    expect(await flagsOn(server)).toBe('xK');
    expect(notesIn(terms.folder)).toEqual([]);
  });

  test.each<[string, () => string | null, string]>([
    ['no folder', () => notificationFolder({}), 'there is no folder'],
    ['a folder below a file', () => '/dev/null/notifications', 'cannot be written'],
    ['a folder that takes no files', () => '/proc/notifications', 'cannot be written'],
  ])('without a place (%s) is no note, and the server is not changed', async (_, folder, cause) => {
    const server = await serverWith('Kx');

    const refused = acquireNotifications(server.nodes[0], { ...testTerms(), folder: folder() });

    await expect(refused).rejects.toThrow(InputError);
    await expect(refused).rejects.toMatchObject({
      message: expect.stringContaining(cause) as string,
      hint: expect.stringContaining('XDG_STATE_HOME') as string,
    });
    expect(await flagsOn(server)).toBe('xK');
  });

  test('stands in the folder for state', () => {
    expect(notificationFolder({ XDG_STATE_HOME: '/state', HOME: '/home/ann' })).toBe(
      '/state/cachectl/notifications',
    );
    expect(notificationFolder({ HOME: '/home/ann' })).toBe('/home/ann/.local/state/cachectl/notifications');
    expect(notificationFolder({ HOME: '' })).toBeNull();
  });
});
