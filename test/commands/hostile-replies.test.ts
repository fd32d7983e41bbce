import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asBytes } from '../../src/support/bytes.ts';
import { connect } from '../../src/redis/connect.ts';
import { Connection } from '../../src/redis/connection.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli, type CliResult } from '../run-cli.ts';
import { runBinary } from '../server/binary.ts';
import { encodeReply, type HostileReply, type HostileServer, startHostileServer } from '../server/hostile.ts';
import { sendAll, startPrivateServer, targetOf } from '../server/redis.ts';
import { isLong } from '../server/effort.ts';

const oddReplies: Readonly<Record<string, HostileReply>> = {
  'a text': { bytes: '$3\r\nabc\r\n' },
  'a negative number': { bytes: ':-100\r\n' },
  nil: { bytes: '$-1\r\n' },
  'a nested list with nil': { bytes: '*2\r\n*2\r\n+a\r\n*1\r\n:1\r\n*2\r\n$-1\r\n*1\r\n$-1\r\n' },
  'a page with nil in it': { bytes: '*2\r\n$1\r\n0\r\n*2\r\n$-1\r\n$1\r\na\r\n' },
};

/** A real server behind a relay, and a folder: what one run needs, so that several go on at a time. */
interface Scene {
  readonly reply: string;
  readonly real: RedisServer;
  readonly hostile: HostileServer;
  readonly folder: string;
  stop(): Promise<void>;
}

