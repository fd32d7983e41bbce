import { type ByteString, bytesOf } from '../../support/bytes.ts';
import { type Family, type RecordContext, ttl } from '../family.ts';
import { json, combination, combinations, prose } from '../formats.ts';

// prettier-ignore
const verbs = [
  'hablar', 'ser', 'ir', 'comer', 'vivir', 'tener', 'hacer', 'decir', 'poder', 'querer', 'saber', 'venir', 'dar',
  'estar', 'haber', 'salir', 'traer', 'poner', 'conocer', 'pedir', 'sentir', 'dormir', 'jugar', 'leer', 'oír',
] as const;
const tenses = [
  'present',
  'present_subjunctive',
  'imperfect_subjunctive',
  'present_perfect_subjunctive',
] as const;
const persons = ['yo', 'tú', 'él/ella', 'nosotros', 'vosotros', 'ellos'] as const;
// prettier-ignore
const triggers = [
  'Es importante que', 'Ojalá', 'Dudo que', 'Espero que', 'No creo que', 'Quiero que', 'Es posible que', 'Me alegra que',
  'Aunque', 'Para que', 'Antes de que', 'Cuando',
] as const;
const endings = ['e', 'o', 'a', 'as', 'es', 'emos', 'áis', 'ían'] as const;

const exercises = [verbs.length, tenses.length, persons.length, triggers.length] as const;
const answers = [...exercises, endings.length] as const;

/** A dictionary of texts as Python prints it. */
function pythonDict(entries: Readonly<Record<string, string | number>>): string {
  const shown = Object.entries(entries).map(
    ([key, value]) => `'${key}': ${typeof value === 'number' ? value : `'${value}'`}`,
  );
  return `{${shown.join(', ')}}`;
}

function exerciseOf([verb = 0, tense = 0, person = 0, trigger = 0]: readonly number[]) {
  return {
    verb: verbs[verb] ?? 'ser',
    tense: tenses[tense] ?? 'present',
    person: persons[person] ?? 'yo',
    trigger: triggers[trigger] ?? 'Ojalá',
  };
}

const spanish =
  (median: number) =>
  ({ draw }: RecordContext): ByteString =>
    bytesOf(prose(draw, 'spanish', draw.size(median)));

const insights = ({ draw }: RecordContext): ByteString =>
  json(Array.from({ length: draw.between(3, 5) }, () => prose(draw, 'spanish', draw.size(90))));

/** What is longer than 200 characters is replaced by a digest. */
function hashed(kind: string, keys: number, seconds: number, value: Family['value']): Family {
  return {
    name: `${kind} by digest`,
    keys,
    reads: keys,
    hitRate: 0.68,
    ttlSeconds: ttl(seconds),
    key: ({ draw }) => `subjunctive:ai:${kind}:${draw.hex(16)}`,
    value,
  };
}

export const subjunctive: readonly Family[] = [
  {
    name: 'feedback',
    keys: 38,
    limit: combinations(answers),
    reads: 50,
    hitRate: 0.79,
    ttlSeconds: ttl(3600),
    key: ({ index }) => {
      const choices = combination(index, answers);
      const exercise = exerciseOf(choices);
      const stem = exercise.verb.slice(0, -2) || exercise.verb;
      const given = `${stem}${endings[choices[4] ?? 0] ?? 'e'}`;
      const correct = `${stem}${exercise.verb.endsWith('ar') ? 'e' : 'a'}`;
      return `subjunctive:ai:feedback:${given}:${correct}:${pythonDict(exercise)}`;
    },
    value: spanish(260),
  },
  hashed('feedback', 22, 3600, spanish(320)),
  {
    name: 'hint',
    keys: 22,
    limit: combinations(exercises),
    reads: 30,
    hitRate: 0.74,
    ttlSeconds: ttl(1800),
    key: ({ index }) => {
      // The shortest dictionary there is comes first, then those with a person and a trigger.
      if (index < verbs.length)
        return `subjunctive:ai:hint:${pythonDict({ verb: verbs[index] ?? 'ser', tense: 'present' })}`;
      return `subjunctive:ai:hint:${pythonDict(exerciseOf(combination(index, exercises)))}`;
    },
    value: spanish(140),
  },
  hashed('hint', 2, 1800, spanish(150)),
  {
    name: 'insights',
    keys: 7,
    reads: 6,
    hitRate: 0.35,
    ttlSeconds: ttl(7200),
    key: ({ index, draw }) => {
      const accuracy = draw.between(35, 98) / 100;
      const stats = pythonDict({
        total_exercises: index + 10,
        accuracy,
        total_study_time_minutes: 0,
        total_sessions: draw.between(1, 40),
      });
      const weak = pythonDict({
        area: draw.pick(['imperfect_subjunctive', 'irregular_verbs', 'triggers']),
        accuracy: 0.55,
      });
      return `subjunctive:ai:insights:${stats}:[${draw.chance(0.2) ? '' : weak}]`;
    },
    value: insights,
  },
  hashed('insights', 6, 7200, insights),
  {
    // A second deployment in the same database: a clear of `subjunctive:*` takes its keys too.
    name: 'neighbour',
    keys: 3,
    reads: 4,
    hitRate: 0.8,
    ttlSeconds: ttl(3600),
    key: ({ draw }) => `subjunctive:prod:ai:feedback:${draw.hex(16)}`,
    value: spanish(300),
  },
];
