import { type OutputFormat, outputFormats, type ReportFormat } from '../commands/context.ts';
import type { Setting } from '../commands/context.ts';
import type { JudgedConfig } from '../config/trust.ts';
import { given } from '../support/collections.ts';
import { InputError } from '../support/failure.ts';
import { maskedUrl } from '../support/masked.ts';
import { meantText } from '../support/similar.ts';
import { type ConnectTarget, publicUrlOf } from '../redis/target.ts';
import { looksLikeAddress } from '../redis/url.ts';
import { firstOf, nonEmpty, orMissing, resolveAccess, sentinelPassword, type Sourced } from './access.ts';
import { type Destination, destinationOf } from '../config/destination.ts';
import { type NamedProfile, placesOf, profilesAt, type Route, routeOf } from './destination.ts';
import type { GlobalOptions } from './options.ts';

export const defaultUrl = 'redis://127.0.0.1:6379/0';
const defaultTimeoutSeconds = 10;

/** A replica of a cluster takes over some 16 seconds after its primary is gone, by default, and a slot moves within a few. */
const defaultRetryForSeconds = 30;

export interface ResolvedProfile {
  readonly name: string;
  readonly protected: boolean;
  readonly readOnly: boolean;
}

/** Everything that flags, environment, profile and file decide together, decided once. */
export interface ResolvedSettings {
  readonly target: ConnectTarget;
  readonly profile: ResolvedProfile | null;
  /** The profile was named, and leads; a URL is held to the protections of every profile of its server. */
  readonly isNamed: boolean;
  /** Whether removals keep the values where no option says so. */
  readonly backupPolicy: 'always' | 'small' | 'never';
  readonly output: OutputFormat | ReportFormat;
  readonly settings: readonly Setting[];
  /**
   * Why the profile cannot be connected with: its password is not at hand, or its map is not trusted. Such a target is to be
   * shown, not to be connected to.
   */
  readonly obstacle: InputError | null;
  /** What of the map is not used. */
  readonly warnings: readonly string[];
}

type Variables = Readonly<Record<string, string | undefined>>;

/** What of the process decides about settings; the signal ends the reading of files. */
export interface Surroundings {
  readonly workingDirectory: string;
  readonly stdoutIsTerminal: boolean;
  readonly signal: AbortSignal;
}

/**
 * Resolves each setting by flag > environment > profile > default, remembering where it came from. A profile that the
 * environment or the map names is in force only where no URL is given; a URL that leads where a profile leads is held to
 * that profile's protections. `stdoutIsTerminal` decides the default output.
 * @throws InputError naming the setting; AbortError once the signal is aborted
 */
export async function resolveSettings(
  options: GlobalOptions,
  variables: Variables,
  loaded: JudgedConfig | null,
  surroundings: Surroundings,
): Promise<ResolvedSettings> {
  const { workingDirectory, stdoutIsTerminal, signal } = surroundings;
  requireOutput(variables);
  const chosen = await choose(options, variables, loaded);
  const { url, route, leading, profiles, refused } = chosen;
  const isTrusted = (loaded?.trust.refusal ?? null) === null;
  const access = await resolveAccess({
    ...{ options, variables, workingDirectory, signal, route, origin: url.origin },
    profile: isTrusted ? (profiles[0] ?? null) : null,
    mapFile: loaded?.file ?? null,
  });
  const database = databaseOf(options, chosen);
  const timeout = firstOf([options.timeout, '--timeout'], [defaultTimeoutSeconds, 'default']);
  const retryFor = firstOf([options.retryFor, '--retry-for'], [defaultRetryForSeconds, 'default']);
  const output = firstOf(
    [options.output, options.outputOrigin ?? '--output'],
    [
      stdoutIsTerminal ? ('table' as const) : ('tsv' as const),
      stdoutIsTerminal ? 'default: a terminal' : 'default: a pipe',
    ],
  );
  const target: ConnectTarget = {
    ...route.place,
    ...(route.topology !== null && { topology: route.topology }),
    database: database.value,
    ...given({
      username: access.username.value ?? undefined,
      password: access.password.value ?? undefined,
      tls: access.tls,
    }),
    timeoutMillis: Math.max(1, timeout.value * 1000),
    retryMillis: retryFor.value * 1000,
    ...(options.retryFor !== undefined && { awaitsStart: true }),
  };
  const inForce = profiles.find(({ config }) => config.protected === true) ?? profiles[0] ?? null;
  return {
    target,
    profile: inForce && {
      name: inForce.name,
      protected: inForce.config.protected ?? false,
      // Of several profiles in force, all protections hold.
      readOnly: profiles.some(({ config }) => config.readOnly === true),
    },
    isNamed: leading !== null,
    backupPolicy: backupPolicyOf(chosen, isTrusted),
    output: output.value,
    obstacle: refused ?? access.missingPassword ?? chosen.obstacle,
    warnings: [...route.remarks, ...warningsOf(loaded, chosen)],
    settings: [
      { name: 'config', value: loaded?.file ?? null, origin: loaded?.source ?? 'none found' },
      {
        name: 'trust',
        value: loaded?.trust.state ?? null,
        origin: loaded?.trust.by ?? loaded?.source ?? 'none',
      },
      { name: 'profile', value: inForce?.name ?? null, origin: inForce?.origin ?? 'none' },
      refused === null
        ? { name: 'url', value: publicUrlOf(target), origin: url.origin }
        : { name: 'url', value: null, origin: `profile ${chosen.named?.name ?? ''}, not used` },
      { name: 'topology', ...topologyOf(url, options) },
      { name: 'database', value: String(database.value), origin: database.origin },
      ...access.settings,
      { name: 'timeoutSeconds', value: String(timeout.value), origin: timeout.origin },
      { name: 'retryForSeconds', value: String(retryFor.value), origin: retryFor.origin },
      { name: 'output', value: output.value, origin: output.origin },
    ],
  };
}

