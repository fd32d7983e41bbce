import type { Block, FactsBlock, TableBlock, TextBlock } from './blocks.ts';
import { rawCell } from './units.ts';

type DataBlock = TableBlock | FactsBlock | TextBlock;

const isData = (block: Block): block is DataBlock => block.kind !== 'note' && block.kind !== 'command';

/**
 * Tab-separated lines without a heading. With `named` the first field of each line names its block. Control characters
 * are escaped, so a line is a row and a tab is a border.
 */
export function renderTsv(blocks: readonly Block[], named: boolean): string {
  return blocks
    .filter(isData)
    .flatMap((block) =>
      linesOf(block).map((fields) => (named ? [block.name, ...fields] : fields).join('\t') + '\n'),
    )
    .join('');
}

/**
 * RFC 4180, with a heading: one block, since a file has one heading. That of the name `rows`, else the first table or
 * facts (as `name,value`), else the first text.
 */
export function renderCsv(blocks: readonly Block[], rows?: string): string {
  const data = blocks.filter(isData);
  const chosen =
    data.find((block) => block.name === rows) ?? data.find((block) => block.kind !== 'text') ?? data[0];
  if (chosen === undefined) return '';
  const head = chosen.kind === 'table' ? chosen.columns.map(({ name }) => name) : ['name', 'value'];
  return [head, ...linesOf(chosen)].map((fields) => fields.map(csvField).join(',') + '\r\n').join('');
}

export function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function linesOf(block: DataBlock): string[][] {
  switch (block.kind) {
    case 'table':
      return block.rows.map((row) => row.map(rawCell));
    case 'facts':
      return block.facts.map(({ name, value }) => [name, rawCell(value)]);
    case 'text':
      return block.text.split('\n').map((line) => [rawCell(line)]);
  }
}
