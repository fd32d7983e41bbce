import { resolve } from 'node:path';
import type { Likeness, WantedNamespace } from '../../bench/options.ts';
import { unmappedName } from '../../keyspace/map.ts';
import { InputError } from '../../support/failure.ts';
import { databaseOf, readLastRecord } from '../../traffic/history.ts';
import type { Context } from '../context.ts';

/** Whose keys are used. */
export interface LikeInput {
  readonly like?: readonly string[];
  /** A file of `hits --record`. */
  readonly mix?: string;
  readonly shape?: true;
}

/** The shares of copies that no record names. From 0 to 1. */
type Shares = Pick<WantedNamespace, 'hitRatio'> & { readonly getRatio: number };

/** Null where the run uses keys of its own. @throws InputError */
export async function likenessOf(
  context: Context,
  { like = [], mix, shape }: LikeInput,
  { getRatio, hitRatio }: Shares,
): Promise<Likeness | null> {
  const isShape = shape === true;
  if (like.length === 0 && mix === undefined) {
    if (!isShape) return null;
    throw new InputError('`--shape` has nothing to copy', 'add --like NAMESPACE, or --mix FILE');
  }
  const namespaces =
    mix === undefined
      ? [...new Set(like)].map((name) => ({ name, weight: 1, readShare: getRatio, hitRatio }))
      : await mixIn(context, mix, isShape);
  const text = mix === undefined ? namespaces.map(({ name }) => name).join(', ') : `the mix in ${mix}`;
  return { text: isShape ? `copies of ${text}` : text, isShape, namespaces, mayLack: mix !== undefined };
}

/** The namespaces of the last window, by their reads, and for copies by their writes too. @throws InputError */
async function mixIn(
  { environment, signal }: Context,
  file: string,
  isShape: boolean,
): Promise<WantedNamespace[]> {
  const record = await readLastRecord(resolve(environment.workingDirectory, file), signal);
  const database = databaseOf(record);
  // `(other)` and keys of other databases are none that could be found.
  const known = record.namespaces.filter(
    (each) =>
      each.database === database && (!each.namespace.startsWith('(') || each.namespace === unmappedName),
  );
  const wanted = known.flatMap(({ namespace: name, reads, writes, hitRate }): WantedNamespace[] => {
    if (reads === null) return [];
    const own = isShape ? (writes ?? 0) : 0;
    if (reads + own === 0) return [];
    const hitRatio = isShape ? (hitRate ?? 1) : 1;
    return [{ name, weight: reads + own, readShare: reads / (reads + own), hitRatio }];
  });
  if (wanted.length > 0) return wanted;
  throw new InputError(
    `\`${file}\` does not say which namespaces were read (mode ${record.mode})`,
    'record a window with `cachectl hits --for 1m --record FILE`, in mode exact or sampled',
  );
}
