import { bindPlaceholder, markWildcards, parsePattern } from '../../keyspace/pattern.ts';
import { type Block, command, note, type TableBlock } from '../../render/blocks.ts';
import { counted } from '../../render/units.ts';
import type { InvalidateResult } from './result.ts';

const mostNamed = 3;
const mostShown = 10;

/** `8 other keys contain `123` as a whole word, and stay: `wp_:users:123`, …`; null where there is none. */
export function mentionedText(result: InvalidateResult): string | null {
  const summary = summaryOf(result);
  if (summary === null) return null;
  const { mentionedNamespaces } = result;
  const named = mentionedNamespaces.slice(0, mostNamed).map(({ example }) => `\`${example.key}\``);
  return `${summary}: ${named.join(', ')}${(result.mentioned ?? 0) > named.length ? ', …' : ''}`;
}

/** What the ids of the plan do not reach, and how it is reached. */
export function mentionedBlocks(result: InvalidateResult): Block[] {
  const summary = summaryOf(result);
  if (summary === null) return [];
  const shown = result.mentionedNamespaces.slice(0, mostShown);
  const [only, ...more] = result.ids;
  const patterns = shown.flatMap(({ pattern }) => pattern ?? []);
  const isOne = only !== undefined && more.length === 0 && patterns.length > 0;
  return [
    note('warning', summary),
    shownTable(shown, result.mentionedNamespaces.slice(mostShown)),
    ...(isOne
      ? [
          command(
            'to plan these',
            'cachectl',
            'invalidate',
            ...patterns.flatMap((pattern) => ['--pattern', boundTo(pattern, only.id)]),
            '--dry-run',
          ),
        ]
      : []),
    note(
      'plain',
      result.stateKnown
        ? 'an entity of the map takes them where their patterns are among its own'
        : 'an entity of a map takes such keys by their patterns; `cachectl config init` writes a first map',
    ),
  ];
}

/** For programs. */
export function mentionedTable({ mentionedNamespaces }: InvalidateResult): TableBlock {
  return {
    kind: 'table',
    name: 'mentioned',
    columns: [
      { name: 'namespace', header: 'NAMESPACE', unit: 'text' },
      { name: 'pattern', header: 'PATTERN', unit: 'text' },
      { name: 'keys', header: 'KEYS', unit: 'count' },
      { name: 'example', header: 'FOR EXAMPLE', unit: 'text' },
    ],
    rows: mentionedNamespaces.map(({ namespace, pattern, keys, example }) => [
      ...[namespace, pattern, keys],
      example.key,
    ]),
  };
}

function shownTable(
  shown: InvalidateResult['mentionedNamespaces'],
  rest: InvalidateResult['mentionedNamespaces'],
): TableBlock {
  const restKeys = rest.reduce((sum, { keys }) => sum + keys, 0);
  return {
    kind: 'table',
    name: 'mentioned',
    columns: [
      { name: 'namespace', header: 'NOT IN THE PLAN', unit: 'text' },
      { name: 'keys', header: 'KEYS', unit: 'count' },
      { name: 'example', header: 'FOR EXAMPLE', unit: 'text' },
    ],
    rows: [
      ...shown.map(({ namespace, keys, example }) => [namespace, keys, example.key]),
      ...(rest.length > 0 ? [[`(${counted(rest.length, 'more', 'more')})`, restKeys, '']] : []),
    ],
  };
}

function summaryOf({ mentioned, ids }: InvalidateResult): string | null {
  if (mentioned === null || mentioned === 0) return null;
  const [only, ...more] = ids;
  const what = only !== undefined && more.length === 0 ? `\`${only.id}\`` : 'one of the ids';
  return `${counted(mentioned, 'other key contains', 'other keys contain')} ${what} as a whole word, and ${mentioned === 1 ? 'stays' : 'stay'}`;
}

const boundTo = (pattern: string, id: string) =>
  markWildcards(bindPlaceholder(parsePattern(pattern), 'id', id).text);
