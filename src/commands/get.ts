import { type DecodedValue, decodeValue } from '../decode/decode.ts';
import { type KeyReport, readKey } from '../decode/read-key.ts';
import { InputError } from '../failure.ts';
import { keyFields, keyText } from '../keyspace/key-text.ts';
import { asBytes, bufferOf, type ByteString, bytesOf } from '../redis/bytes.ts';
import { type Block, type Fact, note } from '../render/blocks.ts';
import { counted } from '../render/units.ts';
import { countArgument, sizeArgument } from './arguments.ts';
import type { Context, Outcome } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { type DefineCommand, examples } from './runner.ts';

interface GetInput {
  readonly key: ByteString;
  readonly maxBytes: number;
  readonly members: number;
  readonly raw: boolean;
}

interface GetResult {
  readonly key: string;
  readonly keyBase64?: string;
  readonly exists: boolean;
  readonly namespace: string | null;
  readonly kind: 'cache' | 'state' | null;
  readonly type: string | null;
  /** Null: no TTL, or not permitted. */
  readonly ttlSeconds: number | null;
  readonly memoryBytes: number | null;
  /** Bytes of a string, members of a collection. */
  readonly length: number | null;
  readonly internalEncoding: string | null;
  readonly idleSeconds: number | null;
  readonly truncated: boolean;
  /** Of a string. */
  readonly value: DecodedValue | null;
  /** Of a collection: `[field, value]`, `[index, value]`, `[member, score]`, `[member]` or `[id, field, value, …]`. */
  readonly members: readonly (readonly string[])[] | null;
  readonly ownHits: number | null;
}

export const defineGet: DefineCommand = (program, run) => {
  program
    .command('get')
    .summary('look at one key: what it is, and its value decoded')
    .description(
      'Shows a key and its value, decoded as the map says or as it looks: JSON, JSON envelope, text, integer, binary as\n' +
        'hex; gzip and zlib are seen through; a pickle is named and never loaded. Reads a bounded part of a large value.',
    )
    .argument('<key>', 'the key')
    .option('--max-bytes <size>', 'most of a string value to read', sizeArgument, 65_536)
    .option('--members <number>', 'most members of a collection to read', countArgument(1), 100)
    .option('--raw', 'only the bytes of a string value, as they are')
    .option('--base64', 'the key is given as base64 of its bytes')
    .addHelpText(
      'after',
      examples(
        ['cachectl get user:123:profile', 'the value, decoded'],
        ['cachectl get tts:6e2bdffff85476f0:alloy:1.0 --raw > audio.mp3', 'its bytes'],
      ),
    )
    .action((text, options, self) =>
      run(self, {
        blank: {
          key: text,
          exists: null,
          namespace: null,
          kind: null,
          type: null,
          ttlSeconds: null,
          memoryBytes: null,
          length: null,
          internalEncoding: null,
          idleSeconds: null,
          truncated: null,
          value: null,
          members: null,
          ownHits: null,
        },
        run: (context) =>
          getKey(context, {
            key:
              options.base64 === true
                ? asBytes(Buffer.from(text, 'base64').toString('latin1'))
                : bytesOf(text),
            maxBytes: options.maxBytes,
            members: options.members,
            raw: options.raw ?? false,
          }),
        view: (result: GetResult) => (options.raw === true ? [] : view(result)),
      }),
    );
};

async function getKey(context: Context, input: GetInput): Promise<Outcome<GetResult>> {
  const server = await context.connect();
  const limits = { bytes: input.raw ? Number.MAX_SAFE_INTEGER : input.maxBytes, members: input.members };
  const report = await readKey(server.nodeFor(input.key), input.key, limits);
  if (input.raw) await writeRaw(context, input.key, report);
  else if (report === null && context.output !== 'table') context.warn(`there is no key \`${keyText(input.key)}\``);
  const result = resultOf(context, input.key, report);
  return { result, exitCode: report === null ? exitCodes.negative : exitCodes.success };
}

async function writeRaw(context: Context, key: ByteString, report: KeyReport | null): Promise<void> {
  if (context.output === 'json' || context.output === 'ndjson')
    throw new InputError('--raw writes bytes, and cannot go with a JSON output');
  if (report === null) {
    context.warn(`there is no key \`${keyText(key)}\``);
    return;
  }
  if (report.value?.kind !== 'string')
    throw new InputError(`\`${keyText(key)}\` is a ${report.type}; --raw is for strings`);
  await context.writeBytes(bufferOf(report.value.bytes));
}

