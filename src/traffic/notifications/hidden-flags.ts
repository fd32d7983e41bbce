import { setTimeout as pause } from 'node:timers/promises';
import { asBytes } from '../../support/bytes.ts';
import { RedisError } from '../../redis/errors.ts';
import { ReplyParser } from '../../redis/reply.ts';
import type { RedisNode } from '../../redis/server.ts';

/** The events of the classes that a server does not show beside `A`. */
const hiddenEvents = [
  ['n', asBytes('__keyevent@*__:new')],
  ['o', asBytes('__keyevent@*__:overwritten')],
  ['c', asBytes('__keyevent@*__:type_changed')],
] as const;

const listenMillis = 300;

/**
 * Which of the classes that CONFIG GET leaves out beside `A` are on, told by the events that come: to change the flags
 * without them would take them away from those who listen. Empty where none comes in 0.3 s, where events by name are off
 * (no `E`), or where listening is not permitted.
 */
export async function hearHiddenFlags(node: RedisNode, found: string): Promise<string> {
  if (!found.includes('E')) return '';
  const heard = new Set<string>();
  const parser = new ReplyParser((reply) => {
    const [kind, pattern] = Array.isArray(reply) ? reply : [];
    const event = hiddenEvents.find((each) => each[1] === pattern);
    if (kind === 'pmessage' && event) heard.add(event[0]);
  });
  try {
    const lane = await node.openLane();
    try {
      lane.stream(['PSUBSCRIBE', ...hiddenEvents.map(([, pattern]) => pattern)], {
        bytes: (chunk) => parser.push(chunk),
        ended: () => undefined,
      });
      await pause(listenMillis);
    } finally {
      lane.close();
    }
  } catch (error) {
    if (!(error instanceof RedisError)) throw error;
  }
  return [...heard].join('');
}
