import { takeStateOut } from '../../changes/selection.ts';
import { unmappedName } from '../../keyspace/map.ts';
import type { Traffic } from '../../changes/traffic.ts';
import type { OwnLookups } from '../../redis/lookups.ts';
import { type Block, caveats, command, fact, note, notes, type TableBlock } from '../../render/blocks.ts';
import { fieldsOf, plainFacts, tableOf } from '../../render/table.ts';
import { counted, formatBytes, formatRatio } from '../../render/units.ts';
import { mentionedBlocks, mentionedTable } from './mentioned.ts';
import type { InvalidateResult } from './result.ts';
import { costNotes } from '../keyspace-report.ts';
import { listed, nothingMatchedText } from '../nothing-matched.ts';
import { withoutIdleTimeText } from '../namespace-summary.ts';
import { changeView, journalNotes, problemTable, took } from '../planned-change.ts';

const keptText = 'the values are kept in the journal, and `cachectl undo` puts them back';
const shownPatterns = 4;
const shownNamespaces = 20;
const moreWith = '--output json has all';

/** The plan for people. */
export function planBlocks(result: InvalidateResult): Block[] {
  if (result.matched === 0 && result.excluded === 0) return [...mentionedBlocks(result), ...warnings(result)];
  return [
    // The plan is what a question is about, and what stays on the screen.
    ...mentionedBlocks(result),
    {
      kind: 'facts',
      name: 'plan',
      title: `Plan for ${result.server.address}`,
      facts: [
        fact('patterns', 'patterns', patternsText(result.patterns), 'text'),
        fact('matched', 'keys', result.matched, 'count', shareText(result)),
        fact('matchedMemoryBytes', 'memory', result.matchedMemoryBytes, 'bytes'),
        ...(result.matched > 0 ? [fact('risk', 'risk', result.risk, 'text', riskTexts[result.risk])] : []),
        ...(result.recentUse
          ? [fact('traffic', 'recently used', recentUseText(result.recentUse), 'text')]
          : []),
        ...(result.backupPlanned ? [fact('undo', 'undo', keptText, 'text')] : []),
        ...(result.mode === 'unlink'
          ? []
          : [fact('mode', 'mode', result.mode, 'text', words[result.mode].how)]),
      ],
    },
    { ...namespaceTable(result, shownNamespaces), moreWith },
    ...(result.sample.length > 0 ? [{ ...sampleTable(result), moreWith, isSecondary: true as const }] : []),
    ...warnings(result),
  ];
}

/** How it ended, for people who have seen the plan. */
function outcomeBlocks(result: InvalidateResult): Block[] {
  return [...endBlocks(result), ...caveats('warning', rewrittenText(result))];
}

/** Everything in one, for people who have seen nothing yet. */
function fullBlocks(result: InvalidateResult, own: OwnLookups): Block[] {
  return [...planBlocks(result), ...endBlocks(result), ...costNotes(result.serverCost, own)];
}

const endBlocks = (result: InvalidateResult): Block[] => [
  ...outcomeNotes(result),
  ...(result.problems.length > 0 ? [problemTable(result.problems)] : []),
  ...journalNotes(
    result,
    changedIn(result),
    result.mode === 'soft' ? 'to give the TTLs back' : result.backup ? 'to put it back' : null,
  ),
];

/** Everything as rows, the same whatever happened. The namespaces come last, for csv prints one table. */
function dataBlocks(result: InvalidateResult): Block[] {
  const ids = fieldsOf<InvalidateResult['ids'][number]>();
  const unreachable = fieldsOf<InvalidateResult['unreachable'][number]>();
  return [
    {
      kind: 'facts',
      name: 'invalidation',
      facts: [
        ...plainFacts(result, 'text', 'outcome', 'dryRun'),
        ...plainFacts(result, 'count', 'matched', 'matchedMemoryBytes', 'keyspaceKeys'),
        ...plainFacts(result, 'count', 'removed', 'shortened', 'generationsRaised', 'gone'),
        ...plainFacts(result, 'count', 'rewritten', 'failed', 'notAttempted', 'excluded', 'mentioned'),
        ...plainFacts(result, 'text', 'mode', 'journal', 'backup', 'noUndoBecause', 'planFile'),
      ],
    },
    tableOf('unreachable', result.unreachable, [
      unreachable.text('namespace', 'NAMESPACE'),
      unreachable.text('reason', 'REASON'),
    ]),
    tableOf('ids', result.ids, [ids.text('id', 'ID'), ids.count('keys', 'KEYS')]),
    mentionedTable(result),
    problemTable(result.problems),
    sampleTable(result),
    namespaceTable(result, Number.POSITIVE_INFINITY),
  ];
}