async function startScene(reply: string): Promise<Scene> {
  const redis = await startPrivateServer();
  const real = await connect(targetOf(redis.url));
  const hostile = await startHostileServer(redis.url);
  const folder = mkdtempSync(join(tmpdir(), 'cachectl-hostile-'));
  writeFileSync(
    join(folder, 'records.ndjson'),
    '{"key":"user:1:name","value":"ann","ttl":600}\n{"key":"cart:1","type":"hash","value":{"apples":"3"}}\n',
  );
  writeFileSync(
    join(folder, 'map.json'),
    JSON.stringify({ namespaces: { user: { pattern: 'user:*', ttl: '1m' } } }),
  );
  const stop = async () => {
    real.close();
    await hostile.stop();
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { reply, real, hostile, folder, stop };
}

let scenes: readonly [Scene, ...Scene[]];
beforeAll(async () => {
  const [first = '', ...others] = Object.keys(oddReplies);
  scenes = await Promise.all([startScene(first), ...others.map(startScene)]);
});
afterAll(() => Promise.all(scenes.map((scene) => scene.stop())));

const fill = ({ real }: Scene) =>
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

interface CommandLine {
  readonly line: string;
  /** Run once with every answer as the real server gives it: it makes a file in the folder. */
  readonly before?: string;
  /** Keys that have to be gone. */
  readonly without?: readonly string[];
}

const removal = 'invalidate --pattern user:*';
const commandLines: readonly CommandLine[] = [
  { line: 'stats' },
  { line: 'inspect' },
  { line: 'keys --long' },
  { line: 'get cart:1' },
  { line: 'check' },
  { line: 'doctor' },
  { line: 'export *' },
  { line: 'export * --form archive' },
  { line: 'diff records.ndjson' },
  { line: 'warm records.ndjson --verify all' },
  { line: `${removal} --yes` },
  { line: 'apply plan.json --yes', before: `${removal} --plan-out plan.json` },
  {
    line: 'undo journal --yes',
    before: `${removal} --yes --backup --journal journal`,
    without: ['user:1:name', 'user:2:name'],
  },
  { line: 'prune --too-long --set-ttl --idle 1s --yes --config map.json' },
  { line: 'config init --file -' },
  { line: 'bench get set --keys 10 --operations 20 --warmup 0s --connections 2' },
  { line: 'hits --for 100ms --record record.ndjson' },
  { line: 'hits --for 100ms --mode sampled --duty 0.9' },
  { line: 'watch --count 2 --interval 100ms' },
  { line: 'watch --hits --count 1 --interval 100ms' },
];

/** Whose answer changes nothing. */
const courtesies: ReadonlySet<string> = new Set(['CLIENT SETNAME', 'CLIENT NO-TOUCH']);

/** Two limits of a second may follow one another, on a busy machine. */
const deadlineMillis = 30_000;

async function run({ hostile, folder }: Scene, line: string): Promise<CliResult> {
  const overdue = setTimeout(deadlineMillis, { exitCode: -1, stdout: '', stderr: 'it did not end' });
  const env = { XDG_STATE_HOME: join(folder, 'state') };
  return Promise.race([
    cli([...line.split(' '), '--timeout', '1s'], { url: hostile.url, cwd: folder, env }),
    overdue,
  ]);
}

async function prepare(scene: Scene, before: string | undefined): Promise<void> {
  scene.hostile.answer(() => null);
  await fill(scene);
  if (before !== undefined) expect((await run(scene, before)).exitCode).toBe(0);
}

/** Answers as no command may: what is wrong with the outcome, or null. */
async function faultOf(
  scene: Scene,
  { line, without }: CommandLine,
  command: string,
): Promise<string | null> {
  const reply = oddReplies[scene.reply] ?? null;
  await fill(scene);
  if (without !== undefined) await sendAll(scene.real, [['UNLINK', ...without]]);
  scene.hostile.answer((asked) => (asked === command ? reply : null));
  const { exitCode, stdout, stderr } = await run(scene, line);
  const printed = stdout + stderr;
  const isOdd = /NaN|undefined|unexpected:|\[object/.test(printed);
  const isNamed = exitCode < 2 || /^error: .*(answer|sent|server)/m.test(stderr);
  if ([0, 1, 2, 3, 4, 5].includes(exitCode) && !isOdd && isNamed) return null;
  return `${command} answered with ${scene.reply}: exit ${exitCode}\n${printed.slice(0, 500)}`;
}

describe.each(commandLines)('$line', (commandLine) => {
  test('ends with a documented exit code whatever one command answers', async () => {
    const [{ hostile }] = scenes;
    await Promise.all(scenes.map((scene) => prepare(scene, commandLine.before)));
    hostile.asked.clear();
    const healthy = await run(scenes[0], commandLine.line);
    expect(healthy.stderr).not.toMatch(/error|unexpected|unknown option/);
    const commands = [...hostile.asked].filter((command) => !courtesies.has(command));
    expect(commands.length).toBeGreaterThan(2);
    const faults: (string | null)[] = [];
    const askAll = async (scene: Scene, index: number) => {
      // In the short run one of the replies for each command, and another for the next command and the next line.
      const turn = index + commandLines.indexOf(commandLine);
      for (const command of commands.filter((_, at) => isLong || (turn + at) % scenes.length === 0))
        faults.push(await faultOf(scene, commandLine, command));
    };
    await Promise.all(scenes.map(askAll));
    expect(faults.filter((fault) => fault !== null)).toEqual([]);
  }, 120_000);
});

describe('a walk', () => {
  const scan = async (reply: HostileReply) => {
    await fill(scenes[0]);
    scenes[0].hostile.answer((asked) => (asked === 'SCAN' ? reply : null));
    return run(scenes[0], 'keys');
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
    await fill(scenes[0]);
    scenes[0].hostile.answer((asked) => {
      if (asked !== 'SCAN') return null;
      const keys = Array.from({ length: 500 }, (_, index) => `key:${cursor}:${index}`);
      return { bytes: encodeReply([asBytes(String(cursor++)), keys.map(asBytes)]) };
    });
    const { exitCode, stderr } = await run(scenes[0], 'keys');
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(
      /`SCAN` on \S+ does not come to an end: the server gave 2\d,?\d+ keys, of \d+ by DBSIZE/,
    );
  });

  test.each([
    ['a text', '$3\r\nabc\r\n', '`abc`'],
    ['a negative number', ':-100\r\n', '`-100`'],
  ])('names the reply where MEMORY USAGE answers %s', async (_name, bytes, said) => {
    await fill(scenes[0]);
    scenes[0].hostile.answer((asked) => (asked === 'MEMORY USAGE' ? { bytes } : null));
    const { exitCode, stderr } = await run(scenes[0], 'keys --long');
    expect(exitCode).toBe(3);
    expect(stderr).toContain(`the server answered ${said}, which is no number of bytes`);
  });
});

test.each([
  ['CONFIG SET', '$3\r\nabc\r\n', '`CONFIG SET` on ADDRESS: the server answered `abc`, which is no OK'],
  ['EXEC', '$3\r\nabc\r\n', '`EXEC` on ADDRESS: the server answered `abc`, which is no list of 2 replies'],
  ['SUBSCRIBE', ':-100\r\n', 'ADDRESS answered with `:-100`, which is no message of a subscription'],
  ['MONITOR', '$3\r\nabc\r\n', 'ADDRESS answered with `$3`, which is no line of MONITOR'],
])('hits names the reply where %s answers %j', async (command, bytes, said) => {
  scenes[0].hostile.answer((asked) => (asked === command ? { bytes } : null));
  const { exitCode, stderr } = await run(scenes[0], 'hits --for 200ms --mode exact');
  expect(exitCode).toBe(3);
  expect(stderr.replaceAll(/127\.0\.0\.1:\d+/g, 'ADDRESS')).toContain(said);
  expect(stderr).toMatch(/^hint: /m);
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
  ])(
    '%s ends the run',
    async (_name, reply, said) => {
      scenes[0].hostile.answer((asked) => (asked === 'SCAN' ? reply : null));
      const { exitCode, stderr } = await run(scenes[0], 'keys');
      expect(exitCode).toBe(3);
      expect(stderr).toContain(said);
    },
    30_000,
  );

  test.each([
    ['a string of a terabyte', { bytes: '$1099511627776\r\n', again: 'x' }, null],
    ['lists within lists', { bytes: '', again: '*1\r\n' }, null],
    ['empty lists', { bytes: '*100000000\r\n', again: '*0\r\n' }, null],
    ['empty lists', { bytes: '*100000000\r\n', again: '*0\r\n' }, 'SCAN'],
  ])('of %s costs the built program less than 300 MB (%#)', async (_name, reply, command) => {
    scenes[0].hostile.answer((asked) => (command === null || asked === command ? reply : null));
    // The program's own peak: what getrusage says begins with the size of the process that started it.
    const peak =
      "import{readFileSync}from'node:fs';process.on('exit',()=>" +
      "process._rawDebug('peak',/VmHWM:[^0-9]*([0-9]+)/.exec(readFileSync('/proc/self/status','utf8'))[1]))";
    const { exitCode, stderr } = await runBinary(['keys'], {
      env: { REDIS_URL: scenes[0].hostile.url, NODE_OPTIONS: `--import=data:text/javascript,${peak}` },
    });
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/^error: 127\.0\.0\.1:\d+ answered with .*\nhint: .*\npeak \d+\n$/);
    expect(Number(/^peak (\d+)$/m.exec(stderr)?.[1])).toBeLessThan(300 * 1024);
  });

  test('of one byte at a time ends the exchange', async () => {
    scenes[0].hostile.answer(() => ({ bytes: '$1000\r\n', again: 'x', pauseMillis: 20 }));
    const opening = Connection.open(targetOf(scenes[0].hostile.url, { timeoutMillis: 200 }));
    await expect(opening).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  });

  test('a reply in RESP3 is named as such', async () => {
    scenes[0].hostile.answer((asked) => (asked === 'SCAN' ? { bytes: '%1\r\n+a\r\n:1\r\n' } : null));
    const { exitCode, stderr } = await run(scenes[0], 'keys');
    expect(exitCode).toBe(3);
    expect(stderr).toContain('RESP3 (a reply that starts with `%`)');
    expect(stderr).not.toContain('TLS');
  });
});

test.each([
  ['keys', /user:1:name/],
  ['export *', /user:1:name/],
  ['inspect --exact -o json', /"repeatedKeys": ?2,[^]*"keys": ?2,/],
  ['inspect --exact -o table', /SCAN gave 2 keys again while the table was resized: each is counted once/],
  ['stats -o json', /"keys": ?2,/],
  ['stats -o table', /SCAN gave 2 keys again/],
])('%s has a key once that SCAN gives twice', async (line, once) => {
  await fill(scenes[0]);
  const page = (cursor: string) => ({
    bytes: encodeReply([asBytes(cursor), ['user:1:name', 'user:2:name'].map(asBytes)]),
  });
  let scans = 0;
  scenes[0].hostile.answer((asked) => (asked === 'SCAN' ? page(scans++ % 2 === 0 ? '5' : '0') : null));
  const { exitCode, stdout } = await run(scenes[0], line);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(once);
  expect(stdout).not.toMatch(/user:1:name[^]*user:1:name|"keys": ?4,/);
});
