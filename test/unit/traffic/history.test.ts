import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../../src/support/failure.ts';
import { compareWithRecord, openHistory, readLastRecord, recordOf } from '../../../src/traffic/history.ts';
import type { NamespaceTraffic, WindowReport } from '../../../src/traffic/report.ts';
import { reportOf, trafficOf } from './traffic-examples.ts';
import { temporaryFolder } from '../../server/own.ts';

const noon = Date.UTC(2026, 0, 2, 12);
const { signal } = new AbortController();
const record = recordOf(reportOf([trafficOf()]), 'redis://cache:6379', noon);

describe('a record', () => {
  test('says when and of which server, and comes back as it was written', async () => {
    const path = join(temporaryFolder(), 'hits.ndjson');
    const file = await openHistory(path, signal);
    await file.append(record);
    await file.append({ ...record, at: '2026-01-03T00:00:00.000Z' });
    file.close();
    expect(record).toMatchObject({
      recordVersion: 1,
      at: '2026-01-02T12:00:00.000Z',
      server: 'redis://cache:6379',
    });
    expect(await readLastRecord(path, signal)).toEqual({ ...record, at: '2026-01-03T00:00:00.000Z' });
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(3);
  });

  test('of names with any character stands on one line', async () => {
    const path = join(temporaryFolder(), 'hits.ndjson');
    const odd = recordOf(reportOf([trafficOf({ namespace: 'a\nb\u2028"\\<text>' })]), 'redis://x', noon);
    await (await openHistory(path, signal)).append(odd);
    await (await openHistory(path, signal)).append(odd);
    expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(2);
    expect(await readLastRecord(path, signal)).toEqual(odd);
  });

  test('is the last, also where blank lines or a carriage return follow', async () => {
    const path = join(temporaryFolder(), 'hits.ndjson');
    writeFileSync(path, `nonsense\n${JSON.stringify(record)}\r\n\n  \n`);
    expect(await readLastRecord(path, signal)).toEqual(record);
  });

  test('behind a line that was cut short has a line of its own', async () => {
    const path = join(temporaryFolder(), 'hits.ndjson');
    appendFileSync(path, JSON.stringify(record).slice(0, 40));
    const file = await openHistory(path, signal);
    await file.append(record);
    file.close();
    expect(await readLastRecord(path, signal)).toEqual(record);
  });
});

describe('a file that cannot be used is told of with its name and a command', () => {
  const failureOf = async (action: () => unknown): Promise<InputError> => {
    try {
      await action();
    } catch (error) {
      if (error instanceof InputError) return error;
      throw error;
    }
    throw new Error('nothing was wrong with it');
  };

  test.each([
    ['no JSON', '{"recordVersion":1,"at":"2026'],
    ['another object', '{"recordVersion":2,"at":"x","namespaces":[]}'],
    ['null', 'null'],
    ['a number', '1'],
    ['namespaces that are none', '{"recordVersion":1,"at":"x","windowSeconds":1,"namespaces":[null]}'],
    ['a namespace without figures', '{"recordVersion":1,"at":"x","windowSeconds":1,"namespaces":[{}]}'],
    ['no list', '{"recordVersion":1,"at":"x","windowSeconds":1,"namespaces":{}}'],
  ])('its last line is %s', async (_, line) => {
    const path = join(temporaryFolder(), 'hits.ndjson');
    writeFileSync(path, `${JSON.stringify(record)}\n${line}\n`);
    const failure = await failureOf(() => readLastRecord(path, signal));
    expect(failure.message).toBe(
      `history \`${path}\`: line 2 is no result of \`hits\`, or not as it was written`,
    );
    expect(failure.hint).toContain('--record');
  });

  test('it is empty, absent, or a folder', async () => {
    const path = join(temporaryFolder(), 'hits.ndjson');
    expect((await failureOf(() => readLastRecord(path, signal))).message).toMatch(/cannot be read/);
    writeFileSync(path, '\n \n');
    expect((await failureOf(() => readLastRecord(path, signal))).message).toBe(
      `history \`${path}\` is empty`,
    );
    mkdirSync(`${path}.d`);
    expect((await failureOf(() => readLastRecord(`${path}.d`, signal))).message).toMatch(/cannot be read/);
    expect((await failureOf(() => openHistory(`${path}.d`, signal))).message).toMatch(/cannot be written/);
  });

  test('it stands in a folder that does not exist', async () => {
    const failure = await failureOf(() =>
      openHistory(join(temporaryFolder(), 'none', 'hits.ndjson'), signal),
    );
    expect(failure.message).toMatch(/^history `.*hits\.ndjson` cannot be written: /);
    expect(failure.hint).toContain('--record');
  });

  test.runIf(process.platform === 'linux')('its disk is full', async () => {
    const file = await openHistory('/dev/full', signal);
    expect((await failureOf(() => file.append(record))).message).toMatch(/`\/dev\/full` cannot be written: /);
    file.close();
  });
});

