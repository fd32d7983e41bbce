import { ReplyError } from '../redis/reply.ts';
import type { RedisServer } from '../redis/server.ts';
import { hitFlags, missingFlags } from './notifications/notification-flags.ts';
import { shown } from './notifications/outcome.ts';
import { readServerFlags } from './notifications/server-flags.ts';

/** The value of `notify-keyspace-events` of each node; null where it cannot be read. */
export type EventLetters = readonly (string | null)[];

export async function readEventLetters(server: RedisServer, now: number): Promise<EventLetters> {
  return Promise.all(
    server.nodes.map(async (node) => {
      const flags = await readServerFlags(node, now).then(
        (read) => read.flags,
        () => null,
      );
      return flags instanceof ReplyError ? null : flags;
    }),
  );
}

/** What somebody switched off in between, node by node, as sentences. */
export function eventsSwitchedOff(server: RedisServer, before: EventLetters, after: EventLetters): string[] {
  return server.nodes.flatMap(({ address }, index) => {
    const [was, is] = [before[index] ?? null, after[index] ?? null];
    if (was === null || is === null) return [];
    const wanted = (hitFlags.required + hitFlags.optional)
      .split('')
      .filter((letter) => missingFlags(was, letter) === '');
    if (missingFlags(is, wanted.join('')) === '') return [];
    return [
      `\`notify-keyspace-events\` of ${address} is ${shown(is)} now, changed by another client in the window: events are missing`,
    ];
  });
}
