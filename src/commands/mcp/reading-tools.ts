import * as z from 'zod';
import { policies } from '../../curves/policy.ts';
import { usualSample } from '../../curves/sample-limits.ts';
import { checkQuestions } from '../../health/questions.ts';
import { given } from '../../support/collections.ts';
import { InputError } from '../../support/failure.ts';
import { parseConditions } from '../key-selection.ts';
import { answerOf } from './answer.ts';
import type { Session } from './session.ts';

/** No call takes longer to observe than this. */
const mostSeconds = 60;

const seconds = (what: string) => z.number().min(0.1).max(mostSeconds).optional().describe(what);
const rows = (most: number, what: string) => z.int().min(1).max(most).optional().describe(what);
const flag = (what: string) => z.boolean().optional().describe(what);
const texts = (what: string) => z.array(z.string().max(1000)).min(1).max(100).optional().describe(what);

export const patterns = texts(
  'only keys that match one of these: * is anything, <name> one whole segment, as in user:<id>:*',
);
export const namespaces = texts('only namespaces of the map by these names; (unmapped) for keys outside it');
export const exclude = texts('no keys that match these patterns or are in these namespaces');

/** What keys have to be like: of one field any, of several fields all. */
export const conditions = {
  type: texts('only keys of these types: string, hash, list, set, zset, stream'),
  ttl: texts('only keys with such a time to live: none, "<5m", ">1h", "1h..2h"'),
  size: texts('only keys that take so much memory: "<1KB", ">1MB", "1KB..1MB"'),
  idle: texts('only keys that were not used for so long: ">7d", "<1m", "1d..7d"'),
} as const;

/** @throws InputError */
export function conditionsOf(texts: {
  readonly [Name in keyof typeof conditions]?: readonly string[] | undefined;
}) {
  const { type, ttl, size, idle } = texts;
  try {
    return parseConditions(given({ type, ttl, size, idle }));
  } catch (error) {
    throw new InputError(error instanceof Error ? error.message : String(error));
  }
}

/** Options are there or not. */
export const flagOf = (value: boolean | undefined): true | undefined => (value === true ? value : undefined);

const fewer = 'narrow it down with patterns or namespaces';

/** Adds the tools that leave the data as it is. */
export function addReadingTools(session: Session): void {
  addStats(session);
  addInspect(session);
  addHits(session);
  addWhatif(session);
  addKeys(session);
  addGet(session);
  addCheck(session);
  addDoctor(session);
}

function addStats(session: Session): void {
  session.add({
    name: 'stats',
    title: 'Hit rate, memory and namespaces',
    description:
      'Hit rate, memory, evictions, clients, keys and bytes by namespace, and a grade of the cache with its reasons. Start here.',
    input: {
      window: seconds('also measure over so many seconds from now'),
      namespaces: flag('false: only what the server reports of itself, without a walk over the keys'),
      limit: rows(200, 'most namespaces to list (default: 20)'),
    },
    answer: async ({ window, namespaces: isWalked = true, limit }, run) => {
      const { statsExecution } = await import('../stats/run.ts');
      const report = await run(
        'stats',
        statsExecution({ namespaces: isWalked, ...given({ window, limit }) }),
      );
      return answerOf(report, {}, 'use inspect with patterns');
    },
  });
}

function addInspect(session: Session): void {
  session.add({
    name: 'inspect',
    title: 'Keys and bytes by namespace',
    description:
      'Namespaces by size with types, TTLs, keys without TTL and idle times, and the largest keys. A large keyspace is sampled.',
    input: {
      ...{ patterns, namespaces, exclude, ...conditions },
      depth: rows(20, 'levels of the tree'),
      top: z.int().min(0).max(200).optional().describe('how many of the largest keys to list (default: 10)'),
      limit: rows(200, 'most namespaces to list (default: 50)'),
      exact: flag('true: read every key, not a sample'),
    },
    answer: async (
      { patterns = [], namespaces, exclude, depth, top = 10, limit = 50, exact, ...rest },
      run,
    ) => {
      const { inspectExecution } = await import('../inspect/run.ts');
      const input = {
        ...{ patterns, top, limit },
        ...conditionsOf(rest),
        ...given({ namespace: namespaces, exclude, depth, exact: flagOf(exact) }),
      };
      return answerOf(await run('inspect', inspectExecution(input)), {}, fewer);
    },
  });
}

