import type { ProfileConfig } from '../../config/schema.ts';
import type { NamespaceMap } from '../../keyspace/map.ts';
import type { TtlRule } from '../../keyspace/ttl.ts';
import { type Block, note } from '../../render/blocks.ts';
import { counted, formatSeconds } from '../../render/units.ts';
import { maskedUrl } from '../../support/masked.ts';
import type { Context, Execution } from '../context.ts';
import type { Setting } from '../settings.ts';
import { patternTable } from './pattern-table.ts';
import { blankOf } from '../blank.ts';

interface ShowResult {
  readonly configFile: string | null;
  readonly settings: readonly Setting[];
  readonly profiles: readonly (ProfileAddress & {
    readonly name: string;
    readonly protected: boolean;
    readonly readOnly: boolean;
    readonly inUse: boolean;
  })[];
  readonly delimiters: readonly string[];
  readonly namespaces: readonly {
    readonly name: string;
    readonly patterns: readonly string[];
    readonly kind: 'cache' | 'state';
    readonly ttl: TtlRule | null;
    /** True where the rule is a guess of `config init`. */
    readonly ttlGuessed: boolean;
    readonly hitRateTarget: number | null;
    readonly encoding: string | null;
    readonly hashed: boolean;
  }[];
  readonly entities: readonly {
    readonly name: string;
    readonly patterns: readonly string[];
    readonly hashedIn: readonly string[];
  }[];
  readonly thresholds: NamespaceMap['thresholds'];
}

export function showExecution(): Execution<ShowResult> {
  return {
    blank: blankOf<ShowResult>()(
      'configFile settings[] profiles[] delimiters[] namespaces[] entities[] thresholds',
    ),
    connects: false,
    run: (context) => Promise.resolve({ result: show(context) }),
    view,
  };
}

function show({ map, configFile, settings, profiles, profile }: Context): ShowResult {
  return {
    configFile,
    settings,
    profiles: profilesOf(profiles, profile?.name),
    delimiters: map.delimiters,
    namespaces: map.namespaces.map(
      ({ name, patterns, kind, ttl, guessedTtl, hitRateTarget, encoding, hashed }) => ({
        name,
        patterns: patterns.map(({ text }) => text),
        kind,
        ttl: ttl ?? guessedTtl,
        ttlGuessed: guessedTtl !== null,
        hitRateTarget,
        encoding,
        hashed,
      }),
    ),
    entities: map.entities.map(({ name, patterns, hashedIn }) => ({
      name,
      patterns: patterns.map(({ text }) => text),
      hashedIn,
    })),
    thresholds: map.thresholds,
  };
}

function profilesOf(profiles: Context['profiles'], inUse: string | undefined): ShowResult['profiles'] {
  return Object.entries(profiles).map(([name, profile]) => ({
    name,
    ...profileAddress(profile),
    protected: profile.protected ?? false,
    readOnly: profile.readOnly ?? false,
    inUse: name === inUse,
  }));
}

function view(result: ShowResult): Block[] {
  const blocks: Block[] = [
    {
      kind: 'table',
      name: 'settings',
      title: 'Settings',
      columns: [
        { name: 'name', header: 'SETTING', unit: 'text' },
        { name: 'value', header: 'VALUE', unit: 'text' },
        { name: 'origin', header: 'FROM', unit: 'text' },
      ],
      rows: result.settings.map(({ name, value, origin }) => [name, value, origin]),
    },
  ];
  if (result.profiles.length > 0) blocks.push(profileTable(result));
  if (result.namespaces.length > 0) blocks.push(namespaceTable(result));
  if (result.entities.length > 0) blocks.push(entityTable(result));
  const thresholds = Object.entries(result.thresholds) as [string, number][];
  if (thresholds.length > 0) {
    blocks.push({
      kind: 'facts',
      name: 'thresholds',
      title: 'Thresholds',
      facts: thresholds.map(([name, value]) => ({ name, label: name, value, unit: unitOf(name) })),
    });
  }
  if (result.configFile === null) {
    blocks.push(
      note(
        'plain',
        'no map: namespaces are inferred from the keys; `cachectl config init` writes a first map',
      ),
    );
  } else if (result.namespaces.length === 0) {
    blocks.push(note('plain', 'the map names no namespaces: they are inferred from the keys'));
  }
  return blocks;
}

