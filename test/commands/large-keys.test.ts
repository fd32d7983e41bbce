import { beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../src/redis/connect.ts';
import { cli } from '../run-cli.ts';
import { startServer } from '../server/own.ts';
import { send, targetOf } from '../server/redis.ts';
import { stats } from './stats-runs.ts';

const small = 260_000;
const smallBytes = 50;
const giants = 10;
const giantBytes = 3_000_000;

const { redis, server } = await startServer();
beforeAll(() => send(server, 'DEBUG', 'POPULATE', small, 'session', smallBytes).then(() => undefined));

/** What keeps a sample from becoming a walk over every key, and slows nothing down. */
const sampled = ['--max-rate', '5000000'];
const holds = (interval: readonly [number, number] | null, truth: number | null) =>
  interval !== null && truth !== null && interval[0] <= truth && truth <= interval[1];

test('without large keys a sample is enough, and its bytes agree with what the server holds', async () => {
  const { result } = await stats(redis.url, ['--seed', '1']);
  expect(result.reading).toMatchObject({ method: 'sample', mostUnmetBytes: 0, memoryUnchecked: null });
  const exact = await stats(redis.url, ['--exact']);
  expect(holds(result.memoryBytesInterval, exact.result.memoryBytes)).toBe(true);
  expect(exact.result.reading).toMatchObject({ mostUnmetBytes: null, memoryUnchecked: null });
});

test('a hash with a few long fields among many is larger than MEMORY USAGE says, which a reading of every key names', async () => {
  const own = await startServer();
  await send(own.server, 'DEBUG', 'POPULATE', 1000, 'session', 50);
  const uncounted = async () =>
    (await stats(own.redis.url, ['--exact'])).result.reading?.uncountedBytes ?? -1;
  expect(await uncounted()).toBe(0);
  const fields = `for i = 1, 100000 do redis.call('HSET', 'hash', i, 'short') end
    for i = 1, 20 do redis.call('HSET', 'hash', 'long' .. i, string.rep('x', ${giantBytes})) end`;
  // One time in a thousand a long field is among the five that MEMORY USAGE looks at.
  do {
    await send(own.server, 'UNLINK', 'hash');
    await send(own.server, 'EVAL', fields, 0);
  } while (Number(await send(own.server, 'MEMORY', 'USAGE', 'hash')) > 1e9);
  const ratio = (await uncounted()) / (20 * giantBytes);
  expect(ratio).toBeGreaterThan(0.8);
  expect(ratio).toBeLessThan(1.4);
  const { stdout } = await cli(['stats', '--exact', '--no-color'], { url: own.redis.url, terminal: true });
  expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(
    /`used_memory_dataset` is \d+\.\d MB more than all keys: `MEMORY USAGE` judges a collection by five/,
  );
});

describe('a few keys that hold half of the bytes', () => {
  beforeAll(async () => {
    for (let index = 0; index < giants; index++)
      await send(server, 'SET', `session:giant:${index}`, 'x'.repeat(giantBytes));
  });

  test('are within the intervals of a sample that met few of them', async () => {
    const truth = (await stats(redis.url, ['--exact'])).result;
    for (const seed of ['1', '2', '3', '4']) {
      const { result } = await stats(redis.url, ['--seed', seed, ...sampled]);
      expect(result.reading).toMatchObject({ method: 'sample', memoryUnchecked: null });
      expect([seed, holds(result.memoryBytesInterval, truth.memoryBytes)]).toEqual([seed, true]);
    }
  });

  test('make a sample say how many bytes it did not meet', async () => {
    const { stdout } = await cli(['stats', '--seed', '1', '--no-color', ...sampled], {
      url: redis.url,
      terminal: true,
    });
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /up to \d+\.\d MB are in keys that the sample did not meet, by the server's `used_memory_dataset` or `INFO keysizes`: any namespace may hold them; --exact finds them/,
    );
  });

  test('make every key be read where that takes seconds', async () => {
    const { result } = await stats(redis.url, ['--seed', '1']);
    expect(result).toMatchObject({ exact: true, memoryBytesInterval: null });
    expect(result.memoryBytes).toBeGreaterThan(giants * giantBytes + small * smallBytes);
  });
});

describe('bytes that cannot be checked', () => {
  const noteOf = async (args: readonly string[], url = redis.url) => {
    const { stdout } = await cli([...args, '--seed', '1', '--no-color', ...sampled], { url, terminal: true });
    return stdout.replaceAll(/\s+/g, ' ');
  };
  const note = "bytes are not checked against the server's `used_memory_dataset`: ";

  test('of a part of the keys, and of a user who may not call INFO, are said to be', async () => {
    expect(await noteOf(['inspect', 'session:<id>'])).toContain(`${note}it is of all keys`);
    await send(server, 'ACL', 'SETUSER', 'reader', 'on', '>secret', '~*', '+@all', '-info');
    const url = redis.url.replace('redis://', 'redis://reader:secret@');
    expect(await noteOf(['stats'], url)).toContain(`${note}it was not reported`);
  });

  test('beside the keys of another database are said to be', async () => {
    const other = await connect(targetOf(`${redis.url}/3`));
    await send(other, 'DEBUG', 'POPULATE', 30_000, 'other', 500);
    const { result } = await stats(redis.url, ['--seed', '1', ...sampled]);
    expect(result.reading).toMatchObject({ mostUnmetBytes: null, memoryUnchecked: 'other-databases' });
    other.close();
  });
});
