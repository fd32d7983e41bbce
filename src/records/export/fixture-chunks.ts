import type { RedisServer } from '../../redis/server.ts';
import { type KeyReading, readValues, type WholeLimits } from '../values/read-values.ts';
import { draftRecord } from './long-record.ts';
import { mostRecordBytes, noEntries, noForm, tooLong, recordText, textFormOf } from './record-text.ts';
import { type ExportScope, readBatches } from './read-batches.ts';
import type { ExportTally } from './tally.ts';

const limits: WholeLimits = { stringBytes: 96 * 1024 * 1024, collectionBytes: 256 * 1024 };

/**
 * The records of all keys in the scope, in chunks of about half a megabyte: one per line, or as one JSON array. It ends
 * properly also where the reading fails, which the tally then tells.
 * @param now milliseconds since the epoch
 */
export async function* fixtureChunks(
  server: RedisServer,
  scope: ExportScope,
  form: 'ndjson' | 'json',
  tally: ExportTally,
  now: () => number,
): AsyncGenerator<Buffer> {
  const [start, between, end] = form === 'json' ? ['[\n', ',\n', '\n]\n'] : ['', '\n', '\n'];
  let written = 0;
  const separator = () => (written++ === 0 ? start : between);
  try {
    const batches = readBatches(server, scope, tally, async (values, keys) => {
      const readings = await readValues(values, keys, limits);
      const readAtMillis = now();
      return readings.map((reading) => ({ reading, readAtMillis }));
    });
    for await (const { values, items } of batches) {
      let text = '';
      for (const { reading: item, readAtMillis } of items) {
        if (item.kind !== 'long') {
          const record = shortRecord(item, readAtMillis, tally);
          if (record !== null) text += separator() + record;
          continue;
        }
        const record = await draftRecord(item, values, tally, now);
        if (record === null) continue;
        try {
          yield Buffer.from(text + separator() + record.start, 'latin1');
          text = '';
          yield* record.body.chunks();
        } finally {
          await record.body.close();
        }
      }
      if (text !== '') yield Buffer.from(text, 'latin1');
    }
  } catch (error) {
    tally.stopped = error as Error;
  }
  if (written > 0) yield Buffer.from(end);
  else if (form === 'json') yield Buffer.from('[]\n');
}

function shortRecord(
  item: Exclude<KeyReading, { kind: 'long' }>,
  readAtMillis: number,
  tally: ExportTally,
): string | null {
  switch (item.kind) {
    case 'gone':
      tally.skipped++;
      return null;
    case 'failed':
      tally.fail(item.key, item);
      return null;
    case 'value': {
      if (item.value.type === 'stream' && item.value.entries.length === 0) {
        tally.fail(item.key, { reason: noEntries });
        return null;
      }
      const form = textFormOf(item.value);
      let record =
        form === 'none' ? null : recordText(item.key, item.value, item.ttlMillis, form, readAtMillis);
      // Controls take six bytes each in JSON.
      if (record !== null && record.length > mostRecordBytes)
        record = recordText(item.key, item.value, item.ttlMillis, 'base64', readAtMillis);
      if (record === null || record.length > mostRecordBytes) {
        tally.fail(item.key, { reason: record === null ? noForm : tooLong });
        return null;
      }
      tally.add(item.value.type);
      if (item.groups > 0) tally.streamsWithGroups++;
      return record;
    }
  }
}
