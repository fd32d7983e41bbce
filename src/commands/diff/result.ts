import type { Sighting } from '../../records/compare/canonical.ts';
import type {
  ComparisonTally,
  Difference,
  LoneKey,
  NamespaceDifferences,
} from '../../records/compare/tally.ts';
import type { KeyProblem } from '../../records/problems.ts';
import type { OwnLookups } from '../../redis/lookups.ts';
import { type Block, caveats, note, notes } from '../../render/blocks.ts';
import { fieldsOf, tableOf } from '../../render/table.ts';
import { counted, formatBytes, formatSeconds } from '../../render/units.ts';
import { costNotes, type ServerCost } from '../keyspace-report.ts';
import { blankOf } from '../blank.ts';

export interface DiffResult {
  /** Where each side leads: a URL without its password, or a file. */
  readonly a: string;
  readonly b: string;
  /** Null where not everything could be compared, and no difference was found. */
  readonly equal: boolean | null;
  /** Keys that stand on both sides. */
  readonly compared: number;
  /** Keys of `a` that `b` has not. */
  readonly missing: number;
  /** Keys of `b` that `a` has not. */
  readonly extra: number;
  /** Keys whose type, value or TTL is not the same. */
  readonly different: number;
  readonly differentTypes: number;
  readonly differentValues: number;
  readonly differentTtls: number;
  /** Keys that vanished meanwhile, or had expired in the file. */
  readonly skipped: number;
  readonly failed: number;
  /** False where an interruption ended it early. */
  readonly complete: boolean;
  /** The first few of each kind. */
  readonly onlyInA: readonly LoneKey[];
  readonly onlyInB: readonly LoneKey[];
  readonly differences: readonly Difference[];
  readonly namespaces: readonly NamespaceDifferences[];
  readonly problems: readonly KeyProblem[];
  /** Both servers together. */
  readonly serverCost: ServerCost;
}

export const blankDiff = blankOf<DiffResult>()(`
  a b equal compared missing extra different differentTypes differentValues differentTtls skipped failed
  complete onlyInA[] onlyInB[] differences[] namespaces[] problems[] serverCost
`);

export function diffResultOf(
  a: string,
  b: string,
  tally: ComparisonTally,
  complete: boolean,
  serverCost: ServerCost,
): DiffResult {
  const { compared, missing, extra, skipped, problems } = tally;
  const { type, value, ttl } = tally.differences;
  const different = type.total + value.total + ttl.total;
  const found = missing.total + extra.total + different > 0;
  return {
    ...{ a, b, equal: found ? false : complete && problems.total === 0 ? true : null },
    ...{ compared, missing: missing.total, extra: extra.total, different },
    ...{ differentTypes: type.total, differentValues: value.total, differentTtls: ttl.total },
    ...{ skipped, failed: problems.total, complete },
    ...{ onlyInA: missing.first, onlyInB: extra.first },
    differences: [...type.first, ...value.first, ...ttl.first],
    ...{ namespaces: tally.namespaces(), problems: problems.first, serverCost },
  };
}

/** One difference, each side in words. */
interface Row {
  readonly what: string;
  readonly key: string;
  readonly a: string | null;
  readonly b: string | null;
}

const moreWith = '--output json has all';

export function viewDiff(result: DiffResult, own: OwnLookups): Block[] {
  const { onlyInA, onlyInB, differences, namespaces, missing, extra, different } = result;
  const rows: Row[] = [
    ...onlyInA.map(({ key, type }) => ({ what: 'missing', key, a: type, b: null })),
    ...onlyInB.map(({ key, type }) => ({ what: 'extra', key, a: null, b: type })),
    ...differences.map((each) => ({ ...each, a: sightingText(each, each.a), b: sightingText(each, each.b) })),
  ];
  const { text } = fieldsOf<Row>();
  const { text: name, count } = fieldsOf<NamespaceDifferences>();
  const columns = [text('what', 'WHAT'), text('key', 'KEY'), text('a', 'A'), text('b', 'B')];
  const byNamespace = [
    ...[name('namespace', 'NAMESPACE'), count('missing', 'MISSING')],
    ...[count('extra', 'EXTRA'), count('different', 'DIFFERENT')],
  ];
  const unlisted = missing + extra + different - rows.length;
  return [
    ...(rows.length > 0 ? [tableOf('differences', rows, columns, { moreWith })] : []),
    ...(namespaces.length > 1
      ? [tableOf('namespaces', namespaces, byNamespace, { title: 'By namespace', moreWith })]
      : []),
    ...(unlisted > 0 ? caveats('plain', `${counted(unlisted, 'more difference')}: --limit lists more`) : []),
    ...[verdict(result), ...remarks(result), ...costNotes(result.serverCost, own)],
  ];
}

/** `hash, 12 members, 5f2a…, 1h left`: never the value. What differs is first, for a narrow terminal cuts the rest. */
function sightingText(
  { what, inFieldTtls }: Difference,
  { type, length, digest, ttlSeconds }: Sighting,
): string {
  const size = length === null ? null : type === 'string' ? formatBytes(length) : counted(length, 'member');
  const ttl = length === null ? null : ttlSeconds === null ? 'no TTL' : `${formatSeconds(ttlSeconds)} left`;
  const value = [type, size, digest];
  const parts =
    what !== 'ttl' ? [...value, ttl] : inFieldTtls ? ['TTLs of fields', ...value, ttl] : [ttl, ...value];
  return parts.filter((part) => part !== null).join(', ');
}

function verdict(result: DiffResult): Block {
  const { a, b, equal, compared, missing, extra, different } = result;
  const sides = `a is ${a}, b is ${b}`;
  if (equal === true) return note('good', `equal: ${counted(compared, 'key')} compared; ${sides}`);
  const parts = [
    missing > 0 && `${counted(missing, 'key')} missing in b`,
    extra > 0 && `${counted(extra, 'key')} in b alone`,
    different > 0 && `${counted(different, 'key')} different${kindsText(result)}`,
  ].filter((part) => part !== false);
  const found = parts.length === 0 ? 'no difference found in what could be compared' : parts.join(', ');
  return note('warning', `${found}, of ${counted(compared + missing, 'key')} in a; ${sides}`);
}

/** ` (3 values, 1,500 TTLs)`, where there are several kinds. */
function kindsText({ differentTypes, differentValues, differentTtls }: DiffResult): string {
  const kinds = [
    differentTypes > 0 && counted(differentTypes, 'type'),
    differentValues > 0 && counted(differentValues, 'value'),
    differentTtls > 0 && counted(differentTtls, 'TTL'),
  ].filter((kind) => kind !== false);
  return kinds.length > 1 ? ` (${kinds.join(', ')})` : '';
}

function remarks({ skipped, failed, complete }: DiffResult): Block[] {
  return [
    ...caveats('warning', !complete && 'the comparison ended early: there may be more'),
    ...notes('warning', failed > 0 && `${counted(failed, 'key')} could not be compared`),
    ...notes('plain', skipped > 0 && `${counted(skipped, 'key')} had expired or vanished`),
  ];
}
