import { bytesOf } from '../../support/bytes.ts';
import { type Family, type RecordContext, ttl } from '../family.ts';
import {
  audio,
  json,
  timestamp,
  combination,
  combinations,
  firstTelegramIds,
  nthId,
  telegramId,
  prose,
} from '../formats.ts';

const hour = 3600;
const day = 24 * hour;

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
const scenarios = [
  'v_hospode',
  'u_lekare',
  'pracovni_pohovor',
  'pronajem_bytu',
  'v_tramvaji',
  'v_obchode',
  'telefonni_hovor',
] as const;

/** Database ids, unlike profiles, which go by Telegram id. */
const account = ({ index }: RecordContext) => nthId(index);

/** An account whose database id is nobody's Telegram id. */
const laterAccount = (index: number) => nthId(index + firstTelegramIds.length, firstTelegramIds);

const counter = ({ draw }: RecordContext) => bytesOf(String(1 + draw.rank(6)));
const activated = ({ draw, clock }: RecordContext) => json({ activated_at: timestamp(draw, clock.now) });

/** State that a command must not clear: one key for each account. */
function state(
  name: string,
  keys: number,
  seconds: number | null,
  key: Family['key'],
  value: Family['value'],
): Family {
  return { name, keys, reads: keys * 2, hitRate: 0.9, state: true, ttlSeconds: ttl(seconds), key, value };
}

function quota(kind: 'text' | 'voice', keys: number, seconds: number | null): Family {
  return {
    name: seconds === null ? `${kind} quota without TTL` : `${kind} quota`,
    keys,
    reads: seconds === null ? 0 : keys * 3,
    hitRate: 0.95,
    counter: true,
    ttlSeconds: ttl(seconds),
    // A process that died between INCR and EXPIRE left its key behind, days ago.
    key: (record) =>
      `quota:${kind}:${account(record)}:${record.clock.utcDate(seconds === null ? record.draw.between(2, 60) : 0)}`,
    value: counter,
  };
}

