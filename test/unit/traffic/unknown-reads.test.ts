import { expect, test } from 'vitest';
import { ReplyError, type Reply } from '../../../src/redis/reply.ts';
import { asBytes } from '../../../src/support/bytes.ts';
import { findUnknownReads } from '../../../src/traffic/figures/unknown-reads.ts';
import { WindowScene } from './window-scene.ts';

const window = (...commands: readonly string[]) => {
  const scene = new WindowScene();
  const infoOf = (calls: number) =>
    Object.fromEntries(commands.map((name) => [`cmdstat_${name}`, `calls=${calls},usec=1`]));
  return [{ from: scene.mark(0, { info: infoOf(1) }), to: scene.mark(1000, { info: infoOf(4) }) }];
};

const texts = (reply: unknown): Reply =>
  Array.isArray(reply) ? reply.map(texts) : typeof reply === 'string' ? asBytes(reply) : (reply as Reply);

/** As Redis 8.0.6 answers COMMAND INFO, less what is not looked at. */
const described: Readonly<Record<string, Reply>> = {
  'JSON.GET': texts(['json.get', -2, ['readonly', 'module'], 1, 1, 1, [], [], [], []]),
  PING: texts(['ping', -1, ['fast'], 0, 0, 0, [], [], [], []]),
  NEWPOP: texts([
    ...['newpop', 3, ['write', 'fast'], 1, 1, 1, [], []],
    [['flags', ['RW', 'access', 'delete'], 'begin_search', ['type', 'index']]],
    [],
  ]),
  NEWSET: texts(['newset', 3, ['write'], 1, 1, 1, [], [], [['flags', ['OW', 'update']]], []]),
};

test('commands that read keys and have no rule are named with their calls, those that read none are not', async () => {
  const asked: string[] = [];
  const node = {
    batch: ([[, , ...names] = ['']]: readonly (readonly (string | number)[])[]) => {
      asked.push(...names.map(String));
      return Promise.resolve([names.map((name) => described[String(name)] ?? null)]);
    },
  };
  const windows = window('get', 'memory|usage', 'eval', 'json.get', 'ping', 'newpop', 'newset', 'gone');
  expect(await findUnknownReads(node, windows)).toEqual([
    { command: 'JSON.GET', calls: 3 },
    { command: 'NEWPOP', calls: 3 },
  ]);
  expect(asked).toEqual(['JSON.GET', 'PING', 'NEWPOP', 'NEWSET', 'GONE']);
});

test('what cannot be known is not reported as nothing', async () => {
  const refusing = { batch: () => Promise.resolve([new ReplyError('NOPERM no permissions')]) };
  expect(await findUnknownReads(refusing, window('json.get'))).toBeNull();
  expect(await findUnknownReads(refusing, window())).toBeNull();
  expect(await findUnknownReads(refusing, window('get'))).toEqual([]);
});
