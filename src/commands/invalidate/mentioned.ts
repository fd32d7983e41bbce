import { bindPlaceholder, markWildcards, parsePattern } from '../../keyspace/pattern.ts';
import { type Block, caveats, command, note, type TableBlock } from '../../render/blocks.ts';
import { fieldsOf, tableOf } from '../../render/table.ts';
import { counted } from '../../render/units.ts';
import type { InvalidateResult } from './result.ts';

const mostPlanned = 10;
/** The plan comes behind it, and is to stay on the screen. */
const mostShown = 10;
const moreWith = '--output json has all';

type Mentioning = InvalidateResult['mentionedNamespaces'][number];

/** What the ids of the plan do not reach, and how it is reached. */
export function mentionedBlocks(result: InvalidateResult): Block[] {
  const summary = summaryOf(result);
  if (summary === null) return [];
  const { mentionedNamespaces: all, ids } = result;
  const [only, ...more] = ids;
  const patterns = all.filter(({ namesEntity }) => namesEntity).flatMap(({ pattern }) => pattern ?? []);
  const planned = only !== undefined && more.length === 0 ? patterns : [];
  const { text, count } = fieldsOf<Pick<Mentioning, 'namespace' | 'keys' | 'example'>>();
  const rest = all.slice(mostShown);
  const restRow = {
    namespace: `(${counted(rest.length, 'more', 'more')})`,
    keys: rest.reduce((sum, { keys }) => sum + keys, 0),
    example: { key: moreWith },
  };
  return [
    ...caveats('warning', summary),
    {
      ...tableOf(
        'mentioned',
        [...all.slice(0, mostShown), ...(rest.length > 0 ? [restRow] : [])],
        [
          text('namespace', 'NOT IN THE PLAN'),
          count('keys', 'KEYS'),
          text('example', 'FOR EXAMPLE', exampleKey),
        ],
      ),
      moreWith,
    },
    ...(planned.length > 0 && only !== undefined
      ? [
          command(
            'to plan those with its name too',
            'cachectl',
            'invalidate',
            ...argumentsFor(planned, only.id),
          ),
        ]
      : []),
    ...(planned.length < all.length
      ? [
          note(
            'plain',
            `${planned.length > 0 ? 'the others' : 'they'} may be of something else with this id; --pattern takes them too`,
          ),
        ]
      : []),
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
  return mentioned === 1
    ? `1 other key has ${what} in its name, and stays`
    : `${counted(mentioned, 'other key')} have ${what} in their names, and stay`;
}

const boundTo = (pattern: string, id: string) =>
  markWildcards(bindPlaceholder(parsePattern(pattern), 'id', id).text);
