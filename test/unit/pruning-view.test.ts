import { describe, expect, test } from 'vitest';
import { noLookups } from '../../src/redis/lookups.ts';
import { draftOfPruning, type PruneResult } from '../../src/commands/prune/result.ts';
import { questionText, viewPrune } from '../../src/commands/prune/view.ts';
import { buildMap } from '../../src/config/build-map.ts';
import { PlanTally } from '../../src/changes/plan-tally.ts';
import { byKeys, type Finding, findings, type Reason } from '../../src/changes/prune.ts';
import { emptyAccount } from '../../src/redis/account.ts';
import { asBytes } from '../../src/support/bytes.ts';

const map = buildMap({ namespaces: { profile: { pattern: 'user:<id>', ttl: '1h' } } });
const [cache = null] = map.namespaces;

/** The result of a plan with so many keys of each finding, of at most `mostKeys`. */
function resultOf(found: Partial<Record<Finding, number>>, mostKeys = 100): PruneResult {
  const tally = new PlanTally<Finding, Reason>(findings, map, mostKeys);
  for (const finding of findings)
    for (let id = 0; id < (found[finding] ?? 0); id++)
      tally.take(asBytes(`${finding}:${id}`), 'profile', { finding, stays: null }, 10);
  const full = tally.isFull;
  const gathered = tally.result(byKeys);
  const plan = {
    ...gathered,
    namespaces: gathered.namespaces.map((row) => ({ ...row, namespace: cache })),
    ...{
      keyspaceKeys: 5000,
      keysWithoutIdleTime: 0,
      judgedKeys: 1,
      complete: !full,
      full,
      replicas: 0,
      account: emptyAccount(),
      durationSeconds: 1,
    },
  };
  const server = { address: 'redis://host' };
  const goals = { withoutTtl: true, tooLong: true, idleSeconds: 1, namespaces: [] };
  const ttlBackup = { isKept: false, noUndoBecause: null };
  return {
    ...draftOfPruning(server, plan, goals, undefined, ttlBackup),
    ...{ dryRun: true, permanentNamespaces: [] },
  };
}

const notesOf = (result: PruneResult) =>
  viewPrune(result, noLookups, { isPerson: true, seen: null }).flatMap((block) =>
    block.kind === 'note' ? [block.text] : [],
  );

describe('a plan in words', () => {
  test.each([
    [
      { withoutTtl: 1 },
      '`cachectl undo` can set the TTLs back. Change the TTL of 1 key on redis://host?',
      'set a TTL on 1 key (10 B)',
    ],
    [
      { tooLong: 2 },
      '`cachectl undo` can set the TTLs back. Change the TTL of 2 keys on redis://host?',
      'shorten the TTL of 2 keys (20 B)',
    ],
    [{ idle: 2 }, 'Remove 2 keys from redis://host?', 'remove 2 keys (20 B)'],
    [
      { withoutTtl: 2, tooLong: 1, idle: 1 },
      'Change 3 keys and remove 1 on redis://host?',
      'set a TTL on 2 keys, shorten the TTL of 1 key and remove 1 key (40 B)',
    ],
  ])('of %j asks %j', (found, question, changes) => {
    const result = resultOf(found);
    expect(questionText(result)).toBe(question);
    expect(notesOf(result)).toContain(`dry run: nothing was changed; without --dry-run it would ${changes}`);
  });

  test('says where the rest is for the next run', () => {
    const result = resultOf({ withoutTtl: 30 }, 20);
    expect(result).toMatchObject({ matched: 20, planFull: true, complete: false });
    expect(notesOf(result)).toContain(
      '20 keys are as many as one run takes on: run it again for the rest of the keyspace',
    );
    expect(notesOf(resultOf({ withoutTtl: 19 }, 20)).join()).not.toContain('run it again');
  });
});
