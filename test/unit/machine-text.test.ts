import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Block, type Column, note } from '../../src/render/blocks.ts';
import { renderCsv, renderTsv, rowWriter } from '../../src/render/rows.ts';

const columns: readonly Column[] = [
  { name: 'key', header: 'KEY', unit: 'text' },
  { name: 'memoryBytes', header: 'MEMORY', unit: 'bytes' },
];
const table = (name: string, rows: readonly (readonly (string | number | null)[])[]): Block => ({
  kind: 'table',
  name,
  columns,
  rows,
});
const facts: Block = {
  kind: 'facts',
  name: 'memory',
  facts: [
    { name: 'usedBytes', label: 'used', value: 1500, unit: 'bytes', remark: 'a remark' },
    { name: 'maxBytes', label: 'limit', value: null, unit: 'bytes' },
  ],
};
const text: Block = { kind: 'text', name: 'value', text: 'a\n\tb' };
const hostileTexts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom('a', '"', ',', '\n', '\r', '\t', '\x1b', '\u202e', '\ud800'))
    .map((list) => list.join('')),
);

/** Reads RFC 4180 as strictly as it is written. */
function parseCsv(csv: string): string[][] {
  const rows: string[][] = [[]];
  let rest = csv;
  while (rest !== '') {
    const [whole, quoted, plain = '', end = ''] =
      /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/.exec(rest) ?? [];
    if (whole === undefined) throw new Error(`no CSV: ${rest}`);
    rows.at(-1)?.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end !== ',') rows.push([]);
    rest = rest.slice(whole.length);
  }
  return rows.slice(0, -1);
}

describe('tab-separated lines', () => {
  test('are the rows of one table, without a heading, with raw numbers', () => {
    expect(
      renderTsv(
        [
          table('keys', [
            ['user:1', 1500],
            ['x', null],
          ]),
        ],
        false,
      ),
    ).toBe('user:1\t1500\nx\t\n');
  });

  test('begin with the name of their block where a command may show several', () => {
    expect(renderTsv([facts, table('keys', [['user:1', 7]]), text, note('bad', 'unseen')], true)).toBe(
      'memory\tusedBytes\t1500\nmemory\tmaxBytes\t\nkeys\tuser:1\t7\nvalue\ta\nvalue\t\\tb\n',
    );
  });

  test('keep that name where a block has no rows', () => {
    expect(renderTsv([table('keys', [['user:1', 7]]), table('largestKeys', [])], true)).toBe(
      'keys\tuser:1\t7\n',
    );
  });

  test('have a line per row and a tab per border, whatever stands in the cells', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(hostileTexts, fc.nat())), (rows) => {
        const lines = renderTsv([table('keys', rows)], false).split('\n');
        expect(lines.pop()).toBe('');
        expect(lines).toHaveLength(rows.length);
        for (const line of lines) expect(line.split('\t')).toHaveLength(2);
        expect(lines.join('').replaceAll('\t', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
      }),
    );
  });
});

describe('csv', () => {
  test('has a heading of raw names, and ends lines as its standard says', () => {
    expect(
      renderCsv([
        table('keys', [
          ['a,b', 1],
          ['say "hi"', null],
        ]),
      ]),
    ).toBe('key,memoryBytes\r\n"a,b",1\r\n"say ""hi""",\r\n');
  });

  test('is the table that the command is about, else the first table or facts', () => {
    const tables = [facts, table('namespaces', [['n', 1]]), table('largestKeys', [['l', 2]])];
    expect(renderCsv(tables, 'namespaces')).toBe('key,memoryBytes\r\nn,1\r\n');
    expect(renderCsv(tables)).toBe('name,value\r\nusedBytes,1500\r\nmaxBytes,\r\n');
    expect(renderCsv([facts])).toBe('name,value\r\nusedBytes,1500\r\nmaxBytes,\r\n');
    expect(renderCsv([note('plain', 'x')])).toBe('');
  });

  test('gives every cell back to a strict reader', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(hostileTexts, fc.nat())), (rows) => {
        const parsed = parseCsv(renderCsv([table('keys', rows)]));
        expect(parsed).toHaveLength(1 + rows.length);
        expect(parsed.every((row) => row.length === 2)).toBe(true);
        expect(parsed.slice(1).map(([, bytes]) => Number(bytes))).toEqual(rows.map(([, bytes]) => bytes));
      }),
    );
  });
});

describe('rows that are written as they come', () => {
  const cells = ['say "hi",\n\x1b[1m', 1500];
  const record = { key: 'say "hi",\n\x1b[1m\u009b', memoryBytes: 1500 };
  const written = (format: Parameters<typeof rowWriter>[0], of = columns) => {
    const writer = rowWriter(format, of, 'keys');
    return writer.head + writer.row(cells, record, 0) + writer.row(['b', null], { key: 'b' }, 1);
  };

  test('are the same in tsv and csv as those of a table', () => {
    const rows = [cells, ['b', null]];
    expect(written('tsv')).toBe(renderTsv([table('keys', rows)], false));
    expect(written('csv')).toBe(renderCsv([table('keys', rows)]));
  });

  test('are a JSON list, or an object a line, with nothing that a terminal would act on', () => {
    expect(JSON.parse(`[${written('json')}]`)).toEqual([record, { key: 'b' }]);
    const lines = written('ndjson').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { record: 'keys', ...record },
      { record: 'keys', key: 'b' },
    ]);
    expect(written('ndjson').replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });

  test('have the figures in line on a terminal, before the name, under a heading', () => {
    expect(written('table')).toBe(
      ['    MEMORY  KEY', '    1.5 kB  say "hi",\\n\\x1b[1m', '         -  b', ''].join('\n'),
    );
  });

  test('of names alone have no heading', () => {
    const writer = rowWriter('table', columns.slice(0, 1), 'keys');
    expect(writer.head + writer.row(['a\tb'], record, 0)).toBe('a\\tb\n');
  });
});
