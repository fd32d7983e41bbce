import type { ByteString } from '../../support/bytes.ts';
import { type Family, type RecordContext, ttl } from '../family.ts';
import { json, timestamp, nthId, prose } from '../formats.ts';

const hour = 3600;
const levels = ['beginner', 'intermediate', 'advanced'] as const;
const topics = [
  'Technical English',
  'Business Emails',
  'Job Interviews',
  'Negotiation',
  'Presentations',
  'Safety Briefings',
  'Travel English',
  'Customer Calls: First Minute',
  'Café Conversation',
] as const;
const endpoints = [
  'health_check',
  'course_list',
  'user_dashboard',
  'cefr_levels',
  'agent_status',
  'usage_summary',
] as const;

const envelope =
  (median: number) =>
  ({ draw, clock }: RecordContext): ByteString =>
    json({
      data: {
        title: prose(draw, 'english', 50),
        cefr_level: draw.pick(['A2', 'B1', 'B2', 'C1']),
        body: prose(draw, 'english', draw.size(median)),
      },
      timestamp: timestamp(draw, clock.now),
      type: 'dict',
    });

/** Content under a digest of everything it was made from. */
function generated(name: string, keys: number, seconds: number, median: number, hitRate: number): Family {
  return {
    name,
    keys,
    reads: keys,
    hitRate,
    ttlSeconds: ttl(seconds),
    key: ({ draw }) => `${name}:${draw.hex(32)}`,
    value: envelope(median),
  };
}

/** Python's `hash()` of a text changes with every process, so what one wrote no later one finds. */
const hitRateAcrossRestarts = 0.12;

export const content: readonly Family[] = [
  generated('course_curriculum', 12, 4 * hour, 1700, 0.82),
  generated('lesson_content', 22, 2 * hour, 1200, 0.76),
  generated('exercises', 22, hour, 650, 0.74),
  generated('assessment', 10, 2 * hour, 800, 0.78),
  {
    name: 'lesson_content by topic',
    keys: 13,
    reads: 8,
    hitRate: hitRateAcrossRestarts,
    ttlSeconds: ttl(2 * hour),
    key: ({ draw }) => `lesson_content:${draw.pick(topics)}:${draw.pick(levels)}:${draw.pythonHash()}`,
    value: envelope(1200),
  },
  {
    name: 'adaptive_quiz',
    keys: 10,
    reads: 7,
    hitRate: hitRateAcrossRestarts,
    ttlSeconds: ttl(hour),
    key: ({ draw }) => `adaptive_quiz:${draw.pythonHash()}:${draw.pick(levels)}:${draw.pick([5, 10, 15])}`,
    value: envelope(550),
  },
  {
    name: 'learning_path',
    keys: 10,
    reads: 6,
    hitRate: hitRateAcrossRestarts,
    ttlSeconds: ttl(4 * hour),
    key: ({ index, draw }) => {
      const user = nthId(index < 3 ? index : draw.rank(60));
      return `learning_path:${user}:${draw.pythonHash()}:${draw.pick(levels)}`;
    },
    value: envelope(650),
  },
  {
    name: 'api_cache',
    keys: 0.3,
    limit: endpoints.length,
    reads: 6,
    hitRate: 0.97,
    ttlSeconds: ttl(300),
    key: ({ index }) => `api_cache:${endpoints[index] ?? 'health_check'}`,
    value: ({ draw }) =>
      json({ status: 'ok', items: draw.between(3, 90), detail: prose(draw, 'english', draw.size(200)) }),
  },
  {
    name: 'self-test',
    keys: 0.5,
    limit: 100,
    reads: 0.2,
    hitRate: 0.5,
    ttlSeconds: ttl(60),
    key: ({ index }) => `test_key_${index}`,
    value: ({ index, draw, clock }) =>
      json({ data: { test: `value ${index}` }, timestamp: timestamp(draw, clock.now), type: 'dict' }),
  },
];
