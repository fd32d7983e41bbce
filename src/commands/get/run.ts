import { type DecodedValue, decodeValue } from '../../records/decode/decode.ts';
import { layOutJson } from '../../records/json-source.ts';
import { type KeyReport, readKey } from '../../records/values/read-key.ts';
import { fieldNames, type Value } from '../../records/values/value.ts';
import { noOwnIdleTime } from '../../redis/idle-times.ts';
import { InputError } from '../../support/failure.ts';
import { inferPattern } from '../../keyspace/infer.ts';
import { keyFields, keyText } from '../../keyspace/key-text.ts';
import { asBytes, bufferOf, type ByteString, textOf, bytesOf } from '../../support/bytes.ts';
import type { OwnLookups } from '../../redis/lookups.ts';
import { type Block, caveats, costNote, fact, note } from '../../render/blocks.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { warnOfEscapes } from '../escaped-key.ts';
import { exitCodes } from '../exit-codes.ts';
import { ownLookupsText } from '../keyspace-report.ts';
import { blankOf } from '../blank.ts';

export interface GetInput {
  /** As it was given. */
  readonly key: string;
  /** The key is base64 of its bytes. */
  readonly base64?: true;
  readonly maxBytes?: number;
  readonly members: number;
  readonly raw?: true;
}

/** Of a value that is shown; `--raw` without a limit takes all. */
const defaultMaxBytes = 65_536;

interface GetResult {
  readonly key: string;
  readonly keyBase64?: string;
  readonly exists: boolean;
  readonly namespace: string | null;
  readonly kind: 'cache' | 'state' | null;
  readonly type: string | null;
  /** Null: not permitted, or no such key. */
  readonly ttlState: 'expires' | 'permanent' | null;
  readonly ttlSeconds: number | null;
  readonly memoryBytes: number | null;
  /** Of a string. */
  readonly valueBytes: number | null;
  /** Of a collection. */
  readonly memberCount: number | null;
  /** Of each vector in a vector set. */
  readonly dimensions: number | null;
  readonly internalEncoding: string | null;
  readonly idleSeconds: number | null;
  /** True: the server shares the value between keys, and keeps no idle time of this one. */
  readonly sharedValue: boolean | null;
  readonly truncated: boolean;
  /** Of a string. */
  readonly value: DecodedValue | null;
  /** Of a collection: `[field, value]`, `[index, value]`, `[member, score]`, `[member]` or `[id, field, value, …]`. */
  readonly members: readonly (readonly string[])[] | null;
  /** The same as base64 of their bytes; null where `members` says it all, for all of it is text. */
  readonly membersBase64: readonly (readonly string[])[] | null;
  /** Of a hash: the TTL of each member's own, null for a member without; null where no member shown has one. */
  readonly memberTtlSeconds: readonly (number | null)[] | null;
  /** True where the server took the reading for a use, as those before 7.2 do: `idleSeconds` is from before. */
  readonly touched: boolean | null;
}

/** `get` from its input to its result. */
export function getExecution(input: GetInput): Execution<GetResult> {
  return {
    blank: {
      ...blankOf<GetResult>()(`
      key exists namespace kind type ttlState ttlSeconds memoryBytes valueBytes memberCount dimensions
      internalEncoding idleSeconds sharedValue truncated value members membersBase64 memberTtlSeconds touched
    `),
      key: input.key,
    },
    run: (context) => getKey(context, input),
    view: (result, own) => (input.raw ? [] : view(result, own)),
  };
}

function keyFromBase64(text: string): ByteString {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 0 || bytes.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, ''))
    throw new InputError(`\`${text}\` is not base64`);
  return asBytes(bytes.toString('latin1'));
}

async function getKey(context: Context, input: GetInput): Promise<Outcome<GetResult>> {
  if (input.raw && (context.output === 'json' || context.output === 'ndjson'))
    throw new InputError('--raw writes bytes, and cannot go with a JSON output');
  const key = input.base64 ? keyFromBase64(input.key) : bytesOf(input.key);
  const server = await context.connect();
  const limits = {
    bytes: Math.max(1, input.maxBytes ?? (input.raw ? Number.MAX_SAFE_INTEGER : defaultMaxBytes)),
    members: input.members,
  };
  const report = await readKey(server.nodeFor(key), key, limits);
  if (report === null && (input.raw || context.output !== 'table'))
    context.warnOfResult(`there is no key \`${keyText(key)}\``);
  if (report === null && !input.base64) warnOfEscapes(context, [input.key]);
  if (report !== null && input.raw) await writeRaw(context, key, report);
  const result = resultOf(context, key, report);
  return { result, exitCode: report === null ? exitCodes.negative : exitCodes.success };
}

