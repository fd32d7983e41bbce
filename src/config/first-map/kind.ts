import { decodeValue } from '../../records/decode/decode.ts';
import type { KeyStatistics } from '../../keyspace/key-statistics.ts';
import type { Encoding } from '../../keyspace/map.ts';
import type { ByteString } from '../../support/bytes.ts';

/** Words that name what an application cannot compute again. */
const stateWords = new Set(
  (
    'session sessions sess sid sessid quota quotas lock locks redlock mutex semaphore lease leader queue queues bq bull ' +
    'bullmq resque rq celery sidekiq unacked job jobs task tasks worker workers state states oauth csrf xsrf nonce otp ' +
    'totp mfa token tokens login logins rate rl rlflx ratelimit ratelimits ratelimiter limit limits limiter throttle ' +
    'cooldown attempt attempts counter counters sequence seq stream streams cart carts basket baskets consent unlocked ' +
    'idempotency dedup dedupe presence subscription subscriptions leaderboard leaderboards flag flags toggle toggles ' +
    'blacklist blocklist denylist whitelist allowlist revoked inbox outbox deadletter dlq'
  ).split(' '),
);

/** The same where they end a word that is written as one: `usersession`. */
const stateEnding = /(?:session|queue|csrftoken|accesstoken|refreshtoken|ratelimit|leaderboard)s?$/;

const cacheWords = new Set(['cache', 'caches', 'cached']);

/** What a judgement rests on, weightiest first. */
export interface Sign {
  readonly from: 'layout' | 'name' | 'type' | 'value';
  /** As a part of a sentence: `name says "session"`. */
  readonly text: string;
}

/** A key that was looked at. */
export interface KeySample {
  readonly ttlMillis: number | null;
  /** Null: not readable. */
  readonly type: string | null;
  /** Of a string that is not empty. */
  readonly value: ValueSample | null;
}

/** What was seen besides keys and TTLs. */
export interface Evidence {
  readonly samples: readonly KeySample[];
  readonly encoding: ObservedEncoding | null;
  /** In capitals, the commands that clients have used since the counters began; none where the server does not say. */
  readonly commands: ReadonlySet<string>;
  /** The server evicts any key when its memory is full: whoever keeps a key there must be able to do without it. */
  readonly evictsAnyKey: boolean;
}

const noEvidence: Evidence = { samples: [], encoding: null, commands: new Set(), evictsAnyKey: false };

/** What is known of some keys without their values. */
export interface Judged {
  /** Whose keys these are; null: of no known library. */
  readonly layout: Layout | null;
  readonly paths: readonly (readonly string[])[];
  readonly statistics: KeyStatistics;
}

/** Whether keys are a cache, and why not. State is what cannot be computed again, and what might be such: it costs least. */
export function judgeKind(
  { layout, paths, statistics }: Judged,
  evidence = noEvidence,
): { kind: 'cache' | 'state'; signs: readonly Sign[] } {
  if (layout !== null)
    return { kind: layout.kind, signs: [{ from: 'layout', text: `keys of ${layout.product}` }] };
  const signs = [
    ...nameSigns(paths.flat(), haveTtls(statistics)),
    ...typeSigns(evidence),
    ...valueSigns(evidence, statistics),
  ];
  return { kind: signs.length > 0 ? 'state' : 'cache', signs };
}

/** True where each key has a TTL, as far as is known. */
export const haveTtls = ({ ttlKnown, withoutTtl }: KeyStatistics): boolean =>
  ttlKnown > 0 && withoutTtl === 0;

/** @param haveTtls true: what calls itself a cache is one, whatever it caches */
function nameSigns(segments: readonly string[], haveTtls: boolean): Sign[] {
  const words = constantWordsOf(segments);
  const at = words.findIndex(isStateWord);
  if (at >= 0) {
    const isCached = haveTtls && words.slice(0, at).some((word) => cacheWords.has(word));
    return isCached ? [] : [{ from: 'name', text: `name says "${words[at] ?? ''}"` }];
  }
  // Nothing says what they are for, and a token is more often a grant than a digest.
  return segments.some((segment) => segment.startsWith('<token>')) && segments.every(isVariable)
    ? [{ from: 'name', text: 'keys are nothing but tokens' }]
    : [];
}

const isVariable = (segment: string) => /^<[a-z]+>\W?$/.test(segment);

const isStateWord = (word: string) => stateWords.has(word) || stateEnding.test(word);

const constantWordsOf = (segments: readonly string[]): string[] =>
  segments.flatMap((segment) => wordsOf(segment.replace(/<[a-z]+>/g, ' ')));

/** `userProfile`, `user_profile` and `user-profile` as lower-case words. */
function wordsOf(segment: string): string[] {
  return segment
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '');
}

