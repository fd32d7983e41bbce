import type { MissCause } from '../traffic/report.ts';
import type { Family } from './family.ts';
import type { FaultName } from './system-names.ts';
import { familiesOf, type SystemName } from './systems.ts';

export { faultDescriptions, type FaultName, faultNames } from './system-names.ts';

/** One fault in one system: what it hits, and what is to be seen of it. */
export interface Fault {
  readonly name: FaultName;
  /** Families whose traffic the fault makes; the rest of the traffic is as ever. */
  readonly families: readonly Family[];
  /** Their namespaces in the system's map. */
  readonly namespaces: readonly string[];
  /** What nearly all misses of these namespaces come from. */
  readonly cause: MissCause;
  /** What is wrong, in the application's words. */
  readonly story: string;
}

interface Target {
  readonly families: readonly string[];
  readonly namespaces: readonly string[];
  readonly story: string;
}

const causes: Readonly<Record<FaultName, MissCause>> = {
  'short-ttl': 'expired',
  'small-memory': 'evicted',
  'invalidation-loop': 'invalidated',
  'unstable-keys': 'neverCached',
};

const targets: Readonly<Record<SystemName, Readonly<Record<FaultName, Target>>>> = {
  education: {
    'short-ttl': {
      families: ['db_query of a user', 'db_query of a user by parameters'],
      namespaces: ['db_user'],
      story: 'queries of a user are cached for 0.3 s instead of 5 minutes',
    },
    'small-memory': {
      families: ['simulation chat'],
      namespaces: ['simulation_chat'],
      story: 'chats now carry their sources, several kilobytes each, and memory is what it was',
    },
    'invalidation-loop': {
      families: ['ai_cache:scenario_generation'],
      namespaces: ['ai_scenario_generation'],
      story: 'each change of one scenario removes the generated text of all of them',
    },
    'unstable-keys': {
      families: ['decorated scenario', 'decorated list', 'decorated user', 'decorated function'],
      namespaces: ['decorated_query', 'decorated_function'],
      story: 'the decorator puts the address of a session in memory into its keys, another for each request',
    },
  },
  content: {
    'short-ttl': {
      families: ['exercises'],
      namespaces: ['exercises'],
      story: 'exercises are cached for 0.3 s instead of an hour',
    },
    'small-memory': {
      families: ['lesson_content'],
      namespaces: ['lesson_content'],
      story: 'lessons now carry their sources, several kilobytes each, and memory is what it was',
    },
    'invalidation-loop': {
      families: ['course_curriculum'],
      namespaces: ['course_curriculum'],
      story: 'each save in the editor removes the curricula, whether they changed or not',
    },
    'unstable-keys': {
      families: ['lesson_content by topic', 'adaptive_quiz', 'learning_path'],
      namespaces: ['lesson_content_by_topic', 'adaptive_quiz', 'learning_path'],
      story: "keys end in Python's hash(), which is another in each process: after a restart none is found",
    },
  },
  subjunctive: {
    'short-ttl': {
      families: ['hint'],
      namespaces: ['hint'],
      story: 'hints are cached for 0.3 s instead of half an hour',
    },
    'small-memory': {
      families: ['feedback by digest'],
      namespaces: ['feedback_digest'],
      story: 'feedback has grown to several kilobytes, and memory is what it was',
    },
    'invalidation-loop': {
      families: ['feedback'],
      namespaces: ['feedback'],
      story: 'each answer of a learner removes the feedback that all share',
    },
    'unstable-keys': {
      families: ['insights'],
      namespaces: ['insights'],
      story: "keys hold the learner's statistics, which each answer changes",
    },
  },
  boardroom: {
    'short-ttl': {
      families: ['user_profile'],
      namespaces: ['user_profile'],
      story: 'profiles are cached for 0.3 s instead of an hour',
    },
    'small-memory': {
      families: ['api_cache'],
      namespaces: ['api_cache'],
      story: 'responses now carry their sources, several kilobytes each, and memory is what it was',
    },
    'invalidation-loop': {
      families: ['readable boardroom'],
      namespaces: ['api_boardroom'],
      story: 'each write to a decision removes the responses about all of them',
    },
    'unstable-keys': {
      families: ['second level', 'readable rest'],
      namespaces: ['second_level', 'api_other'],
      story: "keys end in Python's hash(), which is another in each process: after a restart none is found",
    },
  },
  honzik: {
    'short-ttl': {
      families: ['profile'],
      namespaces: ['profile'],
      story: 'profiles are cached for 0.3 s instead of an hour',
    },
    'small-memory': {
      families: ['speech'],
      namespaces: ['tts'],
      story: 'more speech is played than there is memory for',
    },
    'invalidation-loop': {
      families: ['daily statistics'],
      namespaces: ['daily'],
      story: 'each message removes the statistics of the day, and the next page asks for them again',
    },
    'unstable-keys': {
      families: ['answer of Honzík'],
      namespaces: ['openai'],
      story: 'the digest in the key covers text that is another in each conversation',
    },
  },
};

export function faultOf(system: SystemName, name: FaultName): Fault {
  const { families, namespaces, story } = targets[system][name];
  return {
    name,
    families: familiesOf[system].filter((family) => families.includes(family.name)),
    namespaces,
    cause: causes[name],
    story,
  };
}
