import type { ByteString } from '../../support/bytes.ts';
import { type Family, type RecordContext, ttl } from '../family.ts';
import { embedding, fernetToken, json, timestamp, nthId, prose } from '../formats.ts';
import type { Draw } from '../../support/random.ts';

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

/** Scenarios and simulations that come first. */
const namedObjects = [7, 456] as const;

const objectId = ({ index, draw }: RecordContext) =>
  nthId(index < namedObjects.length ? index : draw.rank(12), namedObjects);
const userOf = ({ index, draw }: RecordContext) => nthId(index < 3 ? index : draw.rank(60));
const address = (draw: Draw) => `0x7f${draw.hex(8)}d0`;
const session = (draw: Draw) => `<sqlalchemy.orm.session.Session object at ${address(draw)}>`;

const response =
  (operation: string, median: number) =>
  ({ draw, clock }: RecordContext): ByteString =>
    json({
      response: prose(draw, 'english', draw.size(median)),
      model: draw.pick(['gpt-4', 'gpt-4o', 'gpt-4o-mini']),
      temperature: draw.pick([0.2, 0.7, null]),
      cached_at: timestamp(draw, clock.now),
      operation,
    });

const queryResult =
  (name: string, median: number) =>
  ({ draw, clock }: RecordContext): ByteString =>
    json({
      result: [
        {
          id: draw.between(1, 5000),
          title: prose(draw, 'english', 40),
          summary: prose(draw, 'english', draw.size(median)),
        },
      ],
      query_name: name,
      user_id: null,
      params: { limit: 20 },
      cached_at: timestamp(draw, clock.now),
    });

const row =
  (median: number) =>
  ({ draw }: RecordContext): ByteString =>
    json({
      id: draw.between(1, 5000),
      status: draw.pick(['draft', 'active', 'graded']),
      text: prose(draw, 'english', draw.size(median)),
    });

/** An answer of the language model, under a digest of its prompt. */
function answer(operation: string, keys: number, seconds: number, median: number, hitRate: number): Family {
  return {
    name: `ai_cache:${operation}`,
    keys,
    reads: keys,
    hitRate,
    ttlSeconds: ttl(seconds),
    key: ({ draw }) => `ai_cache:${operation}:${draw.hex(16)}`,
    value: response(operation, median),
  };
}

/** A query by parameters, which stand in the key as a digest. */
function query(name: string, keys: number, seconds: number, hitRate: number): Family {
  return {
    name: `db_query:${name}`,
    keys,
    reads: keys * 3,
    hitRate,
    ttlSeconds: ttl(seconds),
    key: ({ index, draw }) => (index === 0 ? `db_query:${name}` : `db_query:${name}:params:${draw.hex(16)}`),
    value: queryResult(name, 500),
  };
}

/** A key of the caching decorator: the arguments as Python prints them, an address in memory among them, so never read again. */
function decorated(
  name: string,
  keys: number,
  seconds: number,
  key: (record: RecordContext) => string,
): Family {
  return { name, keys, reads: keys / 2, hitRate: 0.02, ttlSeconds: ttl(seconds), key, value: row(300) };
}

const userQueries = ['user_progress', 'user_simulations', 'user_scores', 'notifications'] as const;

