import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { OutputFormat, ReportFormat } from '../commands/context.ts';
import type { Setting } from '../commands/settings.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { ProfileConfig } from '../config/schema.ts';
import { fileFailureText } from '../file-failure.ts';
import { InputError } from '../failure.ts';
import { type ConnectTarget, publicUrlOf, type TlsTarget } from '../redis/target.ts';
import {
  type Destination,
  destinationOf,
  type NamedProfile,
  placesOf,
  profilesAt,
  routeOf,
  sameAddress,
} from './destination.ts';
import type { GlobalOptions } from './options.ts';

export const defaultUrl = 'redis://127.0.0.1:6379/0';
const defaultTimeoutSeconds = 10;

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
  readonly output: OutputFormat | ReportFormat;
  readonly settings: readonly Setting[];
  /** Why the password that the profile names cannot be had: such a target is to be shown, not to be connected to. */
  readonly missingPassword: InputError | null;
}

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Resolves each setting by flag > environment > profile > default, remembering where it came from. A profile that the
 * environment or the map names is in force only where no URL is given; a URL that leads where a profile leads is held to
 * that profile's protections. `stdoutIsTerminal` decides the default output. @throws InputError naming the setting.
 */
export function resolveSettings(
  options: GlobalOptions,
  variables: Variables,
  loaded: LoadedConfig | null,
  surroundings: { readonly workingDirectory: string; readonly stdoutIsTerminal: boolean },
): ResolvedSettings {
  const { workingDirectory, stdoutIsTerminal } = surroundings;
  const named = namedProfile(options, variables, loaded);
  const url = destinationIn(options, variables, named);
  const leadingProfile = url.origin.startsWith('profile') ? named : null;
  const missing: { own: InputError | null; sentinels: InputError | null } = { own: null, sentinels: null };
  const unlessMissing = (whose: 'own' | 'sentinels', read: () => string | undefined) => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      missing[whose] = error;
      return null;
    }
  };
  const ofSentinels = unlessMissing('sentinels', () => sentinelPassword(leadingProfile, variables));
  const route = routeOf(url.value, url.origin, ofSentinels ?? undefined);
  const neighbours = leadingProfile === null ? profilesAt(placesOf(route), loaded) : [];
  const profiles = named === null ? neighbours : [named, ...neighbours];
  const profile = profiles[0] ?? null;
  const inForce = profiles.find(({ config }) => config.protected === true) ?? profile;
  const configFolder = dirname(loaded?.file ?? workingDirectory);
  const read = (path: string, folder: string, what: string) => readText(resolve(folder, path), what);

  const username = firstOf(
    [options.username, '--username'],
    [route.username, url.origin],
    [profile?.config.username, `profile ${profile?.name ?? ''}`],
    [null, 'default'],
  );
  const { passwordFile } = options;
  const passwordInProfile = () =>
    unlessMissing('own', () => profilePassword(profile, variables, configFolder));
  const password = firstOf(
    [options.askPassword === true ? null : undefined, '--ask-password'],
    [
      passwordFile && (() => passwordIn(passwordFile, workingDirectory, '--password-file')),
      '--password-file',
    ],
    [route.password, url.origin],
    // Before the variable, which may hold the password of another server.
    [passwordInProfile, `profile ${profile?.name ?? ''}`],
    [nonEmpty(variables['REDISCLI_AUTH']), 'REDISCLI_AUTH'],
    [null, 'none'],
  );
  const database = firstOf([options.db, '--db'], [route.database, url.origin]);
  if (route.topology?.kind === 'cluster' && database.value !== 0) {
    throw new InputError(
      `database ${database.value} (from ${database.origin}) cannot be had: a cluster has database 0 alone`,
      'leave the number out, or leave out --cluster where one server is meant',
    );
  }
  const timeout = firstOf([options.timeout, '--timeout'], [defaultTimeoutSeconds, 'default']);
  const output = firstOf(
    [options.output, '--output'],
    [
      stdoutIsTerminal ? ('table' as const) : ('tsv' as const),
      stdoutIsTerminal ? 'default: a terminal' : 'default: a pipe',
    ],
  );
  const tls = tlsOf(options, route.overTls, profile?.config, (path, fromFlag) =>
    read(path, fromFlag ? workingDirectory : configFolder, 'TLS file'),
  );
  const target: ConnectTarget = {
    ...route.place,
    ...(route.topology !== null && { topology: route.topology }),
    database: database.value,
    ...(username.value !== null && { username: username.value }),
    ...(password.value !== null && { password: password.value }),
    ...(tls && { tls }),
    timeoutMillis: Math.max(1, timeout.value * 1000),
  };
  return {
    target,
    profile: inForce && {
      name: inForce.name,
      protected: inForce.config.protected ?? false,
      // Of several profiles in force, all protections hold.
      readOnly: profiles.some(({ config }) => config.readOnly === true),
    },
    isNamed: leadingProfile !== null,
    output: output.value,
    missingPassword: missing.own ?? missing.sentinels,
    settings: [
      { name: 'config', value: loaded?.file ?? null, origin: originOfConfig(options, variables, loaded) },
      { name: 'profile', value: inForce?.name ?? null, origin: inForce?.origin ?? 'none' },
      { name: 'url', value: publicUrlOf(target), origin: url.origin },
      { name: 'topology', ...topologyOf(url, options) },
      { name: 'database', value: String(database.value), origin: database.origin },
      { name: 'username', value: username.value, origin: username.value === null ? 'none' : username.origin },
      passwordSetting(password, profile?.config, missing.own),
      {
        name: 'tls',
        value: tls ? (tls.verify ? 'verified' : 'not verified') : 'off',
        origin: tls ? url.origin : 'default',
      },
      { name: 'timeoutSeconds', value: String(timeout.value), origin: timeout.origin },
      { name: 'output', value: output.value, origin: output.origin },
    ],
  };
}

