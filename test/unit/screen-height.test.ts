import { expect, test } from 'vitest';
import { type Block, note, type TableBlock } from '../../src/render/blocks.ts';
import { renderTerminal } from '../../src/render/terminal-text.ts';

const render = (
  blocks: readonly Block[],
  { height }: { readonly height: number | null } = { height: null },
) => renderTerminal(blocks, { width: 80, height, colorLevel: 0, unicode: true });
const linesOf = (text: string) => text.trimEnd().split('\n');

const tableOf = (given: Partial<TableBlock>): TableBlock => ({
  kind: 'table',
  name: 'namespaces',
  columns: [
    { name: 'namespace', header: 'NAMESPACE', unit: 'text' },
    { name: 'keys', header: 'KEYS', unit: 'count' },
    { name: 'memoryBytes', header: 'MEMORY', unit: 'bytes' },
  ],
  rows: [],
  ...given,
});

test('a table of a tree keeps the rows nearest to its root, which sum up the others', () => {
  const rows = ['cart:', '<id>', 'user:', 'name', 'page:', '<id>'].map((name) => [name, 1, 0]);
  const table = tableOf({ rows, moreWith: '--limit 6' });
  const tree = { ...table, display: { columns: table.columns, rows, depths: [0, 1, 0, 1, 0, 1] } };
  expect(linesOf(render([tree], { height: 6 })).map((line) => line.trim().split(' ')[0])).toEqual([
    ...['NAMESPACE', 'cart:', 'user:', 'page:', '(3'],
  ]);
  // They are not as many as the namespaces of its title.
  expect(render([tree], { height: 6 })).toContain('(3 more lines of the tree: --limit 6)');
});

test('a table that is secondary is left out where all others are short already, and a line says so', () => {
  const rows = Array.from({ length: 30 }, (_, index) => [`namespace ${index}`, index, 0]);
  const blocks = [
    tableOf({ rows, moreWith: '--limit 30' }),
    { ...tableOf({ rows: rows.slice(0, 9), title: 'Idle' }), isSecondary: true as const },
  ];
  const shown = linesOf(render(blocks, { height: 24 }));
  expect(shown).toHaveLength(23);
  expect(shown.join('\n')).toContain('Idle');
  const small = linesOf(render(blocks, { height: 20 }));
  expect(small.length).toBeLessThan(20);
  expect(small.slice(-3)).toEqual([
    expect.stringMatching(/^ {2}\(\d+ more: --limit 30\)$/),
    ...['', '(a taller terminal shows Idle)'],
  ]);
});

test('a table follows the worst three of many notes, where all would not fit', () => {
  const finding = (text: string): Block => ({
    ...note('warning', text),
    moreWith: '--output json has all',
  });
  const blocks = [
    note('title', 'Grade: C'),
    ...Array.from({ length: 12 }, (_, index) => finding(`finding ${index}`)),
    tableOf({ rows: Array.from({ length: 5 }, () => ['user', 1, 2]) }),
  ];
  const shown = linesOf(render(blocks, { height: 14 }));
  expect(shown.slice(0, 6)).toEqual([
    'Grade: C',
    ...[0, 1, 2].map((index) => expect.stringContaining(`finding ${index}`) as string),
    'and 9 more: --output json has all',
    '',
  ]);
  expect(linesOf(render(blocks, { height: 40 })).join('\n')).toContain('finding 11');
  expect(linesOf(render(blocks)).join('\n')).toContain('finding 11');
});

test('remarks go before rows do, and the words behind facts go last', () => {
  const rows = Array.from({ length: 9 }, (_, index) => [`namespace ${index}`, index, 0]);
  const facts: Block = {
    ...{ kind: 'facts', name: 'server' },
    facts: [{ name: 'memory', label: 'memory', value: 5, unit: 'count', remark: 'no limit' }],
  };
  const remark: Block = { ...note('plain', 'DBSIZE has changed'), isSecondary: true };
  const blocks = [note('title', 'Grade: C'), facts, tableOf({ rows, moreWith: '--limit 9' }), remark];
  const all = linesOf(render(blocks, { height: 18 })).join('\n');
  expect(all).toMatch(/no limit[^]*namespace 8[^]*DBSIZE/);
  const whole = linesOf(render(blocks, { height: 16 })).join('\n');
  expect(whole).toMatch(/no limit[^]*namespace 8/);
  expect(whole).not.toContain('DBSIZE');
  const wide = { ...facts, facts: facts.facts.map((fact) => ({ ...fact, remark: 'x'.repeat(75) })) };
  const bare = linesOf(render(blocks.with(1, wide), { height: 10 }));
  expect(bare.length).toBeLessThan(10);
  expect(bare.join('\n')).not.toContain('xxx');
});