function resultOf({ map }: Context, key: ByteString, report: KeyReport | null): GetResult {
  const namespace = map.classify(key);
  const value = report?.value ?? null;
  const ttlMillis = report?.ttlMillis ?? -1;
  return {
    ...keyFields(key),
    exists: report !== null,
    namespace: namespace?.name ?? null,
    kind: namespace?.kind ?? null,
    type: report?.type ?? null,
    ttlSeconds: ttlMillis < 0 ? null : ttlMillis / 1000,
    memoryBytes: report?.memoryBytes ?? null,
    length: report?.length ?? null,
    internalEncoding: report?.internalEncoding ?? null,
    idleSeconds: report?.idleSeconds ?? null,
    truncated: value?.truncated ?? false,
    value:
      value?.kind === 'string'
        ? decodeValue(value.bytes, {
            encoding: namespace?.encoding ?? null,
            envelopeField: namespace?.envelopeField ?? 'data',
            truncated: value.truncated,
          })
        : null,
    members: value?.kind === 'collection' ? value.rows.map((row) => row.map(keyText)) : null,
    ownHits: report?.ownHits ?? null,
  };
}

function view(result: GetResult): Block[] {
  if (!result.exists) return [note('bad', `there is no key \`${result.key}\``)];
  const unit = result.type === 'string' ? 'bytes' : 'count';
  const facts: Fact[] = [
    { name: 'key', label: 'key', value: result.key, unit: 'text' },
    {
      name: 'namespace',
      label: 'namespace',
      value: result.namespace,
      unit: 'text',
      ...(result.kind && { remark: result.kind }),
    },
    {
      name: 'type',
      label: 'type',
      value: result.type,
      unit: 'text',
      ...(result.internalEncoding !== null && { remark: result.internalEncoding }),
    },
    {
      name: 'ttlSeconds',
      label: 'expires in',
      value: result.ttlSeconds,
      unit: 'seconds',
      ...(result.ttlSeconds === null && { remark: 'no TTL' }),
    },
    { name: 'memoryBytes', label: 'memory', value: result.memoryBytes, unit: 'bytes' },
    { name: 'length', label: result.type === 'string' ? 'length' : 'members', value: result.length, unit },
    { name: 'idleSeconds', label: 'idle', value: result.idleSeconds, unit: 'seconds' },
  ];
  const blocks: Block[] = [{ kind: 'facts', name: 'key', facts }];
  if (result.value) blocks.push(...valueBlocks(result.value));
  if (result.members) blocks.push(membersTable(result.type ?? '', result.members));
  if (result.truncated) {
    const more = result.type === 'string' ? '--max-bytes' : '--members';
    blocks.push(note('warning', `only the start is shown; ${more} reads more`));
  }
  return [
    ...blocks,
    note('dim', `${counted(result.ownHits ?? 0, 'lookup')} of ours now stand in the server's keyspace_hits`),
  ];
}

function valueBlocks(value: DecodedValue): Block[] {
  const how = [value.format, value.compression].filter((part) => part !== null).join(', ');
  const text =
    value.json !== undefined ? JSON.stringify(value.json, null, 2) : (value.text ?? value.hex ?? '');
  const blocks: Block[] = [];
  if (value.envelope) {
    blocks.push({
      kind: 'text',
      name: 'envelope',
      title: 'Envelope',
      text: JSON.stringify(value.envelope, null, 2),
    });
  }
  blocks.push({ kind: 'text', name: 'value', title: `Value (${how})`, text });
  if (value.remark !== undefined) blocks.push(note('plain', value.remark));
  return blocks;
}

function membersTable(type: string, members: readonly (readonly string[])[]): Block {
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
    title: 'Members',
    columns: columns.map((name) => ({ name, header: name.toUpperCase(), unit: 'text' })),
    rows: members.map(([first = '', ...rest]) =>
      columns.length === 1 ? [first] : [first, type === 'stream' ? fieldsText(rest) : (rest[0] ?? '')],
    ),
  };
}

/** `field=value` pairs of a stream entry. */
function fieldsText(items: readonly string[]): string {
  return items
    .flatMap((item, index) => (index % 2 === 0 ? [`${item}=${items[index + 1] ?? ''}`] : []))
    .join(' ');
}
