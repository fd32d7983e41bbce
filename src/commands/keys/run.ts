import type { TtlFilter } from './command.ts';
import { keyFields, keyText } from '../../keyspace/key-text.ts';
import { unmappedName } from '../../keyspace/namespace-tree.ts';
import { compilePattern, globOf } from '../../keyspace/pattern.ts';
import { emptyAccount, type WalkColumns, type WalkPage, walkKeys } from '../../redis/walk.ts';
import { type Column, note } from '../../render/blocks.ts';
import { counted } from '../../render/units.ts';
import { patternArgument } from '../arguments.ts';
import type { Context, Execution, Outcome } from '../context.ts';

interface KeysResult {
  /** Streamed: empty here. */
  readonly keys: readonly object[];
  readonly matched: number;
  /** False where --limit or an interruption ended the walk early. */
  readonly complete: boolean;
  readonly ownHits: number;
  readonly unreadableKeys: number;
}

export interface KeysInput {
  readonly pattern: string;
  readonly type: string | undefined;
  readonly limit: number;
  readonly ttl: TtlFilter | undefined;
  readonly largerThan: number | undefined;
  readonly namespace: string | undefined;
  readonly long: boolean;
}

const nameColumn: Column = { name: 'key', header: 'KEY', unit: 'text' };
const longColumns: readonly Column[] = [
  { name: 'type', header: 'TYPE', unit: 'text' },
  { name: 'ttlSeconds', header: 'TTL', unit: 'seconds' },
  { name: 'memoryBytes', header: 'MEMORY', unit: 'bytes' },
];

/** `keys` from its input to its result. */
export function keysExecution(input: KeysInput): Execution<KeysResult> {
  return {
    blank: { keys: [], matched: null, complete: null, ownHits: null, unreadableKeys: null },
    run: (context) => listKeys(context, input),
    view: () => [],
  };
}

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