const counting = ['INCR', 'INCRBY', 'DECR', 'DECRBY'];

const collections = new Map(
  Object.entries({ list: 'lists', set: 'sets', zset: 'sorted sets', hash: 'hashes' }),
);
const pops = 'BRPOPLPUSH RPOPLPUSH BLMOVE LMOVE BRPOP BLPOP BLMPOP LMPOP RPOP LPOP'.split(' ');

/** A hash is as often an object that was cached; under a policy that evicts any key it is no state by its type alone. */
function typeSigns({ samples, commands, evictsAnyKey }: Evidence): Sign[] {
  const isObject = evictsAnyKey && !counting.some((command) => commands.has(`H${command}`));
  const texts = samples.flatMap(({ type, ttlMillis }) => {
    if (type === 'stream') return ['holds streams'];
    const plural = collections.get(type ?? '');
    if (plural === undefined) return [];
    if (ttlMillis !== null && ttlMillis < 0)
      return type === 'hash' && isObject ? [] : [`holds ${plural} without a TTL`];
    const pop = type === 'list' ? pops.find((command) => commands.has(command)) : undefined;
    return pop === undefined ? [] : [`holds lists, and clients use ${pop}`];
  });
  return [...new Set(texts)].map((text) => ({ from: 'type', text }));
}

/** Integers with a longer TTL are as likely the cached result of a count. */
const shortTtlSeconds = 86_400;

/** Longer than this no lock is held; a token with a longer TTL may be one of an interface, or a digest of what was cached. */
const lockSeconds = 3600;

/** What lock libraries write as the owner: 16 random bytes or more in hex, a UUID, or base64 with letters of both cases and digits. */
const ownerToken =
  /^(?:[\da-f]{32,64}|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[\w+/-]{22,44}={0,2})$/;
const flag = /^(?:on|off|true|false|yes|no|enabled|disabled)$/i;

/** Fields that session stores write. */
const sessionFields = ['cookie', 'passport', '_csrf', 'csrfToken', '_token', '_auth_user_id'];

/** PHP's session encoding (`name|s:3:"…"`), and what Laravel and Django write into a session. */
const sessionText = /^\w+\|[abdiOsN][:;]|"_token";s:\d+:|_auth_user_id/;

function valueSigns({ samples, encoding, commands }: Evidence, statistics: KeyStatistics): Sign[] {
  const texts: string[] = [];
  for (const { value, ttlMillis } of samples) {
    if (value !== null && ttlMillis === -1 && flag.test(value.bytes))
      texts.push('values are flags without a TTL');
    const field = value === null ? null : sessionFieldOf(value);
    if (field !== null) texts.push(`values hold ${field}`);
  }
  if (encoding?.encoding === 'integer') {
    const { ttlKnown, withoutTtl, ttlMaxSeconds } = statistics;
    const command = counting.find((each) => commands.has(each));
    if (ttlKnown > 0 && withoutTtl === ttlKnown) texts.push('values are integers without a TTL');
    else if (ttlKnown > 0 && ttlMaxSeconds <= shortTtlSeconds)
      texts.push('values are integers under a short TTL');
    else if (command !== undefined) texts.push(`values are integers, and clients use ${command}`);
  }
  if (areLocks(samples, statistics))
    texts.push('values are random tokens under a short TTL, as locks have them');
  return [...new Set(texts)].map((text) => ({ from: 'value', text }));
}

function areLocks(samples: readonly KeySample[], statistics: KeyStatistics): boolean {
  const values = samples.flatMap(({ value }) => value?.bytes ?? []);
  return (
    values.length > 0 &&
    new Set(values).size === values.length &&
    values.every((value) => ownerToken.test(value)) &&
    haveTtls(statistics) &&
    statistics.ttlMaxSeconds <= lockSeconds
  );
}

function sessionFieldOf({ bytes, truncated }: ValueSample): string | null {
  if (sessionText.test(bytes)) return 'a session';
  const { json } = decodeValue(bytes, { encoding: null, envelopeField: 'data', truncated });
  if (typeof json !== 'object' || json === null) return null;
  const field = sessionFields.find((name) => Object.hasOwn(json, name));
  return field === undefined ? null : `"${field}"`;
}

/** The start of a value. */
export interface ValueSample {
  readonly bytes: ByteString;
  readonly truncated: boolean;
}

export interface ObservedEncoding {
  readonly encoding: Encoding;
  /** Of an envelope that does not call it `data`. */
  readonly envelopeField?: string;
}

/** An envelope holds its payload under one of these names, and next to it the time when it was stored. */
const payloadFields = ['data', 'payload', 'value', 'result', 'response', 'content', 'body'];
const storedAt = /^(timestamp|(cached|stored)_?at)$/i;

