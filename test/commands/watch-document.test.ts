import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { sendAll } from '../server/redis.ts';
import { folderWith } from './reading.ts';
import { homed } from './stats-hits-runs.ts';
import { watchWhile } from './watch-records.ts';
import { startServer } from '../server/own.ts';

const page = readFileSync(new URL('../../docs/watch.md', import.meta.url), 'utf8');

/** The fields in the first column of the table under a heading. */
function documented(heading: string): string[] {
  const section = page.split(/^#+ /m).find((each) => each.startsWith(`${heading}\n`)) ?? '';
  const cells = [...section.matchAll(/^\| (`.*?) +\|/gm)].map(([, cell = '']) => cell);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)).sort();
}

/** What every result has, of each command; `docs/watch.md` says nothing of it. */
const common = [
  'caveats',
  'command',
  'error',
  'ok',
  'ownLookups',
  'profile',
  'schemaVersion',
  'server',
  'url',
];

test('the page has each field of the records, and no other', async () => {
  const { redis, server } = await startServer();
  const cwd = folderWith({ namespaces: { users: { pattern: 'user:*', hitRateTarget: 0.9 } } });
  const { intervals, summary } = await watchWhile(['--hits'], { url: redis.url, cwd, ...homed() }, () =>
    sendAll(server, [
      ['SET', 'user:1', 'x'],
      ['GET', 'user:1'],
      ['GET', 'user:2'],
    ]),
  );
  for (const interval of intervals)
    expect(Object.keys(interval).sort()).toEqual(documented('A record of an interval'));
  const namespaces = intervals.flatMap((interval) => interval.namespaces);
  expect(namespaces.length).toBeGreaterThan(0);
  for (const namespace of namespaces)
    expect(Object.keys(namespace).sort()).toEqual(documented('A namespace in it'));
  const fields = Object.keys(summary).filter((name) => !common.includes(name));
  expect(fields.sort()).toEqual(documented('The last record'));
});

test('an interval in which the server did not answer has the same fields', async () => {
  const { redis } = await startServer();
  const { intervals } = await watchWhile([], { url: redis.url }, async (untilInterval) => {
    redis.kill('SIGKILL');
    await untilInterval('the server is gone', ({ ok }) => !ok);
  });
  const failed = intervals.find(({ ok }) => !ok);
  expect(Object.keys(failed ?? {}).sort()).toEqual(documented('A record of an interval'));
});
