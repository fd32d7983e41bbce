import { execFileSync } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Block, type Column, command, note, type TableBlock } from '../../src/render/blocks.ts';
import { renderTsv } from '../../src/render/rows.ts';
import { wrapped } from '../../src/render/wrap.ts';
import { renderTerminal } from '../../src/render/terminal-text.ts';
import type { TerminalStyle } from '../../src/render/width.ts';
import { displayWidth } from '../../src/render/width.ts';

const style: TerminalStyle = { colorLevel: 0, unicode: true, width: 80 };
const column = (name: string, unit: Column['unit'] = 'text'): Column => ({
  name,
  header: name.toUpperCase(),
  unit,
});

const tableOf = (changes: Partial<TableBlock> = {}): TableBlock => ({
  kind: 'table',
  name: 'namespaces',
  columns: [column('namespace'), column('keys', 'count'), column('share', 'ratio')],
  rows: [
    ['user:<id>:profile', 1204, 0.75],
    ['stats', 7, 0.25],
  ],
  ...changes,
});

const render = (blocks: readonly Block[], changes: Partial<TerminalStyle> = {}) =>
  renderTerminal(blocks, { ...style, ...changes });
const linesOf = (text: string) => text.replace(/\n$/, '').split('\n');

describe('a table', () => {
  test('has names to the left and numbers to the right, under a heading', () => {
    expect(render([tableOf()])).toBe(
      [
        '  NAMESPACE           KEYS   SHARE',
        '  user:<id>:profile  1,204  75.0 %',
        '  stats                  7  25.0 %',
        '',
      ].join('\n'),
    );
  });

  test('has a title above, and a blank line before what follows', () => {
    const text = render([tableOf({ title: '1,211 keys' }), tableOf({ rows: [], title: 'Largest' })]);
    expect(text).toMatch(/^1,211 keys\n {2}NAMESPACE/);
    expect(text).toMatch(/25\.0 %\n\nLargest\n {2}\(none\)\n$/);
  });

  test('draws bars where there is room for them', () => {
    expect(render([tableOf({ barColumn: 2 })])).toContain('75.0 % █████████');
    expect(render([tableOf({ barColumn: 2 })], { unicode: false })).toContain('75.0 % #########');
    expect(render([tableOf({ barColumn: 2 })], { width: 40 })).not.toContain('█');
  });

  test('shows a display of its own in place of the rows for programs, indented by depth', () => {
    const display = { columns: [column('name')], rows: [['user:'], ['<id>']], depths: [0, 1] };
    expect(render([tableOf({ display })])).toBe('  NAME\n  user:\n    <id>\n');
  });

  test('keeps one line per row, whatever stands in the cells', () => {
    const hostile = [
      'a\nb',
      '\x1b[2J\x1b]0;x\x07',
      '\u202ereversed',
      '\ud800',
      'tab\there',
      '日本語'.repeat(40),
    ];
    const text = render([tableOf({ rows: hostile.map((name) => [name, 1, 0.1]) })]);
    expect(linesOf(text)).toHaveLength(1 + hostile.length);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
  });

  test('cuts a long name in its middle, by columns of the terminal', () => {
    const rows = [
      [`user:${'x'.repeat(200)}:profile`, 1, 1],
      ['日本語'.repeat(40), 1, 1],
      ['🙂'.repeat(60), 1, 1],
    ];
    for (const line of linesOf(render([tableOf({ rows })])))
      expect(displayWidth(line)).toBeLessThanOrEqual(80);
    expect(render([tableOf({ rows })])).toMatch(/ {2}user:x+…x+:profile {2,}1/);
    expect(render([tableOf({ rows })], { unicode: false })).toMatch(/ {2}user:x+\.\.x+:profile {2,}1/);
  });

  test.each([40, 60, 80, 120])('of %d columns has no longer line, and no cut number', (width) => {
    const characters = Array.from('abcdefg:_-ěščř日本語カナ한국어🙂🚀');
    const names = fc.string({ unit: fc.constantFrom(...characters), maxLength: 100 });
    const rows = fc.array(
      fc.tuple(
        names,
        fc.nat(1e9),
        fc.nat(1e12),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constant('string'),
      ),
      { minLength: 1, maxLength: 8 },
    );
    const columns = [
      ...[column('namespace'), column('keys', 'count'), column('memory', 'bytes')],
      ...[column('share', 'ratio'), column('types')],
    ];
    fc.assert(
      fc.property(rows, fc.boolean(), (cells, unicode) => {
        const text = render([tableOf({ columns, rows: cells, barColumn: 3 })], { width, unicode });
        for (const line of linesOf(text)) expect(displayWidth(line)).toBeLessThanOrEqual(width);
        const [table = ''] = text.split(/\n {2}(?=\(a wider)/);
        expect(linesOf(table)).toHaveLength(1 + cells.length);
        // In the columns that remain each figure is whole.
        for (const [, keys] of cells) expect(text).toContain(keys.toLocaleString('en-US'));
      }),
    );
  });

  test('shows of a cut cell what sets it apart from the others', () => {
    const columns = [column('key'), column('misses', 'count')];
    const rows = [
      ['func:summarise_meeting:hash:4d5633d4840e6ef43deedd6381ac04dc', 3],
      ['func:summarise_meeting:hash:4d5633d4840e6ef43deedd6381ac0fff', 2],
      ['func:summarise_meeting:hash:0c20eb4aa0564743f2d2da10dbdf374c', 2],
    ];
    expect(linesOf(render([tableOf({ columns, rows })], { width: 42 }))).toEqual([
      '  KEY                               MISSES',
      '  func:summarise_meet…dd6381ac04dc       3',
      '  func:summarise_meet…dd6381ac0fff       2',
      '  …0c20eb4aa0564743f2d2da10dbdf37…       2',
    ]);
  });

  test('of keys that are not the same has no two rows that look the same, where their cells have room for it', () => {
    const key = fc.stringMatching(/^[ab]{0,12}$/);
    const keys = fc.uniqueArray(fc.tuple(key, fc.constantFrom('', 'x'.repeat(60)), key, key), {
      minLength: 2,
      maxLength: 8,
      selector: (parts) => parts.join(''),
    });
    fc.assert(
      fc.property(keys, (parts) => {
        const rows = parts.map((each) => [each.join(''), 1]);
        const columns = [column('key'), column('keys', 'count')];
        const lines = linesOf(render([tableOf({ columns, rows })], { width: 40 }));
        expect(new Set(lines).size).toBe(1 + rows.length);
      }),
    );
  });

  test('that may be shortened lets all blocks fit on the screen, and names the option that shows the rest', () => {
    const rows = Array.from({ length: 30 }, (_, index) => [`namespace ${index}`, index, 0]);
    const blocks = [tableOf({ rows, moreWith: '--limit 30' }), note('plain', 'at the end')];
    const shown = linesOf(render(blocks, { height: 12 }));
    expect(shown).toHaveLength(11);
    expect(shown.slice(-4)).toEqual([
      expect.stringMatching(/^ {2}namespace 6 /),
      '  (23 more: --limit 30)',
      '',
      'at the end',
    ]);
    expect(linesOf(render(blocks, { height: 40 }))).toHaveLength(33);
    expect(linesOf(render(blocks, { height: 4 }))).toHaveLength(7);
    expect(linesOf(render(blocks))).toHaveLength(33);
  });

  test('leaves out a column of less weight before it cuts a name', () => {
    const columns = [column('namespace'), { ...column('types'), isSecondary: true as const }, column('ttl')];
    const rows = [['a-namespace-of-some-length', 'string hash', '1 s … 59m 59s']];
    const table = tableOf({ columns, rows });
    expect(render([table], { width: 56 })).toContain('string hash');
    expect(render([table], { width: 55 })).toBe(
      [
        '  NAMESPACE                   TTL',
        '  a-namespace-of-some-length  1 s … 59m 59s',
        '  (a wider terminal shows TYPES)',
        '',
      ].join('\n'),
    );
  });

  test('leaves out its last columns where even short names find no room, and says which', () => {
    const columns = [
      column('namespace'),
      column('keys', 'count'),
      column('memory', 'bytes'),
      column('types'),
    ];
    const rows = [['a-namespace-of-some-length', 123_456_789, 5e8, 'string hash']];
    expect(render([tableOf({ columns, rows })], { width: 45 })).toBe(
      [
        '  NAMESPACE                    KEYS    MEMORY',
        '  a-namespace-…-length  123,456,789  500.0 MB',
        '  (a wider terminal shows TYPES)',
        '',
      ].join('\n'),
    );
  });
});

describe('facts', () => {
  test('stand in line, with a remark behind the value', () => {
    const facts: Block = {
      kind: 'facts',
      name: 'memory',
      title: 'Memory',
      facts: [
        { name: 'usedBytes', label: 'used', value: 1.2e6, unit: 'bytes', remark: '12.0 % of the limit' },
        { name: 'policy', label: 'policy', value: 'allkeys-lru', unit: 'text' },
        { name: 'maxBytes', label: 'limit', value: null, unit: 'bytes', remark: 'no\x1b[1m limit' },
      ],
    };
    expect(render([facts])).toBe(
      'Memory\n  used    1.2 MB  12.0 % of the limit\n  policy  allkeys-lru\n  limit   -  no\\x1b[1m limit\n',
    );
  });
});

describe('notes', () => {
  const tones = ['good', 'warning', 'bad', 'dim', 'plain'] as const;

  test('have a symbol by their tone, in Unicode and in ASCII, and stand together', () => {
    const notes = tones.map((tone) => note(tone, 'it says'));
    expect(render(notes)).toBe('✓ it says\n▲ it says\n✗ it says\nit says\nit says\n');
    expect(render(notes, { unicode: false })).toBe('+ it says\n! it says\nx it says\nit says\nit says\n');
  });

  test('keep a number and its unit in one line', () => {
    const text =
      'Grade C: 94.1 % of 1,204 reads hit (-0.2 % in 1h 30m), < 0.1 % of 21.9 MB in 984 B or 3 kB, 5 ms and 16 µs';
    for (let width = 9; width < 60; width++) {
      const lines = wrapped(text, width);
      expect(lines.join(' ')).toBe(text);
      expect(lines.filter((line) => /^(?:%|[kM]?B|[mµ]s|30m)\b|^%|<$/.test(line))).toEqual([]);
    }
  });

  test('are wrapped at spaces to the width of the terminal, and keep their own lines', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1, maxLength: 60 }),
        fc.constantFrom(...tones),
        fc.integer({ min: 20, max: 100 }),
        (words, tone, width) => {
          const text = render([note(tone, words.join(' '))], { width });
          for (const line of linesOf(text)) expect(displayWidth(line)).toBeLessThanOrEqual(width);
          expect(
            text
              .replace(/^[✓▲✗] /, '')
              .split(/\s+/)
              .filter(Boolean),
          ).toEqual(words);
        },
      ),
    );
    expect(render([note('plain', 'first\n  second third')], { width: 12 })).toBe(
      'first\n  second\n  third\n',
    );
    expect(render([note('plain', `see ${'x'.repeat(30)} there`)], { width: 20 })).toBe(
      `see\n${'x'.repeat(30)}\nthere\n`,
    );
  });

  test('hold nothing that a terminal would act on', () => {
    expect(render([note('bad', 'there is no key `\x1b[2J\u202e`')])).toBe(
      '✗ there is no key `\\x1b[2J\\u202e`\n',
    );
  });
});

