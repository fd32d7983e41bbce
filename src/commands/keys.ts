import { parseDuration } from '../config/quantity.ts';
import { keyFields, keyText } from '../keyspace/key-text.ts';
import { unmappedName } from '../keyspace/namespace-tree.ts';
import { compilePattern, globOf } from '../keyspace/pattern.ts';
import { emptyAccount, type WalkColumns, type WalkPage, walkKeys } from '../redis/walk.ts';
import { type Column, note } from '../render/blocks.ts';
import { counted } from '../render/units.ts';
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { countArgument, patternArgument, sizeArgument } from './arguments.ts';
import type { Context, Outcome } from './context.ts';
import { type DefineCommand, examples } from './runner.ts';

interface KeysResult {
  /** Streamed: empty here. */
  readonly keys: readonly object[];
  readonly matched: number;
  /** False where --limit or an interruption ended the walk early. */
  readonly complete: boolean;
  readonly ownHits: number;
  readonly unreadableKeys: number;
}

interface KeysInput {
  readonly pattern: string;
  readonly type: string | undefined;
  readonly limit: number;
  readonly ttl: TtlFilter | undefined;
  readonly largerThan: number | undefined;
  readonly namespace: string | undefined;
  readonly long: boolean;
}

/** Tests the milliseconds that PTTL gives: -1 without TTL. */
type TtlFilter = (ttlMillis: number) => boolean;

const nameColumn: Column = { name: 'key', header: 'KEY', unit: 'text' };
const longColumns: readonly Column[] = [
  { name: 'type', header: 'TYPE', unit: 'text' },
  { name: 'ttlSeconds', header: 'TTL', unit: 'seconds' },
  { name: 'memoryBytes', header: 'MEMORY', unit: 'bytes' },
];

export const defineKeys: DefineCommand = (program, run) => {
  program
    .command('keys')
    .summary('list keys, as they are found')
    .description(
      'Lists keys with SCAN, as they are found. Names alone leave no trace; --long and --ttl cost lookups that the server\n' +
        'counts as hits, and the last line says how many.',
    )
    .argument('[pattern]', 'keys that match: * is anything, <name> one whole segment', '*')
    .option('-l, --long', 'with type, time to live (seconds; empty: none) and memory')
    .option('--type <type>', 'only keys of this Redis type')
    .option('--ttl <condition>', 'only keys with this time to live: none, "<5m", ">1h"', ttlArgument)
    .option('--larger-than <size>', 'only keys that take more memory', sizeArgument)
    .option('--namespace <name>', 'only keys of this namespace of the map; (unmapped) for keys outside it')
    .option('--limit <number>', 'stop after so many keys', countArgument(1))
    .addHelpText(
      'after',
      examples(
        ["cachectl keys 'user:<id>:profile' --limit 20", 'the first twenty'],
        ["cachectl keys 'quota:*' --ttl none", 'keys that will never expire'],
        ['cachectl keys --larger-than 1MB --long', 'what takes the memory'],
        ["cachectl keys --namespace '(unmapped)'", 'keys the map does not know'],
      ),
    )
    .action((pattern, options, self) =>
      run(self, {
        blank: { keys: [], matched: null, complete: null, ownHits: null, unreadableKeys: null },
        run: (context) =>
          listKeys(context, {
            pattern,
            type: options.type,
            limit: options.limit ?? Number.POSITIVE_INFINITY,
            ttl: options.ttl,
            largerThan: options.largerThan,
            namespace: options.namespace,
            long: options.long ?? false,
          }),
        view: () => [],
      }),
    );
};

async function listKeys(context: Context, input: KeysInput): Promise<Outcome<KeysResult>> {
  const pattern = patternArgument(input.pattern);
  const server = await context.connect();
  const account = emptyAccount();
  const columns: WalkColumns = {
    memory: input.long || input.largerThan !== undefined,
    type: input.long,
    ttl: input.long || input.ttl !== undefined,
  };
  const matches = compilePattern(pattern, context.map.delimiters);
  const sink = await context.openRows('keys', input.long ? [nameColumn, ...longColumns] : [nameColumn]);
  let matched = 0;
  let complete = true;
  for (const node of server.nodes) {
    const options = {
      match: globOf(pattern),
      columns,
      signal: context.signal,
      ...(input.type !== undefined && { type: input.type }),
    };
    for await (const page of walkKeys(node, options, account)) {
      for (const [index, key] of page.keys.entries()) {
        if (!matches(key) || !accepts(context, input, page, index)) continue;
        if (matched >= input.limit) {
          complete = false;
          break;
        }
        matched++;
        const row = rowOf(page, index, input.long);
        await sink.row([keyText(key), ...Object.values(row)], { ...keyFields(key), ...row });
      }
      if (!complete || context.signal.aborted) break;
    }
    complete &&= account.complete;
    if (matched >= input.limit || context.signal.aborted) break;
  }
  for (const { column, reason } of account.refusedColumns)
    context.warn(`no ${column}: the server answered \`${reason}\``);
  const { ownHits, unreadableKeys } = account;
  await context.show([
    note(
      'dim',
      `${counted(matched, 'key')}${complete ? '' : ', and there may be more'}` +
        (ownHits > 0
          ? `; ${counted(ownHits, 'lookup')} of ours now stand in the server's keyspace_hits`
          : ''),
    ),
  ]);
  return { result: { keys: [], matched, complete, ownHits, unreadableKeys } };
}

function accepts(context: Context, input: KeysInput, page: WalkPage, index: number): boolean {
  const key = page.keys[index];
  if (key === undefined) return false;
  if (input.namespace !== undefined && (context.map.classify(key)?.name ?? unmappedName) !== input.namespace)
    return false;
  if (input.largerThan !== undefined && (page.memoryBytes[index] ?? 0) <= input.largerThan) return false;
  if (input.ttl === undefined) return true;
  const ttlMillis = page.ttlMillis[index] ?? null;
  return ttlMillis !== null && input.ttl(ttlMillis);
}

function rowOf(page: WalkPage, index: number, long: boolean): Record<string, string | number | null> {
  if (!long) return {};
  const ttlMillis = page.ttlMillis[index] ?? null;
  return {
    type: page.types[index] ?? null,
    ttlSeconds: ttlMillis === null || ttlMillis < 0 ? null : ttlMillis / 1000,
    memoryBytes: page.memoryBytes[index] ?? null,
  };
}

function ttlArgument(text: string): TtlFilter {
  if (text === 'none') return (ttlMillis) => ttlMillis < 0;
  const condition = /^([<>])(.+)$/.exec(text);
  try {
    if (condition === null) throw new Error(`\`${text}\` is not a condition; write none, "<5m" or ">1h"`);
    const millis = parseDuration(condition[2] ?? '') * 1000;
    return condition[1] === '<' ? (ttl) => ttl >= 0 && ttl < millis : (ttl) => ttl > millis;
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}
