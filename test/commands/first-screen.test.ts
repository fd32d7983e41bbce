import { beforeAll, describe, expect, test } from 'vitest';
import { cli, jsonOf } from '../run-cli.ts';
import { startServer } from '../server/own.ts';
import { sendAll } from '../server/redis.ts';
import { runHits } from './hits-runs.ts';
import { linesOf } from './reading.ts';

const { redis, server } = await startServer();
const { url } = redis;
const names = Array.from(
  { length: 40 },
  (_, index) => `kind${'abcdefghij'[index % 10] ?? ''}${'klmn'[Math.floor(index / 10)] ?? ''}`,
);
beforeAll(() =>
  sendAll(server, [
    ...names.flatMap((name, index) =>
      Array.from({ length: 1 + index }, (_, id) => ['SET', `${name}:${id}`, 'x'.repeat(100)]),
    ),
    ...Array.from({ length: 200 }, () => ['GET', `${names[1] ?? ''}:0`]),
  ]),
);

const sizes = [
  [80, 24],
  [120, 40],
] as const;

/** Without the line of the next prompt. */
const screen = (rows: number) => rows - 1;

describe.each(sizes)('on a terminal of %d columns and %d lines', (columns, rows) => {
  test('all of stats is on the screen, the grade first, with as many namespaces as fit', async () => {
    const { stdout } = await cli(['stats'], { url, columns, rows, env: { NO_COLOR: '1' } });
    const lines = linesOf(stdout);
    expect(lines.length).toBeLessThanOrEqual(screen(rows));
    expect(lines[0]).toMatch(/^Grade: /);
    expect(lines[1]).toMatch(/^. hit rate /);
    const listed = lines.filter((line) => /^ {2}(?:kind\w\w:<id>|\(other\)) /.test(line)).length;
    const left = /^ {2}\((\d+) more: --limit 20\)$/m.exec(stdout)?.[1] ?? '0';
    expect(listed + Number(left)).toBe(21);
    expect(listed).toBeGreaterThan(4);
  });

  test('all of hits is on the screen, what it comes to first, and who misses most at the top of the table', async () => {
    const during = () =>
      sendAll(server, [
        ...Array.from({ length: 60 }, () => ['GET', `${names[2] ?? ''}:0`]),
        ...names.flatMap((name, index) =>
          Array.from({ length: 1 + index }, (_, id) => ['GET', `${name}:lost:${id}`]),
        ),
      ]);
    const { stdout } = await runHits(server, url, [], { columns, rows, env: { NO_COLOR: '1' }, during });
    const lines = linesOf(stdout);
    expect(lines.length).toBeLessThanOrEqual(screen(rows));
    expect(lines[0]).toMatch(
      /^[\d.]+ % of \S+ reads\/s hit; `kindjn:lost:<id>` misses most: 100.0 % of its 40/,
    );
    expect(lines[lines.findIndex((line) => line.includes('NAMESPACE')) + 1]).toMatch(
      /^ {2}kindjn:lost:<id> /,
    );
  });
});

// Behind the grades, which its lookups would hide.
test.each(sizes)(
  'all of inspect is on a terminal of %d columns and %d lines, with NO TTL',
  async (columns, rows) => {
    const { stdout } = await cli(['inspect'], { url, columns, rows, env: { NO_COLOR: '1' } });
    const lines = linesOf(stdout);
    expect(lines.length).toBeLessThanOrEqual(screen(rows));
    expect(lines[0]).toMatch(/^820 keys in 40 namespaces/);
    expect(lines[1]).toMatch(/NAMESPACE .* NO TTL/);
    expect(stdout).toMatch(/^ {2}\(\d+ more lines of the tree: --limit 50, or --browse/m);
  },
);

test('a limit that was given holds, whatever fits', async () => {
  const { stdout } = await cli(['stats', '--limit', '30'], { url, columns: 80, rows: 24 });
  expect(linesOf(stdout).filter((line) => /^ {2}kind\w\w:<id> /.test(line))).toHaveLength(30);
});

test('the largest keys that an option asks for are all there, whatever fits', async () => {
  const { stdout } = await cli(['inspect', '--top', '6', '--no-color'], { url, columns: 80, rows: 24 });
  const lines = linesOf(stdout);
  expect(lines.indexOf('', lines.indexOf('Largest keys')) - lines.indexOf('Largest keys')).toBe(8);
});

describe('namespaces', () => {
  const csv = async (...args: readonly string[]) =>
    linesOf((await cli([...args, '-o', 'csv'], { url })).stdout.replaceAll('\r', ''));

  test.each(['stats', 'inspect'])(
    'of %s are sorted by a column, and have the columns that were asked for',
    async (command) => {
      const columns = ['--columns', 'keys,namespace', '--limit', '50'];
      const ascending = await csv(command, '--sort', '-keys', ...columns);
      expect(ascending.slice(0, 3)).toEqual([
        'keys,namespace',
        `1,${names[0] ?? ''}:<id>`,
        `2,${names[1] ?? ''}:<id>`,
      ]);
      const descending = await csv(command, '--sort', 'keys', ...columns);
      expect(descending[1]).toBe(`40,${names[39] ?? ''}:<id>`);
      const byName = await csv(command, '--sort', 'namespace', ...columns);
      expect(byName.slice(1)).toEqual(
        [...byName.slice(1)].sort((a, b) => a.replace(/^\d+,/, '').localeCompare(b.replace(/^\d+,/, ''))),
      );
      const shown = await cli([command, '--columns', 'namespace,keys', '--limit', '50'], {
        url,
        columns: 80,
        env: { NO_COLOR: '1' },
      });
      expect(shown.stdout).toMatch(/^ {2}NAMESPACE +KEYS$/m);
    },
  );

  test.each(['stats', 'inspect'])('of %s within the limit are the first by the column', async (command) => {
    const rows = await csv(command, '--sort', '-keys', '--limit', '5', '--columns', 'keys');
    expect(rows.slice(0, 6)).toEqual(['keys', '1', '2', '3', '4', '5']);
  });

  test('that are summed up come last, and JSON has the order too', async () => {
    const outcome = await cli(['stats', '--sort', 'keys', '--limit', '5', '-o', 'json'], { url });
    const { namespaces } = jsonOf(outcome) as { namespaces: { namespace: string }[] };
    expect(namespaces.at(-1)?.namespace).toBe('(other)');
  });

  test.each(['stats', 'inspect', 'hits'])(
    'of %s have no column of a name that is unknown, and the names are listed',
    async (command) => {
      for (const option of ['--sort', '--columns']) {
        const { exitCode, stderr } = await cli([command, option, 'size'], { url: 'redis://127.0.0.1:1' });
        expect(exitCode).toBe(2);
        expect(stderr).toMatch(
          new RegExp(
            `^error: ${option}: there is no column .size.\nhint: the columns are namespace, .*keys|misses`,
          ),
        );
      }
    },
  );
});