describe('a text', () => {
  test('keeps its lines, ends in a line feed, and holds nothing that a terminal would act on', () => {
    const text: Block = { kind: 'text', name: 'value', title: 'Value', text: 'a\n\tb\x1b[31m\r\n' };
    expect(render([text])).toBe('Value\na\n\tb\\x1b[31m\\r\n');
    expect(render([{ ...text, text: 'a' }])).toBe('Value\na\n');
  });
});

describe('colors', () => {
  const blocks: Block[] = [
    tableOf({
      columns: [column('status', 'status'), column('check')],
      rows: [
        ['pass', 'a'],
        ['fail', 'b'],
        ['warn', 'c'],
      ],
    }),
    note('bad', 'it failed'),
  ];

  test('are left out at level 0, and change nothing but colors', () => {
    const plain = render(blocks);
    expect(plain).not.toContain('\x1b');
    for (const colorLevel of [1, 2, 3] as const) {
      const colored = render(blocks, { colorLevel });
      expect(colored).toContain('\x1b[32mpass\x1b[39m');
      expect(colored).toContain('\x1b[31mfail\x1b[39m');
      expect(stripVTControlCharacters(colored)).toBe(plain);
    }
  });

  test('make no line longer', () => {
    const rows = [['x'.repeat(200), 12_345, 0.5]];
    expect(stripVTControlCharacters(render([tableOf({ rows })], { colorLevel: 1 }))).toBe(
      render([tableOf({ rows })]),
    );
  });
});