/**
 * Where a Redis URL or a profile leads beside the connection of the run: by the profile, the environment's password and
 * the defaults; of the flags, only --timeout, and --cluster for a URL, reach so far. Null: it is neither.
 * @throws InputError naming what is wrong with it
 */
export function furtherTarget(
  urlOrProfile: string,
  { timeout, cluster, color }: GlobalOptions,
  variables: Variables,
  loaded: LoadedConfig | null,
  workingDirectory: string,
): ConnectTarget | null {
  const isUrl = /^[a-z+]+:\/\//i.test(urlOrProfile);
  if (!isUrl && !Object.hasOwn(loaded?.config.profiles ?? {}, urlOrProfile)) return null;
  const options: GlobalOptions = {
    color,
    ...(timeout !== undefined && { timeout }),
    ...(isUrl ? { url: urlOrProfile, ...(cluster === true && { cluster }) } : { profile: urlOrProfile }),
  };
  const surroundings = { workingDirectory, stdoutIsTerminal: false };
  // A profile named there is that of the run.
  const unnamed = { ...variables, CACHECTL_PROFILE: undefined, REDIS_URL: undefined };
  const { target, missingPassword } = resolveSettings(options, unnamed, loaded, surroundings);
  if (missingPassword !== null) throw missingPassword;
  return target;
}

function passwordSetting(
  { value, origin }: Sourced<string | null>,
  profile: ProfileConfig | undefined,
  missing: InputError | null,
): Setting {
  if (missing === null) return { name: 'password', value: value === null ? null : '********', origin };
  const { passwordFile, passwordEnv = '' } = profile ?? {};
  const why = passwordFile === undefined ? `${passwordEnv} is not set` : missing.message;
  return { name: 'password', value: 'not set', origin: `${origin}: ${why}` };
}

function namedProfile(
  options: GlobalOptions,
  variables: Variables,
  loaded: LoadedConfig | null,
): NamedProfile | null {
  const givenUrl = options.url ?? nonEmpty(variables['REDIS_URL']);
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
      `there is no profile \`${chosen.value}\` (from ${chosen.origin})`,
      known.length > 0
        ? `profiles are: ${known.join(', ')}`
        : 'no map with profiles was found; `cachectl config init` writes one',
    );
  }
  return { name: chosen.value, config, origin: chosen.origin };
}

interface Sourced<T> {
  readonly value: T;
  readonly origin: string;
}

/** The first value that is there; one that is a function is only asked for when its turn comes. */
function firstOf<T extends string | number | Destination | null>(
  ...candidates: readonly (readonly [T | undefined | (() => T | undefined), string])[]
): Sourced<T> {
  for (const [candidate, origin] of candidates) {
    const value = typeof candidate === 'function' ? candidate() : candidate;
    if (value !== undefined) return { value, origin };
  }
  throw new Error('the last candidate is the default and must be there');
}

