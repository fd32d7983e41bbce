import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startServer, temporaryFolder } from '../server/own.ts';
import { emptyDatabase, send, sendAll } from '../server/redis.ts';
import { type Agent, startAgent } from './mcp-client.ts';

const { redis, server } = await startServer();
const home = temporaryFolder();
const fixtures = join(home, 'fixtures');
const mapFile = join(home, 'cachectl.config.json');
const map = {
  profiles: {
    main: { url: redis.url },
    prod: { url: redis.url, protected: true },
    view: { url: redis.url, readOnly: true },
  },
  namespaces: {
    profile: { pattern: 'user:<id>:profile' },
    session: { pattern: 'session:<id>', kind: 'state' },
  },
  entities: { user: { patterns: ['user:<id>:profile', 'session:<id>'] } },
};

const writing = ['--allow-writes', '--max-keys', '50', '--fixtures', fixtures];
let writer: Agent;

beforeAll(async () => {
  mkdirSync(fixtures);
  writeFileSync(mapFile, JSON.stringify(map));
  writer = await startAgent(['--config', mapFile, '--profile', 'main', ...writing], { home });
});

beforeEach(async () => {
  await emptyDatabase(server);
  await sendAll(server, [
    ...Array.from({ length: 60 }, (_, index) => [
      'SET',
      `user:${index}:profile`,
      `{"id":${index}}`,
      'EX',
      3600,
    ]),
    ['SET', 'session:7', 'secret'],
  ]);
});

const size = () => send(server, 'DBSIZE');
const tools = async ({ client }: Agent) => (await client.listTools()).tools;

describe('without --allow-writes', () => {
  test('a plan is made, and there is no tool to carry it out', async () => {
    const reader = await startAgent(['--config', mapFile, '--profile', 'prod'], { home });
    expect((await tools(reader)).filter(({ annotations }) => annotations?.readOnlyHint !== true)).toEqual([]);
    const { untrusted, content } = await reader.call('plan_invalidation', {
      entity: 'user',
      ids: ['7', '8'],
    });
    expect(untrusted).toMatchObject({
      ...{ outcome: 'planned', matched: 2, dryRun: true },
      ...{ excluded: 1, excludedNamespaces: [{ namespace: 'session', keys: 1, reason: 'state' }] },
    });
    expect(content).not.toHaveProperty('planId');
    for (const name of ['apply_plan', 'undo', 'warm'])
      expect(await reader.call(name, { planId: '0'.repeat(64) })).toMatchObject({ isError: true });
    expect(await size()).toBe(61);
  });
});

