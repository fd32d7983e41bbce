import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { asBytes } from '../../src/redis/bytes.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli } from '../run-cli.ts';
import { encodeReply, type HostileReply, type HostileServer, startHostileServer } from '../server/hostile.ts';
import { sendAll, testServer, testUrl } from '../server/redis.ts';

let real: RedisServer;
let hostile: HostileServer;
beforeAll(async () => {
  real = await testServer();
  hostile = await startHostileServer(testUrl());
});
afterAll(async () => {
  real.close();
  await hostile.stop();
});

const fill = () =>
  sendAll(real, [
    ['UNLINK', 'log', 'queue'],
    ['SET', 'user:1:name', 'ann', 'EX', 600],
    ['SET', 'user:2:name', 'bob'],
    ['HSET', 'cart:1', 'apples', '3'],
    ['RPUSH', 'queue', 'a', 'b'],
    ['ZADD', 'board', 1, 'ann'],
    ['SADD', 'tags', 'x', 'y'],
    ['XADD', 'log', '1-1', 'field', 'value'],
  ]);

/** A record for `warm`, in a folder of its own. */
function recordFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cachectl-hostile-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'records.ndjson');
  writeFileSync(
    file,
    '{"key":"user:1:name","value":"ann","ttl":600}\n{"key":"cart:1","type":"hash","value":{"apples":"3"}}\n',
  );
  return file;
}

const commandLines: readonly (readonly string[])[] = [
  ['stats'],
  ['inspect'],
  ['keys', '--long'],
  ['get', 'cart:1'],
  ['check'],
  ['export', '*'],
  ['export', '*', '--form', 'archive'],
  ['diff', 'FILE'],
  ['warm', 'FILE', '--verify', 'all'],
  ['invalidate', '--pattern', 'user:*', '--yes'],
];

const oddReplies: Readonly<Record<string, HostileReply>> = {
  'a text': { bytes: '$3\r\nabc\r\n' },
  'a negative number': { bytes: ':-100\r\n' },
  nil: { bytes: '$-1\r\n' },
  'a nested list with nil': { bytes: '*2\r\n*2\r\n+a\r\n*1\r\n:1\r\n*2\r\n$-1\r\n*1\r\n$-1\r\n' },
  'a page with nil in it': { bytes: '*2\r\n$1\r\n0\r\n*2\r\n$-1\r\n$1\r\na\r\n' },
};

/** Whose answer changes nothing. */
const courtesies: ReadonlySet<string> = new Set(['CLIENT SETNAME', 'CLIENT NO-TOUCH']);

const run = (line: readonly string[], file: string) =>
  cli([...line.map((word) => (word === 'FILE' ? file : word)), '--timeout', '1s'], { url: hostile.url });

