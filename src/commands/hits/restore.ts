import { restoreLeftovers } from '../../traffic/notifications/leftovers.ts';
import { notificationFolder } from '../../traffic/notifications/note.ts';
import type { RestoreOutcome } from '../../traffic/notifications/outcome.ts';
import { type Block, note } from '../../render/blocks.ts';
import type { Execution } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { requireWritable } from '../protection.ts';

interface RestoreResult {
  /** One for each node, then one for each other server that something is left to do for. */
  readonly notifications: readonly RestoreOutcome[];
  /** Notes that cannot be read. */
  readonly damaged: readonly { readonly path: string; readonly reason: string }[];
}

/** `hits --restore`: puts back what runs that were killed have left. */
export function restoreExecution(): Execution<RestoreResult> {
  return {
    blank: { notifications: [], damaged: [] },
    rows: 'notifications',
    async run(context) {
      const server = await context.connect();
      requireWritable(await context.protectionsOf(server), '`hits --restore`');
      const { variables, processes } = context.environment;
      const { outcomes, damaged } = await restoreLeftovers(server.nodes, {
        folder: notificationFolder(variables),
        processes,
        now: context.now,
      });
      // Rows have no place for it.
      if (context.output !== 'table')
        for (const text of textsOf({ notifications: outcomes, damaged })) context.warn(text);
      const failed = outcomes.some(({ outcome }) => outcome === 'failed') || damaged.length > 0;
      return {
        result: { notifications: outcomes, damaged },
        exitCode: failed ? exitCodes.negative : exitCodes.success,
      };
    },
    view,
  };
}

function view({ notifications, damaged }: RestoreResult): Block[] {
  return [
    {
      kind: 'table',
      name: 'notifications',
      title: '`notify-keyspace-events`',
      columns: [
        { name: 'address', header: 'SERVER', unit: 'text' },
        { name: 'outcome', header: 'OUTCOME', unit: 'text' },
        { name: 'from', header: 'WAS', unit: 'text' },
        { name: 'to', header: 'IS TO BE', unit: 'text' },
        { name: 'pid', header: 'PROCESS', unit: 'text' },
      ],
      rows: notifications.map(({ address, outcome, from, to, pid }) => [
        address,
        outcome,
        from === '' ? '""' : from,
        to === '' ? '""' : to,
        pid === null ? null : String(pid),
      ]),
    },
    ...notifications.flatMap(({ message, outcome }) =>
      message === null ? [] : [note(outcome === 'failed' ? 'bad' : 'plain', message)],
    ),
    ...damaged.map((each) => note('warning', damageText(each))),
  ];
}

const damageText = ({ path, reason }: RestoreResult['damaged'][number]) =>
  `note \`${path}\` cannot be read: ${reason}; remove it once \`CONFIG GET notify-keyspace-events\` is as you want it`;

const textsOf = ({ notifications, damaged }: RestoreResult) => [
  ...notifications.flatMap(({ message }) => message ?? []),
  ...damaged.map(damageText),
];
