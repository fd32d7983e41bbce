import { type ByteString, bytesOf } from '../../support/bytes.ts';
import { type Family, type RecordContext, ttl } from '../family.ts';
import { json, pickledObject, nthId, prose } from '../formats.ts';

const namedDecisions = [7, 456] as const;

/** The TTL of a hashed response depends on its path, which the key does not show. */
const pathTtls = [60, 3600, 300, 300, 300, 180, 180, 120, 300, 30, 600] as const;

const userOf = ({ index, draw }: RecordContext) => nthId(index < 3 ? index : draw.rank(60));
const decisionOf = ({ index, draw }: RecordContext) =>
  nthId(index < 2 ? index : draw.rank(12), namedDecisions);

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

const readableResponse = ({ draw }: RecordContext): ByteString =>
  json({
    content: JSON.stringify({ items: [prose(draw, 'english', draw.size(400))] }),
    status_code: 200,
    headers: { 'content-type': 'application/json' },
  });

/** A response under method, path and user, as a later branch names it. */
function readable(
  name: string,
  keys: number,
  seconds: number,
  path: (record: RecordContext) => string,
): Family {
  return {
    name,
    keys,
    reads: keys,
    hitRate: 0.3,
    ttlSeconds: ttl(seconds),
    key: (record) => `api_cache:GET:${path(record)}:${userOf(record)}:${record.draw.pythonHash()}`,
    value: readableResponse,
  };
}

export const boardroom: readonly Family[] = [
  {
    name: 'api_cache',
    keys: 34,
    reads: 60,
    hitRate: 0.81,
    ttlSeconds: ({ draw }) => draw.pick(pathTtls),
    key: ({ draw }) => `api_cache:${draw.hex(32)}`,
    value: response,
  },
  {
    name: 'api_cache of a long request',
    keys: 3,
    reads: 3,
    hitRate: 0.5,
    ttlSeconds: ttl(600),
    key: ({ draw }) => `api_cache:hash:${draw.hex(32)}`,
    value: response,
  },
  {
    name: 'user_profile',
    keys: 14,
    reads: 30,
    hitRate: 0.84,
    ttlSeconds: ttl(3600),
    key: (record) => `user_profile:${anyUser(record)}`,
    value: (record) =>
      json({
        id: anyUser(record),
        email: `user${record.index}@example.com`,
        full_name: prose(record.draw, 'english', 18),
        is_active: true,
        created_at: '2025-06-24T09:30:00',
      }),
  },
  {
    name: 'user_sessions',
    keys: 12,
    reads: 12,
    hitRate: 0.78,
    ttlSeconds: ttl(1800),
    key: (record) => `user_sessions:${anyUser(record)}`,
    value: () => json({ sessions: [], total_count: 0 }),
  },
  {
    name: 'function result',
    keys: 8,
    reads: 14,
    hitRate: 0.7,
    ttlSeconds: ttl(300),
    key: (record) =>
      `func:${record.draw.pick(['load', 'get_decision', 'list_rounds'])}:${decisionOf(record)}:offset:${record.index}`,
    value: ({ draw }) => json({ id: draw.between(1, 900), text: prose(draw, 'english', draw.size(300)) }),
  },
  {
    // What JSON cannot hold is pickled: whoever can write to the cache can run code in the application.
    name: 'pickled function result',
    keys: 7,
    reads: 10,
    hitRate: 0.75,
    ttlSeconds: ({ draw }) => draw.pick([300, 1800, 3600, 7200]),
    key: ({ index }) => `func:load_user:${nthId(index)}`,
    value: ({ index, draw }) =>
      pickledObject('app.models.user', 'User', {
        id: nthId(index),
        email: `user${nthId(index)}@example.com`,
        score: draw.fraction(),
        bio: prose(draw, 'english', draw.size(200)),
      }),
  },
  {
    name: 'function result by digest',
    keys: 3,
    reads: 3,
    hitRate: 0.4,
    ttlSeconds: ttl(1800),
    key: ({ draw }) => `func:summarise_meeting:hash:${draw.hex(32)}`,
    value: ({ draw }) => json({ summary: prose(draw, 'english', draw.size(900)) }),
  },
  readable('readable boardroom', 5, 600, (record) => `/api/v1/boardroom/decisions/${decisionOf(record)}`),
  readable('readable AI operations', 3, 300, () => '/api/v1/ai-operations/status'),
  readable('readable auth', 2, 60, () => '/api/v1/auth/sessions'),
  readable('readable rest', 3, 180, ({ draw }) =>
    draw.pick(['/api/v1/standards', '/api/v1/monitoring/summary']),
  ),
  {
    name: 'second level',
    keys: 4,
    reads: 3,
    hitRate: 0.2,
    ttlSeconds: ttl(1800),
    key: ({ draw }) => `l2:active_sessions:list_sessions:${draw.pythonHash()}`,
    value: ({ draw }) =>
      json({ sessions: draw.between(0, 40), detail: prose(draw, 'english', draw.size(250)) }),
  },
  {
    name: 'self-test',
    keys: 0.4,
    reads: 0.2,
    hitRate: 0.5,
    ttlSeconds: ttl(60),
    key: ({ draw, clock }) => `cache_test:${draw.hex(32)}:${Math.floor(clock.now / 1000) - draw.below(60)}`,
    value: ({ clock }) => json({ test_data: 'cache_operation_test', timestamp: clock.now / 1000 }),
  },
  {
    name: 'health check',
    keys: 0.1,
    limit: 1,
    reads: 1,
    hitRate: 0.9,
    ttlSeconds: ttl(10),
    key: () => 'health_check_test',
    value: () => bytesOf('test'),
  },
];
