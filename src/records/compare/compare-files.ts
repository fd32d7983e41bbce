import type { WalkAccount } from '../../redis/account.ts';
import type { Value } from '../values/value.ts';
import type { ByteString } from '../../support/bytes.ts';
import type { RedisServer } from '../../redis/server.ts';
import { digestOf, distinctLengthOf } from './canonical.ts';
import {
  areSameFieldTtls,
  compareKeys,
  type ComparisonRules,
  isSameTtl,
  ttlSecondsOf,
  type Verdict,
  verdictOf,
} from './compare-keys.ts';
import { type ComparisonScope, walkPages } from './compare-servers.ts';
import { type FileRecord, type FileRecords, RecordSide } from './file-records.ts';
import { ServerSide } from './server-side.ts';
import type { ComparisonTally } from './tally.ts';

/**
 * Compares a file with a server: each of its keys, then the keys of the server that the file has not. Keys of the file
 * that have expired by now are skipped. False where it was interrupted.
 * @throws RedisError, InputError
 */
export async function compareFileWithServer(
  file: FileRecords,
  server: RedisServer,
  scope: ComparisonScope,
  tally: ComparisonTally,
  accounts: WalkAccount[],
): Promise<boolean> {
  const side = new ServerSide(server, scope.now);
  try {
    let done = 0;
    scope.progress.start('comparing', 'keys', file.keys);
    for await (const group of file.read()) {
      const alive = group.filter((record) => isAlive(record, scope, tally));
      for (let at = 0; at < alive.length; at += keysInPage) {
        const page = alive.slice(at, at + keysInPage);
        const keys = page.map(({ key }) => key);
        await compareKeys(keys, new RecordSide(page, scope.now), side, scope, tally);
        scope.progress.update((done += keys.length));
        if (scope.signal.aborted) return false;
      }
    }
    return await walkPages(server, scope, accounts, 'looking for more', async (keys) => {
      const unknown = keys.filter((key) => !file.has(key));
      const found = await side.describe(unknown);
      unknown.forEach((key, index) => {
        const present = found[index];
        if (present) tally.addExtra(key, present.type ?? 'unknown');
      });
    });
  } finally {
    scope.progress.stop();
    await side.close();
    accounts.push(...side.accounts);
  }
}

const keysInPage = 500;

/** What is kept of a record of the second file: not its value. */
interface Digested {
  readonly type: string;
  /** Null: it cannot be compared. */
  readonly value: string | null;
  readonly length: number | null;
  readonly record: Pick<FileRecord, 'expiresAtMillis' | 'outline'>;
  /** Of a hash whose fields have TTLs of their own, without its elements. */
  readonly fields: Value;
}

/**
 * Compares two files, with a digest of each record of the second in memory: about 300 bytes beside its key.
 * @throws InputError
 */
export async function compareFiles(
  a: FileRecords,
  b: FileRecords,
  scope: ComparisonScope,
  tally: ComparisonTally,
): Promise<boolean> {
  const ofB = new Map<ByteString, Digested>();
  for await (const group of b.read()) {
    for (const record of group) {
      const { key, type, value, expiresAtMillis, outline } = record;
      if (!isAlive(record, scope, tally)) continue;
      ofB.set(key, {
        type,
        value: value && digestOf(value),
        length: value && distinctLengthOf(value),
        record: { expiresAtMillis, ...(outline && { outline }) },
        fields: withoutElements(value),
      });
    }
    if (scope.signal.aborted) return false;
  }
  for await (const group of a.read()) {
    for (const record of group)
      if (isAlive(record, scope, tally))
        tally.enter(record.key, judgeRecord(record, ofB.get(record.key), scope));
    if (scope.signal.aborted) return false;
  }
  for (const [key, { type }] of ofB) if (!a.has(key)) tally.addExtra(key, type);
  return true;
}

function judgeRecord(record: FileRecord, other: Digested | undefined, rules: ComparisonRules): Verdict {
  const { type, value } = record;
  if (other === undefined) return { kind: 'missing', type };
  const reason = record.outline?.reason ?? other.record.outline?.reason;
  if (value === null || other.value === null) return { kind: 'failed', reason: reason ?? '' };
  const digest = digestOf(value);
  return verdictOf(
    {
      type: type === other.type,
      value: digest === other.value,
      ttl: isSameTtl(other.record, record, rules),
      fieldTtls: areSameFieldTtls(other.fields, withoutElements(value), rules),
    },
    () => [
      { type, length: distinctLengthOf(value), digest, ttlSeconds: ttlSecondsOf(record, rules) },
      {
        ...{ type: other.type, length: other.length, digest: other.value },
        ttlSeconds: ttlSecondsOf(other.record, rules),
      },
    ],
  );
}

const withoutElements = (value: Value | null): Value =>
  value?.type === 'hash' ? { ...value, elements: [] } : { type: 'list', elements: [] };

function isAlive({ expiresAtMillis }: FileRecord, { now }: ComparisonRules, tally: ComparisonTally): boolean {
  const alive = typeof expiresAtMillis !== 'number' || expiresAtMillis > now();
  if (!alive) tally.skipped++;
  return alive;
}
