import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { OutputFormat, ReportFormat } from '../commands/context.ts';
import type { Setting } from '../commands/settings.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { ProfileConfig } from '../config/schema.ts';
import { InputError } from '../failure.ts';
import {
  addressOf,
  type ConnectTarget,
  maskedUrl,
  parseRedisUrl,
  publicUrlOf,
  type TlsTarget,
} from '../redis/target.ts';
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
  readonly output: OutputFormat | ReportFormat;
  readonly settings: readonly Setting[];
}

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Resolves each setting by flag > environment > profile > default, remembering where it came from.
 * `stdoutIsTerminal` decides the default output. @throws InputError naming the setting.
 */
export function resolveSettings(
  options: GlobalOptions,
  variables: Variables,
  loaded: LoadedConfig | null,
  surroundings: { readonly workingDirectory: string; readonly stdoutIsTerminal: boolean },
): ResolvedSettings {
  const { workingDirectory, stdoutIsTerminal } = surroundings;
  const named = chooseProfile(options, variables, loaded);
  const url = firstOf(
    [options.url, '--url'],
    // A profile named by a flag is a flag too, and wins over the environment.
    [named?.origin === '--profile' ? named.config.url : undefined, `profile ${named?.name ?? ''}`],
    [nonEmpty(variables['REDIS_URL']), 'REDIS_URL'],
    [named?.config.url, `profile ${named?.name ?? ''}`],
    [defaultUrl, 'default'],
  );
  const parsed = parseUrl(url);
  const profile = url.origin.startsWith('profile') ? named : (named ?? profileAt(parsed, loaded));
  const configFolder = dirname(loaded?.file ?? workingDirectory);
  const read = (path: string, folder: string, what: string) => readText(resolve(folder, path), what);

  const username = firstOf(
    [options.username, '--username'],
    [parsed.username, url.origin],
    [profile?.config.username, `profile ${profile?.name ?? ''}`],
    [null, 'default'],
  );
  const password = firstOf(
    [
      options.passwordFile === undefined
        ? undefined
        : firstLine(read(options.passwordFile, workingDirectory, '--password-file')),
      '--password-file',
    ],
    [parsed.password, url.origin],
    [profilePassword(profile?.config, variables, configFolder), `profile ${profile?.name ?? ''}`],
    [nonEmpty(variables['REDISCLI_AUTH']), 'REDISCLI_AUTH'],
    [null, 'none'],
  );
  const database = firstOf([options.db, '--db'], [parsed.database, url.origin]);
  const timeout = firstOf([options.timeout, '--timeout'], [defaultTimeoutSeconds, 'default']);
  const output = firstOf(
    [options.output, '--output'],
    [
      stdoutIsTerminal ? ('table' as const) : ('tsv' as const),
      stdoutIsTerminal ? 'default: a terminal' : 'default: a pipe',
    ],
  );
  const tls = tlsOf(options, parsed.tls !== undefined, profile?.config, (path, fromFlag) =>
    read(path, fromFlag ? workingDirectory : configFolder, 'TLS file'),
  );
  const target: ConnectTarget = {
    host: parsed.host,
    port: parsed.port,
    ...(parsed.socketPath !== undefined && { socketPath: parsed.socketPath }),
    database: database.value,
    ...(username.value !== null && { username: username.value }),
    ...(password.value !== null && { password: password.value }),
    ...(tls && { tls }),
    timeoutMillis: Math.max(1, timeout.value * 1000),
  };
  return {
    target,
    profile: profile && {
      name: profile.name,
      protected: profile.config.protected ?? false,
      readOnly: profile.config.readOnly ?? false,
    },
    output: output.value,
    settings: [
      { name: 'config', value: loaded?.file ?? null, origin: originOfConfig(options, variables, loaded) },
      { name: 'profile', value: profile?.name ?? null, origin: profile?.origin ?? 'none' },
      { name: 'url', value: publicUrlOf(target), origin: url.origin },
      { name: 'database', value: String(database.value), origin: database.origin },
      { name: 'username', value: username.value, origin: username.value === null ? 'none' : username.origin },
      { name: 'password', value: password.value === null ? null : '********', origin: password.origin },
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

interface NamedProfile {
  readonly name: string;
  readonly config: ProfileConfig;
  readonly origin: string;
}

function chooseProfile(
  options: GlobalOptions,
  variables: Variables,
  loaded: LoadedConfig | null,
): NamedProfile | null {
  const profiles = loaded?.config.profiles ?? {};
  const chosen = firstOf<string | null>(
    [options.profile, '--profile'],
    [nonEmpty(variables['CACHECTL_PROFILE']), 'CACHECTL_PROFILE'],
    [loaded?.config.defaultProfile, 'defaultProfile'],
    [null, 'none'],
  );
  if (chosen.value === null) return null;
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

/** A URL that leads where a profile leads is held to that profile's protections. */
function profileAt(
  parsed: ReturnType<typeof parseRedisUrl>,
  loaded: LoadedConfig | null,
): NamedProfile | null {
  const address = addressOf({ ...parsed, timeoutMillis: 0 });
  for (const [name, config] of Object.entries(loaded?.config.profiles ?? {})) {
    try {
      const own = parseRedisUrl(config.url);
      if (addressOf({ ...own, timeoutMillis: 0 }) === address)
        return { name, config, origin: 'same address' };
    } catch {
      // A broken URL of a profile that is not in use is reported by `config validate`.
    }
  }
  return null;
}

interface Sourced<T> {
  readonly value: T;
  readonly origin: string;
}

function firstOf<T>(...candidates: readonly (readonly [T | undefined, string])[]): Sourced<T> {
  for (const [value, origin] of candidates) if (value !== undefined) return { value, origin };
  throw new Error('the last candidate is the default and must be there');
}

function parseUrl(url: Sourced<string>): ReturnType<typeof parseRedisUrl> {
  try {
    return parseRedisUrl(url.value);
  } catch (error) {
    throw new InputError(
      `the URL \`${maskedUrl(url.value)}\` (from ${url.origin}) cannot be used: ${(error as Error).message}`,
    );
  }
}

function profilePassword(
  profile: ProfileConfig | undefined,
  variables: Variables,
  folder: string,
): string | undefined {
  if (profile?.passwordFile !== undefined)
    return firstLine(readText(resolve(folder, profile.passwordFile), 'passwordFile'));
  if (profile?.passwordEnv === undefined) return undefined;
  const value = nonEmpty(variables[profile.passwordEnv]);
  if (value === undefined)
    throw new InputError(`the profile takes its password from ${profile.passwordEnv}, which is not set`);
  return value;
}

function tlsOf(
  options: GlobalOptions,
  urlWantsTls: boolean,
  profile: ProfileConfig | undefined,
  read: (path: string, fromFlag: boolean) => string,
): TlsTarget | undefined {
  const own = profile?.tls;
  const wanted =
    urlWantsTls || own !== undefined || options.tlsCa !== undefined || options.tlsCert !== undefined;
  if (!wanted) return undefined;
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
      `${what} \`${path}\` cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

const firstLine = (text: string) => text.split(/\r?\n/, 1)[0] ?? '';

const nonEmpty = (text: string | undefined) => (text === '' ? undefined : text);
