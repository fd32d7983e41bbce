import map from '../../../examples/honzik/cachectl.config.json';
import { type ByteString, bytesOf } from '../../support/bytes.ts';
import { familiesFrom, type RecordContext } from '../family.ts';
import {
  audio,
  combination,
  combinations,
  firstTelegramIds,
  json,
  nthId,
  prose,
  telegramId,
  timestamp,
} from '../formats.ts';

// prettier-ignore
const phrases = [
  'dobrý den', 'ahoj', 'čau', 'dobré ráno', 'dobrý večer', 'jak se máš', 'co děláš', 'děkuji', 'díky', 'prosím', 'není zač',
  'na shledanou', 'měj se', 'ano', 'ne', 'možná', 'nevím', 'rozumím', 'nerozumím', 'promiňte', 'omlouvám se', 'výborně',
  'pomoc', 'kde je', 'kolik to stojí', 'co to je', 'jak se to řekne', 'mluvíte anglicky', 'bydlím v', 'jmenuji se',
] as const;
const levels = ['A1', 'A2', 'B1', 'B2', 'C1'] as const;
const styles = ['friendly', 'tutor', 'casual'] as const;
const voices = ['alloy', 'onyx', 'nova'] as const;
const languages = ['ru', 'uk', 'en', 'pl', 'vi'] as const;
const prefixes = ['', 'do', 'na', 'po', 'pře', 'při', 'roz', 'u', 'vy', 'za', 'od', 'nej'] as const;
// prettier-ignore
const stems = [
  'jít', 'psát', 'číst', 'vidět', 'slyšet', 'dělat', 'mluvit', 'vařit', 'platit', 'hledat', 'učit', 'nosit', 'vést', 'brát',
  'dům', 'strom', 'řeka', 'město', 'škola', 'hospoda', 'vlak', 'okno', 'kniha', 'lékař', 'žena', 'bratr', 'svět', 'čas',
] as const;
const endings = ['', 'ový', 'ní', 'ka', 'ost', 'ek', 'ství', 'ně'] as const;
const translated = [stems.length, languages.length, endings.length, prefixes.length] as const;
// prettier-ignore
const scenarios = [
  'v_hospode', 'u_lekare', 'pracovni_pohovor', 'pronajem_bytu', 'v_tramvaji', 'v_obchode', 'telefonni_hovor',
] as const;

/** Database ids, unlike profiles, which go by Telegram id. */
const account = ({ index }: RecordContext) => nthId(index);

/** An account whose database id is no one's Telegram id. */
const laterAccount = ({ index }: RecordContext) => nthId(index + firstTelegramIds.length, firstTelegramIds);

const phraseOf = ({ index }: RecordContext) => phrases[index % phrases.length] ?? 'ahoj';
const levelOf = ({ index }: RecordContext) =>
  levels[Math.floor(index / phrases.length) % levels.length] ?? 'A1';
const styleOf = ({ index }: RecordContext) =>
  styles[Math.floor(index / (phrases.length * levels.length))] ?? 'friendly';

function wordOf({ index }: RecordContext): string {
  const [stem = 0, , ending = 0, prefix = 0] = combination(index, translated);
  return `${prefixes[prefix] ?? ''}${stems[stem] ?? ''}${endings[ending] ?? ''}`;
}

const czech = ({ draw }: RecordContext, median: number) => prose(draw, 'czech', draw.size(median));

const profile = (record: RecordContext): ByteString => {
  const { index, draw } = record;
  return json({
    id: nthId(index),
    telegram_id: telegramId(index),
    first_name: draw.pick(['Olga', 'Ivan', 'Linh', 'Marta', 'Petro']),
    level: draw.pick(levels),
    settings: { conversation_style: draw.pick(styles), voice_speed: 'normal', corrections_level: 'balanced' },
    bio: czech(record, 120),
  });
};

const dailyStatistics = ({ draw }: RecordContext): ByteString =>
  json({
    streak: draw.rank(5),
    words_said: draw.rank(200),
    correct_percent: draw.between(40, 100),
    messages_count: draw.rank(20),
    stars: draw.rank(80),
  });

/** Of the background job. */
const otherStatistics = (record: RecordContext): ByteString =>
  json({
    user_id: laterAccount(record),
    date: record.clock.pragueDate(),
    messages_count: record.draw.rank(20),
    streak_day: record.draw.rank(5),
  });

const weeklyReport = (record: RecordContext): ByteString =>
  json({
    total_messages: record.draw.rank(60),
    active_days: record.draw.between(0, 7),
    recommendations: [prose(record.draw, 'czech', 90), czech(record, 120)],
  });

const answer = (record: RecordContext): ByteString =>
  json({
    honzik_response: czech(record, 380),
    corrected_text: prose(record.draw, 'czech', 80),
    correctness_score: record.draw.between(30, 100),
  });

const metrics = ({ draw, clock }: RecordContext): ByteString =>
  json({
    active_users: draw.between(100, 900),
    messages_today: draw.between(900, 9000),
    at: timestamp(draw, clock.now),
  });

