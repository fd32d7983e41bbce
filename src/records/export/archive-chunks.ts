import {
  type ArchiveAbout,
  type ArchiveFrame,
  encodeFrame,
  encodeHeader,
  newHeader,
} from '../archive/format.ts';
import { bufferOf, type ByteString } from '../../support/bytes.ts';
import { ReplyError } from '../../redis/reply.ts';
import type { RedisServer } from '../../redis/server.ts';
import { type FailedReading, failedBy } from '../values/read-values.ts';
import type { KeyToRead } from '../values/commands.ts';
import { exchangeEach, type ValueConnection } from '../values/value-connection.ts';
import { type ExportScope, type ExportTally, readBatches } from './read-batches.ts';

/** What became of one key. */
type Dumped = { readonly key: ByteString } & (
  | { readonly kind: 'value'; readonly type: string; readonly frame: ArchiveFrame & { kind: 'value' } }
  | { readonly kind: 'gone' }
  | FailedReading
);

/**
 * All keys in the scope as DUMP gives them, in the frames of an archive. It ends properly also where the reading fails,
 * which the tally then shows.
 * @param now milliseconds since the epoch
 */
export async function* archiveChunks(
  server: RedisServer,
  scope: ExportScope,
  about: ArchiveAbout,
  tally: ExportTally,
  now: () => number,
): AsyncGenerator<Buffer> {
  const header = newHeader(about);
  yield encodeHeader(header);
  try {
    const batches = readBatches(server, scope, tally, (values, keys) => dump(values, keys, now));
    for await (const { items } of batches) {
      for (const { type } of items) tally.add(type);
      if (items.length > 0) yield Buffer.concat(items.map(({ frame }) => encodeFrame(frame, header.sync)));
    }
  } catch (error) {
    tally.stopped = error as Error;
  }
  const { keys, skipped, problems, complete } = tally;
  const summary = { keys, skipped, failed: problems.total, complete };
  yield encodeFrame({ kind: 'end', summary }, header.sync);
}

/** @throws RedisError */
async function dump(
  { connection, account }: ValueConnection,
  keys: readonly KeyToRead[],
  now: () => number,
): Promise<Dumped[]> {
  const replies = await exchangeEach(
    connection,
    keys.map(({ key }) => [
      ['DUMP', key],
      ['PTTL', key],
    ]),
  );
  const readAtMillis = now();
  return keys.map(({ key, type }, index): Dumped => {
    const [payload = null, ttl] = replies[index] ?? [];
    const refused = [payload, ttl].find((reply) => reply instanceof ReplyError);
    if (refused !== undefined)
      return { key, ...failedBy(refused, refused === payload ? 'DUMP' : 'PTTL', connection, account) };
    if (typeof payload !== 'string' || ttl === -2) return { kind: 'gone', key };
    const expiresAtMillis = typeof ttl === 'number' && ttl >= 0 ? readAtMillis + ttl : null;
    const frame = { kind: 'value', key, payload: bufferOf(payload), expiresAtMillis } as const;
    return { kind: 'value', key, type: type ?? 'unknown', frame };
  });
}
