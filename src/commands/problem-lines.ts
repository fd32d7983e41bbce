import { printable } from '../render/printable.ts';
import { formatCell } from '../render/units.ts';

interface Problem {
  readonly file?: string;
  readonly line?: number;
  readonly key: string | null;
  readonly reason: string;
}

const shownKeyLength = 80;

/**
 * One line per problem, with what is known of it: `  users.json:14  user:7  why`.
 * @param total Problems in all; those beyond the list are counted.
 */
export function problemLines(problems: readonly Problem[], total: number): string {
  const lines = problems.map(({ file, line, key, reason }) => {
    const place = file === undefined ? '' : `${file}:${line}`;
    const words = [place, key === null ? '' : `\`${shortened(key)}\``, reason];
    return `  ${words
      .filter((word) => word !== '')
      .map(printable)
      .join('  ')}`;
  });
  if (total > problems.length) lines.push(`  and ${formatCell(total - problems.length, 'count')} more`);
  return lines.join('\n');
}

function shortened(key: string): string {
  return key.length <= shownKeyLength ? key : `${key.slice(0, shownKeyLength - 1)}…`;
}
