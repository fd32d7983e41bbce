import type { Finding, Reason } from '../../changes/prune.ts';
import type { OwnLookups } from '../../redis/lookups.ts';
import { type Block, caveats, fact, note, notes, type TableBlock } from '../../render/blocks.ts';
import { fieldsOf, plainFacts, tableOf } from '../../render/table.ts';
import { counted, formatBytes } from '../../render/units.ts';
import { costNotes } from '../keyspace-report.ts';
import { changeView, journalNotes, problemTable, took } from '../planned-change.ts';
import { howToConfirm, withoutIdleTimeText } from '../namespace-summary.ts';
import type { Changes, PruneResult } from './result.ts';

const moreWith = '--output json has all';

/** The plan for people. */
export function planBlocks(result: PruneResult): Block[] {
  const { planned, matched } = result;
  if (result.namespaces.length === 0) return warnings(result);
  return [
    {
      kind: 'facts',
      name: 'plan',
      title: `Plan for ${result.server.address}`,
      facts: [
        fact('matched', 'keys', matched, 'count', matched > 0 ? listText(planned, planWords) : ''),
        fact('matchedMemoryBytes', 'memory', result.matchedMemoryBytes, 'bytes'),
        ...(keptText(result) === '' ? [] : [fact('undo', 'undo', keptText(result), 'text')]),
      ],
    },
    namespaceTable(result),
    ...(result.sample.length > 0 ? [sampleTable(result)] : []),
    ...warnings(result),
  ];
}

/** What of the plan can be undone; empty where nothing. */
function keptText({ backupPlanned, ttlUndoPlanned }: PruneResult): string {
  const what = [backupPlanned && 'removed values', ttlUndoPlanned && 'TTLs as they are now'].filter(
    (part) => part !== false,
  );
  return what.length === 0 ? '' : `the journal keeps ${what.join(' and ')}; \`cachectl undo\` puts them back`;
}

/** How it ended, for people who have seen the plan. */
function outcomeBlocks(result: PruneResult, own: OwnLookups): Block[] {
  const ttls = result.ttlSet + result.shortened;
  return [
    ...outcomeNotes(result),
    ...journalNotes(result, result.removed + ttls, result.backup || ttls > 0 ? 'to put it back' : null),
    ...(result.problems.length > 0 ? [problemTable(result.problems)] : []),
    ...costNotes(result.serverCost, own),
  ];
}

/** Everything in one, for people who have seen nothing yet. */
function fullBlocks(result: PruneResult, own: OwnLookups): Block[] {
  return [...planBlocks(result), ...outcomeBlocks(result, own)];
}

/** Everything as rows, the same whatever happened. The namespaces come last, for csv prints one table. */
function dataBlocks(result: PruneResult): Block[] {
  return [
    {
      kind: 'facts',
      name: 'pruning',
      facts: [
        ...plainFacts(result, 'text', 'outcome', 'dryRun', 'complete'),
        ...plainFacts(result, 'count', 'matched', 'matchedMemoryBytes', 'ttlSet', 'shortened', 'removed'),
        ...plainFacts(result, 'count', 'skipped', 'failed', 'notAttempted', 'stateKeysLeft'),
        ...plainFacts(result, 'count', 'keysWithoutIdleTime', 'guessedRuleKeysLeft'),
        ...plainFacts(result, 'text', 'journal', 'backup', 'noUndoBecause'),
      ],
    },
    problemTable(result.problems),
    sampleTable(result),
    namespaceTable(result),
  ];
}

/** `set a TTL on 12 keys and remove 3 keys (1.8 kB)` */
export function changesText({ planned, matchedMemoryBytes }: PruneResult): string {
  const bytes = matchedMemoryBytes === null ? '' : ` (${formatBytes(matchedMemoryBytes)})`;
  return listText(planned, planWords) + bytes;
}

/** Short, for the plan above it says what happens to which: `Change 12 keys and remove 3 on redis://…?` */
export function questionText({ matched, planned, server, noUndoBecause }: PruneResult): string {
  const { removed } = planned;
  const what =
    removed === matched
      ? `Remove ${counted(removed, 'key')} from`
      : removed === 0
        ? `Change the TTL of ${counted(matched, 'key')} on`
        : `Change ${counted(matched - removed, 'key')} and remove ${grouped(removed)} on`;
  const undo =
    noUndoBecause === null
      ? removed === 0
        ? '`cachectl undo` can set the TTLs back. '
        : ''
      : `The ${removed === 0 ? 'change' : 'removal'} cannot be undone. `;
  return `${undo}${what} ${server.address}?`;
}

const planWords = { ttlSet: 'set a TTL on', shortened: 'shorten the TTL of', removed: 'remove' } as const;
const doneWords = { ttlSet: 'set a TTL on', shortened: 'shortened the TTL of', removed: 'removed' } as const;

/** `set a TTL on 12 keys, shorten the TTL of 1 key and remove 3 keys` */
function listText(changes: Changes, words: Readonly<Record<keyof Changes, string>>): string {
  const parts = (['ttlSet', 'shortened', 'removed'] as const)
    .filter((name) => changes[name] > 0)
    .map((name) => `${words[name]} ${counted(changes[name], 'key')}`);
  const last = parts.pop() ?? 'changed nothing';
  return parts.length === 0 ? last : `${parts.join(', ')} and ${last}`;
}

const actions: Readonly<Record<Finding, string>> = {
  withoutTtl: 'set TTL',
  tooLong: 'shorten',
  idle: 'remove',
};
const reasons: Readonly<Record<Reason, string>> = {
  state: 'keep: state',
  unmapped: 'keep: not in the map',
  noRule: 'keep: no TTL rule',
  guessedRule: 'keep: the rule is a guess',
};

