import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { buildMap } from './build-map.ts';
import type { NamespaceMap } from '../keyspace/map.ts';
import { type KeyPattern, parsePattern, patternShape } from '../keyspace/pattern.ts';
import { type ByteString, asBytes } from '../support/bytes.ts';
import { type ParsedUrl, parseRedisUrl } from '../redis/url.ts';
import type { LocatedRemark } from './cross-check.ts';
import type { LoadedConfig } from './load.ts';
import type { ConfigFile, ProfileConfig } from './schema.ts';

/** What is suspicious in a valid map: it would work, but hardly as it was meant. Reads the modes of files it names. */
export function configWarnings({ config, file }: LoadedConfig): LocatedRemark[] {
  return [
    ...shadowedPatterns(config),
    ...missingTtlRules(config),
    ...unremovableEntities(config),
    ...profileWarnings(config, file),
  ];
}

/** Two patterns that match the same keys: only the first one in the file ever gets any. */
function shadowedPatterns(config: ConfigFile): LocatedRemark[] {
  const owners = new Map<string, string>();
  return Object.entries(config.namespaces ?? {}).flatMap(([name, { pattern }]) => {
    const patterns = [pattern].flat();
    return patterns.flatMap((text, index) => {
      const shape = patternShape(parsePattern(text));
      const owner = owners.get(shape);
      owners.set(shape, owner ?? name);
      if (owner === undefined) return [];
      const message =
        owner === name
          ? `\`${text}\` is listed twice`
          : `\`${text}\` never gets a key: namespace \`${owner}\` has the same pattern and comes first`;
      return [
        {
          path: ['namespaces', name, 'pattern', ...(Array.isArray(pattern) ? [String(index)] : [])],
          message,
        },
      ];
    });
  });
}

function missingTtlRules(config: ConfigFile): LocatedRemark[] {
  return Object.entries(config.namespaces ?? {})
    .filter(([, { kind, ttl }]) => kind !== 'state' && ttl === undefined)
    .map(([name]) => ({
      path: ['namespaces', name],
      message: 'a cache without a TTL rule: `ttl` is what `warm` goes by; "permanent" is a rule too',
    }));
}

/** Entities whose keys all are state: `invalidate` would never remove anything. */
function unremovableEntities(config: ConfigFile): LocatedRemark[] {
  if (config.entities === undefined) return [];
  const map = buildMap(config);
  return map.entities
    .filter(({ patterns }) => patterns.length > 0 && patterns.every((pattern) => isStateOnly(pattern, map)))
    .map(({ name }) => ({
      path: ['entities', name],
      message: 'all its patterns lie in namespaces of kind state, so `invalidate` can never remove a key',
    }));
}

/** Ids and other segments as applications write them; an example key of each shape is classified. */
const exampleSegments = [
  '1',
  'a',
  '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
  '5bd584c379e670b9127c1ec491dfe17a',
];
const exampleShapes: Readonly<Record<string, string>> = {
  int: '7',
  uuid: '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
  hash: '5bd584c379e670b9127c1ec491dfe17a',
  date: '2024-02-29',
  token: 'Qm9uam91ciBsZSBtb25kZQ-_4711',
  email: 'a@example.org',
};

function isStateOnly(pattern: KeyPattern, map: NamespaceMap): boolean {
  return exampleSegments.every((segment) => map.classify(exampleKey(pattern, segment))?.kind === 'state');
}

function exampleKey(pattern: KeyPattern, segment: string): ByteString {
  const text = pattern.parts.map((part) => {
    if (part.kind === 'literal') return part.bytes;
    return part.kind === 'placeholder' ? (exampleShapes[part.name] ?? segment) : segment;
  });
  return asBytes(text.join(''));
}

function profileWarnings(config: ConfigFile, file: string): LocatedRemark[] {
  return Object.entries(config.profiles ?? {}).flatMap(([name, profile]) => [
    ...urlsOf(profile).flatMap(([path, url]) => urlWarnings(['profiles', name, ...path], url, file)),
    ...passwordFileWarnings(name, profile, file),
  ]);
}

function urlsOf({ url, cluster, sentinel }: ProfileConfig): [path: string[], url: string][] {
  return [
    ...(url === undefined ? [] : [[['url'], url] as [string[], string]]),
    ...(cluster ?? []).map((each, index): [string[], string] => [['cluster', String(index)], each]),
    ...(sentinel?.nodes ?? []).map((each, index): [string[], string] => [
      ['sentinel', 'nodes', String(index)],
      each,
    ]),
  ];
}

function urlWarnings(path: readonly string[], url: string, file: string): LocatedRemark[] {
  let parsed: ParsedUrl;
  try {
    parsed = parseRedisUrl(url);
  } catch (error) {
    return [{ path, message: `cannot be used: ${(error as Error).message}` }];
  }
  const ignored = (parsed.ignored ?? []).map((message) => ({ path, message }));
  if (parsed.password === undefined) return ignored;
  const mode = modeOf(file);
  const readable =
    mode !== null && isOpen(mode) ? `, and others may read this file (${readers(mode, file)})` : '';
  const better = path[2] === 'sentinel' ? 'sentinelPasswordEnv' : 'passwordEnv or passwordFile';
  return [...ignored, { path, message: `holds a password${readable}: name it with ${better} instead` }];
}

function passwordFileWarnings(name: string, { passwordFile }: ProfileConfig, file: string): LocatedRemark[] {
  if (passwordFile === undefined) return [];
  const path = ['profiles', name, 'passwordFile'];
  const target = resolve(dirname(file), passwordFile);
  const mode = modeOf(target);
  if (mode === null) return [{ path, message: `\`${target}\` cannot be read` }];
  return isOpen(mode) ? [{ path, message: `others may read it (${readers(mode, target)})` }] : [];
}

function readers(mode: number, file: string): string {
  return `mode ${(mode & 0o777).toString(8)}; \`chmod 600 ${file}\``;
}

/** Readable by the group or by everybody. */
function isOpen(mode: number): boolean {
  return (mode & 0o044) !== 0;
}

/** Null where there is no such file. */
function modeOf(file: string): number | null {
  try {
    return statSync(file).mode;
  } catch {
    return null;
  }
}