describe('with --allow-writes', () => {
  test('each tool says what it does', async () => {
    const found = Object.fromEntries(
      (await tools(writer)).map(({ name, annotations }) => [name, annotations]),
    );
    expect(found).toMatchObject({
      plan_invalidation: { readOnlyHint: true },
      journals: { readOnlyHint: true },
      apply_plan: { readOnlyHint: false, destructiveHint: true },
      undo: { readOnlyHint: false, destructiveHint: false },
      warm: { readOnlyHint: false, destructiveHint: false },
    });
  });

  test('a plan is carried out, and undone by its journal', async () => {
    const { content } = await writer.call('plan_invalidation', { entity: 'user', ids: ['7', '8'] });
    await send(server, 'SET', 'user:9:profile', 'of no plan');
    const applied = await writer.call('apply_plan', { planId: content['planId'] });
    expect(applied).toMatchObject({
      isError: false,
      untrusted: { command: 'apply', outcome: 'removed', removed: 2, backup: true },
    });
    expect(await size()).toBe(59);
    const { journalId } = applied.content;
    const journals = await writer.call('journals');
    expect(journals.untrusted).toMatchObject({ journals: [{ withValues: true }] });
    expect(JSON.stringify(journals.untrusted)).toContain(journalId);
    expect(await writer.call('undo', { journalId, dryRun: true })).toMatchObject({
      untrusted: { dryRun: true },
    });
    expect(await size()).toBe(59);
    expect(await writer.call('undo', { journalId })).toMatchObject({ untrusted: { restored: 2, ok: true } });
    expect(await send(server, 'GET', 'user:7:profile')).toBe('{"id":7}');
    expect(await size()).toBe(61);
  });

  test('what was not planned here, or is too much, is refused', async () => {
    const all = await writer.call('plan_invalidation', { namespaces: ['profile'] });
    expect(all).toMatchObject({ untrusted: { outcome: 'overLimit', matched: 60, limit: 50 } });
    expect(all.content).not.toHaveProperty('planId');
    expect(await writer.call('plan_invalidation', { patterns: ['*'] })).toMatchObject({ isError: true });
    expect(await writer.call('plan_invalidation')).toMatchObject({ isError: true });
    for (const planId of ['0'.repeat(64), '/etc/passwd', '../plan'])
      expect(await writer.call('apply_plan', { planId })).toMatchObject({ isError: true });
    for (const journalId of ['../../x.journal', '/tmp/x.journal', 'none.journal'])
      expect(await writer.call('undo', { journalId })).toMatchObject({ isError: true });
    expect(await size()).toBe(61);
  });

  test.each([
    ['prod', /protected by profile `prod`/],
    ['view', /`view` is read-only/],
  ])('nothing is changed on profile %s', async (profile, reason) => {
    const agent = await startAgent(
      ['--config', mapFile, '--profiles', 'main,prod,view', '--profile', profile, ...writing],
      {
        home,
      },
    );
    writeFileSync(join(fixtures, 'new.json'), '{"key":"user:100:profile","value":"{}","ttl":60}');
    const { content } = await agent.call('plan_invalidation', { entity: 'user', ids: ['7'] });
    const refused = [
      await agent.call('apply_plan', { planId: content['planId'] }),
      await agent.call('warm', { files: ['new.json'] }),
    ];
    for (const { isError, text } of refused) {
      expect(isError).toBe(true);
      expect(text).toMatch(reason);
    }
    expect(await size()).toBe(61);
  });

  test('fixtures are loaded from their folder, and replace nothing', async () => {
    writeFileSync(
      join(fixtures, 'users.ndjson'),
      '{"key":"user:1:profile","value":"other","ttl":60}\n{"key":"user:200:profile","value":"new","ttl":60}\n',
    );
    writeFileSync(join(fixtures, 'sessions.ndjson'), '{"key":"session:1","value":"forged","ttl":60}\n');
    writeFileSync(
      join(fixtures, 'many.ndjson'),
      Array.from(
        { length: 51 },
        (_, index) => `{"key":"user:${500 + index}:profile","value":"x","ttl":60}\n`,
      ).join(''),
    );
    writeFileSync(join(home, 'outside.ndjson'), '{"key":"user:300:profile","value":"x","ttl":60}\n');
    symlinkSync(join(home, 'outside.ndjson'), join(fixtures, 'link.ndjson'));
    expect(await writer.call('warm', { files: ['users.ndjson'], dryRun: true })).toMatchObject({
      untrusted: { records: 2, written: 0 },
    });
    expect(await writer.call('warm', { files: ['users.ndjson'] })).toMatchObject({
      untrusted: { records: 2, written: 1, existing: 1 },
    });
    expect(await send(server, 'GET', 'user:1:profile')).toBe('{"id":1}');
    const refused = {
      'sessions.ndjson': /that the map calls state/,
      'many.ndjson': /51 records, and --max-keys is 50/,
      '../outside.ndjson': /no file in the folder/,
      'link.ndjson': /no file in the folder/,
      'none.ndjson': /no such file/,
      '-': /no such file/,
    };
    for (const [file, reason] of Object.entries(refused)) {
      const { isError, text } = await writer.call('warm', { files: [file] });
      expect({ file, isError }).toEqual({ file, isError: true });
      expect(text).toMatch(reason);
    }
    expect(await size()).toBe(62);
    expect(readFileSync(mapFile, 'utf8')).toBe(JSON.stringify(map));
  });
});
