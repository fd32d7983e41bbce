import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { parse } from 'jsonc-parser';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { jsonSchemaOf } from '../../src/config/schema.ts';
import { buildMap } from '../../src/config/build-map.ts';
import { bytesOf } from '../../src/support/bytes.ts';
import { configFileOf, systemNames } from '../../src/sandbox/systems.ts';

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
const shippedText = readFileSync(`${packageRoot}schema/cachectl.config.schema.json`, 'utf8');
const shipped = JSON.parse(shippedText) as object;
// Strict: an unknown keyword or a type that is missing next to one is an error.
const accepts = new Ajv({ strict: true, allowUnionTypes: true }).compile(shipped);

function isValid(map: unknown): boolean {
  try {
    parseConfig(JSON.stringify(map), 'map.json');
    return true;
  } catch {
    return false;
  }
}

interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
}

/** The fields of the schema by their path, with the schema of each. */
function fieldsOf(schema: Schema, path = ''): [string, Schema][] {
  const own = Object.entries(schema.properties ?? {}).map(
    ([name, field]) => [`${path}/${name}`, field] as [string, Schema],
  );
  const rest = schema.additionalProperties;
  const named: [string, Schema][] = typeof rest === 'object' ? [[`${path}/*`, rest]] : [];
  return [...own, ...named].flatMap(([at, field]) => [[at, field], ...fieldsOf(field, at)]);
}

describe('the shipped JSON Schema', () => {
  test('is the one of this source', () => {
    expect(shippedText, 'stale: `npm run generate` writes it').toBe(
      JSON.stringify(jsonSchemaOf(), null, 2) + '\n',
    );
  });

  test.each(systemNames)('accepts the example map of %s', (system) => {
    const text = readFileSync(configFileOf(system, packageRoot), 'utf8');
    expect(accepts(parse(text)), JSON.stringify(accepts.errors)).toBe(true);
  });

  test.each([
    { namespaces: { a: { pattern: 'a' } } },
    { namespaces: { a: { pattern: ['a:<id>', 'b\\*\\<'], ttl: 'permanent', kind: 'state' } } },
    { namespaces: { a: { pattern: '<token>', ttl: 90, jitter: '10%', hitRateTarget: 1 } } },
    { namespaces: { a: { pattern: '*', ttl: '1h30m', hitRateTarget: '99.5%' } } },
    { namespaces: { a: { pattern: 'é:{<id>}', ttl: { min: '250ms', max: 3600 } } } },
    { namespaces: { a: { pattern: 'a', ttl: { untilMidnight: 'Europe/Prague' } } } },
    { entities: { user: { patterns: ['*:user:<id>:*'] } }, thresholds: { minHitRate: 0.8 } },
    { profiles: { a: { url: 'unix:///run/redis.sock', tls: { verify: false } } }, defaultProfile: 'a' },
    { profiles: { a: { cluster: ['redis://x', 'redis://y'], username: 'ann' } } },
    {
      profiles: {
        a: { sentinel: { name: 'm', nodes: ['redis://x:26379'], database: 2 }, sentinelPasswordEnv: 'X' },
      },
    },
    { delimiters: [':', '/'] },
  ])('accepts what the program accepts: %j', (map) => {
    expect({ schema: accepts(map), program: isValid(map) }).toEqual({ schema: true, program: true });
  });

  test.each([
    [],
    { zzz: 1 },
    { namespaces: [] },
    { namespaces: { a: {} } },
    { namespaces: { a: { pattern: '' } } },
    { namespaces: { a: { pattern: [] } } },
    { namespaces: { a: { pattern: 'user:<id' } } },
    { namespaces: { a: { pattern: 'user:\\' } } },
    { namespaces: { a: { patterns: ['a'] } } },
    { namespaces: { a: { pattern: 'a', kind: 'cash' } } },
    { namespaces: { a: { pattern: 'a', ttl: '1 parsec' } } },
    { namespaces: { a: { pattern: 'a', ttl: 0 } } },
    { namespaces: { a: { pattern: 'a', ttl: { min: 1 } } } },
    { namespaces: { a: { pattern: 'a', jitter: 1.5 } } },
    { namespaces: { a: { pattern: 'a', hitRateTarget: '180%' } } },
    { namespaces: { a: { pattern: 'a', encoding: 'yaml' } } },
    { entities: { user: { patterns: ['user:*'] } } },
    { profiles: { a: {} } },
    { profiles: { a: { url: 'redis://x', password: 'x' } } },
    { profiles: { a: { url: 'redis://x', cluster: ['redis://x'] } } },
    { profiles: { a: { url: 'redis://x', sentinel: { name: 'm', nodes: ['redis://x'] } } } },
    { profiles: { a: { cluster: [] } } },
    { profiles: { a: { cluster: 'redis://x' } } },
    { profiles: { a: { sentinel: { name: 'm', nodes: [] } } } },
    { profiles: { a: { sentinel: { nodes: ['redis://x'] } } } },
    { profiles: { a: { sentinel: { name: 'm', nodes: ['redis://x'], database: -1 } } } },
    { thresholds: { maxClients: 1.5 } },
    { delimiters: ['::'] },
  ])('refuses what the program refuses: %j', (map) => {
    expect({ schema: accepts(map), program: isValid(map) }).toEqual({ schema: false, program: false });
  });

  test('describes every field to the person who hovers over it', () => {
    const fields = fieldsOf(shipped);
    expect(fields.length).toBeGreaterThan(40);
    expect(fields.filter(([, { description }]) => (description ?? '') === '').map(([path]) => path)).toEqual(
      [],
    );
  });

  test('holds no definition that nothing refers to', () => {
    const defined = [...shippedText.matchAll(/"(?:\$defs|definitions)"/g)];
    expect(defined).toEqual([]);
  });
});

describe('the map in the documentation', () => {
  const page = readFileSync(`${packageRoot}docs/namespace-map.md`, 'utf8');
  const example = /```jsonc\n([^]+?)```/.exec(page)?.[1] ?? '';

  test('is valid, and means what the page says', () => {
    const map = buildMap(parseConfig(example, 'docs/namespace-map.md'));
    const nameOf = (key: string) => map.classify(bytesOf(key))?.name;
    expect(nameOf('user:12:profile')).toBe('profile');
    expect(nameOf('stats:12:daily:2026-01-31')).toBe('daily');
    expect(nameOf('quota:voice:12:2026-01-31')).toBe('quota');
    expect(nameOf('user:12')).toBeUndefined();
  });

  test('is explained with every field that there is', () => {
    const missing = fieldsOf(shipped as Schema)
      .map(([path]) => path.split('/').at(-1) ?? '')
      .filter((name) => name !== '*' && !page.includes(name));
    expect(missing).toEqual([]);
  });
});
