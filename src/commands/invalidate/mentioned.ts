import { bindPlaceholder, markWildcards, parsePattern } from '../../keyspace/pattern.ts';
import { type Block, caveats, command, note, type TableBlock } from '../../render/blocks.ts';
import { fieldsOf, tableOf } from '../../render/table.ts';
import { counted } from '../../render/units.ts';
import type { InvalidateResult } from './result.ts';

const mostNamed = 3;
const mostPlanned = 10;
/** The plan comes behind it, and is to stay on the screen. */
const mostShown = 3;

/** `8 other keys contain `123` as a whole word, and stay: `wp_:users:123`, …`; null where there is none. */
function mentionedText(result: InvalidateResult): string | null {
  const summary = summaryOf(result);
  if (summary === null) return null;
  const { mentionedNamespaces } = result;
  const named = mentionedNamespaces.slice(0, mostNamed).map(({ example }) => `\`${example.key}\``);
  return `${summary}: ${named.join(', ')}${(result.mentioned ?? 0) > named.length ? ', …' : ''}`;
}

type Mentioning = InvalidateResult['mentionedNamespaces'][number];

/** What the ids of the plan do not reach, and how it is reached. */
export function mentionedBlocks(result: InvalidateResult): Block[] {
  const summary = mentionedText(result);
  if (summary === null) return [];
  const { mentionedNamespaces: all, ids } = result;
  const [only, ...more] = ids;
  const patterns = all.filter(({ namesEntity }) => namesEntity).flatMap(({ pattern }) => pattern ?? []);
  const others = all.length - patterns.length;
  const { text, count } = fieldsOf<Pick<Mentioning, 'namespace' | 'keys' | 'example'>>();
  const rest = all.slice(mostShown);
  const restKeys = rest.reduce((sum, { keys }) => sum + keys, 0);
  const restName = `(${counted(rest.length, 'more', 'more')})`;
  return [
    ...caveats('warning', summary),
    tableOf(
      'mentioned',
      [
        ...all.slice(0, mostShown),
        ...(rest.length > 0 ? [{ namespace: restName, keys: restKeys, example: { key: '' } }] : []),
      ],
      [
        text('namespace', 'NOT IN THE PLAN'),
        count('keys', 'KEYS'),
        text('example', 'FOR EXAMPLE', exampleKey),
      ],
    ),
    ...(only !== undefined && more.length === 0 && patterns.length > 0
      ? [command('to plan those with its name', 'cachectl', 'invalidate', ...argumentsFor(patterns, only.id))]
      : []),
    ...(others > 0
      ? [
          note(
            'plain',
            patterns.length > 0
              ? 'where the name is missing, it may be the id of something else; --pattern takes such keys too'
              : 'it may be the id of something else; --pattern takes such keys too',
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

const exampleKey = ({ example }: Pick<Mentioning, 'example'>) => example.key;

const argumentsFor = (patterns: readonly string[], id: string): string[] => [
  ...patterns.slice(0, mostPlanned).flatMap((pattern) => ['--pattern', boundTo(pattern, id)]),
  '--dry-run',
];

/** For programs. */
export function mentionedTable({ mentionedNamespaces }: InvalidateResult): TableBlock {
  const { text, count } = fieldsOf<Mentioning>();
  return tableOf('mentioned', mentionedNamespaces, [
    ...[text('namespace', 'NAMESPACE'), text('pattern', 'PATTERN'), count('keys', 'KEYS')],
    text('example', 'FOR EXAMPLE', exampleKey),
    text('namesEntity', 'NAMED'),
  ]);
}

function summaryOf({ mentioned, ids }: InvalidateResult): string | null {
  if (mentioned === null || mentioned === 0) return null;
  const [only, ...more] = ids;
  const what = only !== undefined && more.length === 0 ? `\`${only.id}\`` : 'one of the ids';
  return `${counted(mentioned, 'other key contains', 'other keys contain')} ${what} as a whole word, and ${mentioned === 1 ? 'stays' : 'stay'}`;
}

const boundTo = (pattern: string, id: string) =>
  markWildcards(bindPlaceholder(parsePattern(pattern), 'id', id).text);
