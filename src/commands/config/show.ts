import { type Destination, destinationOf } from '../../config/destination.ts';
import type { ProfileConfig } from '../../config/schema.ts';
import type { Namespace, NamespaceMap } from '../../keyspace/map.ts';
import { type Block, fact, note } from '../../render/blocks.ts';
import { fieldsOf, tableOf } from '../../render/table.ts';
import { counted } from '../../render/units.ts';
import { maskedUrl } from '../../support/masked.ts';
import type { Context, Execution } from '../context.ts';
import type { Setting } from '../context.ts';
import { ttlRuleText } from '../namespace-summary.ts';
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
  readonly namespaces: readonly (Pick<
    Namespace,
    'name' | 'kind' | 'ttl' | 'hitRateTarget' | 'encoding' | 'hashed'
  > & {
    readonly patterns: readonly string[];
    /** True where the rule is a guess of `config init`. */
    readonly ttlGuessed: boolean;
  })[];
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
  const { text } = fieldsOf<Setting>();
  const settingFields = [text('name', 'SETTING'), text('value', 'VALUE'), text('origin', 'FROM')];
  const blocks: Block[] = [tableOf('settings', result.settings, settingFields, { title: 'Settings' })];
  if (result.profiles.length > 0) blocks.push(profileTable(result));
  if (result.namespaces.length > 0) blocks.push(namespaceTable(result));
  if (result.entities.length > 0) blocks.push(entityTable(result));
  const thresholds = Object.entries(result.thresholds) as [string, number][];
  if (thresholds.length > 0) {
    blocks.push({
      kind: 'facts',
      name: 'thresholds',
      title: 'Thresholds',
      facts: thresholds.map(([name, value]) => fact(name, name, value, unitOf(name))),
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
  const { text } = fieldsOf<ShowResult['profiles'][number]>();
  const fields = [
    ...[text('name', 'PROFILE'), text('url', 'URL'), text('topology', 'TOPOLOGY'), text('inUse', 'IN USE')],
    ...[text('protected', 'PROTECTED'), text('readOnly', 'READ-ONLY')],
  ];
  return tableOf('profiles', profiles, fields, { title: counted(profiles.length, 'profile') });
}

function namespaceTable({ namespaces }: ShowResult): Block {
  const { text, ratio } = fieldsOf<ShowResult['namespaces'][number]>();
  return patternTable('namespaces', counted(namespaces.length, 'namespace'), namespaces, [
    text('name', 'NAMESPACE'),
    text('kind', 'KIND'),
    text('ttl', 'TTL', ({ ttl, ttlGuessed }) => ttl && `${ttlRuleText(ttl)}${ttlGuessed ? ' (guess)' : ''}`),
    ratio('hitRateTarget', 'TARGET'),
  ]);
}

function entityTable({ entities }: ShowResult): Block {
  const { text } = fieldsOf<ShowResult['entities'][number]>();
  return patternTable('entities', counted(entities.length, 'entity', 'entities'), entities, [
    text('name', 'ENTITY'),
    text('hashedIn', 'HASHED IN', ({ hashedIn }) => hashedIn.join(' ') || null),
  ]);
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
  readonly topology: Destination['kind'];
}

/** Where a profile leads, as it may be shown. */
export function profileAddress(profile: ProfileConfig): ProfileAddress {
  const { kind, urls } = destinationOf(profile);
  return { url: urls.map(maskedUrl).join(','), topology: kind };
}
