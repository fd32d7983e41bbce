import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { groupBy, pick } from '../../support/collections.ts';
import { configFileName } from '../../config/find.ts';
import { configOf, drawFirstMap, type FirstMap } from '../../config/first-map/draft.ts';
import { configFileText } from '../../config/first-map/file-text.ts';
import { haveTtls, type Sign } from '../../config/first-map/kind.ts';
import type { DraftNamespace } from '../../config/first-map/namespaces.ts';
import { writtenTtlSeconds } from '../../config/first-map/ttl-rule.ts';
import { parseConfig } from '../../config/load.ts';
import type { ConfigFile } from '../../config/schema.ts';
import { trustMap } from '../../config/trust.ts';
import { fileFailureText, InputError } from '../../support/failure.ts';
import { writeNamedFile } from '../../support/named-file.ts';
import { type KeyStatistics, noIdleTime } from '../../keyspace/key-statistics.ts';
import type { OwnLookups } from '../../redis/lookups.ts';
import { type Block, costNote, note } from '../../render/blocks.ts';
import { fieldsOf } from '../../render/table.ts';
import { stateFolder } from '../../support/files.ts';
import { counted, formatCell, formatRatio, formatSeconds } from '../../render/units.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { howToConfirm, withoutIdleTimeText } from '../namespace-summary.ts';
import { ownLookupsText } from '../keyspace-report.ts';
import { type ConnectionFlags, currentProfile } from './current-profile.ts';
import { confirmReplacing } from '../protection.ts';
import { patternTable } from './pattern-table.ts';
import { blankOf } from '../blank.ts';

export interface InitInput {
  /** `-`: stdout. */
  readonly file: string;
  readonly sample: number;
  readonly force: boolean;
  readonly flags: ConnectionFlags;
}

interface InitResult {
  /** Null where the map was printed, or not written because of an interruption. */
  readonly file: string | null;
  /** Keys looked at. */
  readonly keys: number;
  readonly keyspaceKeys: number | null;
  /** Share of these keys that the namespaces take in, from 0 to 1. */
  readonly coverage: number;
  readonly namespaces: readonly (Pick<DraftNamespace, 'name' | 'patterns' | 'kind' | 'signs' | 'hashed'> & {
    /** As in the map. */
    readonly ttl: unknown;
    readonly encoding: string | null;
    readonly keys: number;
    readonly remarks: readonly string[];
  })[];
  /** The remarks, each once. */
  readonly cautions: readonly { readonly text: string; readonly namespaces: readonly string[] }[];
  readonly entities: readonly { readonly name: string; readonly patterns: readonly string[] }[];
  /** The map itself. */
  readonly map: object | null;
}

export function initExecution(input: InitInput): Execution<InitResult> {
  return {
    blank: blankOf<InitResult>()('file keys keyspaceKeys coverage namespaces[] cautions[] entities[] map'),
    rows: 'namespaces',
    run: (context) => init(context, input),
    view,
  };
}

async function init(context: Context, input: InitInput): Promise<Outcome<InitResult>> {
  const { signal, progress, now, environment } = context;
  const file = input.file === '-' ? null : resolve(environment.workingDirectory, input.file);
  if (file !== null) await confirmReplacing(context, input.file, input.force);
  const server = await context.connect();
  const localTimeZone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const drawn = await drawFirstMap(server, { sample: input.sample, signal, progress, now, localTimeZone });
  if (drawn.keys === 0 && !signal.aborted) {
    throw new InputError(
      `${server.address} holds no keys to draw a map from`,
      'name another database with --db NUMBER, or another server with --url',
    );
  }
  if (drawn.refusedTtl !== null) context.warn(`no TTL rules: the server answered \`${drawn.refusedTtl}\``);
  if (drawn.refusedIdle !== null) {
    context.warn(
      `TTLs are drawn from the time left alone: the server reports no idle times (\`${drawn.refusedIdle}\`)`,
    );
  }
  const profile = currentProfile(context.settings, input.flags, environment.workingDirectory, file);
  const map = configOf(drawn, profile);
  const text = fileText(map, drawn, server.address, file, environment.packageRoot);
  const result = resultOf(drawn, map, signal.aborted ? null : file);
  if (signal.aborted) return { result };
  if (file !== null) {
    const failure = (cause: string) =>
      new InputError(`\`${file}\` cannot be written: ${cause}`, 'name another with --file FILE');
    await writeNamedFile(file, text, { processes: environment.processes, signal }, failure);
    trustOwnMap(context, file, text);
  } else if (context.output !== 'json' && context.output !== 'ndjson') {
    await context.write(text);
    return { result, printed: true };
  }
  return { result };
}