function addHits(session: Session): void {
  session.add({
    name: 'hits',
    title: 'Hit rate by namespace from live traffic',
    description:
      'Observes the traffic for some seconds: hit rate by namespace, and why reads miss (expired, evicted, invalidated, not stored). ' +
      'Uses MONITOR, which costs a busy server CPU; the setting notify-keyspace-events is switched on meanwhile and put back, but not on a read-only profile.',
    input: {
      seconds: seconds('how long to observe (default: 10)'),
      ...{ patterns, namespaces, exclude },
      mode: z
        .enum(['exact', 'sampled', 'misses-only', 'counters'])
        .optional()
        .describe('how to observe (default: what the server permits and its load)'),
      keys: z.int().min(0).max(100).optional().describe('how many of the keys that miss most (default: 5)'),
    },
    answer: async ({ seconds = 10, patterns = [], namespaces, exclude, mode, keys = 5 }, run) => {
      const { hitsExecution } = await import('../hits/run.ts');
      const input = {
        ...{ for: seconds, patterns, keys, maxBytes: mostBytes },
        ...given({ namespace: namespaces, exclude, mode }),
      };
      return answerOf(await run('hits', hitsExecution(input)), {}, fewer);
    },
  });
}

function addWhatif(session: Session): void {
  const amounts = (what: string) => z.array(z.number().positive()).min(1).max(10).optional().describe(what);
  session.add({
    name: 'whatif',
    title: 'Hit rate with other memory or TTLs',
    description:
      'Observes every command for some seconds, and works out the hit rate with half of the memory, with twice as much and with other ' +
      'TTLs, by namespace, each with its interval. null is what such a window does not tell; a longer one tells more. Costs what hits costs in mode exact.',
    input: {
      seconds: seconds('how long to observe (default: 30)'),
      ...{ patterns, namespaces, exclude },
      memoryBytes: amounts('also with this maxmemory, of all nodes together'),
      ttlSeconds: amounts('with these TTLs (default: half of, once, twice and four times what keys have)'),
      target: z.number().gt(0).max(1).optional().describe('the memory that this hit rate needs, as in 0.95'),
      policy: z.enum(policies).optional().describe('as if the server evicted so (default: its own policy)'),
    },
    answer: async (
      { seconds = 30, patterns = [], namespaces, exclude, memoryBytes, ttlSeconds, target, policy },
      run,
    ) => {
      const { whatifExecution } = await import('../whatif/run.ts');
      const { rate, maxKeys } = usualSample;
      const input = {
        ...{ for: seconds, patterns, rate, maxSample: maxKeys, maxBytes: mostBytes },
        ...given({ namespace: namespaces, exclude, memory: memoryBytes, ttl: ttlSeconds, target, policy }),
      };
      return answerOf(await run('whatif', whatifExecution(input)), {}, fewer);
    },
  });
}

const mostBytes = 500_000_000;