describe('a command to copy', () => {
  const long = `/home/ann/${'a folder/'.repeat(20)}2026-11-21T10-15-42-123Z-invalidate.journal`;

  test.each([20, 40, 80])('has each word whole, the longest on a line of its own, at %d columns', (width) => {
    const shown = linesOf(render([command('to put it back', 'cachectl', 'undo', long)], { width }));
    expect(shown.slice(-2)).toEqual(['  cachectl undo \\', `'${long}'`]);
  });

  test('that is long is continued between words, an option with its value, as a shell reads it', () => {
    const patterns = ['user:12:*', "it's:12:*", 'a b:12'].flatMap((text) => ['--pattern', text]);
    const text = render([command('to plan those', 'printf', '%s\\n', ...patterns, '--dry-run')], {
      width: 40,
    });
    const [, ...lines] = linesOf(text);
    expect(lines).toEqual([
      "  printf '%s\\n' --pattern 'user:12:*' \\",
      "    --pattern 'it'\\''s:12:*' \\",
      "    --pattern 'a b:12' --dry-run",
    ]);
    expect(execFileSync('bash', ['-c', lines.join('\n')], { encoding: 'utf8' })).toBe(
      [...patterns, '--dry-run', ''].join('\n'),
    );
  });

  test.each([
    'plain.json',
    'a b.json',
    "it's.json",
    '$HOME;rm -rf x.json',
    'a\nb\u001b[31m.json',
    '*.json',
    '\u202egnp.json',
    'é.json',
    '',
  ])('is read back by a shell as it was: %j', (name) => {
    const [, line = ''] = linesOf(render([command('try', 'printf', '%s', name)]));
    expect(execFileSync('bash', ['-c', line], { encoding: 'utf8' })).toBe(name);
  });

  test.each([20, 40, 80])('is whole in the middle of a sentence too, at %d columns', (width) => {
    const text = `the plan is kept, (\`cachectl apply ${'plans/'.repeat(12)}plan.json --dry-run\`), and can be carried out later`;
    const line = `  cachectl apply ${'plans/'.repeat(12)}plan.json --dry-run`;
    const shown = linesOf(render([note('plain', text)], { width }));
    expect(shown).toContain(line);
    expect(shown.filter((each) => each !== line).join(' ')).toBe(
      'the plan is kept, and can be carried out later',
    );
    expect(wrapped(`error: no\nhint: ${text}\n`, 80).join('\n')).toBe(
      `error: no\nhint: the plan is kept,\n${line}\nand can be carried out later\n`,
    );
  });

  test('that is short stays in its sentence, and is not broken', () => {
    const text = 'the targets cannot be judged here: `cachectl stats --hits 10s` observes them by namespace';
    expect(linesOf(render([note('plain', text)], { width: 60 }))).toEqual([
      'the targets cannot be judged here:',
      '`cachectl stats --hits 10s` observes them by namespace',
    ]);
  });

  test('is left in its sentence where all of it fits', () => {
    expect(render([note('plain', 'see `cachectl keys --long`')])).toBe('see `cachectl keys --long`\n');
  });

  test('is no part of what programs read', () => {
    expect(renderTsv([command('try', 'ls')], false)).toBe('');
  });
});
