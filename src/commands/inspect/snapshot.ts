import { resolve } from 'node:path';
import { pick } from '../../support/collections.ts';
import { InputError } from '../../support/failure.ts';
import type { Method } from '../../keyspace/reading.ts';
import { readNamedJson, writeNamedFile } from '../../support/named-file.ts';
import { sealed, unsealed } from '../../support/sealed.ts';
import type { Context } from '../context.ts';
import type { KeyspaceFigures } from '../keyspace-report.ts';
import { oneOrMore } from '../key-selection.ts';
import { type NamespaceSummary, rowName } from '../namespace-summary.ts';
import type { InspectInput } from './result.ts';

const format = 'cachectl-snapshot-1';

/** The figures of a keyspace at one time, in a file. */
interface Snapshot {
  readonly format: typeof format;
  /** ISO 8601. */
  readonly savedAt: string;
  readonly server: string;
  /** Which keys it is of: pattern, filters, depth. */
  readonly scope: string;
  readonly exact: boolean;
  readonly total: SavedFigures;
  /** By the name they are listed with. */
  readonly namespaces: readonly (SavedFigures & { readonly name: string })[];
}

const savedNames = ['keys', 'keysInterval', 'memoryBytes', 'memoryBytesInterval', 'withoutTtl'] as const;
type SavedFigures = Pick<NamespaceSummary, (typeof savedNames)[number]>;

/** What changed from a snapshot to now. */
export interface Growth {
  /** ISO 8601. */
  readonly savedAt: string;
  /** The server of the snapshot. */
  readonly server: { readonly address: string };
  readonly windowSeconds: number;
  readonly keys: number;
  readonly memoryBytes: number | null;
  /** Those that changed, the largest change first. */
  readonly namespaces: readonly NamespaceGrowth[];
}

export interface NamespaceGrowth {
  readonly namespace: string;
  readonly keysBefore: number;
  readonly keys: number;
  readonly keysGrowth: number;
  readonly memoryBytesBefore: number | null;
  readonly memoryBytes: number | null;
  readonly memoryBytesGrowth: number | null;
  /** False where the change is no larger than the error of the samples. */
  readonly certain: boolean;
}

/** Which keys figures are of, and by what they are grouped. */
export function scopeOf(input: InspectInput): string {
  const { patterns, namespace, match, type, delimiters, depth } = input;
  const { exclude, regex, ttl, size, idle, elements } = input;
  return JSON.stringify({
    ...{ pattern: oneOrMore(patterns), namespace: oneOrMore(namespace), match, type: oneOrMore(type) },
    ...{ delimiters, depth, exclude, regex, ttl, size, idle, elements },
  });
}

/** @param figures With every namespace. @returns why the file could not be written: the figures took a walk, and are worth showing all the same */
export async function saveSnapshot(
  context: Context,
  name: string,
  server: string,
  scope: string,
  figures: KeyspaceFigures,
  method: Method['kind'],
): Promise<InputError | null> {
  if (method === 'partial') {
    context.warnOfResult(`\`${name}\` was not written: the walk ended early`);
    return null;
  }
  const snapshot: Snapshot = {
    format,
    savedAt: new Date(context.now()).toISOString(),
    server,
    scope,
    exact: figures.exact,
    total: pick(figures.total, savedNames),
    namespaces: figures.namespaces.map((row) => ({ name: rowName(row), ...pick(row, savedNames) })),
  };
  const failure = (cause: string) => new InputError(`snapshot \`${name}\` cannot be written: ${cause}`);
  try {
    await writeNamedFile(
      resolve(context.environment.workingDirectory, name),
      JSON.stringify(sealed(snapshot), null, 2) + '\n',
      { processes: context.environment.processes, signal: context.signal },
      failure,
    );
    return null;
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
}

/** @throws InputError when the file is no snapshot, or of other keys */
export async function loadSnapshot(
  { environment, signal }: Context,
  name: string,
  scope: string,
): Promise<Snapshot> {
  const failure = (cause: string) => new InputError(`snapshot \`${name}\` cannot be read: ${cause}`);
  const path = resolve(environment.workingDirectory, name);
  const loaded = unsealed(await readNamedJson(path, signal, failure)) as Partial<Snapshot> | null;
  if (loaded?.format !== format || !loaded.total || !Array.isArray(loaded.namespaces)) {
    throw new InputError(
      `\`${name}\` is no snapshot, or not as it was written`,
      'one is written with `cachectl inspect --save FILE`',
    );
  }
  if (loaded.scope !== scope) {
    throw new InputError(
      `snapshot \`${name}\` is of other keys: its pattern, filters or depth were not these`,
      'give the same options as with --save',
    );
  }
  return loaded as Snapshot;
}

/** What changed from the snapshot to `figures`, which must hold every namespace. `now`: milliseconds since the epoch. */
export function growthSince(snapshot: Snapshot, figures: KeyspaceFigures, now: number): Growth {
  const before = new Map(snapshot.namespaces.map((row) => [row.name, row]));
  const grown: NamespaceGrowth[] = [];
  for (const row of figures.namespaces) {
    const name = rowName(row);
    grown.push(growthOf(name, before.get(name) ?? nothing, row));
    before.delete(name);
  }
  for (const row of before.values()) grown.push(growthOf(row.name, row, nothing));
  const size = ({ memoryBytesGrowth, keysGrowth }: NamespaceGrowth) =>
    Math.abs(memoryBytesGrowth ?? keysGrowth);
  return {
    savedAt: snapshot.savedAt,
    server: { address: snapshot.server },
    windowSeconds: Math.max(0, (now - Date.parse(snapshot.savedAt)) / 1000),
    keys: figures.keys - snapshot.total.keys,
    memoryBytes: difference(figures.memoryBytes, snapshot.total.memoryBytes),
    namespaces: grown
      .filter(({ keysGrowth, memoryBytesGrowth }) => keysGrowth !== 0 || (memoryBytesGrowth ?? 0) !== 0)
      .sort((left, right) => size(right) - size(left)),
  };
}

const nothing: SavedFigures = {
  keys: 0,
  keysInterval: null,
  memoryBytes: 0,
  memoryBytesInterval: null,
  withoutTtl: 0,
};

function growthOf(namespace: string, before: SavedFigures, now: SavedFigures): NamespaceGrowth {
  return {
    namespace,
    keysBefore: before.keys,
    keys: now.keys,
    keysGrowth: now.keys - before.keys,
    memoryBytesBefore: before.memoryBytes,
    memoryBytes: now.memoryBytes,
    memoryBytesGrowth: difference(now.memoryBytes, before.memoryBytes),
    certain: areApart(now, before, 'keys') || areApart(now, before, 'memoryBytes'),
  };
}

/** True where the intervals have nothing in common; an exact figure is an interval of itself. */
function areApart(now: SavedFigures, before: SavedFigures, name: 'keys' | 'memoryBytes'): boolean {
  const intervalOf = (figures: SavedFigures) => {
    const value = figures[name] ?? 0;
    return figures[`${name}Interval`] ?? ([value, value] as const);
  };
  const [[low, high], [lowBefore, highBefore]] = [intervalOf(now), intervalOf(before)];
  return high < lowBefore || highBefore < low;
}

function difference(now: number | null, before: number | null): number | null {
  return now === null || before === null ? null : now - before;
}
