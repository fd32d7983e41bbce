import type { ByteString } from '../../support/bytes.ts';
import type { Lane } from '../../redis/lane.ts';
import { type Reply, ReplyError } from '../../redis/reply.ts';
import type { RedisCommand } from '../../redis/server.ts';
import type { FieldExpiries, Value } from './commands.ts';
import type { ValueLane } from './value-lane.ts';

/** Fields in one command. */
const mostFields = 1000;

/**
 * Asks when the fields expire on their own; `fieldExpiriesIn` takes the replies. One lookup for each command.
 * @see https://redis.io/docs/latest/commands/hpexpiretime/ (Redis 7.4, Valkey 9)
 */
export function fieldExpiryCommands(key: ByteString, names: readonly ByteString[]): RedisCommand[] {
  return inChunks(names).map((chunk) => ['HPEXPIRETIME', key, 'FIELDS', chunk.length, ...chunk]);
}

/** The refusal, where there was one. A field that is gone by now has -2. */
function fieldExpiriesIn(
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
 * Asked only where the server reports such fields. @throws RedisError when the connection is lost
 */
export async function withFieldExpiries(
  values: ValueLane,
  items: readonly { readonly key: ByteString; readonly value: Value }[],
): Promise<Value[]> {
  const bare = items.map(({ key, value }) => ({ key, value: withoutExpiries(value) }));
  if (!values.hasFieldTtls) return bare.map(({ value }) => value);
  const asked = bare.map(({ key, value }) => {
    const names = value.type === 'hash' ? fieldNames(value.elements) : [];
    return { value, names, commands: fieldExpiryCommands(key, names) };
  });
  const replies = await exchange(
    values.lane,
    asked.flatMap(({ commands }) => commands),
  );
  let at = 0;
  return asked.map(({ value, names, commands }) => {
    const own = replies.slice(at, (at += commands.length));
    if (value.type !== 'hash') return value;
    const found = fieldExpiriesIn(names, own);
    if (found instanceof ReplyError) {
      values.fieldTtlsRefused = found.message;
      return { ...value, fieldExpiries: null };
    }
    const { expiries, gone } = found;
    const elements = gone.size === 0 ? value.elements : withoutFields(value.elements, gone);
    return { ...value, elements, ...(expiries.size > 0 && { fieldExpiries: expiries }) };
  });
}

/** What another side reports of the fields is not what this one does. */
function withoutExpiries(value: Value): Value {
  return value.type === 'hash' ? { type: 'hash', elements: value.elements } : value;
}

/** What of a value is there at a moment: fields that have expired by then are not. */
export function aliveAt(value: Value, nowMillis: number): Value {
  if (value.type !== 'hash' || !value.fieldExpiries) return value;
  const expired = new Set([...value.fieldExpiries].flatMap(([name, at]) => (at <= nowMillis ? [name] : [])));
  if (expired.size === 0) return value;
  return {
    ...value,
    elements: withoutFields(value.elements, expired),
    fieldExpiries: new Map([...value.fieldExpiries].filter(([name]) => !expired.has(name))),
  };
}

/** The commands that give fields their moments, in groups that share one. A moment that has passed removes its field. */
export function expireFieldCommands(key: ByteString, expiries: FieldExpiries): RedisCommand[] {
  const byMoment = new Map<number, ByteString[]>();
  for (const [name, at] of expiries) {
    const names = byMoment.get(at);
    if (names) names.push(name);
    else byMoment.set(at, [name]);
  }
  return [...byMoment].flatMap(([at, names]) =>
    inChunks(names).map((chunk): RedisCommand => ['HPEXPIREAT', key, at, 'FIELDS', chunk.length, ...chunk]),
  );
}

export const fieldNames = (elements: readonly ByteString[]) => elements.filter((_, index) => index % 2 === 0);

function withoutFields(elements: readonly ByteString[], gone: ReadonlySet<ByteString>): ByteString[] {
  return elements.filter((_, index) => !gone.has(elements[index - (index % 2)] as ByteString));
}

function inChunks(names: readonly ByteString[]): ByteString[][] {
  return Array.from({ length: Math.ceil(names.length / mostFields) }, (_, index) =>
    names.slice(index * mostFields, (index + 1) * mostFields),
  );
}

const exchange = (lane: Lane, commands: readonly RedisCommand[]): Promise<Reply[]> =>
  commands.length === 0 ? Promise.resolve([]) : lane.exchange(commands);
