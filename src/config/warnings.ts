import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { buildMap } from './build-map.ts';
import type { NamespaceMap } from '../keyspace/map.ts';
import { type KeyPattern, parsePattern, patternShape } from '../keyspace/pattern.ts';
import { type ByteString, asBytes } from '../support/bytes.ts';
import { type ParsedUrl, parseRedisUrl } from '../redis/url.ts';
import { type Remark, remarksOf } from './cross-check.ts';
import type { LocatedRemark } from './places.ts';
import type { LoadedConfig } from './load.ts';
import type { ConfigFile, ProfileConfig } from './schema.ts';

/** What is suspicious in a valid map: it would work, but hardly as it was meant. Reads the modes of files it names. */
export function configWarnings({ config, file }: LoadedConfig): LocatedRemark[] {
  return remarksOf((remark) => {
    warnOfShadowedPatterns(config, remark);
    for (const [name, { kind, ttl }] of Object.entries(config.namespaces ?? {}))
      if (kind !== 'state' && ttl === undefined) {
        const message = 'a cache without a TTL rule: `ttl` is what `warm` goes by; "permanent" is a rule too';
        remark(message, 'namespaces', name);
      }
    warnOfUnremovableEntities(config, remark);
    for (const [name, profile] of Object.entries(config.profiles ?? {})) {
      for (const [path, url] of urlsOf(profile)) warnOfUrl(['profiles', name, ...path], url, file, remark);
      warnOfPasswordFile(name, profile, file, remark);
    }
  });
}

/** Two patterns that match the same keys: only the first one in the file ever gets any. */
function warnOfShadowedPatterns(config: ConfigFile, remark: Remark): void {
  const owners = new Map<string, string>();
  for (const [name, { pattern }] of Object.entries(config.namespaces ?? {})) {
    for (const [index, text] of [pattern].flat().entries()) {
      const shape = patternShape(parsePattern(text));
      const owner = owners.get(shape);
      if (owner === undefined) owners.set(shape, name);
      else
        remark(
          owner === name
            ? `\`${text}\` is listed twice`
            : `\`${text}\` never gets a key: namespace \`${owner}\` has the same pattern and comes first`,
          ...['namespaces', name, 'pattern', ...(Array.isArray(pattern) ? [String(index)] : [])],
        );
    }
  }
}

/** Entities whose keys all are state: `invalidate` would never remove anything. */
function warnOfUnremovableEntities(config: ConfigFile, remark: Remark): void {
  if (config.entities === undefined) return;
  const map = buildMap(config);
  const message = 'all its patterns lie in namespaces of kind state, so `invalidate` can never remove a key';
  for (const { name, patterns } of map.entities)
    if (patterns.length > 0 && patterns.every((pattern) => isStateOnly(pattern, map)))
      remark(message, 'entities', name);
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

function urlsOf({ url, cluster, sentinel }: ProfileConfig): [path: string[], url: string][] {
  const listed = (urls: readonly string[] = [], ...path: string[]) =>
    urls.map((each, index): [string[], string] => [[...path, String(index)], each]);
  return [
    ...(url === undefined ? [] : [[['url'], url] as [string[], string]]),
    ...listed(cluster, 'cluster'),
    ...listed(sentinel?.nodes, 'sentinel', 'nodes'),
  ];
}

function warnOfUrl(path: readonly string[], url: string, file: string, remark: Remark): void {
  let parsed: ParsedUrl;
  try {
    parsed = parseRedisUrl(url);
  } catch (error) {
    remark(`cannot be used: ${(error as Error).message}`, ...path);
    return;
  }
  for (const message of parsed.ignored ?? []) remark(message, ...path);
  if (parsed.password === undefined) return;
  const mode = modeOf(file);
  const readable =
    mode !== null && isOpen(mode) ? `, and others may read this file (${readers(mode, file)})` : '';
  const better = path[2] === 'sentinel' ? 'sentinelPasswordEnv' : 'passwordEnv or passwordFile';
  remark(`holds a password${readable}: name it with ${better} instead`, ...path);
}

function warnOfPasswordFile(
  name: string,
  { passwordFile }: ProfileConfig,
  file: string,
  remark: Remark,
): void {
  if (passwordFile === undefined) return;
  const target = resolve(dirname(file), passwordFile);
  const mode = modeOf(target);
  const message =
    mode === null
      ? `\`${target}\` cannot be read`
      : isOpen(mode)
        ? `others may read it (${readers(mode, target)})`
        : null;
  if (message !== null) remark(message, 'profiles', name, 'passwordFile');
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