export const education: readonly Family[] = [
  answer('scenario_generation', 5, day, 1500, 0.86),
  answer('image_generation', 2, day, 150, 0.9),
  answer('complex_analysis', 3, day, 1200, 0.84),
  answer('simple_chat', 12, 30 * minute, 350, 0.6),
  answer('text_completion', 4, 30 * minute, 300, 0.55),
  answer('embeddings', 1, 30 * minute, 120, 0.7),
  answer('persona_reply', 4, hour, 400, 0.72),
  answer('grading', 3, hour, 600, 0.8),
  {
    name: 'ai_cache:embedding',
    keys: 2,
    reads: 6,
    hitRate: 0.93,
    ttlSeconds: ttl(day),
    key: ({ draw }) => `ai_cache:embedding:${draw.hex(16)}`,
    value: ({ draw, clock }) =>
      json({
        embedding: embedding(draw, 1536),
        text: prose(draw, 'english', 120),
        model: 'text-embedding-3-small',
        cached_at: timestamp(draw, clock.now),
      }),
  },
  {
    name: 'ai_cache:scenario_analysis',
    keys: 2,
    reads: 2,
    hitRate: 0.9,
    ttlSeconds: ttl(7 * day),
    key: ({ draw }) => `ai_cache:scenario_analysis:${draw.hex(16)}`,
    value: ({ draw, clock }) =>
      json({
        analysis: { title: prose(draw, 'english', 50), findings: prose(draw, 'english', draw.size(2500)) },
        content_hash: draw.hex(32),
        cached_at: timestamp(draw, clock.now),
      }),
  },
  {
    name: 'simulation chat',
    keys: 18,
    reads: 30,
    hitRate: 0.82,
    ttlSeconds: ttl(hour),
    key: (record) => `simulation:${objectId(record)}:chat:${record.draw.hex(16)}`,
    value: ({ draw, clock }) =>
      json({
        response: {
          persona: draw.pick(['CFO', 'Supplier', 'Customer']),
          message: prose(draw, 'english', draw.size(350)),
        },
        user_message: prose(draw, 'english', 80),
        simulation_id: draw.between(1, 5000),
        cached_at: timestamp(draw, clock.now),
      }),
  },
  {
    name: 'db_query of a user',
    keys: 6,
    reads: 30,
    hitRate: 0.93,
    ttlSeconds: ttl(5 * minute),
    key: ({ index }) =>
      `db_query:${userQueries[index % 4] ?? 'user_progress'}:user:${nthId(Math.floor(index / 4))}`,
    value: queryResult('user_progress', 400),
  },
  {
    name: 'db_query of a user by parameters',
    keys: 12,
    reads: 40,
    hitRate: 0.9,
    ttlSeconds: ttl(5 * minute),
    key: (record) =>
      `db_query:${record.draw.pick(userQueries)}:user:${userOf(record)}:params:${record.draw.hex(16)}`,
    value: queryResult('user_progress', 400),
  },
  query('scenario_list', 1, 10 * minute, 0.97),
  query('user_list', 0.5, 10 * minute, 0.95),
  query('published_scenarios', 1, 10 * minute, 0.97),
  query('scenario_details', 3, hour, 0.94),
  query('user_profile', 2, hour, 0.92),
  query('persona_details', 2, hour, 0.94),
  query('cohort_overview', 1.5, 30 * minute, 0.88),
  {
    // A writer that names no TTL gets a key that stays for ever.
    name: 'db_query without TTL',
    keys: 1.2,
    reads: 0,
    hitRate: 1,
    ttlSeconds: ttl(null),
    key: ({ index }) => `db_query:course_catalog:user:${nthId(index)}`,
    value: queryResult('course_catalog', 700),
  },
  decorated('decorated scenario', 3, hour, (record) => {
    const scenario = objectId(record);
    return `db_query_scenario_details_${session(record.draw)}_scenario_id:${scenario}_user_id:None`;
  }),
  decorated(
    'decorated list',
    1,
    10 * minute,
    ({ draw }) => `db_query_scenario_list_${session(draw)}_${draw.pick([10, 20, 50])}_user_id:None`,
  ),
  decorated('decorated user', 2, 5 * minute, (record) => {
    const user = userOf(record);
    return `db_query_user_specific_<database.models.User object at ${address(record.draw)}>_user_id:${user}`;
  }),
  decorated(
    'decorated query by digest',
    0.8,
    30 * minute,
    ({ draw }) => `db_query_cohort_report_hash_${draw.hex(32)}`,
  ),
  decorated('decorated answer', 1, hour, (record) => {
    const scenario = objectId(record);
    return `ai_grading_grade_submission_${1000 + record.index}_scenario_id:${scenario}_user_id:${userOf(record)}`;
  }),
  decorated(
    'decorated function',
    0.7,
    hour,
    (record) => `func_load_persona_prompts_${session(record.draw)}_${objectId(record)}`,
  ),
  {
    name: 'simulations of a user',
    keys: 2.5,
    reads: 8,
    hitRate: 0.9,
    ttlSeconds: ttl(5 * minute),
    key: ({ index }) =>
      `user:${nthId(Math.floor(index / 2))}:simulations:drafts=${index % 2 === 0 ? 'False' : 'True'}`,
    value: row(500),
  },
  {
    name: 'cohorts of a student',
    keys: 1,
    reads: 4,
    hitRate: 0.6,
    ttlSeconds: ttl(30),
    key: ({ index }) => `student_cohorts:${nthId(index)}`,
    value: row(200),
  },
  {
    name: 'session',
    keys: 7,
    reads: 60,
    hitRate: 0.985,
    state: true,
    ttlSeconds: ttl(hour),
    key: ({ draw }) => `session:${draw.token()}`,
    value: (record) =>
      json({
        user_id: userOf(record),
        role: record.draw.pick(['student', 'professor']),
        created_at: timestamp(record.draw, record.clock.now),
      }),
  },
  {
    name: 'OAuth state',
    keys: 0.8,
    reads: 0.4,
    hitRate: 0.9,
    state: true,
    ttlSeconds: ttl(10 * minute),
    key: ({ draw }) => draw.token(),
    value: ({ draw, clock }) => fernetToken(draw, clock.now),
  },
];
