import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { asBytes, type ByteString } from '../../src/support/bytes.ts';
import { connect } from '../../src/redis/connect.ts';
import { type Reply, ReplyError, replyText } from '../../src/redis/reply.ts';
import type { RedisCommand } from '../../src/redis/server.ts';
import { countsScanType, parseInfo, productOf } from '../../src/redis/info.ts';
import { type CountingRule, rulesOf, uncountedCommands } from '../../src/traffic/rules/counting-rules.ts';
import { type CommandLookups, lookupsOf, uncertainLookups } from '../../src/traffic/rules/lookups.ts';
import { send, targetOf } from '../server/redis.ts';
import { countingSamples, type CountingSample, type MissingKeys, sampleKeys } from './counting-samples.ts';
import { openLines, startCountingServer } from './counting-server.ts';

const counting = await startCountingServer();
const node = counting.server.nodes[0];
const run = (line: string) => node.call(...wordsOf(line));
const [major = 0, minor = 0] = counting.process.version.split('.').map(Number);
const info = parseInfo(replyText(await run('INFO')));
const countingRules = rulesOf(productOf(info).product);
const keyedCommands = keyedCommandsOf(await run('COMMAND'));
const knownRules = countingRules.filter(({ command }) => command === 'SCAN' || keyedCommands.has(command));
const samplesOf = (rule: CountingRule) =>
  countingSamples.filter(({ line }) => ruleOf(wordsOf(line)) === rule);

/** Of Redis 7.4 and 8.0, and of Valkey 9. */
const laterCommands =
  /^(?:H(?:P?TTL|P?EXPIRE(?:AT|TIME)?|PERSIST|SETEX|GETEX|GETDEL)|V[A-Z]+|MSETEX|DELIFEQ)$/;

afterAll(() => counting.stop());

describe('how the server counts', () => {
  test.each(knownRules.map((rule) => [rule.command, rule] as const))(
    '%s is as its rule says',
    async (_, rule) => {
      for (const sample of samplesOf(rule)) await expectSample(rule, sample);
    },
  );

  test('every command of Redis 7.0 that has a rule was measured', () => {
    const unsampled = countingRules.filter((rule) => samplesOf(rule).length === 0);
    expect(unsampled).toEqual([]);
    const unknown = countingRules.filter((rule) => !knownRules.includes(rule)).map(({ command }) => command);
    expect(unknown.filter((command) => !laterCommands.test(command))).toEqual([]);
    expect(knownRules.length).toBeGreaterThanOrEqual(180);
    expect(countingSamples.filter(({ line }) => ruleOf(wordsOf(line)) === undefined)).toEqual([]);
  });

  test('there is one rule for each command, and its places are those that COMMAND tells', () => {
    expect(new Set(countingRules.map(({ command }) => command)).size).toBe(countingRules.length);
    const named = knownRules.flatMap(({ command, reads, writes }) => {
      const theirs = keyedCommands.get(command);
      if (theirs === undefined || theirs.flags.includes('movablekeys')) return [];
      const ours = [reads, writes].flatMap((places) => (places?.kind === 'range' ? [places] : []));
      if (ours.length === 0) return [];
      const first = Math.min(...ours.map((places) => places.first));
      const lasts = ours.map((places) => places.last);
      const last = Math.min(...lasts) < 0 ? Math.min(...lasts) : Math.max(...lasts);
      return [{ command, theirs: [theirs.first, theirs.last], ours: [first, last] }];
    });
    expect(named.length).toBeGreaterThan(120);
    expect(named.filter(({ ours, theirs }) => String(ours) !== String(theirs))).toEqual([]);
  });

  test('a command with keys and without a rule counts nothing', async () => {
    const ruled = new Set(countingRules.map(({ command }) => command));
    const others = [...keyedCommands].filter(
      ([name, { flags }]) => !ruled.has(name) && !/admin|pubsub/.test(flags),
    );
    expect(others.map(([name]) => name)).toEqual(
      expect.arrayContaining(['EVAL', 'FCALL', 'MEMORY USAGE', 'WATCH']),
    );
    const unlisted = others.filter(
      ([name, { flags }]) => flags.includes('readonly') && !uncountedCommands.has(name.split(' ')[0] ?? ''),
    );
    expect(unlisted.map(([name]) => name)).toEqual([]);
    await makeKeys();
    for (const [name, { first, arity }] of others)
      for (const key of ['str:1', 'absent']) {
        const words = name.split(' ');
        while (words.length < Math.max(Math.abs(arity), first + 1)) words.push('1');
        if (first > 0) words[first] = key;
        const { hits, misses } = await counting.count(words);
        expect({ name, hits, misses }).toEqual({ name, hits: 0, misses: 0 });
      }
  });

  test('each rule has a line in the documentation', () => {
    const text = readFileSync(new URL('../../docs/counting-rules.md', import.meta.url), 'utf8');
    const named = new Set([...text.matchAll(/`([A-Z][A-Z0-9_ -]*)`/g)].map(([, name]) => name));
    expect(countingRules.map(({ command }) => command).filter((command) => !named.has(command))).toEqual([]);
  });
});

