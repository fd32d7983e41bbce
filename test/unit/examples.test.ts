import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mapAt } from '../named-map.ts';
import { decodeValue } from '../../src/records/decode/decode.ts';
import { isBad, parseRecord } from '../../src/records/fixtures/parse-record.ts';
import type { FixtureRecord } from '../../src/records/fixtures/record.ts';
import { keyText } from '../../src/keyspace/key-text.ts';
import { buildMap } from '../../src/config/build-map.ts';
import type { NamespaceMap } from '../../src/keyspace/map.ts';
import { bindPlaceholder, compilePattern, type KeyPattern } from '../../src/keyspace/pattern.ts';
import { asBytes, type ByteString, bytesOf } from '../../src/support/bytes.ts';
import { generateRecords } from '../../src/sandbox/seed.ts';
import { configFileOf, type SystemName, systemNames } from '../../src/sandbox/systems.ts';

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
const mapOf = (system: SystemName) => buildMap(mapAt(configFileOf(system, packageRoot)).config);

/** The test of whole keys for one entity and id. */
function keysOfEntity(map: NamespaceMap, name: string, id: string): (key: ByteString) => boolean {
  const entity = map.entities.find((candidate) => candidate.name === name);
  if (entity === undefined) throw new Error(`no entity ${name}`);
  const tests = entity.patterns.map((pattern) =>
    compilePattern(bindPlaceholder(pattern, 'id', id), map.delimiters),
  );
  return (key) => tests.some((matches) => matches(key));
}

/** Keys of the generated data, as text, that belong to the entity. */
function found(system: SystemName, entity: string, id: string): string[] {
  const matches = keysOfEntity(mapOf(system), entity, id);
  return keys(system).filter(matches).map(keyText);
}

const generated = new Map<SystemName, readonly ByteString[]>();

function keys(system: SystemName): readonly ByteString[] {
  const known = generated.get(system);
  if (known !== undefined) return known;
  const now = Date.parse('2026-03-05T10:20:30Z');
  const made = [...generateRecords(system, { keys: 6000, seed: 3, now })].map(({ key }) => key);
  generated.set(system, made);
  return made;
}

function fixtureLines(system: SystemName): string[] {
  const file = `${packageRoot}/examples/${system}/fixtures.ndjson`;
  return readFileSync(file, 'latin1').trimEnd().split('\n');
}

function fixturesOf(system: SystemName): FixtureRecord[] {
  const map = mapOf(system);
  return fixtureLines(system).map((text, index) => {
    const record = parseRecord({ text, line: index + 1 }, map);
    if (isBad(record)) throw new Error(`${text}: ${record.reason}`);
    return record;
  });
}

