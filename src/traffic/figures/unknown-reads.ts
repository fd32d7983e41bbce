import { commandCalls } from '../../redis/info.ts';
import type { Reply } from '../../redis/reply.ts';
import type { RedisNode } from '../../redis/server.ts';
import { asBytes } from '../../support/bytes.ts';
import type { UnknownReads } from '../report.ts';
import { isKnownCommand } from '../rules/counting-rules.ts';
import type { Span } from '../streams/mark.ts';

/**
 * Calls of commands that read keys by the server's own description, and that no rule is known of. Null: the server does not
 * report calls, or this user may not ask it for descriptions.
 * @throws RedisError when the connection is lost
 */
export async function findUnknownReads(
  node: Pick<RedisNode, 'batch'>,
  windows: readonly Span[],
): Promise<UnknownReads[] | null> {
  const unknown = new Map<string, number>();
  for (const { from, to } of windows) {
    const [before, after] = [commandCalls(from.info), commandCalls(to.info)];
    if (after === null) return null;
    for (const [command, calls] of after) {
      const grown = calls - (before?.get(command) ?? 0);
      if (grown > 0 && !isKnownCommand(command)) unknown.set(command, (unknown.get(command) ?? 0) + grown);
    }
  }
  if (unknown.size === 0) return [];
  const [described] = await node.batch([['COMMAND', 'INFO', ...[...unknown.keys()].map(asBytes)]]);
  if (!Array.isArray(described)) return null;
  return [...unknown]
    .flatMap(([command, calls], index) => (readsKeys(described[index]) ? [{ command, calls }] : []))
    .sort((one, other) => other.calls - one.calls);
}

/** @param description its name, arity, flags, first key, …, and as the ninth, from 7.0 on, what it does with each key */
function readsKeys(description: Reply | undefined): boolean {
  if (!Array.isArray(description)) return false;
  const [, , flags, firstKey, , , , , keys] = description;
  const takesKeys = Number(firstKey) > 0 || holds(flags, 'movablekeys');
  return takesKeys && (holds(flags, 'readonly') || holds(keys, 'access'));
}

const holds = (list: Reply | undefined, flag: string): boolean =>
  Array.isArray(list) && list.some((each) => each === flag || holds(each, flag));