describe('what holds for all commands', () => {
  test('commands in small letters and in other databases are counted alike', async () => {
    await makeKeys();
    const counted = await counting.count(
      ...[
        ['select', '3'],
        ['mget', 'str:1', 'a'],
        ['object', 'encoding', 'b'],
        ['Get', 'str:1'],
        ['select', '0'],
      ],
    );
    expect(counted).toMatchObject({ hits: 0, misses: 4, keymiss: ['3 str:1', '3 a', '3 str:1'] });
    expect(lookupsIn(wordsOf('mget str:1 a')).readKeys).toEqual(['str:1', 'a']);
    expect(lookupsIn(wordsOf('set a v get')).readKeys).toEqual(['a']);
  });

  test('of a script and of a transaction, the commands within are counted and in MONITOR', async () => {
    await makeKeys();
    const script =
      "redis.call('GET', KEYS[1]); redis.call('SET', KEYS[2], 'v'); redis.call('MGET', KEYS[1], 'absent')";
    let counted = { hits: 0, misses: 0 };
    const seen = await counting.monitor(async () => {
      counted = await counting.countDuring(async () => {
        await send(counting.server, 'EVAL', script, 2, 'str:1', 'str:2');
        // The client library makes more of MULTI than a command.
        const transaction = ['MULTI', 'GET str:1', 'GET absent', 'EXEC', 'ECHO done'];
        (await openLines(counting.process.port, transaction, 'done')).close();
      });
    });
    expect(counted).toMatchObject({ hits: 3, misses: 2 });
    const commands = seen.map((line) => /\[0 (lua|[^\]]*)\] (.*)$/.exec(line) ?? []);
    const inScript = commands.filter(([, client]) => client === 'lua').map(([, , words]) => words);
    expect(inScript).toEqual(['"GET" "str:1"', '"SET" "str:2" "v"', '"MGET" "str:1" "absent"']);
    const names = commands
      .filter(([, client]) => client !== 'lua')
      .map(([, , words]) => words?.split(' ')[0]);
    expect(names.filter((name) => name === '"GET"')).toHaveLength(2);
    expect(names.filter((name) => name === '"EVAL"')).toHaveLength(1);
    const argvs = commands.map(([, , words = '']) => wordsOf(words.replaceAll('"', '')));
    expect(argvs.flatMap((argv) => (ruleOf(argv) ? lookupsIn(argv).readKeys : []))).toHaveLength(5);
  });

  test('a key that expired is a miss, with its event', async () => {
    await run('DEBUG SET-ACTIVE-EXPIRE 0');
    await node.batch(['SET str:1 v PX 1', 'SET str:2 v PX 1'].map(wordsOf));
    await new Promise((resolve) => setTimeout(resolve, 10));
    const counted = await counting.count(['GET', 'str:1'], ['INCR', 'str:2']);
    await run('DEBUG SET-ACTIVE-EXPIRE 1');
    expect(counted).toMatchObject({ hits: 0, misses: 1, keymiss: ['0 str:1'] });
  });

  test('a command that is refused for its arguments has a line in MONITOR and counts nothing', async () => {
    await makeKeys();
    const refused = [
      'GETRANGE str:1 x y',
      'SINTERCARD 9 set:1',
      'ZUNION 9 zset:1',
      'XREAD STREAMS stream:1 a 0',
    ];
    const rejected = ['GET', 'MGET', 'ABSENT str:1'];
    let counted = { hits: 0, misses: 0 };
    const seen = await counting.monitor(async () => {
      counted = await counting.count(...[...refused, ...rejected].map(wordsOf));
    });
    expect(counted).toMatchObject({ hits: 0, misses: 0 });
    for (const line of refused)
      expect(seen.join('\n')).toContain(`"${line.split(' ').slice(0, 2).join('" "')}"`);
    expect(seen.some((line) => line.includes('"ABSENT"') || /"M?GET"\s*$/.test(line))).toBe(false);
    // Where the arguments cannot be the server's, no key is predicted either; a range that is no number is not looked at.
    expect(refused.map((line) => lookupsIn(wordsOf(line)).readKeys.length)).toEqual([1, 0, 0, 0]);
  });

  test('a command that fails on a key of another type, or without its group, counts what its rule is certain of', async () => {
    const stopped = new Set<string>();
    for (const sample of countingSamples) {
      const rule = ruleOf(wordsOf(sample.line));
      if (rule?.reads == null || (sample.counts && !rule.stopsAtError) || !knownRules.includes(rule))
        continue;
      for (const words of failingForms(wordsOf(sample.line))) {
        await makeKeys();
        const { hits, misses } = await counting.count(words);
        const { readKeys, lookupsPerKey } = lookupsOf(rule, words);
        const most = readKeys.length * lookupsPerKey;
        const uncertain = readKeys.map((_, index) => uncertainLookups(rule, index === 0));
        const least = most - uncertain.reduce((sum, lookups) => sum + lookups, 0);
        const where = words.join(' ');
        const counted = hits + misses;
        expect({ where, counted, fits: counted >= least && counted <= most }).toMatchObject({ fits: true });
        if (counted < most) stopped.add(rule.command);
      }
    }
    const stopping = countingRules.filter(({ stopsAtError }) => stopsAtError);
    expect([...stopped].sort()).toEqual(stopping.map(({ command }) => command).sort());
  });

  test('SCAN with TYPE counts a hit for each key that MATCH lets through, where it is said to', async () => {
    await makeKeys();
    const counted = await counting.count(wordsOf('SCAN 0 MATCH str:* COUNT 1000 TYPE hash'));
    expect(counted).toMatchObject({ hits: countsScanType(info) ? 2 : 0, misses: 0 });
  });

  test('XREAD that waits looks up its keys again when it is served, from 7.2 on, without a second line', async () => {
    await makeKeys();
    const reader = await connect(targetOf(counting.process.url));
    let seen: string[] = [];
    const counted = await counting.countDuring(async () => {
      seen = await counting.monitor(async () => {
        const answer = send(reader, 'XREAD', 'BLOCK', 0, 'STREAMS', 'stream:1', 'stream:2', '$', '$');
        await vi.waitFor(async () => expect(await run('INFO clients')).toContain('blocked_clients:1'));
        await run('XADD stream:2 * f v');
        await answer;
      });
    });
    reader.close();
    const again = major > 7 || (major === 7 && minor >= 2);
    expect(counted).toMatchObject({ hits: again ? 8 : 4, misses: 0 });
    expect(seen.filter((line) => line.includes('"XREAD"'))).toHaveLength(1);
  });
});