/** Where the run leads, and the profiles that have a say in it. */
interface Choice {
  readonly url: Sourced<Destination>;
  readonly route: Route;
  /** The profile that a flag, the environment or the map names. */
  readonly named: NamedProfile | null;
  /** The same where it decides the destination. */
  readonly leading: NamedProfile | null;
  /** Those that have the address of a URL. */
  readonly neighbours: readonly NamedProfile[];
  /** All of them, the named one first. */
  readonly profiles: readonly NamedProfile[];
  /** Why the named profile does not decide. */
  readonly refused: InputError | null;
  /** Why the password of the Sentinels cannot be had. */
  readonly obstacle: InputError | null;
}

/** @throws InputError */
async function choose(
  options: GlobalOptions,
  variables: Variables,
  loaded: JudgedConfig | null,
): Promise<Choice> {
  const distrust = loaded?.trust.refusal ?? null;
  const named = namedProfile(options, variables, loaded);
  // Strangers have no say in where a password goes.
  const refused = named !== null && distrust !== null ? refusalOf(named, distrust) : null;
  const url = destinationIn(options, variables, refused === null ? named : null);
  const leading = url.origin.startsWith('profile') ? named : null;
  const { value, missing } = await orMissing(() => sentinelPassword(leading, variables));
  const route = routeOf(url.value, url.origin, value);
  const neighbours = leading === null ? profilesAt(placesOf(route), loaded) : [];
  const profiles = named === null ? neighbours : [named, ...neighbours];
  return { url, route, named, leading, neighbours, profiles, refused, obstacle: missing };
}

/** @throws InputError where a cluster is meant to have another than its only one */
function databaseOf({ db }: GlobalOptions, { route, url }: Choice): Sourced<number> {
  const database = firstOf([db, '--db'], [route.database, url.origin]);
  if (route.topology?.kind !== 'cluster' || database.value === 0) return database;
  throw new InputError(
    `database ${database.value} (from ${database.origin}) cannot be had: a cluster has database 0 alone`,
    'leave the number out, or leave out --cluster where one server is meant',
  );
}

/** Less than the default only where the profile was meant, and its map is trusted. */
function backupPolicyOf({ profiles, leading }: Choice, isTrusted: boolean): ResolvedSettings['backupPolicy'] {
  if (profiles.some(({ config }) => config.backup === 'always')) return 'always';
  return isTrusted && leading?.config.backup === 'never' ? 'never' : 'small';
}

/**
 * Where a Redis URL or a profile leads, in addition to the connection of the run: by the profile, the environment's password and
 * the defaults; of the flags, only --timeout and --retry-for, and --cluster for a URL, reach so far. Null: it is neither.
 * @throws InputError naming what is wrong with it
 */
export async function furtherTarget(
  urlOrProfile: string,
  { timeout, retryFor, cluster, color }: GlobalOptions,
  variables: Variables,
  loaded: JudgedConfig | null,
  { workingDirectory, signal }: Pick<Surroundings, 'workingDirectory' | 'signal'>,
  warn: (text: string) => void,
): Promise<ConnectTarget | null> {
  const isProfile = Object.hasOwn(loaded?.config.profiles ?? {}, urlOrProfile);
  const isUrl = !isProfile && looksLikeAddress(urlOrProfile);
  if (!isUrl && !isProfile) return null;
  const where = isUrl ? { url: urlOrProfile, cluster } : { profile: urlOrProfile };
  const options: GlobalOptions = { color, ...given({ timeout, retryFor, ...where }) };
  const surroundings = { workingDirectory, stdoutIsTerminal: false, signal };
  // A profile named there is that of the run.
  const unnamed = {
    ...variables,
    CACHECTL_PROFILE: undefined,
    CACHECTL_URL: undefined,
    REDIS_URL: undefined,
  };
  const { target, obstacle, warnings } = await resolveSettings(options, unnamed, loaded, surroundings);
  if (obstacle !== null) throw obstacle;
  for (const text of warnings) warn(text);
  return target;
}

