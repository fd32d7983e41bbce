import * as z from 'zod';
import { parsePattern } from '../keyspace/pattern.ts';
import { momentOf, parseDuration, parseRatio, parseSize } from '../support/quantity.ts';

/** The one definition of the map: its types, its validation and the shipped JSON Schema all come from here. */

/** A text that `parse` takes. `pattern` is the part that editors can test, which cannot run the parser. */
const text = (parse: (value: string) => unknown, pattern?: RegExp) =>
  z
    .string()
    .check((context) => {
      try {
        parse(context.value);
      } catch (error) {
        context.issues.push({ code: 'custom', input: context.value, message: (error as Error).message });
      }
    })
    .meta(pattern === undefined ? {} : { pattern: pattern.source });

/** A field that may be left out, with what editors show of it. */
const optional = <Type extends z.ZodType>(
  type: Type,
  description: string,
  more: { readonly default?: unknown; readonly examples?: unknown[] } = {},
) => type.optional().meta({ description, ...more });

const durationText = text((value) => {
  if (parseDuration(value) === 0)
    throw new Error(`\`${value}\` is no time at all; write 90s, 5m, 1h30m or 7d`);
}, /^(?:\d+(?:\.\d+)?|(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+)$/);

const seconds = z
  .number()
  .positive('expected more than 0 seconds')
  .refine(
    (value) => momentOf(value) === null,
    'expected a duration, and this is a Unix time; write 7d or 12h',
  );

const duration = z
  .union([seconds, durationText], {
    error: 'expected seconds, or a duration such as "1h"',
  })
  .meta({
    description: 'Seconds, or a duration such as "90s", "5m", "1h30m", "7d".',
    examples: ['5m', '1h', '1d', 3600],
  });

const size = (description: string) =>
  z
    .union([z.number().int().min(0), text(parseSize, /^\d+(?:\.\d+)?\s*(?:(?:[kKmMgG][iI]?)?[bB])?$/)], {
      error: 'expected bytes, or a size such as "200MB"',
    })
    .meta({
      description: `${description} Bytes, or a size such as "200MB".`,
      examples: ['200MB', 1_000_000],
    });

const ratioExpected = 'expected a ratio from 0 to 1, or a percentage such as "80%"';

const ratio = (description: string, ...examples: (string | number)[]) =>
  z
    .union(
      [
        z.number().min(0, ratioExpected).max(1, ratioExpected),
        text(parseRatio, /^(?:0(?:\.\d+)?|1(?:\.0+)?|(?:\d{1,2}(?:\.\d+)?|100) ?%)$/),
      ],
      {
        error: ratioExpected,
      },
    )
    .meta({ description: `${description} A ratio from 0 to 1, or a percentage such as "80%".`, examples });

const pattern = text(parsePattern, /^(?:[^\\<]|\\[\s\S]|<[A-Za-z][A-Za-z0-9_-]*>)+$/).meta({
  description:
    'A key pattern: `*` matches anything, `<name>` one whole segment. <int>, <uuid>, <hash>, <date>, <email>, <ip> and <token> match that shape only. Write \\* and \\< for the characters themselves.',
  examples: ['user:<id>:profile', 'api_cache:<hash>', 'quota:text:<id>:<date>'],
});

const entityPattern = text(
  parsePattern,
  /^(?=[\s\S]*<id>)(?:[^\\<]|\\[\s\S]|<[A-Za-z][A-Za-z0-9_-]*>)+$/,
).meta({
  description:
    'A key pattern with <id>, which stands for the id that is given: one whole segment, taken literally.',
  examples: ['user:<id>:*', 'db_query:*:user:<id>'],
});

const timeZone = text((name) => new Intl.DateTimeFormat('en', { timeZone: name })).meta({
  description: 'An IANA time zone.',
  examples: ['UTC', 'Europe/Prague'],
});

const tls = z
  .strictObject({
    ca: optional(z.string(), 'File with the certificate authority, PEM.'),
    certificate: optional(z.string(), 'File with the client certificate, PEM.'),
    key: optional(z.string(), 'File with the key of the client certificate, PEM.'),
    serverName: optional(z.string(), 'Host name to expect in the certificate.'),
    verify: optional(z.boolean(), 'False accepts any certificate. Only for tests.', { default: true }),
  })
  .meta({ description: 'Turns TLS on, as rediss:// does. Files are relative to this file.' });

const sentinel = z
  .strictObject({
    name: z
      .string()
      .min(1, 'expected the name under which the Sentinels watch the primary')
      .meta({
        description: 'The name under which the Sentinels watch the primary.',
        examples: ['mymaster'],
      }),
    nodes: z
      .array(z.string())
      .min(1, 'expected the URL of at least one Sentinel')
      .meta({
        description: 'URLs of the Sentinels, asked in turn. rediss:// turns TLS on for the primary too.',
        examples: [['redis://sentinel-1:26379', 'redis://sentinel-2:26379']],
      }),
    database: optional(z.number().int().min(0), 'Database number.', { default: 0 }),
  })
  .meta({ description: 'Sentinels, which know the address of the primary.' });

/** The fields of a profile of which each has exactly one. */
export const destinationFields = ['url', 'cluster', 'sentinel'] as const;

const profile = z
  .strictObject({
    url: optional(
      z.string(),
      'redis://, rediss:// or unix:// URL. Leave the password out: name it with passwordEnv or passwordFile.',
      {
        examples: [
          'redis://127.0.0.1:6379/0',
          'rediss://cache.example.com:6380/0',
          'unix:///run/redis.sock?db=1',
        ],
      },
    ),
    cluster: optional(
      z.array(z.string()).min(1, 'expected the URL of at least one node'),
      'URLs of nodes of a Redis Cluster, asked in turn for all of its primaries.',
      { examples: [['redis://node-1:6379', 'redis://node-2:6379']] },
    ),
    sentinel: sentinel.optional(),
    username: optional(z.string(), 'ACL user.'),
    passwordEnv: optional(z.string(), 'Environment variable that holds the password.', {
      examples: ['REDISCLI_AUTH'],
    }),
    passwordFile: optional(z.string(), 'File whose first line is the password; relative to this file.'),
    sentinelPasswordEnv: optional(
      z.string(),
      'Environment variable that holds the password of the Sentinels themselves.',
    ),
    tls: tls.optional(),
    protected: optional(z.boolean(), "Destructive commands ask for the profile's name, or --confirm NAME.", {
      default: false,
    }),
    readOnly: optional(z.boolean(), 'Commands that write are refused.', { default: false }),
    backup: optional(
      z.enum(['always', 'small', 'never']),
      'Whether removals keep the values for `cachectl undo`: always; small, up to 10,000 keys and 100 MB; or never. --backup and --no-backup win.',
      { default: 'small' },
    ),
  })
  .meta({
    description: 'A connection: `cachectl --profile NAME`. It has exactly one of url, cluster and sentinel.',
    oneOf: destinationFields.map((field) => ({
      type: 'object',
      properties: { [field]: {} },
      required: [field],
    })),
  });

const ttlRule = z
  .union(
    [
      z.literal('permanent').meta({ description: 'No TTL, and intended so.' }),
      duration,
      z.strictObject({ min: duration, max: duration }).meta({ description: 'Any TTL from min to max.' }),
      z
        .strictObject({ untilMidnight: timeZone })
        .meta({ description: 'Until the next midnight in the time zone.' }),
    ],
    { error: 'expected a duration, {"min","max"}, {"untilMidnight": time zone} or "permanent"' },
  )
  .meta({
    description: 'The TTL that keys of this namespace are meant to have when they are written.',
    examples: ['1h', 'permanent', { min: '30s', max: '1h' }, { untilMidnight: 'Europe/Prague' }],
  });

const namespace = z
  .strictObject({
    pattern: z
      .union([pattern, z.array(pattern).min(1, 'expected at least one pattern')], {
        error: 'expected a pattern or a list of patterns',
      })
      .meta({
        description:
          'Pattern or patterns of the keys. A key belongs to the namespace whose pattern is most specific.',
      }),
    kind: optional(
      z.enum(['cache', 'state']),
      'cache: can be computed again. state: sessions, quotas, queues; no bulk removal ever touches state.',
      { default: 'cache' },
    ),
    ttl: ttlRule.optional(),
    ttlGuessed: optional(
      z.boolean(),
      'True: `ttl` is a guess of `config init`. `prune` leaves such keys alone; remove the mark once the TTL is right.',
      { default: false },
    ),
    jitter: ratio('Share by which a TTL is shortened at random when this tool sets it.', 0.1).optional(),
    hitRateTarget: ratio('Hit rate that this namespace is meant to reach.', 0.8).optional(),
    maxKeys: optional(z.number().int().min(0), 'Most keys, for `cachectl check`.', { examples: [50_000] }),
    maxBytes: size('Most bytes, for `cachectl check`.').optional(),
    maxWithoutTtl: ratio('Largest share of keys without a TTL, for `cachectl check`.', 0).optional(),
    missCost: optional(
      z.number().positive(),
      'What one miss costs, in a currency of your own: `doctor` says what findings cost in an hour, `whatif` what hits save.',
      { examples: [0.002] },
    ),
    encoding: optional(
      z.enum(['json', 'json-envelope', 'text', 'integer', 'binary', 'pickle', 'fernet']),
      'How values are written. pickle is named and never loaded. gzip and zstd are seen through.',
    ),
    envelopeField: optional(z.string(), 'Field of the JSON envelope that holds the payload.', {
      default: 'data',
    }),
    hashed: optional(
      z.boolean(),
      'The variable part is a digest: keys cannot be found by user, path or any other input.',
      { default: false },
    ),
    generation: optional(
      pattern,
      'A counter that is a part of the keys. `invalidate --namespace NAME --mode generation` increments it.',
      { examples: ['gen:catalogue'] },
    ),
    description: optional(z.string(), 'What the keys are for, in a sentence.'),
  })
  .meta({ description: 'Keys that belong together.' });

const entity = z
  .strictObject({
    patterns: z.array(entityPattern).meta({
      description: 'Patterns with <id>. An id matches whole segments only, and nothing in it is a wildcard.',
    }),
    hashedIn: optional(
      z.array(z.string()),
      'Namespaces that hold data of this entity under hashed keys, which no id can find.',
    ),
    index: optional(
      entityPattern,
      'A set or sorted set of the keys that belong to an id. Invalidation reads it in place of the whole keyspace, and takes out what is gone.',
      { examples: ['idx:user:<id>'] },
    ),
    generation: optional(
      entityPattern,
      'A counter that is a part of the keys of an id. `invalidate --mode generation` increments it, and no reader finds the old keys any more.',
      { examples: ['gen:user:<id>'] },
    ),
    description: optional(z.string(), 'What the entity is, in a sentence.'),
  })
  .meta({ description: 'Something with an id that gets invalidated: `cachectl invalidate NAME ID`.' });

const thresholds = z
  .strictObject({
    minHitRate: ratio('Lowest hit rate of the whole server.', 0.8).optional(),
    maxMemoryRatio: ratio('Highest used memory as a share of maxmemory.', 0.9).optional(),
    maxPingMillis: optional(z.number().positive(), 'Highest median round trip, in milliseconds.', {
      examples: [5],
    }),
    maxFragmentation: optional(z.number().min(1), 'Highest mem_fragmentation_ratio.', { examples: [1.5] }),
    maxEvictedKeys: optional(z.number().int().min(0), 'Highest evicted_keys since the server started.', {
      examples: [0],
    }),
    maxClients: optional(z.number().int().min(1), 'Highest number of connected clients.', {
      examples: [500],
    }),
    maxUnmappedKeys: optional(
      z.number().int().min(0),
      'Most keys that no namespace takes. `check` reads all keys for it.',
      { examples: [0] },
    ),
    maxReplicationLagSeconds: optional(
      z.number().min(0),
      'Longest time since a replica was last heard of, in seconds.',
      { examples: [10] },
    ),
  })
  .meta({
    description:
      'What `cachectl check` holds the server against. What is left out is no limit; `check` warns at usual values.',
  });

const doctor = z
  .strictObject({
    ignore: optional(
      z.record(
        z.string(),
        z.string().min(1, 'expected the reason').meta({ description: 'Why the rule is left out.' }),
      ),
      'Rules that are not to be put, by number or name, each with the reason. They are listed all the same.',
      { examples: [{ CC101: 'the limit is that of the container' }] },
    ),
  })
  .meta({ description: 'What `cachectl doctor` leaves out.' });

export const configSchema = z
  .strictObject({
    $schema: optional(z.string(), 'Where editors find the JSON Schema of this file.'),
    defaultProfile: optional(
      z.string(),
      'Profile to use where neither --profile, --url nor the environment names one.',
    ),
    profiles: optional(z.record(z.string(), profile), 'Connections by name.'),
    delimiters: optional(
      z.array(z.string().regex(/^[!-~]$/, 'expected one ASCII character that is no blank')).min(1),
      'Characters that separate the segments of a key.',
      { default: [':'] },
    ),
    namespaces: optional(z.record(z.string(), namespace), 'Namespaces by name.'),
    entities: optional(z.record(z.string(), entity), 'Entities by name.'),
    thresholds: thresholds.optional(),
    forbidden: optional(
      z.array(pattern),
      'Patterns that no key may match: `cachectl check` reads all keys for them.',
      { examples: [['tmp:*', 'debug:*']] },
    ),
    gigabyteHourCost: optional(
      z.number().positive(),
      'What a gigabyte of memory costs in an hour, in the currency of `missCost`: `whatif` holds it against what the hits save.',
      { examples: [0.02] },
    ),
    doctor: doctor.optional(),
  })
  .meta({
    title: 'cachectl namespace map',
    description: 'Profiles, namespaces, entities and thresholds of one cache.',
  });

export type ConfigFile = z.infer<typeof configSchema>;
export type ProfileConfig = z.infer<typeof profile>;
export type NamespaceConfig = z.infer<typeof namespace>;
export type EntityConfig = z.infer<typeof entity>;
export type TtlRuleConfig = z.infer<typeof ttlRule>;

/** The JSON Schema that editors use: draft-07, the newest that all of them know. */
export function jsonSchemaOf(): object {
  const { $schema, title, description, ...rest } = z.toJSONSchema(configSchema, {
    io: 'input',
    target: 'draft-7',
  });
  return { $schema, title, description, ...rest };
}