const game = ({ draw, clock }: RecordContext): ByteString =>
  json({
    game_type: 'fill_gap',
    question: prose(draw, 'czech', 60),
    started_at: timestamp(draw, clock.now),
  });

const scenario = ({ draw, clock }: RecordContext): ByteString =>
  json({ scenario_id: draw.pick(scenarios), step: draw.between(0, 5), _ts: clock.now / 1000 });

const since =
  (field: string) =>
  ({ draw, clock }: RecordContext): ByteString =>
    json({ [field]: timestamp(draw, clock.now) });

/** State of accounts, looked up twice for each of its keys. */
const state = (keys: number, value: (record: RecordContext) => ByteString) => ({
  ...{ keys, reads: keys * 2, hitRate: 0.9, value },
});

/** A text quota is the first pattern of its namespace, one of voice the second. */
const quota = (pattern: number, keys: number) => ({
  ...{ namespace: 'quota', pattern, keys, reads: keys * 3, hitRate: 0.95, counter: true },
  words: { date: ({ clock }: RecordContext) => clock.utcDate() },
  value: ({ draw }: RecordContext) => bytesOf(String(1 + draw.rank(6))),
});

export const honzik = familiesFrom(
  map,
  {
    ...{ id: ({ index }) => telegramId(index), account, date: ({ clock }) => clock.pragueDate() },
    ...{ hash: ({ draw }) => draw.hex(16), token: ({ draw }) => draw.token() },
    ...{ voice: ({ draw }) => draw.pick(voices), speed: ({ draw }) => draw.pick(['0.8', '1.0', '1.2']) },
    scenario: ({ draw }) => draw.pick(scenarios),
  },
  {
    profile: { keys: 16, reads: 60, hitRate: 0.88, value: profile },
    'daily statistics': { namespace: 'daily', keys: 10, reads: 30, hitRate: 0.74, value: dailyStatistics },
    'daily statistics of the job': {
      // A background job writes the same keys with database ids and other fields.
      ...{ namespace: 'daily', keys: 4, reads: 1, hitRate: 0.2, value: otherStatistics },
      words: { id: laterAccount },
    },
    'weekly report': {
      ...{ namespace: 'weekly_report', keys: 5, reads: 4, hitRate: 0.85, value: weeklyReport },
      words: { date: ({ draw, clock }) => clock.pragueDate(draw.below(7)) },
    },
    'answer of Honzík': { namespace: 'openai', keys: 14, reads: 26, hitRate: 0.18, value: answer },
    'common phrase': {
      ...{ namespace: 'common_phrase', keys: 3, reads: 14, hitRate: 0.95 },
      limit: combinations([phrases.length, levels.length, styles.length]),
      words: { '*': phraseOf, level: levelOf, style: styleOf },
      value: (record) => json({ honzik_response: czech(record, 120), correctness_score: 100 }),
    },
    speech: {
      ...{ namespace: 'tts', keys: 3, reads: 8, hitRate: 0.7 },
      value: ({ draw }) => audio(draw, draw.size(14_000)),
    },
    translation: {
      ...{ keys: 13, limit: combinations(translated), reads: 16, hitRate: 0.83 },
      words: {
        '*': wordOf,
        language: ({ index }) => languages[combination(index, translated)[1] ?? 0] ?? 'en',
      },
      value: ({ draw }) => json({ translation: prose(draw, 'english', 14), phonetics: null }),
    },
    'platform metrics': {
      namespace: 'platform_metrics',
      ...{ keys: 0.1, limit: 1, reads: 1, hitRate: 0.97, value: metrics },
    },
    session: {
      ...{ keys: 10, reads: 40, hitRate: 0.99 },
      value: ({ draw }) => json({ user_id: nthId(draw.rank(60)) }),
    },
    'text quota': quota(0, 6),
    'voice quota': quota(1, 3),
    'text quota without TTL': {
      // A process that died between INCR and EXPIRE left its key behind, days ago.
      ...{ ...quota(0, 0.8), reads: 0, ttlSeconds: null },
      words: { date: ({ draw, clock }) => clock.utcDate(draw.between(2, 60)) },
    },
    'unlocked for an hour': {
      // Unlocks are meant to be permanent; `ttl or default` gives most of them an hour.
      ...{ namespace: 'scenario_unlocked', ...state(3, since('unlocked_at')), ttlSeconds: 3600 },
    },
    'unlocked for good': {
      ...{ namespace: 'scenario_unlocked', ...state(1, since('unlocked_at')) },
      words: { scenario: 'jako_doma' },
    },
    'streak shield': { namespace: 'streak_shield', ...state(1, since('activated_at')) },
    'star discount': { namespace: 'star_discount', ...state(0.6, since('activated_at')) },
    game: state(2, game),
    scenario: state(2, scenario),
    'grammar notice': { namespace: 'notice', ...state(2, () => bytesOf('1')) },
    'slang notice': { namespace: 'notice', pattern: 1, ...state(1, () => bytesOf('1')) },
  },
);