/** What all samples look like, or null where they differ, or there are none. */
export function observedEncoding(samples: readonly ValueSample[]): ObservedEncoding | null {
  const [first, ...more] = samples.map(encodingOf);
  if (first === undefined) return null;
  return more.every((each) => JSON.stringify(each) === JSON.stringify(first)) ? first : null;
}

function encodingOf({ bytes, truncated }: ValueSample): ObservedEncoding {
  const { format, json } = decodeValue(bytes, { encoding: null, envelopeField: 'data', truncated });
  if (format === 'text' && truncated && /^\s*[[{]/.test(bytes)) return { encoding: 'json' };
  if (format !== 'json' || typeof json !== 'object' || json === null || Array.isArray(json))
    return { encoding: format };
  const fields = Object.keys(json);
  const payload = payloadFields.find((field) => fields.includes(field));
  if (payload === undefined || !fields.some((field) => storedAt.test(field))) return { encoding: 'json' };
  return { encoding: 'json-envelope', ...(payload !== 'data' && { envelopeField: payload }) };
}

/** How a library lays out its keys, behind whatever prefix an application gives it. */
export interface Layout {
  /** What its namespace is called in the map. */
  readonly name: string;
  readonly product: string;
  readonly kind: 'cache' | 'state';
  /** What follows the prefix: a whole rest of a key, or the start of one with `*` at the end. */
  readonly signs: readonly string[];
  /** How many different signs there must be behind one prefix; 1 where each is unmistakable. */
  readonly least: number;
  /** Of them, those that no application is likely to call a field of its own; one must be there. Left out: any of them. */
  readonly decisive?: readonly string[];
  /** `prefix`: the keys of all jobs and the like follow the prefix too. `signs`: only these keys are the library's. */
  readonly takes: 'prefix' | 'signs';
  /** Characters that the prefix may end in. */
  readonly joints: string;
}
const known = (
  name: string,
  product: string,
  signs: string,
  { kind = 'state', least = 1, takes = 'signs', joints = ':', ...more }: Partial<Layout> = {},
): Layout => ({ name, product, kind, signs: signs.split(' '), least, takes, joints, ...more });

/** In doubt the one with the most signs wins, then the first. The names are those of each library's own source. */
export const layouts: readonly Layout[] = [
  known('bee-queue', 'Bee-Queue', 'id jobs waiting active delayed succeeded failed stalling stallBlock', {
    least: 3,
    takes: 'prefix',
    decisive: ['waiting', 'succeeded', 'stalling', 'stallBlock'],
  }),
  known(
    'bullmq',
    'BullMQ',
    'meta id wait active paused prioritized priority delayed completed failed waiting-children events stalled ' +
      'stalled-check marker pc limiter repeat',
    {
      least: 3,
      takes: 'prefix',
      decisive: 'wait waiting-children completed delayed stalled stalled-check marker pc'.split(' '),
    },
  ),
  known('resque', 'Resque', 'resque:*'),
  known(
    'sidekiq',
    'Sidekiq',
    'queues queue:* retry schedule dead processes stat:processed* stat:failed* paused cron_jobs cron_job:* uniquejobs:*',
    { least: 2 },
  ),
  known(
    'resque',
    'Resque',
    'queues queue:* workers worker:* workers:heartbeat failed stat:* delayed:* timestamps:* delayed_queue_schedule ' +
      'resque_scheduler_leader_lock resque_scheduler_master_lock',
    { least: 3, takes: 'prefix' },
  ),
  known(
    'celery',
    'Celery',
    'celery celery\u0006\u0016* _kombu.binding.* unacked unacked_index unacked_mutex* celery-task-meta-* ' +
      'celery-taskset-meta-* chord-unlock-*',
    { joints: ':_.-' },
  ),
  known('rq', 'RQ', 'rq:*'),
  known('laravel-queues', 'Laravel queues', 'queues:*', { joints: ':_-' }),
  known('horizon', 'Laravel Horizon', 'horizon:*', { joints: ':_-' }),
  known(
    'django-sessions',
    'Django sessions',
    'django.contrib.sessions.cache* django.contrib.sessions.cached_db*',
  ),
  known('django-pages', 'Django pages', 'views.decorators.cache.* template.cache.*', { kind: 'cache' }),
  known('spring-sessions', 'Spring Session', 'spring:session:*'),
  known('php-sessions', 'PHP sessions', 'PHPREDIS_SESSION:* PHPREDIS_CLUSTER_SESSION:*', { joints: ':_.-' }),
  known('rails-sessions', 'Rails sessions', '_session_id:*'),
  // Where there is an object cache WordPress keeps them nowhere else, and plugins keep locks and limits in them.
  known('wordpress-transients', 'WordPress transients', 'transient:* site-transient:* wc_session_id:*', {
    joints: ':_.',
  }),
];