export const honzik: readonly Family[] = [
  {
    name: 'profile',
    keys: 16,
    reads: 60,
    hitRate: 0.88,
    ttlSeconds: ttl(hour),
    key: ({ index }) => `user:${telegramId(index)}:profile`,
    value: ({ index, draw }) =>
      json({
        id: nthId(index),
        telegram_id: telegramId(index),
        first_name: draw.pick(['Olga', 'Ivan', 'Linh', 'Marta', 'Petro']),
        level: draw.pick(levels),
        settings: {
          conversation_style: draw.pick(styles),
          voice_speed: 'normal',
          corrections_level: 'balanced',
        },
        bio: prose(draw, 'czech', draw.size(120)),
      }),
  },
  {
    name: 'daily statistics',
    keys: 10,
    reads: 30,
    hitRate: 0.74,
    endsAtMidnight: true,
    ttlSeconds: ({ clock }) => clock.secondsLeftToday,
    key: ({ index, clock }) => `stats:${telegramId(index)}:daily:${clock.pragueDate()}`,
    value: ({ draw }) =>
      json({
        streak: draw.rank(5),
        words_said: draw.rank(200),
        correct_percent: draw.between(40, 100),
        messages_count: draw.rank(20),
        stars: draw.rank(80),
      }),
  },
  {
    // A background job writes the same keys with database ids and other fields.
    name: 'daily statistics of the job',
    keys: 4,
    reads: 1,
    hitRate: 0.2,
    endsAtMidnight: true,
    ttlSeconds: ({ clock }) => clock.secondsLeftToday,
    key: ({ index, clock }) => `stats:${laterAccount(index)}:daily:${clock.pragueDate()}`,
    value: ({ index, draw, clock }) =>
      json({
        user_id: laterAccount(index),
        date: clock.pragueDate(),
        messages_count: draw.rank(20),
        streak_day: draw.rank(5),
      }),
  },
  {
    name: 'weekly report',
    keys: 5,
    reads: 4,
    hitRate: 0.85,
    ttlSeconds: ttl(7 * day),
    key: (record) => `weekly_report:${account(record)}:${record.clock.pragueDate(record.draw.below(7))}`,
    value: ({ draw }) =>
      json({
        total_messages: draw.rank(60),
        active_days: draw.between(0, 7),
        recommendations: [prose(draw, 'czech', 90), prose(draw, 'czech', draw.size(120))],
      }),
  },
  {
    name: 'answer of Honzík',
    keys: 14,
    reads: 26,
    hitRate: 0.18,
    ttlSeconds: ttl(day),
    key: ({ draw }) => `honzik:response:${draw.hex(16)}`,
    value: ({ draw }) =>
      json({
        honzik_response: prose(draw, 'czech', draw.size(380)),
        corrected_text: prose(draw, 'czech', 80),
        correctness_score: draw.between(30, 100),
      }),
  },
  {
    name: 'common phrase',
    keys: 3,
    limit: combinations([phrases.length, levels.length, styles.length]),
    reads: 14,
    hitRate: 0.95,
    ttlSeconds: ttl(7 * day),
    key: ({ index }) => {
      const style = styles[Math.floor(index / (phrases.length * levels.length))] ?? 'friendly';
      const level = levels[Math.floor(index / phrases.length) % levels.length] ?? 'A1';
      return `common_phrase:${phrases[index % phrases.length] ?? 'ahoj'}:${level}:${style}`;
    },
    value: ({ draw }) =>
      json({ honzik_response: prose(draw, 'czech', draw.size(120)), correctness_score: 100 }),
  },
  {
    name: 'speech',
    keys: 3,
    reads: 8,
    hitRate: 0.7,
    ttlSeconds: ttl(30 * day),
    key: ({ draw }) => `tts:${draw.hex(16)}:${draw.pick(voices)}:${draw.pick(['0.8', '1.0', '1.2'])}`,
    value: ({ draw }) => audio(draw, draw.size(14_000)),
  },
  {
    name: 'translation',
    keys: 13,
    limit: combinations(translated),
    reads: 16,
    hitRate: 0.83,
    ttlSeconds: ttl(7 * day),
    key: ({ index }) => {
      const [stem = 0, language = 0, ending = 0, prefix = 0] = combination(index, translated);
      return `translation:${prefixes[prefix] ?? ''}${stems[stem] ?? ''}${endings[ending] ?? ''}:${languages[language] ?? 'en'}`;
    },
    value: ({ draw }) => json({ translation: prose(draw, 'english', 14), phonetics: null }),
  },
  {
    name: 'platform metrics',
    keys: 0.1,
    limit: 1,
    reads: 1,
    hitRate: 0.97,
    ttlSeconds: ttl(1800),
    key: () => 'platform:metrics:latest',
    value: ({ draw, clock }) =>
      json({
        active_users: draw.between(100, 900),
        messages_today: draw.between(900, 9000),
        at: timestamp(draw, clock.now),
      }),
  },
  {
    name: 'session',
    keys: 10,
    reads: 40,
    hitRate: 0.99,
    state: true,
    ttlSeconds: ttl(30 * day),
    key: ({ draw }) => `session:${draw.token()}`,
    value: ({ draw }) => json({ user_id: nthId(draw.rank(60)) }),
  },
  quota('text', 6, 26 * hour),
  quota('voice', 3, 26 * hour),
  quota('text', 0.8, null),
  // Unlocks are meant to be permanent; `ttl or default` gives most of them an hour.
  state(
    'unlocked for an hour',
    3,
    hour,
    (record) => `scenario_unlocked:${account(record)}:${record.draw.pick(scenarios)}`,
    unlocked,
  ),
  state('unlocked for good', 1, null, (record) => `scenario_unlocked:${account(record)}:jako_doma`, unlocked),
  state('streak shield', 1, 2 * day, (record) => `streak_shield:${account(record)}`, activated),
  state('star discount', 0.6, 900, (record) => `star_discount:${account(record)}`, activated),
  state(
    'game',
    2,
    1800,
    (record) => `game:active:${account(record)}`,
    (record) =>
      json({
        game_type: 'fill_gap',
        question: prose(record.draw, 'czech', 60),
        started_at: timestamp(record.draw, record.clock.now),
      }),
  ),
  state(
    'scenario',
    2,
    hour,
    (record) => `scenario:${account(record)}`,
    (record) =>
      json({
        scenario_id: record.draw.pick(scenarios),
        step: record.draw.between(0, 5),
        _ts: record.clock.now / 1000,
      }),
  ),
  state(
    'grammar notice',
    2,
    day,
    (record) => `notif:grammar:${account(record)}:${record.clock.pragueDate()}`,
    () => bytesOf('1'),
  ),
  state(
    'slang notice',
    1,
    day,
    (record) => `notif:slang:${account(record)}:${record.clock.pragueDate()}`,
    () => bytesOf('1'),
  ),
];

function unlocked({ draw, clock }: RecordContext) {
  return json({ unlocked_at: timestamp(draw, clock.now) });
}