/** @throws InputError where --cluster stands beside Sentinels */
function destinationIn(
  options: GlobalOptions,
  variables: Variables,
  named: NamedProfile | null,
): Sourced<Destination> {
  const atUrl = (url: string | undefined): Destination | undefined =>
    url === undefined ? undefined : { kind: 'server', urls: [url] };
  const inProfile = named === null ? undefined : destinationOf(named.config);
  const found = firstOf<Destination>(
    [atUrl(options.url), '--url'],
    // A profile named by a flag is a flag too, and wins over the environment.
    [named?.origin === '--profile' ? inProfile : undefined, `profile ${named?.name ?? ''}`],
    [atUrl(nonEmpty(variables['REDIS_URL'])), 'REDIS_URL'],
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

/** @throws InputError where the variable is not set */
function sentinelPassword(profile: NamedProfile | null, variables: Variables): string | undefined {
  const variable = profile?.config.sentinelPasswordEnv;
  if (variable === undefined) return undefined;
  const value = nonEmpty(variables[variable]);
  if (value !== undefined) return value;
  throw new InputError(
    `profile \`${profile?.name ?? ''}\` takes the password of its Sentinels from ${variable}, which is not set`,
    `\`export ${variable}=…\``,
  );
}

function profilePassword(
  profile: NamedProfile | null,
  variables: Variables,
  folder: string,
): string | undefined {
  const { passwordFile, passwordEnv } = profile?.config ?? {};
  if (passwordFile !== undefined) return passwordIn(passwordFile, folder, 'passwordFile');
  if (passwordEnv === undefined) return undefined;
  const value = nonEmpty(variables[passwordEnv]);
  // A URL may be given in place of a profile because its password is not at hand.
  if (value !== undefined || profile?.origin === sameAddress) return value;
  throw new InputError(
    `profile \`${profile?.name ?? ''}\` takes its password from ${passwordEnv}, which is not set`,
    `\`export ${passwordEnv}=…\`, or use --password-file FILE or --ask-password`,
  );
}

function passwordIn(path: string, folder: string, what: string): string {
  const [password = ''] = readText(resolve(folder, path), what).split(/\r?\n/, 1);
  if (password === '') throw new InputError(`${what} \`${path}\` has no password in its first line`);
  return password;
}

function tlsOf(
  options: GlobalOptions,
  urlWantsTls: boolean,
  profile: ProfileConfig | undefined,
  read: (path: string, fromFlag: boolean) => string,
): TlsTarget | undefined {
  const own = profile?.tls;
  const flags = [options.tlsCa, options.tlsCert, options.tlsKey, options.tlsServerName];
  if (!urlWantsTls && own === undefined && flags.every((flag) => flag === undefined)) return undefined;
  const file = (flag: string | undefined, fromProfile: string | undefined) =>
    flag !== undefined ? read(flag, true) : fromProfile !== undefined ? read(fromProfile, false) : undefined;
  const ca = file(options.tlsCa, own?.ca);
  const certificate = file(options.tlsCert, own?.certificate);
  const key = file(options.tlsKey, own?.key);
  const serverName = options.tlsServerName ?? own?.serverName;
  return {
    ...(ca !== undefined && { ca }),
    ...(certificate !== undefined && { certificate }),
    ...(key !== undefined && { key }),
    ...(serverName !== undefined && { serverName }),
    verify: options.insecure === true ? false : (own?.verify ?? true),
  };
}

function originOfConfig(options: GlobalOptions, variables: Variables, loaded: LoadedConfig | null): string {
  if (loaded === null) return 'none found';
  if (options.config !== undefined) return '--config';
  return nonEmpty(variables['CACHECTL_CONFIG']) === undefined ? 'discovered' : 'CACHECTL_CONFIG';
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new InputError(
      `${what} \`${path}\` cannot be read: ${fileFailureText(error)}`,
      what === 'TLS file'
        ? 'name a PEM file'
        : 'name a file whose first line is the password, or use --ask-password',
    );
  }
}

const nonEmpty = (text: string | undefined) => (text === '' ? undefined : text);