describe.each(systemNames)('the map of %s', (system) => {
  test('names the shipped schema first, so that editors complete it', () => {
    const text = readFileSync(configFileOf(system, packageRoot), 'utf8');
    expect(text).toMatch(/^\{\s+"\$schema": "\.\.\/\.\.\/schema\/cachectl\.config\.schema\.json",/);
  });

  test('holds no password, and protects the profile that is meant for production', () => {
    const { profiles = {} } = mapAt(configFileOf(system, packageRoot)).config;
    expect(profiles['production']?.protected).toBe(true);
    expect(profiles['production']?.passwordEnv).toMatch(/^[A-Z_]+$/);
    for (const { url } of Object.values(profiles)) expect(new URL(url ?? '').password).toBe('');
  });

  test('has entities that never reach state', () => {
    const map = mapOf(system);
    const state = keys(system).filter((key) => map.classify(key)?.kind === 'state');
    for (const { name } of map.entities)
      for (const id of ['1', '12', '123', '7', '456', 'ser', 'prod', 'v_hospode']) {
        const matches = keysOfEntity(map, name, id);
        expect(state.filter(matches).map(keyText), `${name} ${id}`).toEqual([]);
      }
  });

  test('has entities in which no two ids share a key', () => {
    const map = mapOf(system);
    for (const { name } of map.entities) {
      // Two of the user ids, and prefixes of others.
      const one = keysOfEntity(map, name, '1');
      for (const id of ['12', '123', '2', '10', '100', '*', '?', '[1]', '1*', '<id>', '\\']) {
        const other = keysOfEntity(map, name, id);
        expect(keys(system).filter((key) => one(key) && other(key))).toEqual([]);
      }
    }
  });

  test('takes an id for what it is: a pattern bound to one id matches no key made for another', () => {
    const id = fc.stringMatching(/^[0-3*?[\]\\^ab-]{1,4}$/);
    const map = mapOf(system);
    const exact = map.entities.flatMap(({ name, patterns }) =>
      patterns
        .filter(({ parts }) => parts.every((part) => part.kind !== 'any'))
        .map((pattern) => ({ name, pattern })),
    );
    fc.assert(
      fc.property(id, id, (left, right) => {
        for (const { pattern } of exact) {
          const key = sampleKey(bindPlaceholder(pattern, 'id', left));
          const matches = compilePattern(bindPlaceholder(pattern, 'id', right), map.delimiters);
          expect(matches(key), `${keyText(key)} for ${right}`).toBe(left === right);
        }
      }),
    );
  });
});

/** A key that the pattern matches, for a pattern without `*`. */
function sampleKey({ parts }: KeyPattern): ByteString {
  const samples: Readonly<Record<string, string>> = {
    int: '-42',
    hash: '8b1a9953c4611296',
    date: '2026-03-05',
  };
  const texts = parts.map((part) => {
    if (part.kind === 'literal') return part.bytes;
    return part.kind === 'placeholder' ? (samples[part.name] ?? 'x') : '';
  });
  return asBytes(texts.join(''));
}

describe.each(systemNames)('the fixtures of %s', (system) => {
  test('are 15 to 30 records, each with a key of its own', () => {
    const records = fixturesOf(system);
    expect(records.length).toBeGreaterThanOrEqual(15);
    expect(records.length).toBeLessThanOrEqual(30);
    expect(new Set(records.map(({ key }) => key)).size).toBe(records.length);
  });

  test('all have a namespace, and a TTL of their own only where the rule leaves a choice', () => {
    const map = mapOf(system);
    for (const { key, ttlSeconds } of fixturesOf(system)) {
      const rule = map.classify(key)?.ttl;
      expect(rule, keyText(key)).toBeTruthy();
      if (ttlSeconds === undefined) continue;
      if (rule?.kind === 'range') {
        expect(ttlSeconds).toBeGreaterThanOrEqual(rule.minSeconds);
        expect(ttlSeconds).toBeLessThanOrEqual(rule.maxSeconds);
      } else expect([rule?.kind, ttlSeconds]).toEqual(['fixed', expect.any(Number)]);
    }
  });

  test('have values that read as the map says', () => {
    const map = mapOf(system);
    for (const { key, value } of fixturesOf(system)) {
      const { encoding, envelopeField } = map.classify(key) ?? {};
      if (encoding == null || envelopeField === undefined || value.type !== 'string')
        throw new Error(keyText(key));
      const decoded = decodeValue(value.bytes, { encoding, envelopeField, truncated: false });
      expect([decoded.format, decoded.remark], keyText(key)).toEqual([encoding, undefined]);
    }
  });
});

test('the array of education holds the same records as its lines', () => {
  const array: unknown = JSON.parse(readFileSync(`${packageRoot}/examples/education/fixtures.json`, 'utf8'));
  const lines = readFileSync(`${packageRoot}/examples/education/fixtures.ndjson`, 'utf8')
    .trimEnd()
    .split('\n');
  expect(array).toEqual(lines.map((line) => JSON.parse(line) as unknown));
});

describe('what each map says of the keys of its application', () => {
  test.each([
    ['education', 'ai_cache:scenario_generation:eafa0a18dbe219d1', 'ai_scenario_generation', 86_400],
    ['education', 'ai_cache:embedding:65919b237c7593fb', 'ai_embedding', 86_400],
    ['education', 'ai_cache:embeddings:65919b237c7593fb', 'ai_embeddings_call', 1800],
    ['education', 'ai_cache:scenario_analysis:4943a15a75a3ab1c', 'ai_scenario_analysis', 604_800],
    ['education', 'ai_cache:text_completion:4943a15a75a3ab1c', 'ai_chat', 1800],
    ['education', 'ai_cache:anything_else:4943a15a75a3ab1c', 'ai_other', 3600],
    ['education', 'simulation:7:chat:8b1a9953c4611296', 'simulation_chat', 3600],
    ['education', 'db_query:user_progress:user:123:params:8c503ae92edb129e', 'db_user', 300],
    ['education', 'db_query:scenario_list:user:1', 'db_user', 300],
    ['education', 'db_query:scenario_list', 'db_lists', 600],
    ['education', 'db_query:persona_details:params:8c503ae92edb129e', 'db_details', 3600],
    ['education', 'db_query:cohorts:params:8c503ae92edb129e', 'db_other', 1800],
    ['education', 'session:6eNd_b5WBul7_hALzXRH988707lsTVwlohwYKDxVNnY', 'session', 3600],
    ['education', 'pE8vQ2xkq-6eNd_b5WBul7_hALzXRH988707lsTVwlo', 'oauth_state', 600],
    ['education', 'student_cohorts:12', 'student_cohorts', 30],
    ['content', 'course_curriculum:ff8cad1dadc294de1cd272867417c551', 'course_curriculum', 14_400],
    ['content', 'lesson_content:dcb9764e006e8168b8c0bd90b332c1d7', 'lesson_content', 7200],
    [
      'content',
      'lesson_content:Technical English:advanced:-7326897237657060075',
      'lesson_content_by_topic',
      7200,
    ],
    ['content', 'lesson_content:Calls: The First Minute:advanced:732', 'lesson_content_by_topic', 7200],
    ['content', 'exercises:09c148822b8b985448d68009747faeb4', 'exercises', 3600],
    ['content', 'adaptive_quiz:-65031471904171213:intermediate:5', 'adaptive_quiz', 3600],
    ['content', 'learning_path:12:2189705038643387283:intermediate', 'learning_path', 14_400],
    ['content', 'api_cache:health_check', 'api_cache', 300],
    ['content', 'test_key_0', 'self_test', 60],
    [
      'subjunctive',
      "subjunctive:ai:feedback:hablo:hable:{'verb': 'hablar', 'person': 'él/ella'}",
      'feedback',
      3600,
    ],
    ['subjunctive', 'subjunctive:ai:feedback:a174d42dc0f7a153', 'feedback_digest', 3600],
    ['subjunctive', "subjunctive:ai:hint:{'verb': 'ser', 'tense': 'present'}", 'hint', 1800],
    ['subjunctive', "subjunctive:ai:insights:{'accuracy': 0.7}:[]", 'insights', 7200],
    ['boardroom', 'user_profile:12', 'user_profile', 3600],
    ['boardroom', 'user_sessions:12', 'user_sessions', 1800],
    ['boardroom', 'api_cache:GET:/api/v1/boardroom/decisions:12:-8', 'api_boardroom', 600],
    ['boardroom', 'api_cache:GET:/api/v1/ai-operations/boardroom:12:-8', 'api_ai_operations', 300],
    ['boardroom', 'api_cache:GET:/api/v1/auth/me:anonymous:8', 'api_auth', 60],
    ['boardroom', 'api_cache:GET:/api/v1/standards:12:-8', 'api_other', 180],
    ['boardroom', 'cache_test:s1:1751400000', 'self_test', 60],
    ['boardroom', 'health_check_test', 'health_check', 10],
    ['honzik', 'user:555:profile', 'profile', 3600],
    ['honzik', 'honzik:response:5cd36117073b30ed', 'openai', 86_400],
    ['honzik', 'common_phrase:dobrý den:A1:friendly', 'common_phrase', 604_800],
    ['honzik', 'tts:6e2bdffff85476f0:alloy:1.0', 'tts', 2_592_000],
    ['honzik', 'translation:řeka:en', 'translation', 604_800],
    ['honzik', 'weekly_report:12:2026-03-05', 'weekly_report', 604_800],
    ['honzik', 'platform:metrics:latest', 'platform_metrics', 1800],
    ['honzik', 'quota:voice:12:2026-03-05', 'quota', 93_600],
    ['honzik', 'streak_shield:12', 'streak_shield', 172_800],
    ['honzik', 'star_discount:12', 'star_discount', 900],
    ['honzik', 'game:active:12', 'game', 1800],
    ['honzik', 'scenario:12', 'scenario', 3600],
    ['honzik', 'notif:slang:12:2026-03-05', 'notice', 86_400],
  ] as const)('%s: `%s` is in %s, for %i s', (system, key, name, seconds) => {
    const namespace = mapOf(system).classify(bytesOf(key));
    expect(namespace?.name).toBe(name);
    expect(namespace?.ttl).toEqual({ kind: 'fixed', seconds });
  });

  test('TTLs that are no fixed time have rules of their own', () => {
    const honzik = mapOf('honzik');
    const boardroom = mapOf('boardroom');
    const ruleOf = (map: NamespaceMap, key: string) => map.classify(bytesOf(key))?.ttl;
    expect(ruleOf(honzik, 'stats:12:daily:2026-03-05')).toEqual({
      kind: 'untilMidnight',
      timeZone: 'Europe/Prague',
    });
    expect(ruleOf(honzik, 'scenario_unlocked:12:v_hospode')).toEqual({ kind: 'permanent' });
    const range = { kind: 'range', minSeconds: 30, maxSeconds: 3600 };
    expect(ruleOf(boardroom, 'api_cache:84a09a66bc934fc7234ce4570329c668')).toEqual(range);
    expect(ruleOf(boardroom, 'api_cache:hash:84a09a66bc934fc7234ce4570329c668')).toEqual(range);
  });

  test.each([
    ['education', 'db_query_scenario_list_<Session object at 0x7f01>_10_user_id:None', 'decorated_query'],
    ['education', 'db_query_scenario_list_hash_0123456789abcdef0123456789abcdef', 'decorated_digest'],
    ['education', 'ai_grading_grade_answer_7', 'decorated_answer'],
    ['education', 'func_load_persona_7', 'decorated_function'],
    ['subjunctive', 'subjunctive:prod:ai:hint:a174d42dc0f7a153', 'production_neighbour'],
    ['boardroom', 'func:load:12', 'function_result'],
    ['boardroom', 'func:load_user:12', 'function_user'],
    ['boardroom', 'func:load:hash:84a09a66bc934fc7234ce4570329c668', 'function_digest'],
    ['honzik', 'whisper:6e2bdffff85476f0', 'declared_only'],
  ] as const)('%s: `%s` is in %s', (system, key, name) => {
    expect(mapOf(system).classify(bytesOf(key))?.name).toBe(name);
  });

  test('sessions, logins, quotas, unlocks and a neighbour are state, and caches are not', () => {
    const stateOf = (system: SystemName) =>
      mapOf(system)
        .namespaces.filter(({ kind }) => kind === 'state')
        .map(({ name }) => name);
    expect(stateOf('education')).toEqual(['session', 'oauth_state']);
    expect(stateOf('content')).toEqual([]);
    expect(stateOf('subjunctive')).toEqual(['production_neighbour']);
    expect(stateOf('boardroom')).toEqual([]);
    expect(stateOf('honzik')).toEqual([
      'session',
      'quota',
      'scenario_unlocked',
      'streak_shield',
      'star_discount',
      'game',
      'scenario',
      'notice',
    ]);
  });
});

describe('what an invalidation would reach', () => {
  test('a user of education: queries with and without parameters, decorated keys, and the later layout', () => {
    const of12 = found('education', 'user', '12');
    for (const shape of [
      /:user:12$/,
      /:user:12:params:/,
      /_user_id:12$/,
      /^user:12:sim/,
      /^student_cohorts:12$/,
    ])
      expect(
        of12.some((key) => shape.test(key)),
        String(shape),
      ).toBe(true);
    expect(of12.filter((key) => !/(^|[:_])(user|user_id|student_cohorts):12(?![0-9])/.test(key))).toEqual([]);
  });

  test('a scenario of education: its own keys alone, and no simulation of the same number', () => {
    const of7 = found('education', 'scenario', '7');
    expect(of7.length).toBeGreaterThan(2);
    expect(of7.filter((key) => !/_scenario_id:7(_|$)/.test(key))).toEqual([]);
    const simulation = found('education', 'simulation', '7');
    expect(simulation.length).toBeGreaterThan(10);
    expect(simulation.filter((key) => !key.startsWith('simulation:7:'))).toEqual([]);
  });

  test('a company of content: nothing, and the map says where its data lies', () => {
    const company = mapOf('content').entities.find(({ name }) => name === 'company');
    expect(company?.patterns).toEqual([]);
    const hashed = new Set(
      mapOf('content')
        .namespaces.filter((namespace) => namespace.hashed)
        .map(({ name }) => name),
    );
    expect(company?.hashedIn.length).toBeGreaterThan(2);
    for (const namespace of company?.hashedIn ?? []) expect(hashed).toContain(namespace);
  });

  test('a verb: every hint and feedback on it, and none on a verb that begins alike', () => {
    const ofSer = found('subjunctive', 'verb', 'ser');
    expect(ofSer.length).toBeGreaterThan(50);
    expect(ofSer.filter((key) => !key.includes("'verb': 'ser'"))).toEqual([]);
    expect(found('subjunctive', 'verb', 'se')).toEqual([]);
  });

  test('user `*` of boardroom: that user only', () => {
    expect(found('boardroom', 'user', '*').sort()).toEqual(['user_profile:*', 'user_sessions:*']);
  });

  test('a decision of boardroom: its path and its function', () => {
    expect(
      found('boardroom', 'decision', '456').every((key) =>
        /decisions\/456:|^func:get_decision:456:/.test(key),
      ),
    ).toBe(true);
    expect(found('boardroom', 'decision', '456').length).toBeGreaterThan(1);
  });

  test('a user of honzik by Telegram id, and the account by database id', () => {
    expect(found('honzik', 'user', '555').sort()).toEqual(['stats:555:daily:2026-03-05', 'user:555:profile']);
    const account = found('honzik', 'account', '12');
    expect(account).toContain('stats:12:daily:2026-03-05');
    expect(account.some((key) => key.startsWith('weekly_report:12:'))).toBe(true);
    expect(account.some((key) => key.startsWith('user:'))).toBe(false);
  });
});