function profileTable({ profiles }: ShowResult): Block {
  return {
    kind: 'table',
    name: 'profiles',
    title: counted(profiles.length, 'profile'),
    columns: [
      { name: 'name', header: 'PROFILE', unit: 'text' },
      { name: 'url', header: 'URL', unit: 'text' },
      { name: 'topology', header: 'TOPOLOGY', unit: 'text' },
      { name: 'inUse', header: 'IN USE', unit: 'text' },
      { name: 'protected', header: 'PROTECTED', unit: 'text' },
      { name: 'readOnly', header: 'READ-ONLY', unit: 'text' },
    ],
    rows: profiles.map((each) => [
      each.name,
      each.url,
      each.topology,
      each.inUse,
      each.protected,
      each.readOnly,
    ]),
  };
}

function namespaceTable({ namespaces }: ShowResult): Block {
  return patternTable({
    name: 'namespaces',
    title: counted(namespaces.length, 'namespace'),
    columns: [
      { name: 'name', header: 'NAMESPACE', unit: 'text' },
      { name: 'kind', header: 'KIND', unit: 'text' },
      { name: 'ttl', header: 'TTL', unit: 'text' },
      { name: 'hitRateTarget', header: 'TARGET', unit: 'ratio' },
    ],
    rows: namespaces.map((each) => ({
      cells: [
        each.name,
        each.kind,
        each.ttl && `${ttlText(each.ttl)}${each.ttlGuessed ? ' (guess)' : ''}`,
        each.hitRateTarget,
      ],
      patterns: each.patterns,
    })),
  });
}

function entityTable({ entities }: ShowResult): Block {
  return patternTable({
    name: 'entities',
    title: counted(entities.length, 'entity', 'entities'),
    columns: [
      { name: 'name', header: 'ENTITY', unit: 'text' },
      { name: 'hashedIn', header: 'HASHED IN', unit: 'text' },
    ],
    rows: entities.map((each) => ({
      cells: [each.name, each.hashedIn.join(' ') || null],
      patterns: each.patterns,
    })),
  });
}

/** `1h`, `30s … 1h`, `until midnight, Europe/Prague`, `permanent`. */
function ttlText(rule: TtlRule): string {
  switch (rule.kind) {
    case 'fixed':
      return formatSeconds(rule.seconds);
    case 'range':
      return `${formatSeconds(rule.minSeconds)} … ${formatSeconds(rule.maxSeconds)}`;
    case 'untilMidnight':
      return `until midnight, ${rule.timeZone}`;
    case 'permanent':
      return 'permanent';
  }
}

function unitOf(threshold: string): 'ratio' | 'millis' | 'seconds' | 'count' | 'number' {
  if (threshold === 'minHitRate' || threshold === 'maxMemoryRatio') return 'ratio';
  if (threshold.endsWith('Millis')) return 'millis';
  if (threshold.endsWith('Seconds')) return 'seconds';
  return threshold === 'maxFragmentation' ? 'number' : 'count';
}

export interface ProfileAddress {
  /** Without user and password; those of all seeds or Sentinels, with commas. */
  readonly url: string;
  readonly topology: 'server' | 'cluster' | 'sentinel';
}

/** Where a profile leads, as it may be shown. */
export function profileAddress({ url = '', cluster, sentinel }: ProfileConfig): ProfileAddress {
  const shown = (urls: readonly string[]) => urls.map(maskedUrl).join(',');
  if (cluster !== undefined) return { url: shown(cluster), topology: 'cluster' };
  return sentinel === undefined
    ? { url: shown([url]), topology: 'server' }
    : { url: shown(sentinel.nodes), topology: 'sentinel' };
}