/** `4 keys (1.8 kB, 0.3 % of the keyspace)` */
export function amountText(result: InvalidateResult): string {
  const details = [
    ...(result.matchedMemoryBytes === null ? [] : [formatBytes(result.matchedMemoryBytes)]),
    ...(result.keyspaceKeys ? [`${formatRatio(result.matched / result.keyspaceKeys)} of the keyspace`] : []),
  ];
  return counted(result.matched, 'key') + (details.length === 0 ? '' : ` (${details.join(', ')})`);
}

interface PlanRow {
  readonly namespace: string;
  readonly keys: number;
  readonly memoryBytes: number | null;
  readonly plan: string;
}

function namespaceTable(result: InvalidateResult, most: number): TableBlock {
  const rows: PlanRow[] = [
    ...result.namespaces.map((row) => ({ ...row, plan: words[result.mode].plan })),
    ...result.excludedNamespaces.map(({ reason, ...row }) => ({
      ...row,
      memoryBytes: null,
      plan: reason === 'state' ? 'keep: state' : 'keep: not asked for',
    })),
  ];
  const rest = rows.slice(most);
  const keys = rest.reduce((sum, row) => sum + row.keys, 0);
  const more = {
    namespace: `(${counted(rest.length, 'namespace')} more)`,
    keys,
    memoryBytes: null,
    plan: '',
  };
  const { text, count, bytes } = fieldsOf<PlanRow>();
  return tableOf(
    'namespaces',
    [...rows.slice(0, most), ...(rest.length > 0 ? [more] : [])],
    [
      text('namespace', 'NAMESPACE'),
      count('keys', 'KEYS'),
      bytes('memoryBytes', 'MEMORY'),
      text('plan', 'PLAN'),
    ],
  );
}

function sampleTable({ sample, matched }: InvalidateResult): TableBlock {
  const header = matched > sample.length ? 'SOME OF THE KEYS' : 'THE KEYS';
  return tableOf('sample', sample, [fieldsOf<InvalidateResult['sample'][number]>().text('key', header)]);
}

function warnings(result: InvalidateResult): Block[] {
  const { noUndoBecause, stateKnown, matched } = result;
  const state = result.excludedNamespaces.filter(({ reason }) => reason === 'state');
  const unmapped = result.namespaces.find(({ namespace }) => namespace === unmappedName)?.keys ?? 0;
  return [
    ...notes('warning', noUndoBecause && `this cannot be undone: ${noUndoBecause}`),
    ...caveats('warning', rewrittenText(result), unmatchedIdsText(result)),
    ...caveats('warning', ...result.unreachable.map(({ reason }) => reason)),
    ...notes(
      'plain',
      state.length > 0 &&
        `${listed(
          state.map(({ namespace }) => namespace),
          mostIdsNamed,
        )} ${state.length === 1 ? 'stays' : 'stay'}: state is never removed in bulk; if the keys can be computed again, ${takeStateOut(state.map(({ namespace }) => namespace))}`,
    ),
    ...notes(
      'warning',
      !stateKnown &&
        matched > 0 &&
        'no map says which keys are state (sessions, quotas, queues): none is held back',
      unmapped > 0 &&
        `${counted(unmapped, 'key belongs', 'keys belong')} to no namespace of the map, which does not say whether they are state`,
    ),
  ];
}

function outcomeNotes(result: InvalidateResult): Block[] {
  const { matched, gone, failed, notAttempted } = result;
  const changed = changedIn(result);
  const { noun, done, nothing, would, already } = words[result.mode];
  const keys = counted(matched, noun);
  if (!result.complete) {
    return caveats(
      'bad',
      'the walk ended early: the plan covers what was seen until then; nothing was removed',
    );
  }
  switch (result.outcome) {
    case 'planned':
      return result.planFile === null
        ? [note('plain', `dry run: nothing was ${nothing}; without --dry-run ${keys} would ${would}`)]
        : [
            note('good', `the plan for ${keys} is in \`${result.planFile}\`; nothing was changed`),
            command('to carry it out', 'cachectl', 'apply', result.planFile),
          ];
    case 'nothingMatched':
      return caveats('plain', nothingText(result));
    case 'unreachable':
      return [note('bad', `nothing was removed: no name leads to these keys; ${byNamespace(result)}`)];
    case 'overLimit':
      return caveats('bad', overLimitText(result));
    case 'drifted':
      return [note('bad', 'the plan no longer holds: nothing was changed; make a new one')];
    case 'declined':
      return [];
    case 'removed':
    case 'shortened':
    case 'generationsRaised': {
      const freed =
        gone === 0 && result.mode === 'unlink' && result.matchedMemoryBytes !== null
          ? `, ${formatBytes(result.matchedMemoryBytes)},`
          : '';
      const vanished = gone > 0 ? `; ${counted(gone, 'key was', 'keys were')} ${already}` : '';
      return [
        note('good', `${done} ${counted(changed, noun)}${freed} in ${took(result)}${vanished}`),
        ...notes(
          'plain',
          result.indexPruned !== null &&
            result.indexPruned > 0 &&
            `${counted(result.indexPruned, 'member')} without a key went out of the index`,
        ),
      ];
    }
    case 'interrupted':
    case 'partlyRemoved':
    case 'partlyShortened':
    case 'generationsPartlyRaised':
      return [
        ...caveats(
          'bad',
          `${done} ${changed.toLocaleString('en-US')} of ${keys} in ${took(result)}; ` +
            `${gone.toLocaleString('en-US')} gone already, ${failed.toLocaleString('en-US')} failed, ${notAttempted.toLocaleString('en-US')} not attempted`,
        ),
        note('plain', 'running the same command again is harmless: it continues with what is left'),
      ];
  }
}