async function writeRaw(context: Context, key: ByteString, { type, value }: KeyReport): Promise<void> {
  if (value?.type !== 'string')
    throw new InputError(`\`${keyText(key)}\` is a ${type}; --raw is for strings`);
  await context.writeBytes(bufferOf(value.bytes));
}

function resultOf({ map, now }: Context, key: ByteString, report: KeyReport | null): GetResult {
  const namespace = map.classify(key);
  const name = namespace?.name ?? (map.isEmpty ? keyText(asBytes(inferPattern(key, map.delimiters))) : null);
  const { type = null, ttlMillis = null, memoryBytes = null, internalEncoding = null } = report ?? {};
  const { idleSeconds = null, length = null, value = null, truncated = false } = report ?? {};
  const isString = type === 'string';
  const rows = value === null ? null : rowsOf(value);
  const fieldExpiries = value?.type === 'hash' ? value.fieldExpiries : null;
  return {
    ...keyFields(key),
    exists: report !== null,
    ...{ namespace: name, kind: namespace?.kind ?? null, type },
    ttlState: ttlMillis === null ? null : ttlMillis < 0 ? 'permanent' : 'expires',
    ttlSeconds: ttlMillis === null || ttlMillis < 0 ? null : ttlMillis / 1000,
    ...{ memoryBytes, valueBytes: isString ? length : null, memberCount: isString ? null : length },
    dimensions: report?.dimensions ?? null,
    internalEncoding,
    idleSeconds: typeof idleSeconds === 'number' ? idleSeconds : null,
    sharedValue: report && idleSeconds === noOwnIdleTime,
    truncated,
    value:
      value?.type === 'string'
        ? decodeValue(value.bytes, {
            ...{ encoding: namespace?.encoding ?? null, envelopeField: namespace?.envelopeField ?? 'data' },
            truncated,
          })
        : null,
    members: rows?.map((row) => row.map(keyText)) ?? null,
    membersBase64: rows?.flat().some((field) => textOf(field) === undefined)
      ? rows.map((row) => row.map((field) => bufferOf(field).toString('base64')))
      : null,
    memberTtlSeconds: fieldExpiries
      ? (rows ?? []).map(([name = '' as ByteString]) => {
          const at = fieldExpiries.get(name);
          return at === undefined ? null : Math.max(0, at - now()) / 1000;
        })
      : null,
    touched: report?.touched ?? false,
  };
}

/** Rows of fields, as `members` has them; null for a string. */
function rowsOf(value: Value): ByteString[][] | null {
  switch (value.type) {
    case 'string':
      return null;
    case 'stream':
      return value.entries.map(({ id, fields }) => [...(id === null ? [] : [id]), ...fields]);
    case 'set':
      return value.elements.map((member) => [member]);
    case 'list':
      return value.elements.map((element, index) => [bytesOf(String(index)), element]);
    case 'hash':
    case 'zset':
      return fieldNames(value.elements).map((first, index) => {
        const second = value.elements[2 * index + 1] as ByteString;
        return value.type === 'hash' ? [first, second] : [second, first];
      });
  }
}

