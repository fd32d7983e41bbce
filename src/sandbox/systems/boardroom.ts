import map from '../../../examples/boardroom/cachectl.config.json';
import { type ByteString, bytesOf } from '../../support/bytes.ts';
import { familiesFrom, type RecordContext } from '../family.ts';
import { earlyUser, json, nthId, pickledObject, prose } from '../formats.ts';

const namedDecisions = [7, 456] as const;

/** The TTL of a hashed response depends on its path, which the key does not show. */
const pathTtls = [60, 3600, 300, 300, 300, 180, 180, 120, 300, 30, 600] as const;

const decisionOf = ({ index, draw }: RecordContext) =>
  nthId(index < namedDecisions.length ? index : draw.rank(12), namedDecisions);

/** An id is not checked before it becomes part of a key, so a user once called `*` has keys of its own. */
const anyUser = ({ index }: RecordContext) => (index === 5 ? '*' : nthId(index > 5 ? index - 1 : index));

const response = ({ draw, clock }: RecordContext): ByteString =>
  json({
    status_code: 200,
    headers: { 'content-type': 'application/json', 'x-request-id': draw.hex(32) },
    body: JSON.stringify({ success: true, data: { text: prose(draw, 'english', draw.size(500)) } }),
    content_type: 'application/json',
    timestamp: clock.now / 1000 - draw.below(600),
    ttl: 300,
  });

/** As a later branch writes it, under method, path and user. */
const readableResponse = ({ draw }: RecordContext): ByteString =>
  json({
    content: JSON.stringify({ items: [prose(draw, 'english', draw.size(400))] }),
    status_code: 200,
    headers: { 'content-type': 'application/json' },
  });
const readable = { hitRate: 0.3, value: readableResponse } as const;

const profile = (record: RecordContext): ByteString =>
  json({
    id: anyUser(record),
    email: `user${record.index}@example.com`,
    full_name: prose(record.draw, 'english', 18),
    is_active: true,
    created_at: '2025-06-24T09:30:00',
  });

const pickledUser = ({ index, draw }: RecordContext): ByteString =>
  pickledObject('app.models.user', 'User', {
    id: nthId(index),
    email: `user${nthId(index)}@example.com`,
    score: draw.fraction(),
    bio: prose(draw, 'english', draw.size(200)),
  });

export const boardroom = familiesFrom(
  map,
  {
    hash: ({ draw }) => draw.hex(32),
    id: anyUser,
    ...{ method: 'GET', user: earlyUser, int: ({ draw }) => draw.pythonHash() },
  },
  {
    api_cache: {
      ...{ keys: 34, reads: 60, hitRate: 0.81, value: response },
      ttlSeconds: ({ draw }) => draw.pick(pathTtls),
    },
    'api_cache of a long request': {
      ...{ namespace: 'api_cache', pattern: 1 },
      ...{ keys: 3, hitRate: 0.5, ttlSeconds: 600, value: response },
    },
    user_profile: { keys: 14, reads: 30, hitRate: 0.84, value: profile },
    user_sessions: { keys: 12, hitRate: 0.78, value: () => json({ sessions: [], total_count: 0 }) },
    'function result': {
      ...{ namespace: 'function_result', pattern: 1, keys: 8, reads: 14, hitRate: 0.7, ttlSeconds: 300 },
      words: {
        name: ({ draw }) => draw.pick(['load', 'get_decision', 'list_rounds']),
        '*': (record) => `${decisionOf(record)}:offset:${record.index}`,
      },
      value: ({ draw }) => json({ id: draw.between(1, 900), text: prose(draw, 'english', draw.size(300)) }),
    },
    // What has no form in JSON is pickled: who can write to the cache can run code in the application.
    'pickled function result': {
      namespace: 'function_user',
      ...{ keys: 7, reads: 10, hitRate: 0.75, value: pickledUser },
      words: { '*': ({ index }) => nthId(index) },
      ttlSeconds: ({ draw }) => draw.pick([300, 1800, 3600, 7200]),
    },
    'function result by digest': {
      ...{ namespace: 'function_digest', keys: 3, hitRate: 0.4, ttlSeconds: 1800 },
      words: { name: 'summarise_meeting' },
      value: ({ draw }) => json({ summary: prose(draw, 'english', draw.size(900)) }),
    },
    'readable boardroom': {
      ...{ namespace: 'api_boardroom', keys: 5, ...readable },
      words: { '*': ['/api/v1/', (record) => `/decisions/${decisionOf(record)}`] },
    },
    'readable AI operations': {
      ...{ namespace: 'api_ai_operations', keys: 3, ...readable },
      words: { '*': ['/api/v1/', '/status'] },
    },
    'readable auth': {
      ...{ namespace: 'api_auth', keys: 2, ...readable },
      words: { '*': ['/api/v1/', '/sessions'] },
    },
    'readable rest': {
      ...{ namespace: 'api_other', keys: 3, ...readable },
      words: { path: ({ draw }) => draw.pick(['/api/v1/standards', '/api/v1/monitoring/summary']) },
    },
    'second level': {
      ...{ namespace: 'second_level', keys: 4, reads: 3, hitRate: 0.2 },
      words: { '*': ({ draw }) => `active_sessions:list_sessions:${draw.pythonHash()}` },
      value: ({ draw }) =>
        json({ sessions: draw.between(0, 40), detail: prose(draw, 'english', draw.size(250)) }),
    },
    'self-test': {
      ...{ namespace: 'self_test', keys: 0.4, reads: 0.2, hitRate: 0.5 },
      words: {
        session: ({ draw }) => draw.hex(32),
        int: ({ draw, clock }) => Math.floor(clock.now / 1000) - draw.below(60),
      },
      value: ({ clock }) => json({ test_data: 'cache_operation_test', timestamp: clock.now / 1000 }),
    },
    'health check': {
      ...{ namespace: 'health_check', keys: 0.1, limit: 1, reads: 1, hitRate: 0.9 },
      value: () => bytesOf('test'),
    },
  },
);
