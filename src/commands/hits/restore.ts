import { restoreLeftovers } from '../../traffic/notifications/put-back.ts';
import { notificationFolder } from '../../traffic/notifications/note.ts';
import { type Block, note } from '../../render/blocks.ts';
import { fieldsOf, tableOf } from '../../render/table.ts';
import type { Execution } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { requireWritable } from '../protection.ts';
import { blankHits, type HitsResult } from './result.ts';

/** The fields of `hits`, of which two alone are known: what is left to do, and the notes that cannot be read. */
type RestoreResult = Pick<HitsResult, 'notifications' | 'damaged'> & {
  readonly [Field in Exclude<keyof HitsResult, 'notifications' | 'damaged'>]: HitsResult[Field] | null;
};

/** `hits --restore`: puts back what runs that were killed have left. */
export function restoreExecution(): Execution<RestoreResult> {
  return {
    blank: blankHits,
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
      if (context.output !== 'table') for (const text of textsOf(outcomes, damaged)) context.warn(text);
      const failed = outcomes.some(({ outcome }) => outcome === 'failed') || damaged.length > 0;
      return {
        result: { ...blankHits, notifications: outcomes, damaged },
        exitCode: failed ? exitCodes.negative : exitCodes.success,
      };
    },
    view,
  };
}

const { text } = fieldsOf<RestoreResult['notifications'][number]>();
const settingFields = [
  ...[text('address', 'SERVER'), text('outcome', 'OUTCOME')],
  text('from', 'WAS', ({ from }) => (from === '' ? '""' : from)),
  text('to', 'IS TO BE', ({ to }) => (to === '' ? '""' : to)),
  text('pid', 'PROCESS', ({ pid }) => (pid === null ? null : String(pid))),
];

function view({ notifications, damaged }: RestoreResult): Block[] {
  return [
    tableOf('notifications', notifications, settingFields, { title: '`notify-keyspace-events`' }),
    ...notifications.flatMap(({ message, outcome }) =>
      message === null ? [] : [note(outcome === 'failed' ? 'bad' : 'plain', message)],
    ),
    ...damaged.map((each) => note('warning', damageText(each))),
  ];
}

const damageText = ({ path, reason }: RestoreResult['damaged'][number]) =>
  `note \`${path}\` cannot be read: ${reason}; remove it once \`CONFIG GET notify-keyspace-events\` is as you want it`;

const textsOf = (
  notifications: RestoreResult['notifications'],
  damaged: RestoreResult['damaged'],
): readonly string[] => [
  ...notifications.flatMap(({ message }) => message ?? []),
  ...damaged.map(damageText),
];
