import { markWildcards } from '../../keyspace/pattern.ts';
import { counted } from '../../render/units.ts';
import { silentProgress } from '../../support/progress.ts';
import type { Context } from '../context.ts';
import { getExecution } from '../get/run.ts';
import { type KeysInput, keysExecution } from '../keys/run.ts';
import type { Opening, Page, Place } from './page.ts';

/** Which keys a place has, as `keys` takes them. */
export type KeysOfPlace = Pick<KeysInput, 'patterns' | 'namespace'>;

/** So many names are for a person, not for a program. */
const mostKeys = 300;

/** A key as `keys` gives it. */
interface ListedKey {
  readonly key: string;
  readonly keyBase64?: string;
}

/** What a command would write next to a screen would tear it. */
const silent = (context: Context, signal: AbortSignal): Context => ({
  ...context,
  ...{ signal, progress: silentProgress, show: () => Promise.resolve(), warn: () => undefined },
});

/** The first keys of a place, as `keys --limit` lists them; an end before that keeps those that were found. */
export function openKeys(context: Context, title: string, selection: KeysOfPlace): Opening {
  return async (signal) => {
    const found: ListedKey[] = [];
    const openRows = () =>
      Promise.resolve({
        row: (_cells: unknown, record: object) => {
          found.push(record as ListedKey);
          return Promise.resolve();
        },
      });
    const listing = keysExecution({ ...selection, limit: mostKeys });
    const { result } = await listing.run({ ...silent(context, signal), openRows });
    return keysPage(context, title, found, result.complete);
  };
}

function keysPage(context: Context, title: string, found: readonly ListedKey[], complete: boolean): Page {
  // A pattern can match keys of other namespaces too.
  const names = counted(found.length, 'key matches', 'keys match');
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
    open: async (signal) => {
      const input = {
        members: 100,
        ...(keyBase64 === undefined ? { key } : { key: keyBase64, base64: true as const }),
      };
      const execution = getExecution(input);
      const { result } = await execution.run(silent(context, signal));
      const blocks = execution.view(result, context.ownLookups(), { isPerson: true, seen: null });
      return {
        title: key,
        summary: '',
        content: { kind: 'text', blocks, about: { ...place, open: null }, more: '' },
      };
    },
  };
  return place;
}

/** The keys of a namespace: of the map by its name, and below it, or without a map, by their pattern. */
export function keysOf({ isEmpty }: Context['map'], namespace: string | null, pattern: string): KeysOfPlace {
  const patterns = pattern === '' ? [] : [markWildcards(pattern)];
  return isEmpty || namespace === null ? { patterns } : { patterns, namespace: [namespace] };
}
