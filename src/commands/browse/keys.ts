import { keyFilter } from '../../keyspace/key-selection.ts';
import type { NamespaceMap } from '../../keyspace/map.ts';
import { escapeGlob, commonGlob, givenPattern, prefixOf, quotePattern } from '../../keyspace/pattern.ts';
import { caveats } from '../../render/blocks.ts';
import { counted } from '../../render/units.ts';
import { asBytes, bytesOf, type ByteString } from '../../support/bytes.ts';
import { silentProgress } from '../../support/progress.ts';
import type { Context } from '../context.ts';
import { getExecution } from '../get/run.ts';
import { conditionsOf, type SelectionInput, selectionOf } from '../key-selection.ts';
import { keysExecution } from '../keys/run.ts';
import type { Opening, Page, Place } from './page.ts';
import type { Removal } from './removal.ts';

/** The keys that a screen shows as one row. */
export interface RowOfKeys {
  /** As the screen names it. */
  readonly name: string;
  /** As its keys were divided among the rows. */
  readonly map: NamespaceMap;
  /** The namespace of the map; null: the pattern is from the start of the key. */
  readonly namespace: string | null;
  /** What the names of its keys look like, which can be said of other keys too; empty: nothing is known. */
  readonly pattern: string;
  /** No other key is in the row. */
  readonly has: (key: ByteString) => boolean;
  /** Of which keys it is a row; left out: of all. */
  readonly among?: SelectionInput & { readonly patterns: readonly string[] };
}

/** So many names are for a person, not for a program. */
const mostKeys = 300;

/** A key as `keys` gives it. */
interface ListedKey {
  readonly key: string;
  readonly keyBase64?: string;
}

/** What a command would write next to a screen would tear it. */
function silent(context: Context, signal: AbortSignal): { within: Context; warnings: string[] } {
  const warnings: string[] = [];
  const warnOfResult = (text: string) => void warnings.push(text);
  const quiet = { signal, progress: silentProgress, show: () => Promise.resolve(), warn: () => undefined };
  return { within: { ...context, ...quiet, warnOfResult }, warnings };
}

/** The first keys of a row, as `keys --limit` lists them; an end before that keeps those that were found. */
export function openKeys(context: Context, row: RowOfKeys): Opening {
  return async (signal) => {
    const found: ListedKey[] = [];
    const openRows = () =>
      Promise.resolve({
        row: (_cells: unknown, record: object) => {
          found.push(record as ListedKey);
          return Promise.resolve();
        },
      });
    const listing = keysExecution({ ...selectionOfRow(row), limit: mostKeys });
    const { within, warnings } = silent(context, signal);
    const { result, error } = await listing.run({ ...within, map: row.map, openRows });
    const caveat = error?.message ?? warnings[0] ?? null;
    return { ...keysPage(context, row, found, result.complete), caveat };
  };
}

function keysPage(
  context: Context,
  { name: title }: RowOfKeys,
  found: readonly ListedKey[],
  complete: boolean,
): Page {
  const names = counted(found.length, 'key');
  return {
    title,
    summary: complete ? names : `${names}, and there may be more`,
    content: {
      ...{ kind: 'list', header: 'KEY', columns: [], orders: ['name'] },
      places: found.map((key) => keyPlace(context, key)),
    },
  };
}

function keyPlace(context: Context, { key, keyBase64 }: ListedKey): Place {
  const place: Place = {
    name: key,
    figures: {},
    removal: removalOfKey(context.map, key, keyBase64),
    open: async (signal) => {
      const input = {
        members: 100,
        ...(keyBase64 === undefined ? { key } : { key: keyBase64, base64: true as const }),
      };
      const execution = getExecution(input);
      const { within, warnings } = silent(context, signal);
      const { result } = await execution.run(within);
      const blocks = execution.view(result, context.ownLookups(), { isPerson: true, seen: null });
      return {
        title: key,
        summary: '',
        content: {
          kind: 'text',
          blocks: [...caveats('warning', ...warnings), ...blocks],
          about: { ...place, open: null },
          more: '',
        },
      };
    },
  };
  return place;
}

function removalOfKey(map: NamespaceMap, text: string, base64: string | undefined): Removal {
  const key =
    base64 === undefined ? bytesOf(text) : asBytes(Buffer.from(base64, 'base64').toString('latin1'));
  const name = `key ${text}`;
  const namespace = map.classify(key);
  if (namespace?.kind === 'state') return { name, stays: stateText(namespace.name) };
  const selection = { patterns: [quotePattern(text)], exactKeys: [key], walk: null };
  return { name, selection, conditions: {} };
}

/** What removes all keys of a row, and no others. */
export function removalOfRow(row: RowOfKeys): Removal {
  const { name: text, map, namespace, pattern, among = {} } = row;
  const name = `namespace ${text}`;
  const mapped = map.namespaces.find((each) => each.name === namespace);
  if (mapped?.kind === 'state') return { name, stays: stateText(mapped.name) };
  // Of the whole keyspace, and of what has no place in it, too little is seen to remove it at one key.
  if (pattern === '' && mapped === undefined) return { name, stays: `${text} is no namespace of its own` };
  const { patterns, ...input } = selectionOfRow(row);
  const { match, accepts = row.has } = keyFilter(map, selectionOf(map, patterns, input));
  return {
    name,
    selection: { patterns: [text], exactKeys: [], walk: { match: match ?? null, matches: accepts } },
    conditions: conditionsOf(among) ?? {},
  };
}

const stateText = (namespace: string) => `\`${namespace}\` is state, which no bulk removal touches`;

function selectionOfRow(row: RowOfKeys) {
  const { has, among = { patterns: [] } } = row;
  const match = among.match ?? (among.patterns.length === 0 ? globOfRow(row) : null);
  return { ...among, ...(match !== null && { match }), isNamed: has };
}

/** Lets through all keys of the row, and others. */
function globOfRow({ map, namespace, pattern }: RowOfKeys): ByteString | null {
  const mapped = map.namespaces.find(({ name }) => name === namespace);
  if (mapped !== undefined) return commonGlob(mapped.patterns);
  const prefix = pattern === '' ? '' : prefixOf(givenPattern(pattern));
  return prefix === '' ? null : asBytes(`${escapeGlob(asBytes(prefix))}*`);
}