type Distrust = NonNullable<JudgedConfig['trust']['refusal']>;

function refusalOf({ name, origin }: NamedProfile, { reason, hint }: Distrust): InputError {
  return new InputError(`profile \`${name}\` (from ${origin}) is not used to connect: ${reason}`, hint);
}

/** What the map would have done to the connection, had it been trusted or named. */
function warningsOf(loaded: JudgedConfig | null, { refused, neighbours }: Choice): string[] {
  if (refused !== null) return [`${refused.message}; ${refused.hint ?? ''}`];
  const distrust = loaded?.trust.refusal ?? null;
  return neighbours.flatMap(({ name, config }) => {
    const at = `profile \`${name}\` has the address of the URL`;
    const { username, passwordEnv, passwordFile, tls } = config;
    if (distrust !== null) {
      return [username, passwordEnv, passwordFile, tls].every((field) => field === undefined)
        ? []
        : [`${at}, and only its protections hold: ${distrust.reason}; ${distrust.hint}`];
    }
    const unused = (['ca', 'serverName', 'verify'] as const).filter((field) => tls?.[field] !== undefined);
    return unused.length === 0
      ? []
      : [`${at}; its tls settings ${unused.join(', ')} are used with --profile ${name} alone`];
  });
}

function namedProfile(
  options: GlobalOptions,
  variables: Variables,
  loaded: JudgedConfig | null,
): NamedProfile | null {
  const givenUrl = options.url ?? urlIn(variables)?.value;
  const unlessUrl = (name: string | undefined) => (givenUrl === undefined ? name : undefined);
  const chosen = firstOf<string | null>(
    [options.profile, '--profile'],
    [unlessUrl(nonEmpty(variables['CACHECTL_PROFILE'])), 'CACHECTL_PROFILE'],
    [unlessUrl(loaded?.config.defaultProfile), 'defaultProfile'],
    [null, 'none'],
  );
  if (chosen.value === null) return null;
  const profiles = loaded?.config.profiles ?? {};
  const config = Object.hasOwn(profiles, chosen.value) ? profiles[chosen.value] : undefined;
  if (config === undefined) {
    const known = Object.keys(profiles);
    throw new InputError(
      `there is no profile \`${maskedUrl(chosen.value)}\` (from ${chosen.origin})`,
      known.length > 0
        ? `${meantText(chosen.value, known)}profiles are: ${known.join(', ')}`
        : 'no map with profiles was found; `cachectl config init` writes one',
    );
  }
  return { name: chosen.value, config, origin: chosen.origin };
}

/** The URL of the environment: the variable of this program goes before the one that others use too. */
function urlIn(variables: Variables): Sourced<string> | undefined {
  for (const origin of ['CACHECTL_URL', 'REDIS_URL']) {
    const value = nonEmpty(variables[origin]);
    if (value !== undefined) return { value, origin };
  }
  return undefined;
}

/** @throws InputError where CACHECTL_OUTPUT is none of the formats */
function requireOutput({ CACHECTL_OUTPUT: format }: Variables): void {
  if (!format || outputFormats.some((each) => each === format)) return;
  throw new InputError(
    `CACHECTL_OUTPUT: there is no format \`${format}\``,
    `use ${outputFormats.join(', ')}`,
  );
}

/** @throws InputError where --cluster is given with Sentinels */
function destinationIn(
  options: GlobalOptions,
  variables: Variables,
  named: NamedProfile | null,
): Sourced<Destination> {
  const atUrl = (url: string | undefined): Destination | undefined =>
    url === undefined ? undefined : { kind: 'server', urls: [url] };
  const inProfile = named === null ? undefined : destinationOf(named.config);
  const environment = urlIn(variables);
  const found = firstOf<Destination>(
    [atUrl(options.url), '--url'],
    // A profile named by a flag is a flag too, and wins over the environment.
    [named?.origin === '--profile' ? inProfile : undefined, `profile ${named?.name ?? ''}`],
    [atUrl(environment?.value), environment?.origin ?? ''],
    [inProfile, `profile ${named?.name ?? ''}`],
    [atUrl(defaultUrl), 'default'],
  );
  if (options.cluster !== true) return found;
  if (found.value.kind === 'sentinel') {
    throw new InputError(
      `--cluster cannot be used with ${found.origin}, which leads to Sentinels`,
      'leave --cluster out; what Sentinels watch is no cluster',
    );
  }
  return { value: { kind: 'cluster', urls: found.value.urls }, origin: found.origin };
}

function topologyOf({ value, origin }: Sourced<Destination>, { cluster }: GlobalOptions) {
  switch (value.kind) {
    case 'server':
      return { value: 'one server', origin: 'default' };
    case 'cluster':
      return { value: 'cluster', origin: cluster === true ? '--cluster' : origin };
    case 'sentinel':
      return { value: `Sentinels of ${value.name}`, origin };
  }
}