const mostIdsNamed = 5;

/** `2 of 3 ids match no key: `77`, `8``; null where each has one, or none has. */
function unmatchedIdsText({ ids, matched, excluded }: InvalidateResult): string | null {
  const without = ids.filter(({ keys }) => keys === 0);
  if (without.length === 0 || matched + excluded === 0) return null;
  const named = listed(
    without.map(({ id }) => id),
    mostIdsNamed,
  );
  const verb = without.length === 1 ? 'matches' : 'match';
  return `${without.length.toLocaleString('en-US')} of ${counted(ids.length, 'id')} ${verb} no key: ${named}`;
}

function rewrittenText({ rewritten }: InvalidateResult): string | null {
  if (rewritten === 0) return null;
  const [stay, them] = rewritten === 1 ? ['stays', 'it'] : ['stay', 'them'];
  return `${counted(rewritten, 'key was', 'keys were')} written since the plan was made, and ${stay}; --include-rewritten takes ${them} too`;
}

const changedIn = ({ removed, shortened, generationsRaised }: InvalidateResult) =>
  removed + shortened + generationsRaised;

const words = {
  unlink: {
    ...{ plan: 'remove', done: 'removed', noun: 'key', would: 'be', nothing: 'removed', how: '' },
    already: 'gone already',
  },
  soft: {
    ...{ plan: 'shorten', done: 'shortened the TTL of', noun: 'key', would: 'get a shorter TTL' },
    ...{ nothing: 'changed', already: 'gone, or expire sooner anyway' },
    how: 'each key gets a TTL within the window, drawn at random',
  },
  generation: {
    ...{ plan: 'increment', done: 'incremented', noun: 'counter', would: 'be incremented' },
    ...{ nothing: 'changed', already: 'gone already' },
    how: 'the counter goes up by one, and no reader finds the old keys',
  },
} as const;

function recentUseText(recentUse: Traffic): string {
  const { sampledKeys, usedInMinute, usedInHour, keysWithoutIdleTime } = recentUse;
  return [
    ...(sampledKeys === 0
      ? []
      : [
          `${usedInMinute} of ${counted(sampledKeys, 'key')} in the last minute, ${usedInHour} in the last hour`,
        ]),
    ...(keysWithoutIdleTime === 0 ? [] : [withoutIdleTimeText(keysWithoutIdleTime)]),
  ].join('; ');
}

function byNamespace({ unreachable }: InvalidateResult): string {
  const names = [...new Set(unreachable.map(({ namespace }) => namespace))];
  const command = `\`cachectl invalidate --namespace ${names[0] ?? 'NAME'}\``;
  return names.length > 1
    ? `${command} removes all keys of that namespace, and so for each of the ${names.length}`
    : `${command} removes all of them`;
}

const overLimitText = ({ matched, limit }: InvalidateResult) =>
  `${counted(matched, 'key matches', 'keys match')}, more than --limit ${(limit ?? 0).toLocaleString('en-US')} allows: nothing was removed`;

/** Why there is nothing to do. */
function nothingText(result: InvalidateResult): string {
  if (result.excluded > 0)
    return `nothing to remove: ${counted(result.excluded, 'key fits', 'keys fit')}, and every one of them stays`;
  return nothingMatchedText(result.keyspaceKeys, result.patterns);
}

const patternsText = (patterns: readonly string[]) => listed(patterns, shownPatterns);

function shareText({ matched, keyspaceKeys, excluded }: InvalidateResult): string {
  const share = keyspaceKeys
    ? `${formatRatio(matched / keyspaceKeys)} of ${counted(keyspaceKeys, 'key')}`
    : '';
  const kept = excluded > 0 ? counted(excluded, 'other stays', 'others stay') : '';
  return [share, kept].filter((text) => text !== '').join('; ');
}

const riskTexts = {
  low: 'each key is a miss at its next read',
  medium: 'each key is a miss at its next read, and the source behind the cache takes that load',
  high: 'each key is a miss at its next read: expect a burst of load on the source behind the cache',
} as const;

export const viewInvalidation = changeView({ full: fullBlocks, outcome: outcomeBlocks, rows: dataBlocks });
