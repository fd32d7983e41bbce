import { groupBy } from '../../support/collections.ts';
import type { ByteString } from '../../support/bytes.ts';
import { type Reply, ReplyError } from '../../redis/reply.ts';
import type { RedisCommand } from '../../redis/server.ts';
import { fieldNames, type FieldExpiries, type Value, withoutFields } from './value.ts';
import { exchangeEach, type ValueLane } from './value-lane.ts';

/** Fields in one command. */
const mostFields = 1000;

/**
 * Asks when the fields expire on their own; `fieldExpiriesIn` takes the replies. One lookup for each command.
 * @see https://redis.io/docs/latest/commands/hpexpiretime/ (Redis 7.4, Valkey 9)
 */
export function fieldExpiryCommands(key: ByteString, names: readonly ByteString[]): RedisCommand[] {
  return inChunks(names).map((chunk) => ['HPEXPIRETIME', key, 'FIELDS', chunk.length, ...chunk]);
}

/** What `fieldExpiryCommands` have found: the moments, and the fields that are gone by now (-2); or the refusal. */
export function fieldExpiriesIn(
  names: readonly ByteString[],
  replies: readonly Reply[],
): { readonly expiries: FieldExpiries; readonly gone: ReadonlySet<ByteString> } | ReplyError {
  const expiries = new Map<ByteString, number>();
  const gone = new Set<ByteString>();
  const refused = replies.find((reply) => reply instanceof ReplyError);
  if (refused !== undefined) return refused;
  replies.flat().forEach((moment, index) => {
    const name = names[index];
    if (name === undefined || typeof moment !== 'number') return;
    if (moment >= 0) expiries.set(name, moment);
    else if (moment === -2) gone.add(name);
  });
  return { expiries, gone };
}

/**
 * The values, each hash with the moments at which its fields expire on their own; a field that has just expired is left out.
 * Not asked where the server reports no such fields. @throws RedisError when the connection is lost
 */
export async function withFieldExpiries(
  values: ValueLane,
  items: readonly { readonly key: ByteString; readonly value: Value }[],
): Promise<Value[]> {
  // What another side reports of the fields is not what this one does.
  const asked = items.map(({ key, value }) => ({
    key,
    value: value.type === 'hash' ? { type: value.type, elements: value.elements } : value,
    names: values.hasFieldTtls !== false && value.type === 'hash' ? fieldNames(value.elements) : [],
  }));
  const replies = await exchangeEach(
    values.lane,
    asked.map(({ key, names }) => fieldExpiryCommands(key, names)),
  );
  return asked.map(({ value, names }, index): Value => {
    if (value.type !== 'hash') return value;
    const found = fieldExpiriesIn(names, replies[index] ?? []);
    if (found instanceof ReplyError) {
      // A server without the command has no such fields.
      if (values.hasFieldTtls === null && /unknown command/i.test(found.message)) values.hasFieldTtls = false;
      if (values.hasFieldTtls === false) return value;
      values.fieldTtlsRefused = found.message;
      return { ...value, fieldExpiries: null };
    }
    const { expiries, gone } = found;
    const elements = gone.size === 0 ? value.elements : withoutFields(value.elements, gone);
    return { ...value, elements, ...(expiries.size > 0 && { fieldExpiries: expiries }) };
  });
}

/** The commands that give fields their moments, in groups that share one. A moment that has passed removes its field. */
export function expireFieldCommands(key: ByteString, expiries: FieldExpiries): RedisCommand[] {
  return [...groupBy(expiries, ([, at]) => at)].flatMap(([at, fields]) =>
    inChunks(fields.map(([name]) => name)).map((chunk): RedisCommand => [
      'HPEXPIREAT',
      key,
      at,
      'FIELDS',
      chunk.length,
      ...chunk,
    ]),
  );
}

function inChunks(names: readonly ByteString[]): ByteString[][] {
  return Array.from({ length: Math.ceil(names.length / mostFields) }, (_, index) =>
    names.slice(index * mostFields, (index + 1) * mostFields),
  );
}
