import type {
  ComparisonTally,
  Difference,
  LoneKey,
  NamespaceDifferences,
} from '../../records/compare/tally.ts';
import type { ServerCost } from '../keyspace-report.ts';

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
  readonly problems: ComparisonTally['problems'];
  /** Both servers together. */
  readonly serverCost: ServerCost;
}

export const blankDiff = {
  ...{ a: null, b: null, equal: null, compared: null, missing: null, extra: null, different: null },
  ...{ differentTypes: null, differentValues: null, differentTtls: null, skipped: null, failed: null },
  ...{ complete: null, onlyInA: [], onlyInB: [], differences: [], namespaces: [], problems: [] },
  serverCost: null,
};

export function diffResultOf(
  a: string,
  b: string,
  tally: ComparisonTally,
  complete: boolean,
  serverCost: ServerCost,
): DiffResult {
  const { compared, missing, extra, differentKeys, different, skipped, failed } = tally;
  const found = missing + extra + differentKeys > 0;
  return {
    ...{ a, b, equal: found ? false : complete && failed === 0 ? true : null },
    ...{ compared, missing, extra, different: differentKeys },
    ...{ differentTypes: different.type, differentValues: different.value, differentTtls: different.ttl },
    ...{ skipped, failed, complete },
    onlyInA: tally.missingKeys,
    onlyInB: tally.extraKeys,
    differences: tally.differences,
    namespaces: tally.namespaces(),
    problems: tally.problems,
    serverCost,
  };
}