function fileText(
  map: ConfigFile,
  { namespaces, keys, complete, keysInDatabase }: FirstMap,
  address: string,
  file: string | null,
  packageRoot: string,
): string {
  const seen =
    complete || keysInDatabase === null
      ? counted(keys, 'key')
      : `${formatCell(keys, 'count')} of ${counted(keysInDatabase, 'key')}`;
  const text = configFileText(map, {
    header: [
      `A first map of ${address}, drawn from ${seen}.`,
      'Names, kinds and TTLs are guesses: read them before a command that removes goes by them.',
      'Where a TTL is right, remove "ttlGuessed": `prune` leaves keys alone whose rule is a guess.',
    ],
    comments: new Map(
      namespaces.map(({ name, kind, signs, ttl, statistics, remarks }) => {
        const parts = [
          counted(statistics.keys, 'key'),
          ...signs.map(({ text }, index) => (index === 0 ? `${kind}: ${text}` : text)),
          ...(isNameAlone(signs) && haveTtls(statistics) ? [ifComputable] : []),
          ...ttlGround(ttl, statistics),
          ...remarks.map(({ text }) => text),
        ];
        return [name, [parts.join('; ')]];
      }),
    ),
    schema: file === null ? undefined : schemaReference(file, packageRoot),
  });
  // A map that its own reader refuses must not reach the disk.
  parseConfig(text, file ?? configFileName);
  return text;
}

const isNameAlone = (signs: DraftNamespace['signs']) =>
  signs.length > 0 && signs.every(({ from }) => from === 'name');
const ifComputable = 'each key has a TTL: make it "cache" if the application can compute it again';

/** What a duration rests on; none where the rule is of another kind. */
function ttlGround(ttl: unknown, statistics: KeyStatistics): string[] {
  if (typeof ttl !== 'string' || ttl === 'permanent') return [];
  const left = `at most ${formatSeconds(statistics.ttlMaxSeconds)} left`;
  const { keys } = statistics.by.idle.part(noIdleTime);
  return [
    statistics.ttlWithIdleMaxSeconds === 0
      ? `${left}; ${keys === 0 ? 'idle times not reported' : withoutIdleTimeText(keys)}`
      : `${left}, ${formatSeconds(writtenTtlSeconds(statistics))} when last used`,
  ];
}

function resultOf(
  { namespaces, entities, coverage, keys, keysInDatabase }: FirstMap,
  map: ConfigFile,
  file: string | null,
): InitResult {
  return {
    file,
    keys,
    keyspaceKeys: keysInDatabase,
    coverage,
    namespaces: namespaces.map((namespace) => ({
      ...pick(namespace, ['name', 'patterns', 'kind', 'signs']),
      ttl: namespace.ttl ?? null,
      encoding: namespace.encoding?.encoding ?? null,
      hashed: namespace.hashed,
      keys: namespace.statistics.keys,
      remarks: namespace.remarks.map(({ text }) => text),
    })),
    cautions: [
      ...groupBy(
        namespaces.flatMap(({ name, remarks }) => remarks.map(({ ofMany }) => ({ name, ofMany }))),
        ({ ofMany }) => ofMany,
      ),
    ]
      .map(([text, concerned]) => ({ text, namespaces: concerned.map(({ name }) => name) }))
      // Those of as many namespaces came in the order of SCAN.
      .sort((left, right) => (left.text < right.text ? -1 : 1)),
    entities: entities.map(({ name, config }) => ({ name, patterns: config.patterns })),
    map,
  };
}

