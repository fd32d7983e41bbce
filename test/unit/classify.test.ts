import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mapAt } from '../named-map.ts';
import { buildMap } from '../../src/config/build-map.ts';
import { compareSpecificity, compilePattern } from '../../src/keyspace/pattern.ts';
import { asBytes, bytesOf } from '../../src/support/bytes.ts';
import { configFileOf, type SystemName } from '../../src/sandbox/systems.ts';
import { rounds } from '../server/effort.ts';

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
const mapOf = (system: SystemName) => buildMap(mapAt(configFileOf(system, packageRoot)).config);

const token = 'Zk3-9fQxW_2mTgL8vRb1Zk3-9fQxW_2mTgL8vRb1abc';
const md5 = 'ff8cad1dadc294de1cd272867417c551';

/** Keys as the applications write them; null: no namespace of the map. */
const expected: Readonly<Record<SystemName, readonly (readonly [key: string, namespace: string | null])[]>> =
  {
    content: [
      [`course_curriculum:${md5}`, 'course_curriculum'],
      [`lesson_content:${md5}`, 'lesson_content'],
      ['lesson_content:Technical English:advanced:-7326897237657060075', 'lesson_content_by_topic'],
      ['lesson_content:Calls: First Minute:beginner:12', 'lesson_content_by_topic'],
      [`exercises:${md5}`, 'exercises'],
      [`assessment:${md5}`, 'assessment'],
      [`assessments:${md5}`, 'assessment'],
      ['adaptive_quiz:-65031471904171213:intermediate:5', 'adaptive_quiz'],
      ['learning_path:12:2189705038643387283:intermediate', 'learning_path'],
      ['api_cache:health_check', 'api_cache'],
      ['test_key_0', 'self_test'],
      ['test_key_x', null],
      ['exercises:not-a-digest', null],
      ['course_curriculum', null],
    ],
    subjunctive: [
      ["subjunctive:ai:feedback:hablo:hable:{'verb': 'hablar', 'tense': 'present'}", 'feedback'],
      ['subjunctive:ai:feedback:a174d42dc0f7a153', 'feedback_digest'],
      ["subjunctive:ai:hint:{'verb': 'ser', 'tense': 'present'}", 'hint'],
      ['subjunctive:ai:hint:a174d42dc0f7a153', 'hint_digest'],
      ["subjunctive:ai:insights:{'total': 5}:[]", 'insights'],
      ['subjunctive:ai:insights:a174d42dc0f7a153', 'insights_digest'],
      ['subjunctive:prod:ai:feedback:a174d42dc0f7a153', 'production_neighbour'],
      ['subjunctive:other', null],
    ],
    education: [
      ['ai_cache:scenario_generation:eafa0a18dbe219d1', 'ai_scenario_generation'],
      ['ai_cache:embedding:65919b237c7593fb', 'ai_embedding'],
      ['ai_cache:embeddings:65919b237c7593fb', 'ai_embeddings_call'],
      ['ai_cache:scenario_analysis:4943a15a75a3ab1c', 'ai_scenario_analysis'],
      ['ai_cache:grading:4943a15a75a3ab1c', 'ai_other'],
      ['simulation:7:chat:8b1a9953c4611296', 'simulation_chat'],
      ['db_query:user_progress:user:123:params:8c503ae92edb129e', 'db_user'],
      ['db_query:user_progress:user:123', 'db_user'],
      ['db_query:scenario_list', 'db_lists'],
      ['db_query:scenario_details:params:8c503ae92edb129e', 'db_details'],
      ['db_query:cohort_overview', 'db_other'],
      ['db_query_scenario_list_<Session object at 0x7f>_10_user_id:None', 'decorated_query'],
      [`db_query_scenario_list_hash_${md5}`, 'decorated_digest'],
      [`func_load_hash_${md5}`, 'decorated_digest'],
      ['func_load_7', 'decorated_function'],
      ['ai_chat_answer_7_user_id:3', 'decorated_answer'],
      ['user:9:simulations:drafts=True', 'user_simulations'],
      ['student_cohorts:9', 'student_cohorts'],
      [`session:${token}`, 'session'],
      [token, 'oauth_state'],
      ['session:short', null],
      ['short', null],
    ],
    boardroom: [
      [`api_cache:${md5}`, 'api_cache'],
      [`api_cache:hash:${md5}`, 'api_cache'],
      ['api_cache:GET:/api/v1/boardroom/decisions:12:-42', 'api_boardroom'],
      ['api_cache:GET:/api/v1/ai-operations/x:12:42', 'api_ai_operations'],
      ['api_cache:GET:/api/v1/auth/me:12:42', 'api_auth'],
      ['api_cache:GET:/api/v1/standards:12:42', 'api_other'],
      ['user_profile:12', 'user_profile'],
      ['user_profile:*', 'user_profile'],
      ['user_sessions:12', 'user_sessions'],
      ['func:load:12', 'function_result'],
      ['func:load_user:12', 'function_user'],
      [`func:load:hash:${md5}`, 'function_digest'],
      ['l2:active_sessions:x:1', 'second_level'],
      ['cache_test:s1:1751400000', 'self_test'],
      ['health_check_test', 'health_check'],
      ['api_cache:plain', null],
      ['user_profile:1:2', null],
    ],
    honzik: [
      ['user:555:profile', 'profile'],
      ['stats:555:daily:2026-03-05', 'daily'],
      ['honzik:response:5cd36117073b30ed', 'openai'],
      ['common_phrase:dobrý den:A1:friendly', 'common_phrase'],
      ['tts:6e2bdffff85476f0:alloy:1.0', 'tts'],
      ['translation:kolik: je to?:en', 'translation'],
      ['weekly_report:7:2026-03-02', 'weekly_report'],
      ['platform:metrics:latest', 'platform_metrics'],
      ['user:555:settings', 'declared_only'],
      [`session:${token}`, 'session'],
      ['quota:text:7:2026-03-05', 'quota'],
      ['scenario_unlocked:7:v_hospode', 'scenario_unlocked'],
      ['scenario:7', 'scenario'],
      ['notif:slang:7:2026-03-05', 'notice'],
      ['stats:555:daily:yesterday', null],
      ['scenario:7:x', null],
    ],
  };

