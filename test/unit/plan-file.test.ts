import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { processFacts } from '../../src/cli/process-facts.ts';
import { loadPlan, savePlan } from '../../src/changes/plan-file.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { temporaryFolder } from '../server/own.ts';

const folder = temporaryFolder();

const { signal } = new AbortController();
const about = {
  createdAt: '2026-11-21T10:00:00.000Z',
  server: 'redis://127.0.0.1:6379/0',
  database: 0,
  profile: null,
  action: 'invalidate user 12',
  mode: 'soft' as const,
  overSeconds: 300,
  patterns: ['user:12:*'],
  namespaces: [],
  memoryBytes: null,
  keyspaceKeys: null,
};
const key = fc.uint8Array({ maxLength: 40 }).map((bytes) => asBytes(Buffer.from(bytes).toString('latin1')));

describe('a plan file', () => {
  test('gives back what was put in, whatever the bytes of the keys', async () => {
    const path = join(folder, 'plan.json');
    await fc.assert(
      fc.asyncProperty(fc.array(key, { maxLength: 30 }), async (keys) => {
        await savePlan(path, 'plan.json', { ...about, matched: keys.length }, keys, {
          processes: processFacts(),
          signal,
        });
        const loaded = await loadPlan(path, 'plan.json', signal);
        expect(loaded.keys).toEqual(keys);
        expect(loaded.plan).toMatchObject(about);
      }),
    );
  });

  test('with any one character changed is refused, or is the same plan', async () => {
    const path = join(folder, 'edited.json');
    const keys = ['user:12:a', 'user:12:\xff'].map(asBytes);
    await savePlan(path, 'edited.json', { ...about, matched: 2 }, keys, {
      processes: processFacts(),
      signal,
    });
    const text = readFileSync(path, 'utf8');
    for (let at = 0; at < text.length; at++) {
      const other = text[at] === '0' ? '1' : '0';
      writeFileSync(path, text.slice(0, at) + other + text.slice(at + 1));
      // The end of the last line means nothing.
      if (at === text.length - 1) continue;
      await expect(loadPlan(path, 'edited.json', signal), `changed at ${at}`).rejects.toThrow(/plan/);
    }
  });
});