function namespaceTable({ namespaces }: PruneResult): TableBlock {
  const { text, count, bytes } = fieldsOf<PruneResult['namespaces'][number]>();
  return tableOf(
    'namespaces',
    namespaces,
    [
      text('namespace', 'NAMESPACE'),
      text('plan', 'PLAN', planText),
      ...[count('withoutTtl', 'NO TTL'), count('tooLong', 'TOO LONG'), count('idle', 'IDLE')],
      ...[bytes('memoryBytes', 'MEMORY'), text('rule', 'RULE')],
    ],
    { moreWith },
  );
}

/** `set TTL, shorten`, `keep: state`, `remove; keep: no TTL rule`. */
function planText(row: PruneResult['namespaces'][number]): string {
  const kept = row.leftBecause === null ? [] : [reasons[row.leftBecause]];
  if (row.leftBecause === 'state' || row.leftBecause === 'unmapped') return kept.join('');
  const done = (['withoutTtl', 'tooLong', 'idle'] as const)
    .filter((finding) => (row[finding] ?? 0) > 0 && (finding === 'idle' || !isWithoutRule(row.leftBecause)))
    .map((finding) => actions[finding]);
  return [...(done.length > 0 ? [done.join(', ')] : []), ...kept].join('; ');
}

function isWithoutRule(reason: Reason | null): boolean {
  return reason === 'noRule' || reason === 'guessedRule';
}

function sampleTable({ sample, matched }: PruneResult): TableBlock {
  const { text } = fieldsOf<PruneResult['sample'][number]>();
  return tableOf(
    'sample',
    sample,
    [
      text('plan', 'PLAN', ({ finding }) => actions[finding]),
      text('key', matched > sample.length ? 'SOME OF THE KEYS' : 'THE KEYS'),
    ],
    { moreWith, isSecondary: true },
  );
}

function warnings(result: PruneResult): Block[] {
  const { matched, stateKeysLeft, keysWithoutIdleTime, guessedRuleKeysLeft, permanentNamespaces } = result;
  const { replicas, planned, noUndoBecause } = result;
  return [
    ...notes(
      'warning',
      noUndoBecause !== null &&
        `the ${planned.removed === 0 ? 'change' : 'removal'} cannot be undone: ${noUndoBecause}`,
    ),
    ...caveats(
      'warning',
      result.planFull &&
        `${counted(matched, 'key is', 'keys are')} as many as one run takes on: run it again for the rest of the keyspace`,
      replicas !== null &&
        replicas > 0 &&
        planned.removed > 0 &&
        `${counted(replicas, 'replica follows', 'replicas follow')}: a key that is read there alone counts as idle here`,
    ),
    ...notes(
      'plain',
      stateKeysLeft > 0 &&
        counted(stateKeysLeft, 'key of state stays as it is', 'keys of state stay as they are'),
    ),
    ...caveats(
      'warning',
      keysWithoutIdleTime > 0 && `left alone: ${withoutIdleTimeText(keysWithoutIdleTime)}`,
    ),
    ...notes(
      'plain',
      permanentNamespaces.length > 0 &&
        `left alone, for their rule is \`permanent\`: ${permanentNamespaces.join(', ')}`,
    ),
    ...caveats(
      'warning',
      guessedRuleKeysLeft > 0 &&
        `${counted(guessedRuleKeysLeft, 'key stays as it is', 'keys stay as they are')}: the TTL rule is a guess; ${howToConfirm}`,
    ),
  ];
}

function outcomeNotes(result: PruneResult): Block[] {
  const { matched, skipped, failed, notAttempted } = result;
  switch (result.outcome) {
    case 'planned':
      return [
        note('plain', `dry run: nothing was changed; without --dry-run it would ${changesText(result)}`),
      ];
    case 'nothingToDo':
      return [note('plain', nothingText(result))];
    case 'declined':
      return [];
    case 'pruned': {
      const kept =
        skipped > 0
          ? `; ${counted(skipped, 'key was used or changed', 'keys were used or changed')} meanwhile, and left alone`
          : '';
      return [note('good', `${listText(result, doneWords)} in ${took(result)}${kept}`)];
    }
    case 'interrupted':
    case 'partlyPruned':
      if (result.durationSeconds === null)
        return [
          ...caveats(
            'bad',
            'interrupted before anything was changed: the plan covers what was seen until then',
          ),
        ];
      return [
        ...caveats(
          'bad',
          `of ${counted(matched, 'key')}: ${listText(result, doneWords)} in ${took(result)}; ` +
            `${grouped(skipped)} changed meanwhile, ${grouped(failed)} failed, ${grouped(notAttempted)} not attempted`,
        ),
        note('plain', 'running the same command again is harmless: it changes what still needs it'),
      ];
  }
}

function nothingText({ namespaces, keyspaceKeys, serverCost }: PruneResult): string {
  if (serverCost.unreadableKeys > 0) return 'nothing to do among the keys that this user may read';
  if (namespaces.length > 0) return 'nothing to do: every key that was found stays as it is';
  return keyspaceKeys === null || keyspaceKeys === 0
    ? 'nothing to do: no key was found'
    : `nothing to do: of ${counted(keyspaceKeys, 'key')} none was found to change`;
}

const grouped = (count: number) => count.toLocaleString('en-US');

export const viewPrune = changeView({ full: fullBlocks, outcome: outcomeBlocks, rows: dataBlocks });
