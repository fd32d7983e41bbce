import type { NamespaceMap } from '../../keyspace/map.ts';
import { otherName } from '../../keyspace/segment-tree.ts';
import { RedisError } from '../../redis/errors.ts';
import { counted } from '../../render/units.ts';
import { InputError } from '../../support/failure.ts';
import type { SizeReading } from '../../watch/namespaces.ts';
import type { Observer } from '../../watch/observer.ts';
import { openKeys, removalOfRow, type RowOfKeys } from '../browse/keys.ts';
import { removeChosen, requireRemovable } from '../browse/removal.ts';
import { browse } from '../browse/run.ts';
import type { Context } from '../context.ts';
import type { OpenScreen } from '../screen.ts';
import type { WatchRequest } from './state.ts';

/** What came of a visit to the keys of a namespace. */
export interface Visited {
  readonly notice: string | null;
  /** The person left the program from there. */
  readonly isQuit: boolean;
}

/** The terminal, which the live view gives up for a visit. */
export interface VisitedTerminal {
  readonly address: string;
  readonly open: OpenScreen;
  readonly giveUp: () => void;
}

/**
 * Shows the keys of a namespace of the live view as `inspect --browse` does, or removes them, while the observation goes on.
 * @throws Error for what is no answer of a server
 */
export async function visitKeys(
  context: Context,
  observer: Observer,
  { kind, namespace }: WatchRequest,
  terminal: VisitedTerminal,
): Promise<Visited> {
  try {
    const row = rowOfKeys(context.map, observer.keyspace.reading, namespace);
    const before = context.ownLookups().hits;
    const { keys, isQuit } = await (kind === 'remove' ? removeRow : lookThrough)(context, row, terminal);
    if (keys > 0) observer.renewSizes();
    const reads = observer.traffic === null ? 0 : context.ownLookups().hits - before;
    const notices = [...(keys === 0 ? [] : [removedText(keys)]), ...(reads === 0 ? [] : [readsText(reads)])];
    return { notice: notices.join('; ') || null, isQuit };
  } catch (error) {
    if (error instanceof RedisError || error instanceof InputError)
      return { notice: error.message, isQuit: false };
    throw error;
  }
}

const removedText = (keys: number) =>
  `removed ${counted(keys, 'key')}: \`cachectl undo --list\` has the journal`;

/** The counters without traffic leave them out; the traffic shows them as what they are, reads of that namespace. */
const readsText = (reads: number) => `the look at keys was ${counted(reads, 'read')} of these figures`;

async function lookThrough(context: Context, row: RowOfKeys, terminal: VisitedTerminal) {
  terminal.giveUp();
  const place = { name: row.name, figures: {}, open: openKeys(context, row), removal: removalOfRow(row) };
  const { removed, ended } = await browse(context, terminal.open, terminal.address, place, true);
  return { keys: removed.keys, isQuit: ended === 'quit' };
}

async function removeRow(context: Context, row: RowOfKeys, terminal: VisitedTerminal) {
  const removal = removalOfRow(row);
  await requireRemovable(context, removal);
  terminal.giveUp();
  const { keys } = await removeChosen(context, removal);
  return { keys, isQuit: false };
}

/** @throws InputError where it is not known which keys are in the row */
export function rowOfKeys(
  map: NamespaceMap,
  reading: Pick<SizeReading, 'sizes' | 'analysis'> | null,
  name: string,
): RowOfKeys {
  if (!map.isEmpty) {
    const mapped = map.namespaces.some((each) => each.name === name);
    const has = (key: Parameters<RowOfKeys['has']>[0]) =>
      (map.classify(key)?.name ?? null) === (mapped ? name : null);
    return { name, map, namespace: mapped ? name : null, pattern: '', has };
  }
  const names = new Set(reading?.sizes.map(({ namespace }) => namespace));
  if (reading === null || !names.has(name))
    throw new InputError(
      `which keys \`${name}\` has is not known: no reading of the keys of this server found any of them`,
    );
  const { tree } = reading.analysis;
  const isOther = name === otherName;
  const rowOf = (key: Parameters<RowOfKeys['has']>[0]) => tree.nameOf(key)?.namespace ?? otherName;
  const has = (key: Parameters<RowOfKeys['has']>[0]) => {
    const row = rowOf(key);
    return isOther ? row === otherName || !names.has(row) : row === name;
  };
  return { name, map, namespace: null, pattern: isOther ? '' : name, has };
}