/** Whoever had the map written knows its profile. Without a place to keep that, the first command asks for it. */
function trustOwnMap({ environment, now, warn }: Context, file: string, text: string): void {
  const { variables } = environment;
  if (stateFolder(variables, 'trusted-maps') === null) return;
  try {
    trustMap(file, parseConfig(text, file), environment, { now: now(), by: 'config init' });
  } catch (error) {
    warn(`\`${file}\` could not be trusted: ${fileFailureText(error)}; \`cachectl config trust\` does it`);
  }
}

const stateGrounds: Readonly<Record<Sign['from'], string>> = {
  layout: 'the layout of a library',
  name: 'name',
  type: 'type',
  value: 'value',
};
const mostNamed = 12;

function listed(names: readonly string[]): string {
  const more = names.length - mostNamed;
  return more <= 1 ? names.join(', ') : `${names.slice(0, mostNamed).join(', ')} and ${more} more`;
}

function view(result: InitResult, own: OwnLookups): Block[] {
  const { file, keys, coverage, namespaces, cautions, entities } = result;
  const { text, count } = fieldsOf<InitResult['namespaces'][number]>();
  const [entity] = entities;
  const next = ['config validate', 'inspect', ...(entity ? [`invalidate ${entity.name} ID --dry-run`] : [])];
  const states = groupBy(
    namespaces.filter(({ kind }) => kind === 'state'),
    ({ signs }) => signs[0]?.from ?? 'name',
  );
  return [
    patternTable(
      'namespaces',
      `${counted(namespaces.length, 'namespace')} from ${counted(keys, 'key')}`,
      namespaces,
      [
        ...([text('name', 'NAMESPACE'), text('kind', 'KIND')] as const),
        text('ttl', 'TTL', ({ ttl }) => (typeof ttl === 'string' || ttl === null ? ttl : 'until midnight')),
        text('encoding', 'ENCODING'),
        count('keys', 'KEYS'),
      ],
    ),
    ...[...states].map(([from, found]) =>
      note(
        'plain',
        `state by ${stateGrounds[from]}, which no invalidation touches: ${listed(found.map(({ name }) => name))}`,
      ),
    ),
    ...cautions.map(({ text, namespaces: concerned }) => note('plain', `${listed(concerned)}: ${text}`)),
    costNote(ownLookupsText(own)),
    note(
      coverage >= 0.95 ? 'good' : 'warning',
      `the namespaces take in ${formatRatio(coverage)} of the keys seen`,
    ),
    ...(file === null
      ? [note('warning', 'interrupted: nothing was written')]
      : [
          note('good', `wrote ${file}`),
          note('plain', 'read it, above all which namespaces are state and which are not'),
          ...(namespaces.some(({ ttl }) => ttl !== null)
            ? [note('plain', `TTL rules are guesses, which \`prune\` does not enforce: ${howToConfirm}`)]
            : []),
          note('plain', `next: ${next.map((command) => `\`cachectl ${command}\``).join(', ')}`),
        ]),
  ];
}
const schemaFile = join('schema', 'cachectl.config.schema.json');

/**
 * The path from a map to the JSON Schema, where this package is installed in the map's own project: a path that leads
 * out of it would be true on this machine only.
 */
export function schemaReference(mapFile: string, packageRoot: string): string | undefined {
  const folder = dirname(mapFile);
  for (let at = folder; ; at = dirname(at)) {
    const isOwn = resolve(packageRoot) === at;
    const candidate = isOwn ? join(at, schemaFile) : join(at, 'node_modules', 'cachectl', schemaFile);
    if (existsSync(candidate)) {
      const path = relative(folder, candidate);
      return path.startsWith('.') ? path : `./${path}`;
    }
    if (dirname(at) === at) return undefined;
  }
}
