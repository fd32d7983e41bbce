import map from '../../../examples/content/cachectl.config.json';
import type { ByteString } from '../../support/bytes.ts';
import { familiesFrom, type RecordContext } from '../family.ts';
import { earlyUser, json, prose, timestamp } from '../formats.ts';

// prettier-ignore
const topics = [
  'Technical English', 'Business Emails', 'Job Interviews', 'Negotiation', 'Presentations', 'Safety Briefings',
  'Travel English', 'Customer Calls: First Minute', 'Café Conversation',
] as const;
// prettier-ignore
const endpoints = [
  'health_check', 'course_list', 'user_dashboard', 'cefr_levels', 'agent_status', 'usage_summary',
] as const;

const level = ({ draw }: RecordContext) => draw.pick(['beginner', 'intermediate', 'advanced']);
const pythonHash = ({ draw }: RecordContext) => draw.pythonHash();

const enveloped = (data: unknown, { draw, clock }: RecordContext): ByteString =>
  json({ data, timestamp: timestamp(draw, clock.now), type: 'dict' });

const lesson = (median: number) => (record: RecordContext) => {
  const { draw } = record;
  const title = prose(draw, 'english', 50);
  const cefrLevel = draw.pick(['A2', 'B1', 'B2', 'C1']);
  const body = prose(draw, 'english', draw.size(median));
  return enveloped({ title, cefr_level: cefrLevel, body }, record);
};

/** Python's `hash()` of a text changes with every process, so what one wrote no later one finds. */
const acrossRestarts = 0.12;

export const content = familiesFrom(
  map,
  {
    hash: ({ draw }) => draw.hex(32),
    int: pythonHash,
    ...{ difficulty: level, level, user: earlyUser },
    '*': ({ draw }) => draw.pick(topics),
  },
  {
    course_curriculum: { keys: 12, hitRate: 0.82, value: lesson(1700) },
    lesson_content: { keys: 22, hitRate: 0.76, value: lesson(1200) },
    exercises: { keys: 22, hitRate: 0.74, value: lesson(650) },
    assessment: { keys: 10, hitRate: 0.78, value: lesson(800) },
    'lesson_content by topic': {
      namespace: 'lesson_content_by_topic',
      ...{ keys: 13, reads: 8, hitRate: acrossRestarts, value: lesson(1200) },
    },
    adaptive_quiz: {
      ...{ keys: 10, reads: 7, hitRate: acrossRestarts, value: lesson(550) },
      words: { int: [pythonHash, ({ draw }) => draw.pick([5, 10, 15])] },
    },
    learning_path: { keys: 10, reads: 6, hitRate: acrossRestarts, value: lesson(650) },
    api_cache: {
      ...{ keys: 0.3, limit: endpoints.length, reads: 6, hitRate: 0.97 },
      words: { name: ({ index }) => endpoints[index] ?? 'health_check' },
      value: ({ draw }) =>
        json({ status: 'ok', items: draw.between(3, 90), detail: prose(draw, 'english', draw.size(200)) }),
    },
    'self-test': {
      namespace: 'self_test',
      ...{ keys: 0.5, limit: 100, reads: 0.2, hitRate: 0.5 },
      words: { int: ({ index }) => index },
      value: (record) => enveloped({ test: `value ${record.index}` }, record),
    },
  },
);
