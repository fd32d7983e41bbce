import * as z from 'zod';
import { parsePattern } from '../keyspace/pattern.ts';
import { parseDuration, parseRatio } from './quantity.ts';

/** The one definition of the map: its types, its validation and the shipped JSON Schema all come from here. */

const accepts = (parse: (text: string) => unknown) => (context: z.core.ParsePayload<string>) => {
  try {
    parse(context.value);
  } catch (error) {
    context.issues.push({ code: 'custom', input: context.value, message: (error as Error).message });
  }
};

const duration = z
  .union([z.number().positive(), z.string().check(accepts(parseDuration))], {
    error: 'expected seconds, or a duration such as "1h"',
  })
  .meta({ description: 'Seconds, or a duration such as "90s", "5m", "1h30m", "7d".', examples: ['1h'] });

const ratio = z
  .union([z.number().min(0).max(1), z.string().check(accepts(parseRatio))], {
    error: 'expected a ratio from 0 to 1, or a percentage such as "80%"',
  })
  .meta({ description: 'A ratio from 0 to 1, or a percentage such as "80%".', examples: [0.8] });

const pattern = z
  .string()
  .check(accepts(parsePattern))
  .meta({
    description:
      'A key pattern: `*` matches anything, `<name>` one whole segment. <int>, <uuid>, <hash>, <date>, <token> and <email> match that shape only. Write \\* and \\< for the characters themselves.',
    examples: ['user:<id>:profile'],
  });

const timeZone = z
  .string()
  .check(accepts((name) => new Intl.DateTimeFormat('en', { timeZone: name })))
  .meta({ description: 'An IANA time zone.', examples: ['Europe/Prague'] });

const tls = z.strictObject({
  ca: z.string().optional().meta({ description: 'File with the certificate authority, PEM.' }),
  certificate: z.string().optional().meta({ description: 'File with the client certificate, PEM.' }),
  key: z.string().optional().meta({ description: 'File with the key of the client certificate, PEM.' }),
  serverName: z.string().optional().meta({ description: 'Host name to expect in the certificate.' }),
  verify: z.boolean().optional().meta({ description: 'False accepts any certificate. Only for tests.' }),
});

const profile = z.strictObject({
  url: z.string().meta({
    description:
      'redis://, rediss:// or unix:// URL. Leave the password out: name it with passwordEnv or passwordFile.',
  }),
  username: z.string().optional(),
  passwordEnv: z.string().optional().meta({ description: 'Environment variable that holds the password.' }),
  passwordFile: z
    .string()
    .optional()
    .meta({ description: 'File whose first line is the password; relative to this file.' }),
  tls: tls.optional(),
  protected: z
    .boolean()
    .optional()
    .meta({ description: "Destructive commands ask for the profile's name, or --confirm NAME." }),
  readOnly: z.boolean().optional().meta({ description: 'Commands that write are refused.' }),
});

const ttlRule = z
  .union(
    [
      z.literal('permanent'),
      duration,
      z.strictObject({ min: duration, max: duration }),
      z.strictObject({ untilMidnight: timeZone }),
    ],
    { error: 'expected a duration, {"min","max"}, {"untilMidnight": time zone} or "permanent"' },
  )
  .meta({ description: 'The TTL that keys of this namespace are meant to have when they are written.' });

const namespace = z.strictObject({
  pattern: z
    .union([pattern, z.array(pattern).min(1)], { error: 'expected a pattern or a list of patterns' })
    .meta({
      description:
        'Pattern or patterns of the keys. A key belongs to the namespace whose pattern is most specific.',
    }),
  kind: z
    .enum(['cache', 'state'])
    .optional()
    .meta({
      description: 'state: sessions, quotas, queues. No bulk removal ever touches state. Default: cache.',
    }),
  ttl: ttlRule.optional(),
  jitter: ratio
    .optional()
    .meta({ description: 'Share by which a TTL is shortened at random when this tool sets it.' }),
  hitRateTarget: ratio.optional(),
  encoding: z
    .enum(['json', 'json-envelope', 'text', 'integer', 'binary', 'pickle', 'fernet'])
    .optional()
    .meta({
      description:
        'How values are written. pickle is named and never loaded. gzip and zstd are seen through.',
    }),
  envelopeField: z
    .string()
    .optional()
    .meta({ description: 'Field of the JSON envelope that holds the payload. Default: data.' }),
  hashed: z
    .boolean()
    .optional()
    .meta({
      description: 'The variable part is a digest: keys cannot be found by user, path or any other input.',
    }),
  description: z.string().optional(),
});

const entity = z.strictObject({
  patterns: z
    .array(pattern)
    .meta({
      description: 'Patterns with <id>. An id matches whole segments only, and nothing in it is a wildcard.',
    }),
  hashedIn: z
    .array(z.string())
    .optional()
    .meta({
      description: 'Namespaces that hold data of this entity under hashed keys, which no id can find.',
    }),
  description: z.string().optional(),
});

const thresholds = z.strictObject({
  minHitRate: ratio.optional().meta({ description: 'Lowest hit rate of the whole server.' }),
  maxMemoryRatio: ratio.optional().meta({ description: 'Highest used memory as a share of maxmemory.' }),
  maxPingMillis: z.number().positive().optional().meta({ description: 'Highest median round trip.' }),
  maxFragmentation: z.number().min(1).optional(),
  maxEvictedKeys: z
    .number()
    .int()
    .min(0)
    .optional()
    .meta({ description: 'Highest evicted_keys since the server started.' }),
  maxClients: z.number().int().min(1).optional(),
  maxReplicationLagSeconds: z.number().min(0).optional(),
});

export const configSchema = z
  .strictObject({
    $schema: z.string().optional(),
    defaultProfile: z.string().optional(),
    profiles: z.record(z.string(), profile).optional(),
    delimiters: z
      .array(z.string().length(1))
      .min(1)
      .optional()
      .meta({ description: 'Characters that separate the segments of a key. Default: [":"].' }),
    namespaces: z.record(z.string(), namespace).optional(),
    entities: z.record(z.string(), entity).optional(),
    thresholds: thresholds.optional(),
  })
  .meta({
    title: 'cachectl namespace map',
    description: 'Profiles, namespaces, entities and thresholds of one cache.',
  });

export type ConfigFile = z.infer<typeof configSchema>;
export type ProfileConfig = z.infer<typeof profile>;
export type NamespaceConfig = z.infer<typeof namespace>;
export type EntityConfig = z.infer<typeof entity>;
export type ThresholdsConfig = z.infer<typeof thresholds>;
export type TtlRuleConfig = z.infer<typeof ttlRule>;

/** The JSON Schema that editors use. */
export function jsonSchemaOf(): unknown {
  return {
    ...(z.toJSONSchema(configSchema, { io: 'input' }) as object),
    $id: 'cachectl.config.schema.json',
  };
}
