import type { WalkAccount } from '../../redis/account.ts';
import type { Value } from '../values/value.ts';
import type { ByteString } from '../../support/bytes.ts';
import type { RedisServer } from '../../redis/server.ts';
import { digestOf, distinctLengthOf, type Sighting } from './canonical.ts';
import { compareKeys, type ComparisonRules, sameFieldTtls, sameTtl, ttlSecondsOf } from './compare-keys.ts';
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
        await compareKeys(keys, new RecordSide(page), side, scope, tally);
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
  readonly value: string;
  readonly length: number;
  readonly record: Pick<FileRecord, 'expiresAtMillis'>;
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
      const { key, type, value, expiresAtMillis } = record;
      if (value === null || !isAlive(record, scope, tally)) continue;
      ofB.set(key, {
        ...{ type, value: digestOf(value), length: distinctLengthOf(value), record: { expiresAtMillis } },
        fields: withoutElements(value),
      });
    }
    if (scope.signal.aborted) return false;
  }
  for await (const group of a.read()) {
    for (const record of group) if (isAlive(record, scope, tally)) compareRecord(record, ofB, scope, tally);
    if (scope.signal.aborted) return false;
  }
  for (const [key, { type }] of ofB) if (!a.has(key)) tally.addExtra(key, type);
  return true;
}

function compareRecord(
  record: FileRecord,
  ofB: ReadonlyMap<ByteString, Digested>,
  rules: ComparisonRules,
  tally: ComparisonTally,
): void {
  const { key, type, value } = record;
  const other = ofB.get(key);
  if (value === null) {
    tally.fail(key, `a value of type \`${type}\` cannot be compared`);
    return;
  }
  if (other === undefined) {
    tally.addMissing(key, type);
    return;
  }
  tally.compared++;
  const digest = digestOf(value);
  const equal = type === other.type && digest === other.value;
  if (
    equal &&
    sameTtl(record, other.record, rules) &&
    sameFieldTtls(withoutElements(value), other.fields, rules)
  )
    return;
  const a: Sighting = {
    ...{ type, length: distinctLengthOf(value), digest, ttlSeconds: ttlSecondsOf(record, rules) },
  };
  const b: Sighting = {
    ...{ type: other.type, length: other.length, digest: other.value },
    ttlSeconds: ttlSecondsOf(other.record, rules),
  };
  tally.addDifference(key, type !== other.type ? 'type' : equal ? 'ttl' : 'value', a, b);
}

const withoutElements = (value: Value): Value =>
  value.type === 'hash' ? { ...value, elements: [] } : { type: 'list', elements: [] };

function isAlive({ expiresAtMillis }: FileRecord, { now }: ComparisonRules, tally: ComparisonTally): boolean {
  const alive = typeof expiresAtMillis !== 'number' || expiresAtMillis > now();
  if (!alive) tally.skipped++;
  return alive;
}
