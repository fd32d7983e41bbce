import { expect, test } from 'vitest';
import { exportNotes, type ExportResult } from '../../src/commands/export/result.ts';
import { noLookups } from '../../src/redis/lookups.ts';

test.each([
  [1, '1 key vanished before being read'],
  [3, '3 keys vanished before being read'],
])('what vanished is counted in one sentence, for one key and for several: %d', (skipped, sentence) => {
  const serverCost = {
    durationSeconds: 1,
    commands: 1,
    bytesFromServer: 0,
    serverCpuSeconds: null,
    refusedColumns: [],
    unreadableKeys: 0,
  };
  const result = { keys: 0, fileBytes: 0, skipped, complete: true, failed: 0, serverCost };
  const blocks = exportNotes(result as unknown as ExportResult, noLookups);
  expect(JSON.stringify(blocks)).toContain(sentence);
});