describe.each(commandLines.map((line) => [line.join(' '), line] as const))('%s', (_name, line) => {
  test('ends with a documented exit code whatever one command answers', async () => {
    const file = recordFile();
    await fill();
    hostile.asked.clear();
    hostile.answer(() => null);
    const healthy = await run(line, file);
    expect(healthy.stderr).not.toMatch(/unexpected|unknown option/);
    const commands = [...hostile.asked].filter((command) => !courtesies.has(command));
    expect(commands.length).toBeGreaterThan(2);
    const faults: string[] = [];
    for (const command of commands) {
      for (const [name, reply] of Object.entries(oddReplies)) {
        await fill();
        hostile.answer((asked) => (asked === command ? reply : null));
        const { exitCode, stdout, stderr } = await run(line, file);
        const printed = stdout + stderr;
        const isOdd = /NaN|undefined|unexpected:|\[object/.test(printed);
        if (![0, 1, 2, 3, 4, 5].includes(exitCode) || isOdd)
          faults.push(`${command} answered with ${name}: exit ${exitCode}\n${printed.slice(0, 500)}`);
      }
    }
    expect(faults).toEqual([]);
  }, 120_000);
});

describe('a walk', () => {
  const scan = async (reply: HostileReply) => {
    await fill();
    hostile.answer((asked) => (asked === 'SCAN' ? reply : null));
    return run(['keys'], recordFile());
  };

  test.each([
    ['a cursor that is no number', '*2\r\n$3\r\nabc\r\n*0\r\n', '`SCAN` on 127.0.0.1:'],
    ['a cursor below 0', '*2\r\n$2\r\n-5\r\n*0\r\n', 'which is no page'],
    ['a nil among the keys', '*2\r\n$1\r\n0\r\n*1\r\n$-1\r\n', 'which is no page'],
    ['a cursor that comes again and again', '*2\r\n$1\r\n7\r\n*0\r\n', 'gave the cursor `7` again and again'],
  ])('ends at %s, and says so', async (_name, bytes, said) => {
    const { exitCode, stderr } = await scan({ bytes });
    expect(exitCode).toBe(3);
    expect(stderr).toContain(said);
  });

  test('ends at keys without end, held against DBSIZE', async () => {
    let cursor = 1;
    await fill();
    hostile.answer((asked) => {
      if (asked !== 'SCAN') return null;
      const keys = Array.from({ length: 500 }, (_, index) => `key:${cursor}:${index}`);
      return { bytes: encodeReply([asBytes(String(cursor++)), keys.map(asBytes)]) };
    });
    const { exitCode, stderr } = await run(['keys'], recordFile());
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(
      /`SCAN` on \S+ does not come to an end: the server gave 2\d,?\d+ keys, of \d+ by DBSIZE/,
    );
  });

  test.each([
    ['a text', '$3\r\nabc\r\n', '`abc`'],
    ['a negative number', ':-100\r\n', '`-100`'],
  ])('names the reply where MEMORY USAGE answers %s', async (_name, bytes, said) => {
    await fill();
    hostile.answer((asked) => (asked === 'MEMORY USAGE' ? { bytes } : null));
    const { exitCode, stderr } = await run(['keys', '--long'], recordFile());
    expect(exitCode).toBe(3);
    expect(stderr).toContain(`the server answered ${said}, which is no number of bytes`);
  });
});

describe('a reply without end', () => {
  test.each<readonly [string, HostileReply, string]>([
    [
      'of a string of a terabyte',
      { bytes: '$1099511627776\r\n', again: 'x' },
      'a string of 1099511627776 bytes',
    ],
    ['of numbers', { bytes: '*100000000\r\n', again: ':1\r\n' }, 'more than 64 MB'],
    ['of empty lists', { bytes: '*100000000\r\n', again: '*0\r\n' }, 'more than 64 MB'],
    ['of lists within lists', { bytes: '', again: '*1\r\n' }, 'nested more than 64 levels deep'],
    ['of one line', { bytes: '+', again: 'x' }, 'a line of more than 1 MB'],
    ['of one byte at a time', { bytes: '$1000\r\n', again: 'x', pauseMillis: 50 }, 'no answer in time'],
  ])(
    '%s ends the run',
    async (_name, reply, said) => {
      hostile.answer((asked) => (asked === 'SCAN' ? reply : null));
      const { exitCode, stderr } = await run(['keys'], recordFile());
      expect(exitCode).toBe(3);
      expect(stderr).toContain(said);
    },
    30_000,
  );

  test('a reply in RESP3 is named as such', async () => {
    hostile.answer((asked) => (asked === 'SCAN' ? { bytes: '%1\r\n+a\r\n:1\r\n' } : null));
    const { exitCode, stderr } = await run(['keys'], recordFile());
    expect(exitCode).toBe(3);
    expect(stderr).toContain('RESP3 (a reply that starts with `%`)');
    expect(stderr).not.toContain('TLS');
  });
});

test.each([
  ['keys', ['keys']],
  ['export', ['export', '*']],
])('%s writes a key once that SCAN gives twice', async (_name, line) => {
  await fill();
  const page = (cursor: string) => ({
    bytes: encodeReply([asBytes(cursor), ['user:1:name', 'user:2:name'].map(asBytes)]),
  });
  let scans = 0;
  hostile.answer((asked) => (asked === 'SCAN' ? page(scans++ % 2 === 0 ? '5' : '0') : null));
  const { exitCode, stdout } = await run(line, recordFile());
  expect(exitCode).toBe(0);
  expect(stdout.split('\n').filter((text) => text.includes('user:1:name'))).toHaveLength(1);
});
