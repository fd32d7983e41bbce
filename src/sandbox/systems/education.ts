import map from '../../../examples/education/cachectl.config.json';
import type { ByteString } from '../../support/bytes.ts';
import type { SeededRandom } from '../../support/random.ts';
import { familiesFrom, type RecordContext } from '../family.ts';
import { earlyUser, embedding, fernetToken, json, nthId, prose, timestamp } from '../formats.ts';

/** Scenarios and simulations that come first. */
const namedObjects = [7, 456] as const;

const objectId = ({ index, draw }: RecordContext) =>
  nthId(index < namedObjects.length ? index : draw.rank(12), namedObjects);
const address = (draw: SeededRandom) => `0x7f${draw.hex(8)}d0`;
const session = (draw: SeededRandom) => `<sqlalchemy.orm.session.Session object at ${address(draw)}>`;

/** An answer of the language model. */
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

const vectorOf = ({ draw, clock }: RecordContext): ByteString =>
  json({
    embedding: embedding(draw, 1536),
    text: prose(draw, 'english', 120),
    model: 'text-embedding-3-small',
    cached_at: timestamp(draw, clock.now),
  });

const analysis = ({ draw, clock }: RecordContext): ByteString =>
  json({
    analysis: { title: prose(draw, 'english', 50), findings: prose(draw, 'english', draw.size(2500)) },
    content_hash: draw.hex(32),
    cached_at: timestamp(draw, clock.now),
  });

const chat = ({ draw, clock }: RecordContext): ByteString =>
  json({
    response: {
      persona: draw.pick(['CFO', 'Supplier', 'Customer']),
      message: prose(draw, 'english', draw.size(350)),
    },
    user_message: prose(draw, 'english', 80),
    simulation_id: draw.between(1, 5000),
    cached_at: timestamp(draw, clock.now),
  });

const sessionOf = (record: RecordContext): ByteString =>
  json({
    user_id: earlyUser(record),
    role: record.draw.pick(['student', 'professor']),
    created_at: timestamp(record.draw, record.clock.now),
  });

/** The `ai_cache` of one operation; the namespace may be one for several. */
const answers = (operation: string, namespace: string, keys: number, hitRate: number, median: number) => ({
  [`ai_cache:${operation}`]: {
    ...{ namespace, keys, hitRate, words: { operation }, value: response(operation, median) },
    pattern: operation === 'text_completion' ? 1 : 0,
  },
});

/** A query in whose namespace it is the `place`-th: without parameters once, and with their digest. */
const query = (namespace: string, place: number, name: string, keys: number, hitRate: number) => ({
  ...{ namespace, keys, reads: keys * 3, hitRate },
  pattern: ({ index }: RecordContext) => 2 * place + (index === 0 ? 0 : 1),
  words: { query: name },
  value: queryResult(name, 500),
});

/** A key of the caching decorator: the arguments as Python prints them, an address in memory among them, so never read again. */
const decorated = (namespace: string, keys: number) => ({
  ...{ namespace, keys, reads: keys / 2, hitRate: 0.02, value: row(300) },
});

const userQueries = ['user_progress', 'user_simulations', 'user_scores', 'notifications'] as const;

