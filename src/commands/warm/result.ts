import type { FixtureCheck } from '../../records/fixtures/check.ts';
import type { FixtureProblem } from '../../records/problems.ts';
import type { NamespaceTally, TypeTally } from '../../records/fixtures/tally.ts';
import type { Verification } from '../../records/fixtures/verify.ts';
import type { FixtureWriting } from '../../records/fixtures/write-run.ts';
import { blankOf } from '../blank.ts';

/** Which records were chosen with `--from`. */
export interface Ranking {
  /** When the window ended that is the reason, ISO 8601. */
  readonly recordedAt: string;
  /** In that window, and in the database that is warmed. */
  readonly windowMisses: number;
  /** Of them, those that surely are of keys of the record. */
  readonly recordedMisses: number;
  /** Keys of the record. */
  readonly missedKeys: number;
  /** Of them, in the files. */
  readonly availableKeys: number;
  /** Of those, within the budget of memory. */
  readonly chosenKeys: number;
  /** What the misses of the chosen cost, as a share of all of the window: misses × the time until a key was stored again. */
  readonly worthRatio: number;
}

/** `records` = `written` + `skipped` + `failed`, always. */
export interface WarmResult {
  /** All records in the files, with those that cannot be used. */
  readonly records: number;
  readonly written: number;
  /** Left out: `invalid` + `expired` + `existing` + `ofState` + `ofOtherType` + `notWritten`. */
  readonly skipped: number;
  /** Sent and not acknowledged: refused by the server, or `unknown`. */
  readonly failed: number;
  /** Cannot be used. */
  readonly invalid: number;
  /** Their moment has passed. */
  readonly expired: number;
  /** Their key was there, and was to be left alone. */
  readonly existing: number;
  /** Of namespaces of kind `state`, which are written to only by --with-state. */
  readonly ofState: number;
  /** Their key holds a value of another type. */
  readonly ofOtherType: number;
  /** Good, and left out: a dry run, another record that is bad, or an early end. */
  readonly notWritten: number;
  /** Sent, and the connection was lost before the answer. */
  readonly unknown: number;
  /** Records that were sent again; one that was sent thrice counts twice. */
  readonly retried: number;
  readonly dryRun: boolean;
  /** Bytes of the values written (in a dry run: to be written), with field names, members and scores. */
  readonly valueBytes: number;
  /** For reading, checking and writing. */
  readonly durationSeconds: number;
  /** Records written (in a dry run: to be written) without a TTL, whoever decided on that. */
  readonly withoutTtl: number;
  /** Records whose key came before; null: too many keys to tell. */
  readonly repeatedKeys: number | null;
  /** Records read back and found as they were written; null without `--verify`; so too the next two. */
  readonly verified: number | null;
  readonly mismatched: number | null;
  /** Of which it is not known, for they may not be read, or have a form that is not known here. */
  readonly notCompared: number | null;
  /** The first 20 that were found otherwise. */
  readonly differences: readonly FixtureProblem[];
  /** Keys that the server evicted meanwhile; null where it was not asked, or does not say. */
  readonly evictedKeys: number | null;
  /** At least so many replicas of each primary have acknowledged the records; null where --wait-replicas was not given. */
  readonly replicasAcknowledged: number | null;
  /** Null without `--from`. */
  readonly ranking: Ranking | null;
  /** File of the records that could not be written; null where there were none, or no file was named. */
  readonly rejectsFile: string | null;
  /** What was written (in a dry run: would be), most records first; so too the types. */
  readonly namespaces: readonly NamespaceTally[];
  readonly recordTypes: readonly TypeTally[];
  /** The first 20 that cannot be used, the first 20 that the server refused, the first 20 whose key has another type, and the first 20 that could not be compared. */
  readonly problems: readonly FixtureProblem[];
}

/** @param writing Null where nothing was sent. */
export function resultOf(
  check: FixtureCheck,
  writing: FixtureWriting | null,
  dryRun: boolean,
  durationMillis: number,
  ranking: Ranking | null = null,
): WarmResult {
  const { existing = 0, expired = check.expired, unknown = 0, retried = 0 } = writing ?? {};
  const { evictedKeys = null, replicasAcknowledged = null, refused = 0 } = writing ?? {};
  const tally = writing?.written ?? check.plan;
  const written = writing?.written.records ?? 0;
  const failed = refused + unknown;
  const { ofState } = check;
  const ofOtherType = writing?.ofOtherType.total ?? 0;
  const skipped = check.records - written - failed;
  const { records, invalid, repeatedKeys } = check;
  return {
    ...{ records, written, skipped, failed, invalid, expired, existing, ofState, ofOtherType },
    notWritten: skipped - invalid - expired - existing - ofState - ofOtherType,
    ...{ unknown, retried, dryRun },
    valueBytes: tally?.valueBytes ?? 0,
    durationSeconds: durationMillis / 1000,
    withoutTtl: tally?.withoutTtl ?? 0,
    repeatedKeys,
    ...{ verified: null, mismatched: null, notCompared: null, differences: [] },
    ...{ evictedKeys, replicasAcknowledged, ranking, rejectsFile: null },
    namespaces: tally?.namespaces ?? [],
    recordTypes: tally?.types ?? [],
    problems: [
      ...check.problems.first,
      ...(writing?.problems.first ?? []),
      ...(writing?.ofOtherType.first ?? []),
    ],
  };
}

/** @param verification Null where there was none. */
export function withVerification(result: WarmResult, verification: Verification | null): WarmResult {
  if (verification === null) return result;
  const { problems, ...fields } = verification;
  return { ...result, ...fields, problems: [...result.problems, ...problems] };
}

export const blankResult = blankOf<WarmResult>()(`
  records written skipped failed invalid expired existing ofState ofOtherType notWritten unknown retried dryRun valueBytes
  durationSeconds withoutTtl repeatedKeys verified mismatched notCompared differences[] evictedKeys replicasAcknowledged ranking rejectsFile
  namespaces[] recordTypes[] problems[]
`);