describe.each(Object.entries(expected))('a key of %s', (system, rows) => {
  const map = mapOf(system as SystemName);

  test.each(rows)('%s belongs to %s', (key, namespace) => {
    expect(map.classify(bytesOf(key))?.name ?? null).toBe(namespace);
  });
});

test('the map of no file knows no key', () => {
  expect(buildMap({})).toMatchObject({ isEmpty: true, delimiters: [':'] });
  expect(buildMap({}).classify(asBytes('user:1'))).toBeNull();
});

test('a key belongs to no namespace whose patterns are all less specific than one that matches', () => {
  const map = mapOf('education');
  const patterns = map.namespaces.flatMap((namespace) =>
    namespace.patterns.map((pattern) => ({
      namespace,
      pattern,
      matches: compilePattern(pattern, map.delimiters),
    })),
  );
  const keys = fc
    .array(
      fc.constantFrom(
        ...[
          'ai_cache:',
          'db_query:',
          'db_query_',
          'func_',
          'user:',
          'scenario_list',
          'user_list',
          ':params:',
        ],
        ...['hash_', md5, '8b1a9953c4611296', 'embedding:', 'x', '7', ':user:', '_', 'session:', token],
      ),
      { minLength: 1, maxLength: 5 },
    )
    .map((parts) => asBytes(parts.join('')));
  fc.assert(
    fc.property(keys, (key) => {
      const matching = patterns.filter(({ matches }) => matches(key));
      const chosen = map.classify(key);
      if (matching.length === 0) {
        expect(chosen).toBeNull();
        return;
      }
      const own = matching.filter(({ namespace }) => namespace === chosen);
      expect(own.length).toBeGreaterThan(0);
      for (const { pattern } of matching)
        expect(own.some((mine) => compareSpecificity(mine.pattern, pattern) <= 0)).toBe(true);
    }),
    { numRuns: rounds(1000) },
  );
});