function view(result: GetResult, own: OwnLookups): Block[] {
  if (!result.exists) return [note('bad', `there is no key \`${result.key}\``)];
  const { type, internalEncoding, ttlState, touched } = result;
  const idleRemark = result.sharedValue
    ? 'the value is a small integer, which the server shares between keys'
    : touched === true
      ? 'until this read, which servers before 7.2 count as a use'
      : null;
  const facts = [
    fact('key', 'key', result.key, 'text'),
    fact('namespace', 'namespace', result.namespace, 'text', result.kind),
    fact('type', 'type', type, 'text', internalEncoding),
    fact(
      'ttlSeconds',
      'expires in',
      result.ttlSeconds,
      'seconds',
      ttlState === 'permanent' ? 'no TTL' : null,
    ),
    fact('memoryBytes', 'memory', result.memoryBytes, 'bytes'),
    type === 'string'
      ? fact('valueBytes', 'length', result.valueBytes, 'bytes')
      : fact('memberCount', 'members', result.memberCount, 'count'),
    ...(result.dimensions === null ? [] : [fact('dimensions', 'dimensions', result.dimensions, 'count')]),
    fact('idleSeconds', 'idle', result.idleSeconds, 'seconds', idleRemark),
  ];
  const blocks: Block[] = [{ kind: 'facts', name: 'key', facts }];
  if (result.value) blocks.push(...valueBlocks(result.value));
  if (result.members) blocks.push(membersTable(result.type ?? '', result.members, result.memberTtlSeconds));
  if (result.truncated) {
    const more = result.type === 'string' ? '--max-bytes' : '--members';
    const part = parts[result.type ?? ''] ?? 'the start is shown';
    blocks.push(...caveats('warning', `only ${part}; ${more} reads more`));
  }
  if (result.value === null && result.members === null)
    blocks.push(note('plain', `values of type ${result.type ?? 'unknown'} are not shown`));
  return [...blocks, costNote(ownLookupsText(own))];
}

/** What is shown of a long value. */
const parts: Readonly<Record<string, string>> = {
  vectorset: 'a random part is shown',
  zset: 'the members with the highest scores are shown',
};

function valueBlocks(value: DecodedValue): Block[] {
  const { format, compression, json, text, hex, envelope, remark } = value;
  const shown =
    json === undefined
      ? (text ?? hexLines(hex ?? ''))
      : // Where the source is kept, it says more than what was parsed from it.
        text === undefined
        ? JSON.stringify(json, null, 2)
        : layOutJson(text);
  const how = [format, compression, shown === '' ? 'empty' : null].filter((part) => part !== null);
  return [
    ...(envelope && text === undefined
      ? [textBlock('envelope', 'Envelope', JSON.stringify(envelope, null, 2))]
      : []),
    textBlock('value', `Value (${how.join(', ')})`, shown),
    ...(remark === undefined ? [] : [note('plain', remark)]),
  ];
}

/** Sixteen bytes a line, and next to them those that are printable ASCII: names within a binary value can be read. */
function hexLines(hex: string): string {
  const bytes = hex.match(/[0-9a-f]{2}/g) ?? [];
  const lines: string[] = [];
  for (let start = 0; start < bytes.length; start += 16) {
    const row = bytes.slice(start, start + 16);
    const ascii = row.map((pair) => String.fromCharCode(Number.parseInt(pair, 16))).join('');
    lines.push(`${row.join(' ').padEnd(16 * 3)} ${ascii.replace(/[^\x20-\x7e]/g, '.')}`);
  }
  return [...lines, ...(hex.endsWith('…') ? ['…'] : [])].join('\n');
}

const textBlock = (name: string, title: string, text: string): Block => ({ kind: 'text', name, title, text });

function membersTable(
  type: string,
  members: readonly (readonly string[])[],
  ttls: GetResult['memberTtlSeconds'],
): Block {
  const headers: Readonly<Record<string, readonly string[]>> = {
    hash: ['field', 'value'],
    zset: ['member', 'score'],
    set: ['member'],
    list: ['index', 'value'],
    stream: ['id', 'fields'],
  };
  const columns = headers[type] ?? ['member'];
  return {
    kind: 'table',
    name: 'members',
    title: type === 'zset' ? 'Members, highest scores first' : 'Members',
    moreWith: '--output tsv',
    columns: [
      ...columns.map((name) => ({ name, header: name.toUpperCase(), unit: 'text' }) as const),
      ...(ttls === null ? [] : [{ name: 'ttlSeconds', header: 'TTL', unit: 'seconds' } as const]),
    ],
    rows: members.map(([first = '', ...rest], index) => [
      first,
      ...(columns.length === 1 ? [] : [type === 'stream' ? fieldsText(rest) : (rest[0] ?? '')]),
      ...(ttls === null ? [] : [ttls[index] ?? null]),
    ]),
  };
}

/** `field=value` pairs of a stream entry. */
function fieldsText(items: readonly string[]): string {
  return items
    .flatMap((item, index) => (index % 2 === 0 ? [`${item}=${items[index + 1] ?? ''}`] : []))
    .join(' ');
}