interface KeyedCommand {
  readonly arity: number;
  readonly flags: string;
  /** As COMMAND gives them: 0 where the command's own arguments say where its keys are. */
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

/** The commands, and subcommands of containers, that take keys. */
function keyedCommandsOf(replies: Reply, found = new Map<string, KeyedCommand>()): Map<string, KeyedCommand> {
  for (const reply of replies as Reply[]) {
    const [name, arity, flags, first, last, step, , , specs, subcommands] = reply as [
      ...[string, number, string[], number, number, number, unknown, unknown, Reply[]?, Reply[]?],
    ];
    const command = { arity, flags: flags.join(), first, last, step };
    if (first > 0 || (specs?.length ?? 0) > 0) found.set(name.toUpperCase().replace('|', ' '), command);
    keyedCommandsOf(subcommands ?? [], found);
  }
  return found;
}

function wordsOf(line: string): ByteString[] {
  return line.split(' ').map((word) => asBytes(word === '""' ? '' : word));
}

function ruleOf(words: readonly string[]): CountingRule | undefined {
  const [name = '', subcommand = ''] = words.map((word) => word.toUpperCase());
  return countingRules.find(({ command }) => command === name || command === `${name} ${subcommand}`);
}

function lookupsIn(words: readonly ByteString[]): CommandLookups {
  const rule = ruleOf(words);
  if (rule === undefined) throw new Error(`\`${words.join(' ')}\` has no rule`);
  return lookupsOf(rule, words);
}

/** The command with each of its keys replaced by one of another type, and with a group that does not exist. */
function failingForms(words: readonly ByteString[]): ByteString[][] {
  const forms = words.flatMap((word, at) => {
    if (!made.includes(word)) return [];
    return [words.with(at, asBytes(/^(?:str|num|dest|hll):/.test(word) ? 'hash:1' : 'str:1'))];
  });
  const group = words.lastIndexOf(asBytes('g'));
  if (words[0]?.startsWith('X') && group > 0) forms.push(words.with(group, asBytes('absent')));
  return forms.filter((form) => !form.includes(asBytes('<dump>')));
}

/** The keys that the setup makes, and those that it never does. */
const neverMade = ['new:1', 'new:2'];
const made = [...new Set(sampleKeys.flatMap((line) => line.match(/\b\w+:\d\b/g) ?? []))];

/** Makes the keys anew, but those that shall be missing. */
async function makeKeys(missing: readonly string[] = []): Promise<void> {
  await run('FLUSHALL');
  const known = sampleKeys.map(wordsOf).filter((words) => knownRules.includes(ruleOf(words) as CountingRule));
  const replies = await node.batch(known);
  const failed = replies.find((reply) => reply instanceof ReplyError);
  if (failed) throw new Error(`the keys cannot be made: ${failed.message}`);
  if (missing.length > 0) await node.call('DEL', ...missing.map(asBytes));
}

/** What each key holds, and until when. */
async function contents(): Promise<Map<string, string>> {
  const keys = [...made, ...neverMade].map(asBytes);
  const replies = await node.batch(
    keys.flatMap((key): RedisCommand[] => [
      ['DUMP', key],
      ['PEXPIRETIME', key],
    ]),
  );
  return new Map(keys.map((key, at) => [key, JSON.stringify(replies.slice(2 * at, 2 * at + 2))]));
}

/** The keys that do not exist in each state; a sample with one key has no first and last. */
function statesOf(words: readonly string[]): Map<MissingKeys, readonly string[]> {
  const named = made.filter((key) => words.includes(key));
  named.sort((one, other) => words.indexOf(one) - words.indexOf(other));
  const states = new Map<MissingKeys, readonly string[]>([['none', []]]);
  if (named.length > 1) states.set('first', named.slice(0, 1)).set('last', named.slice(-1));
  return named.length > 0 ? states.set('all', named) : states;
}

async function expectSample(rule: CountingRule, sample: CountingSample): Promise<void> {
  await run('SET dump:1 v');
  const payload = asBytes(replyText(await run('DUMP dump:1')));
  const words = wordsOf(sample.line).map((word) => (word === '<dump>' ? payload : word));
  const { readKeys, lookupsPerKey, writtenKeys } = lookupsOf(rule, words);
  for (const [state, missing] of statesOf(words)) {
    const where = `${sample.line} with ${state} missing`;
    await makeKeys(missing);
    const before = await contents();
    const counted = await counting.count(words);
    const after = await contents();
    const absent = readKeys.filter((key) => missing.includes(key) || neverMade.includes(key));
    const [hits, misses] = sample.counts?.[state] ?? [
      (readKeys.length - absent.length) * lookupsPerKey,
      absent.length * lookupsPerKey,
    ];
    expect({ where, ...counted, keymiss: counted.keymiss.length }).toEqual({
      ...{ where, hits, misses },
      keymiss: rule.silentMiss ? 0 : misses,
    });
    if (sample.counts?.[state] === undefined && !rule.silentMiss) {
      const expected = absent.flatMap((key) => Array<string>(lookupsPerKey).fill(`0 ${key}`));
      expect([where, ...[...counted.keymiss].sort()]).toEqual([where, ...expected.sort()]);
    }
    const changed = [...after].filter(([key, content]) => before.get(key) !== content).map(([key]) => key);
    const written = new Set<string>(writtenKeys);
    // What is empty or missing is often not written at all.
    if (state === 'none' && !sample.writesLess)
      expect([where, ...changed.sort()]).toEqual([where, ...[...written].sort()]);
    else expect([where, ...changed.filter((key) => !written.has(key))]).toEqual([where]);
  }
}
