import type { FixtureCheck } from '../../fixtures/check.ts';
import type { FixtureProblem } from '../../fixtures/problems.ts';
import type { NamespaceTally, TypeTally } from '../../fixtures/tally.ts';
import type { FixtureWriting } from '../../fixtures/write.ts';

/** `records` = `written` + `skipped` + `failed`, always. */
export interface WarmResult {
  /** All records in the files, with those that cannot be used. */
  readonly records: number;
  readonly written: number;
  /** Never sent: `invalid` + `notWritten`. */
  readonly skipped: number;
  /** Sent and not acknowledged: refused by the server, or `unknown`. */
  readonly failed: number;
  /** Cannot be used. */
  readonly invalid: number;
  /** Good, and left out: a dry run, another record that is bad, or an early end. */
  readonly notWritten: number;
  /** Sent, and the connection was lost before the answer. */
  readonly unknown: number;
  readonly dryRun: boolean;
  /** Bytes of the values written (in a dry run: to be written), with field names, members and scores. */
  readonly valueBytes: number;
  /** For reading, checking and writing. */
  readonly durationSeconds: number;
  /** Records written without TTL because nobody said anything about it. */
  readonly withoutTtl: number;
  /** Records whose key came before; null: too many keys to tell. */
  readonly repeatedKeys: number | null;
  /** What was written (in a dry run: would be), most records first; so too the types. */
  readonly namespaces: readonly NamespaceTally[];
  readonly types: readonly TypeTally[];
  /** The first 20 that cannot be used, and the first 20 that the server refused. */
  readonly problems: readonly FixtureProblem[];
}

/** @param writing Null where nothing was sent. */
export function resultOf(
  check: FixtureCheck,
  writing: FixtureWriting | null,
  dryRun: boolean,
  durationMillis: number,
): WarmResult {
  const tally = writing?.written ?? check.plan;
  const written = writing?.written.records ?? 0;
  const unknown = writing?.unknown ?? 0;
  const failed = (writing?.refused ?? 0) + unknown;
  const skipped = check.records - written - failed;
  return {
    records: check.records,
    written,
    skipped,
    failed,
    invalid: check.invalid,
    notWritten: skipped - check.invalid,
    unknown,
    dryRun,
    valueBytes: tally?.valueBytes ?? 0,
    durationSeconds: durationMillis / 1000,
    withoutTtl: tally?.withoutTtl ?? 0,
    repeatedKeys: check.repeatedKeys,
    namespaces: tally?.namespaces ?? [],
    types: tally?.types ?? [],
    problems: [...check.problems.first, ...(writing?.problems.first ?? [])],
  };
}
