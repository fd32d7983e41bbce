import { RedisError } from './errors.ts';
import { type Reply, replyText } from './reply.ts';
import type { SlotRange } from './slots.ts';
import type { Place } from './target.ts';

/** A primary of a cluster with the slots that it owns. */
export interface Primary {
  readonly place: Place;
  readonly ranges: readonly SlotRange[];
}

/**
 * The primaries in a reply to CLUSTER SLOTS: `[first, last, [host, port, id, …], …replicas]` for each range. Where a node
 * names no host of its own (null, an empty one, or `?`), it is the host at which the cluster was asked: `askedHost`.
 * @throws RedisError for anything else
 */
export function parseClusterSlots(reply: Reply, askedHost: string): Primary[] {
  const byPlace = new Map<string, { place: Place; ranges: SlotRange[] }>();
  for (const entry of listOf(reply)) {
    const [first, last, primary] = listOf(entry);
    const { host, port } = nodePlace(primary, askedHost);
    const known = byPlace.get(`${host} ${port}`) ?? { place: { host, port }, ranges: [] };
    known.ranges.push({ first: Number(replyText(first)), last: Number(replyText(last)) });
    byPlace.set(`${host} ${port}`, known);
  }
  return [...byPlace.values()];
}

/** Every node in a reply to CLUSTER SLOTS, replicas too. @throws RedisError for anything else */
export function parseClusterMembers(reply: Reply, askedHost: string): Place[] {
  return listOf(reply).flatMap((entry) =>
    listOf(entry)
      .slice(2)
      .map((node) => nodePlace(node, askedHost)),
  );
}

function nodePlace(node: Reply | undefined, askedHost: string): Place {
  const [host, port] = listOf(node);
  const told = replyText(host);
  return { host: told === '' || told === '?' ? askedHost : told, port: Number(replyText(port)) };
}

/** `slot 5`, `slots 0-5460, 5462`; of many ranges the first few. */
export function rangesText(ranges: readonly SlotRange[]): string {
  const shown = ranges
    .slice(0, 8)
    .map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));
  const [only] = ranges;
  const word = ranges.length === 1 && only?.first === only?.last ? 'slot' : 'slots';
  return `${word} ${shown.join(', ')}${ranges.length > shown.length ? ', …' : ''}`;
}

function listOf(reply: Reply | undefined): Reply[] {
  if (Array.isArray(reply)) return reply;
  throw new RedisError('connect', 'EPROTO', 'the answer to `CLUSTER SLOTS` is no list of slots and nodes');
}