function addKeys(session: Session): void {
  session.add({
    name: 'keys',
    title: 'List keys',
    description:
      'Names of keys, or their number, by pattern, namespace, type, TTL, size and idle time; reads with SCAN.',
    input: {
      ...{ patterns, namespaces, exclude, ...conditions },
      long: flag('true: with type, time to live in seconds and memory in bytes of each key'),
      sort: z.enum(['size', 'ttl', 'idle']).optional().describe('order by this; reads all keys'),
      countOnly: flag('true: only the number of keys'),
      limit: rows(500, 'most keys to list (default: 50)'),
    },
    answer: async (
      { patterns = [], namespaces, exclude, long, sort, countOnly, limit = 50, ...rest },
      run,
    ) => {
      const { keysExecution } = await import('../keys/run.ts');
      const counts = countOnly === true;
      const input = {
        ...{ patterns, ...(!counts && { limit }) },
        ...conditionsOf(rest),
        ...given({ namespace: namespaces, exclude, sort, long: flagOf(long), countOnly: flagOf(counts) }),
      };
      return answerOf(await run('keys', keysExecution(input)), {}, fewer);
    },
  });
  session.add({
    name: 'ttl',
    title: 'Time to live of keys',
    description: 'How long keys still live: seconds left, permanent, or missing.',
    input: { keys: z.array(z.string().min(1).max(10_000)).min(1).max(100).describe('the keys') },
    answer: async ({ keys }, run) => {
      const { ttlExecution } = await import('../ttl/run.ts');
      return answerOf(await run('ttl', ttlExecution(keys)), {}, 'ask for fewer keys at a time');
    },
  });
}

function addGet(session: Session): void {
  session.add({
    name: 'get',
    title: 'One key with its value',
    description: 'A key with its type, time to live and memory, and the beginning of its value, decoded.',
    input: {
      key: z.string().min(1).max(10_000).optional().describe('the key; this or keyBase64'),
      keyBase64: z.string().min(1).max(20_000).optional().describe('the key as base64 of its bytes'),
      maxBytes: z.int().min(1).max(65_536).optional().describe('most bytes of a string (default: 16384)'),
      members: rows(500, 'most members of a collection (default: 50)'),
    },
    answer: async ({ key, keyBase64, maxBytes = 16_384, members = 50 }, run) => {
      const [name, ...others] = [key, keyBase64].filter((text) => text !== undefined);
      if (name === undefined || others.length > 0)
        throw new InputError('get takes either `key` or `keyBase64`');
      const { getExecution } = await import('../get/run.ts');
      const base64 = flagOf(keyBase64 !== undefined);
      const input = { key: name, maxBytes, members, ...given({ base64 }) };
      return answerOf(
        await run('get', getExecution(input)),
        {},
        'a tool gives the beginning of a value only',
      );
    },
  });
}

function addCheck(session: Session): void {
  const ids = checkQuestions.map(([id]) => id);
  session.add({
    name: 'check',
    title: 'Is the cache up, and within its limits?',
    description:
      'Connection, login, permissions, latency, memory, hit rate, replication and persistence, each held against its limit. Writes nothing.',
    input: {
      only: z.array(z.enum(ids)).min(1).optional().describe('only these checks'),
      window: seconds('judge the hit rate over so many seconds from now, not since the counters began'),
    },
    answer: async ({ only, window }, run) => {
      const { checkExecution } = await import('../check/run.ts');
      const report = await run(
        'check',
        checkExecution({ write: false, keys: true, wait: 0, ...given({ only, window }) }),
      );
      return answerOf(report, {}, 'ask for single checks with only');
    },
  });
}

function addDoctor(session: Session): void {
  session.add({
    name: 'doctor',
    title: 'What is wrong with the cache?',
    description:
      'Numbered rules about the server, its keys (one walk, a sample of a large keyspace) and, with seconds, its traffic: each ' +
      'finding with its evidence and what to do.',
    input: {
      only: texts('only these rules, by number or name, as in CC101'),
      keys: flag('false leaves out the walk over the keys, and the rules about them'),
      seconds: seconds('observe the traffic for so many seconds, for the rules about it'),
    },
    answer: async ({ only, keys = true, seconds: hits }, run) => {
      const { doctorExecution } = await import('../doctor/run.ts');
      const report = await run(
        'doctor',
        doctorExecution({ failOn: 'critical', keys, ...given({ only, hits }) }),
      );
      return answerOf(report, { findings: 100 }, 'ask for single rules with only');
    },
  });
}
