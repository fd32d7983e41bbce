import { type Block, note, type TableBlock } from './blocks.ts';

/** `left`: rows of the table that are not shown. */
export type ShownBlock = Block & { readonly left?: number };

/** Of notes and tables that may be shortened so many stay: with none they would show nothing. */
const fewest = 3;
/** A table keeps so many rows as long as another may be left out. */
const fewestOfMain = 8;

/**
 * The blocks that fit on the screen, as far as they may be shortened: first the notes that have others of their kind behind
 * them and those that are remarks, then rows of tables, the last table first, then whole tables, and at last the words behind facts.
 * Where that is not enough a title at the start comes again at the end, which is what stays on the screen.
 *
 * @param linesOf how many lines the blocks take, that of the next prompt included
 * @param height null: no screen
 */
export function fitted(
  blocks: readonly Block[],
  linesOf: (blocks: readonly ShownBlock[]) => number,
  height: number | null | undefined,
): readonly ShownBlock[] {
  const isElastic = (block: Block) => 'moreWith' in block || 'isSecondary' in block;
  if (!height || !blocks.some(isElastic)) return blocks;
  const excessOf = (shown: readonly ShownBlock[]) => linesOf(shown) - height;
  if (excessOf(blocks) <= 0) return blocks;
  const isRemark = (block: Block) => block.kind === 'note' && block.isSecondary === true;
  const few = withFewNotes(blocks).filter((block) => !isRemark(block));
  const secondary = blocks.filter((block) => block.kind === 'table' && block.isSecondary === true);
  for (let out = 0; out <= secondary.length; out++) {
    const kept = withoutTables(few, secondary.slice(secondary.length - out) as TableBlock[]);
    const shown = withFewRows(kept, excessOf, out === secondary.length ? fewest : fewestOfMain);
    if (excessOf(shown) <= 0) return shown;
    if (out < secondary.length) continue;
    const bare = withFewRows(kept.map(withoutRemarks), excessOf, fewest);
    return excessOf(bare) <= 0 ? bare : endingInTitle(bare);
  }
  return blocks;
}

function withoutRemarks(block: Block): Block {
  if (block.kind !== 'facts') return block;
  return { ...block, facts: block.facts.map(({ remark: _, ...fact }) => fact) };
}

function withFewNotes(blocks: readonly Block[]): readonly Block[] {
  const all = blocks.filter((block) => block.kind === 'note' && block.moreWith !== undefined);
  const left = all.length > fewest + 1 ? all.slice(fewest) : [];
  return blocks.flatMap((block) => {
    if (!left.includes(block)) return block;
    const isFirst = block === left[0] && block.kind === 'note';
    return isFirst ? note('dim', `and ${left.length} more: ${block.moreWith ?? ''}`) : [];
  });
}

/** A line at the end says what is left out. */
function withoutTables(blocks: readonly Block[], out: readonly TableBlock[]): readonly Block[] {
  if (out.length === 0) return blocks;
  const titles = out.map(({ title, name }) => title ?? name).join(', ');
  return [
    ...blocks.filter((block) => !out.includes(block as TableBlock)),
    note('dim', `(a taller terminal shows ${titles})`),
  ];
}

function withFewRows(
  blocks: readonly ShownBlock[],
  excessOf: (shown: readonly ShownBlock[]) => number,
  least: number,
): readonly ShownBlock[] {
  let shown = blocks;
  for (const [index, block] of [...blocks.entries()].reverse()) {
    if (block.kind !== 'table' || block.moreWith === undefined) continue;
    let [excess, rows] = [excessOf(shown), rowsOf(block)];
    while (excess > 0 && rows > least + 1) {
      // A line says how many are left out.
      rows = Math.max(least, rows - excess - (rows === rowsOf(block) ? 1 : 0));
      shown = shown.with(index, shortened(block, rows));
      excess = excessOf(shown);
    }
  }
  return shown;
}

const rowsOf = (block: TableBlock) => (block.display ?? block).rows.length;

/** The first rows; of a tree those nearest to its root, which sum up the others. */
function shortened(block: TableBlock, count: number): ShownBlock {
  const { columns, rows, depths } = { depths: undefined, ...(block.display ?? block) };
  const order = rows.map((_, index) => index).sort((one, other) => depthAt(one) - depthAt(other));
  function depthAt(index: number): number {
    return depths?.[index] ?? 0;
  }
  const kept = order.slice(0, count).sort((one, other) => one - other);
  const display = {
    columns,
    rows: kept.map((index) => rows[index] ?? []),
    ...(depths && { depths: kept.map(depthAt) }),
  };
  return { ...block, display, left: rows.length - count };
}

function endingInTitle(shown: readonly ShownBlock[]): readonly ShownBlock[] {
  const [first] = shown;
  return first?.kind === 'note' && first.tone === 'title' ? [...shown, first] : shown;
}