export const education = familiesFrom(
  map,
  { hash: ({ draw }) => draw.hex(16), token: ({ draw }) => draw.token(), id: objectId },
  {
    ...answers('scenario_generation', 'ai_scenario_generation', 5, 0.86, 1500),
    ...answers('image_generation', 'ai_image_generation', 2, 0.9, 150),
    ...answers('complex_analysis', 'ai_complex_analysis', 3, 0.84, 1200),
    ...answers('simple_chat', 'ai_chat', 12, 0.6, 350),
    ...answers('text_completion', 'ai_chat', 4, 0.55, 300),
    ...answers('embeddings', 'ai_embeddings_call', 1, 0.7, 120),
    ...answers('persona_reply', 'ai_other', 4, 0.72, 400),
    ...answers('grading', 'ai_other', 3, 0.8, 600),
    'ai_cache:embedding': { namespace: 'ai_embedding', keys: 2, reads: 6, hitRate: 0.93, value: vectorOf },
    'ai_cache:scenario_analysis': {
      namespace: 'ai_scenario_analysis',
      ...{ keys: 2, hitRate: 0.9, value: analysis },
    },
    'simulation chat': { namespace: 'simulation_chat', keys: 18, reads: 30, hitRate: 0.82, value: chat },
    'db_query of a user': {
      ...{ namespace: 'db_user', keys: 6, reads: 30, hitRate: 0.93 },
      words: {
        query: ({ index }) => userQueries[index % 4] ?? 'user_progress',
        id: ({ index }) => nthId(Math.floor(index / 4)),
      },
      value: queryResult('user_progress', 400),
    },
    'db_query of a user by parameters': {
      ...{ namespace: 'db_user', pattern: 1, keys: 12, reads: 40, hitRate: 0.9 },
      words: { query: ({ draw }) => draw.pick(userQueries), id: earlyUser },
      value: queryResult('user_progress', 400),
    },
    'db_query:scenario_list': query('db_lists', 0, 'scenario_list', 1, 0.97),
    'db_query:user_list': query('db_lists', 1, 'user_list', 0.5, 0.95),
    'db_query:published_scenarios': query('db_lists', 2, 'published_scenarios', 1, 0.97),
    'db_query:scenario_details': query('db_details', 0, 'scenario_details', 3, 0.94),
    'db_query:user_profile': query('db_details', 1, 'user_profile', 2, 0.92),
    'db_query:persona_details': query('db_details', 2, 'persona_details', 2, 0.94),
    'db_query:cohort_overview': query('db_other', 0, 'cohort_overview', 1.5, 0.88),
    'db_query without TTL': {
      // A writer that names no TTL gets a key that never expires.
      ...{ namespace: 'db_user', keys: 1.2, reads: 0, hitRate: 1, ttlSeconds: null },
      words: { query: 'course_catalog', id: ({ index }) => nthId(index) },
      value: queryResult('course_catalog', 700),
    },
    'decorated scenario': {
      ...decorated('decorated_query', 3),
      ttlSeconds: 3600,
      words: {
        '*': (record) => {
          const scenario = objectId(record);
          return `scenario_details_${session(record.draw)}_scenario_id:${scenario}_user_id:None`;
        },
      },
    },
    'decorated list': {
      ...decorated('decorated_query', 1),
      ttlSeconds: 600,
      words: { '*': ({ draw }) => `scenario_list_${session(draw)}_${draw.pick([10, 20, 50])}_user_id:None` },
    },
    'decorated user': {
      ...decorated('decorated_query', 2),
      ttlSeconds: 300,
      words: {
        '*': (record) => {
          const user = earlyUser(record);
          return `user_specific_<database.models.User object at ${address(record.draw)}>_user_id:${user}`;
        },
      },
    },
    'decorated query by digest': {
      ...decorated('decorated_digest', 0.8),
      ttlSeconds: 1800,
      words: { query: 'cohort_report', hash: ({ draw }) => draw.hex(32) },
    },
    'decorated answer': {
      ...decorated('decorated_answer', 1),
      words: {
        operation: 'grading',
        '*': (record) =>
          `grade_submission_${1000 + record.index}_scenario_id:${objectId(record)}_user_id:${earlyUser(record)}`,
      },
    },
    'decorated function': {
      ...decorated('decorated_function', 0.7),
      words: { '*': (record) => `load_persona_prompts_${session(record.draw)}_${objectId(record)}` },
    },
    'simulations of a user': {
      ...{ namespace: 'user_simulations', keys: 2.5, reads: 8, hitRate: 0.9, value: row(500) },
      words: {
        id: ({ index }) => nthId(Math.floor(index / 2)),
        flag: ({ index }) => (index % 2 === 0 ? 'False' : 'True'),
      },
    },
    'cohorts of a student': {
      ...{ namespace: 'student_cohorts', keys: 1, reads: 4, hitRate: 0.6, value: row(200) },
      words: { id: ({ index }) => nthId(index) },
    },
    session: { keys: 7, reads: 60, hitRate: 0.985, value: sessionOf },
    'OAuth state': {
      ...{ namespace: 'oauth_state', keys: 0.8, reads: 0.4, hitRate: 0.9 },
      value: ({ draw, clock }) => fernetToken(draw, clock.now),
    },
  },
);