describe('a comparison', () => {
  /** What became of a namespace between two windows. */
  const changeOf = (before: NamespaceTraffic, now: NamespaceTraffic) => {
    const earlier = recordOf(reportOf([before]), 'redis://x', noon);
    return compareWithRecord(reportOf([now]), earlier).changes[0]?.change;
  };
  const rated = (hits: number, reads: number) =>
    trafficOf({ hits, reads, misses: reads - hits, hitRate: hits / reads });

  test('calls better and worse what chance does not explain, and the rest the same', () => {
    expect(changeOf(rated(900, 1000), rated(980, 1000))).toBe('better');
    expect(changeOf(rated(980, 1000), rated(900, 1000))).toBe('worse');
    expect(changeOf(rated(900, 1000), rated(910, 1000))).toBe('same');
    expect(changeOf(rated(900, 1000), rated(900, 1000))).toBe('same');
    expect(changeOf(rated(9, 10), rated(5, 10))).toBe('same');
    expect(changeOf(rated(90_000, 100_000), rated(91_000, 100_000))).toBe('better');
    expect(changeOf(rated(0, 500), rated(500, 500))).toBe('better');
  });

  test('takes the uncertainty of a sample into account', () => {
    const sampled = { ...rated(980, 1000), hitRateInterval: [0.85, 0.99] as const };
    expect(changeOf(rated(900, 1000), sampled)).toBe('same');
    expect(changeOf(sampled, rated(900, 1000))).toBe('same');
  });

  test('is unclear where a rate is not known', () => {
    const unknown = trafficOf({ hits: null, reads: null, hitRate: null });
    const unread = trafficOf({ hits: 0, reads: 0, misses: 0, hitRate: null });
    expect(changeOf(unknown, rated(9, 10))).toBe('unclear');
    expect(changeOf(rated(9, 10), unread)).toBe('unclear');
  });

  test('is unclear where one of the windows is not valid, whatever its rates', () => {
    const [low, high] = [reportOf([rated(10, 1000)]), reportOf([rated(990, 1000)])];
    const changes = (before: WindowReport, now: WindowReport) =>
      compareWithRecord(now, recordOf(before, 'redis://x', noon)).changes.map(({ change }) => change);
    expect(changes(low, high)).toEqual(['better']);
    expect(changes({ ...low, valid: false }, high)).toEqual(['unclear']);
    expect(changes(low, { ...high, valid: false })).toEqual(['unclear']);
  });

  test('tells what came and what went, by database, the worse first', () => {
    const named = (namespace: string, { of = rated(900, 1000), database = 0 } = {}) => ({
      ...of,
      namespace,
      database,
    });
    const before = recordOf(
      reportOf([
        ...[named('same'), named('gone'), named('worse'), named('moved')],
        named('better', { of: rated(1, 1000) }),
      ]),
      'redis://old:1',
      noon,
    );
    const now = [
      ...[named('better'), named('moved', { database: 3 }), named('same'), named('came')],
      named('worse', { of: rated(1, 1000) }),
    ];
    const { changes, ...about } = compareWithRecord(reportOf(now), before);
    expect(changes.map(({ namespace, database, change }) => `${change} ${namespace} ${database}`)).toEqual([
      'worse worse 0',
      'new moved 3',
      'new came 0',
      'gone gone 0',
      'gone moved 0',
      'better better 0',
      'same same 0',
    ]);
    expect(about).toEqual({
      ...{
        endedAt: '2026-01-02T12:00:00.000Z',
        server: { address: 'redis://old:1' },
        mode: 'exact',
        windowSeconds: 10,
      },
      gain: null,
    });
    expect(changes[1]).toMatchObject({ hitRateBefore: null, hitRate: 0.9, missesPerSecondBefore: null });
    expect(changes[3]).toMatchObject({ hitRateBefore: 0.9, hitRate: null, missesPerSecond: null });
  });

  test('of windows of unequal length compares by the second', () => {
    const earlier = recordOf(reportOf([trafficOf()], { windowSeconds: 5 }), 'redis://x', noon);
    const [change] = compareWithRecord(reportOf([trafficOf()], { windowSeconds: 50 }), earlier).changes;
    expect(change).toMatchObject({ missesPerSecondBefore: 20, missesPerSecond: 2 });
    const [none] = compareWithRecord(reportOf([trafficOf()], { windowSeconds: 0 }), earlier).changes;
    expect(none?.missesPerSecond).toBeNull();
  });
});
