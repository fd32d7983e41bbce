import map from '../../../examples/subjunctive/cachectl.config.json';
import { type ByteString, bytesOf } from '../../support/bytes.ts';
import { familiesFrom, type RecordContext } from '../family.ts';
import { combination, combinations, json, prose } from '../formats.ts';

// prettier-ignore
const verbs = [
  'hablar', 'ser', 'ir', 'comer', 'vivir', 'tener', 'hacer', 'decir', 'poder', 'querer', 'saber', 'venir', 'dar',
  'estar', 'haber', 'salir', 'traer', 'poner', 'conocer', 'pedir', 'sentir', 'dormir', 'jugar', 'leer', 'oír',
] as const;
// prettier-ignore
const tenses = [
  'present', 'present_subjunctive', 'imperfect_subjunctive', 'present_perfect_subjunctive',
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

function answerTo({ index }: RecordContext): string {
  const choices = combination(index, answers);
  const exercise = exerciseOf(choices);
  const stem = exercise.verb.slice(0, -2) || exercise.verb;
  const given = `${stem}${endings[choices[4] ?? 0] ?? 'e'}`;
  const correct = `${stem}${exercise.verb.endsWith('ar') ? 'e' : 'a'}`;
  return `${given}:${correct}:${pythonDict(exercise)}`;
}

/** The shortest dictionary there is comes first, then those with a person and a trigger. */
function hintOn({ index }: RecordContext): string {
  const verb = verbs[index];
  return pythonDict(
    verb === undefined ? exerciseOf(combination(index, exercises)) : { verb, tense: 'present' },
  );
}

function progressOf({ index, draw }: RecordContext): string {
  const stats = pythonDict({
    total_exercises: index + 10,
    accuracy: draw.between(35, 98) / 100,
    total_study_time_minutes: 0,
    total_sessions: draw.between(1, 40),
  });
  const area = draw.pick(['imperfect_subjunctive', 'irregular_verbs', 'triggers']);
  return `${stats}:[${draw.chance(0.2) ? '' : pythonDict({ area, accuracy: 0.55 })}]`;
}

const spanish =
  (median: number) =>
  ({ draw }: RecordContext): ByteString =>
    bytesOf(prose(draw, 'spanish', draw.size(median)));

const insights = ({ draw }: RecordContext): ByteString =>
  json(Array.from({ length: draw.between(3, 5) }, () => prose(draw, 'spanish', draw.size(90))));

export const subjunctive = familiesFrom(
  map,
  { hash: ({ draw }) => draw.hex(16) },
  {
    feedback: {
      ...{ keys: 38, limit: combinations(answers), reads: 50, hitRate: 0.79 },
      words: { '*': answerTo },
      value: spanish(260),
    },
    'feedback by digest': { namespace: 'feedback_digest', keys: 22, hitRate: 0.68, value: spanish(320) },
    hint: {
      ...{ keys: 22, limit: combinations(exercises), reads: 30, hitRate: 0.74 },
      words: { '*': hintOn },
      value: spanish(140),
    },
    'hint by digest': { namespace: 'hint_digest', keys: 2, hitRate: 0.68, value: spanish(150) },
    insights: { keys: 7, reads: 6, hitRate: 0.35, words: { '*': progressOf }, value: insights },
    'insights by digest': { namespace: 'insights_digest', keys: 6, hitRate: 0.68, value: insights },
    neighbour: {
      // A second deployment in the same database, with a cache of its own: a clear of `subjunctive:*` takes its keys too.
      namespace: 'production_neighbour',
      ...{ keys: 3, reads: 4, hitRate: 0.8, state: false, ttlSeconds: 3600 },
      words: { '*': ({ draw }) => `ai:feedback:${draw.hex(16)}` },
      value: spanish(300),
    },
  },
);
