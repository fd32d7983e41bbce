import { realpathSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import type { Setting } from '../commands/context.ts';
import type { ProfileConfig } from '../config/schema.ts';
import { given } from '../support/collections.ts';
import { InputError } from '../support/failure.ts';
import { maskedUrl } from '../support/masked.ts';
import type { TlsTarget } from '../redis/target.ts';
import { asksForTls, looksLikeUrl } from '../redis/url.ts';
import { type Destination, destinationOf } from '../config/destination.ts';
import { type NamedProfile, type Route, sameAddress } from './destination.ts';
import type { GlobalOptions } from './options.ts';
import { readNamedFile } from '../support/named-file.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** As whom to connect, and how the connection is protected. */
export interface Access {
  readonly username: Sourced<string | null>;
  readonly password: Sourced<string | null>;
  /** Why the password that the profile names cannot be had. */
  readonly missingPassword: InputError | null;
  readonly tls: TlsTarget | undefined;
  readonly settings: readonly Setting[];
}

interface Known {
  readonly options: GlobalOptions;
  readonly variables: Variables;
  readonly workingDirectory: string;
  /** Ends the reading of files. */
  readonly signal: AbortSignal;
  readonly route: Route;
  /** Of the route. */
  readonly origin: string;
  /** The profile whose user, password and TLS are used; null where there is none, or its map is not trusted. */
  readonly profile: NamedProfile | null;
  /** The map of the profile. */
  readonly mapFile: string | null;
}

/**
 * Resolves user, password and TLS.
 * @throws InputError naming the option or the file that cannot be used; AbortError once the signal is aborted
 */
export async function resolveAccess(known: Known): Promise<Access> {
  const { options, route, origin } = known;
  const lender = lenderOf(known);
  const username = firstOf(
    [options.username, '--username'],
    [route.username, origin],
    [lender?.config.username, `profile ${lender?.name ?? ''}`],
    [null, 'none'],
  );
  // What is shown as a name must not be the URL of someone who took one option for the other.
  if (looksLikeUrl(username.value ?? '')) {
    throw new InputError(
      `the user \`${maskedUrl(username.value ?? '')}\` (from ${username.origin}) is a URL, not a name`,
      'give a URL with --url',
    );
  }
  const { password, missing } = await resolvePassword(known, lender);
  const tls = await resolveTls(known);
  return {
    username,
    password,
    missingPassword: missing,
    tls: tls?.value,
    settings: [
      { name: 'username', ...username },
      passwordSetting(password, lender?.config, missing),
      {
        name: 'tls',
        value: tls ? (tls.value.verify ? 'verified' : 'not verified') : 'off',
        origin: tls?.origin ?? 'default',
      },
    ],
  };
}

/** A profile that has only the address in common with a URL gives its password to no other user than its own. */
function lenderOf({ profile, options, route }: Known): NamedProfile | null {
  const username = options.username ?? route.username;
  const isOther = username !== undefined && username !== profile?.config.username;
  return profile?.origin === sameAddress && isOther ? null : profile;
}

async function resolvePassword(
  { options, variables, workingDirectory, signal, route, origin, mapFile }: Known,
  lender: NamedProfile | null,
): Promise<{ readonly password: Sourced<string | null>; readonly missing: InputError | null }> {
  let missing: InputError | null = null;
  const inProfile = async () => {
    const mapFolder = dirname(mapFile ?? workingDirectory);
    const found = await orMissing(() => profilePassword(lender, variables, mapFolder, signal));
    missing = found.missing;
    return missing === null ? found.value : null;
  };
  const { passwordFile } = options;
  const password = await firstRead(
    [options.askPassword === true ? null : undefined, '--ask-password'],
    [
      passwordFile && (() => passwordIn(resolve(workingDirectory, passwordFile), '--password-file', signal)),
      '--password-file',
    ],
    [route.password, origin],
    // Before the variable, which may hold the password of another server.
    [inProfile, `profile ${lender?.name ?? ''}`],
    [nonEmpty(variables['REDISCLI_AUTH']), 'REDISCLI_AUTH'],
  );
  return { password, missing };
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

/** What is read, or why it cannot be had. */
export async function orMissing(
  read: () => string | undefined | Promise<string | undefined>,
): Promise<{ readonly value: string | undefined; readonly missing: InputError | null }> {
  try {
    return { value: await read(), missing: null };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { value: undefined, missing: error };
  }
}

/** @throws InputError where the variable is not set */
export function sentinelPassword(profile: NamedProfile | null, variables: Variables): string | undefined {
  const variable = profile?.config.sentinelPasswordEnv;
  if (variable === undefined) return undefined;
  const value = nonEmpty(variables[variable]);
  if (value !== undefined) return value;
  throw new InputError(
    `profile \`${profile?.name ?? ''}\` takes the password of its Sentinels from ${variable}, which is not set`,
    `\`export ${variable}=…\``,
  );
}

async function profilePassword(
  profile: NamedProfile | null,
  variables: Variables,
  mapFolder: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { passwordFile, passwordEnv } = profile?.config ?? {};
  if (passwordFile !== undefined) {
    const path = resolve(mapFolder, passwordFile);
    requireWithin(path, [mapFolder, variables['HOME']]);
    return passwordIn(path, 'passwordFile', signal);
  }
  if (passwordEnv === undefined) return undefined;
  const value = nonEmpty(variables[passwordEnv]);
  // A URL may be given in place of a profile because its password is not at hand.
  if (value !== undefined || profile?.origin === sameAddress) return value;
  throw new InputError(
    `profile \`${profile?.name ?? ''}\` takes its password from ${passwordEnv}, which is not set`,
    `\`export ${passwordEnv}=…\`, or use --password-file FILE or --ask-password`,
  );
}

/** Wherever links lead. A home that is the whole file system is none. @throws InputError */
function requireWithin(path: string, folders: readonly (string | undefined)[]): void {
  const place = placeOf(path);
  const isWithin = folders.some((folder) => {
    if (folder === undefined || folder === '' || folder === '/') return false;
    return place.startsWith(`${placeOf(folder)}${sep}`);
  });
  if (isWithin) return;
  throw new InputError(
    `passwordFile \`${path}\` is neither in the folder of the map nor in your home`,
    `\`--password-file ${path}\` reads it all the same`,
  );
}

function placeOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // Not there, which whoever reads it reports.
    return path;
  }
}

async function passwordIn(path: string, what: string, signal: AbortSignal): Promise<string> {
  const text = await readPrivateText(path, what, 'password', signal);
  const [password = ''] = text.split(/\r\n?|\n/, 1);
  if (password === '') throw new InputError(`${what} \`${path}\` has no password in its first line`);
  return password;
}

/**
 * TLS as the URL, the flags and the profile say: each flag turns it on, as the profile's `tls` does. A profile that has only the address in common with a URL turns TLS on and
 * gives its client certificate, and has no say in whose certificate is accepted.
 */
async function resolveTls(known: Known): Promise<Sourced<TlsTarget> | undefined> {
  const { options, route, origin, profile, workingDirectory, signal, mapFile } = known;
  const own = profile?.origin === sameAddress ? addedTls(profile.config) : profile?.config.tls;
  const ofProfile = `profile ${profile?.name ?? ''}`;
  const flag = tlsFlags.find(([name]) => options[name] !== undefined)?.[1];
  const on = route.overTls ? origin : (flag ?? (own === undefined ? undefined : ofProfile));
  if (on === undefined) return undefined;
  const mapFolder = dirname(mapFile ?? workingDirectory);
  const file = async (flag: string | undefined, option: string, field: 'ca' | 'certificate' | 'key') => {
    const name = flag ?? own?.[field];
    const setting = flag === undefined ? `tls.${field}` : option;
    const path = resolve(flag === undefined ? mapFolder : workingDirectory, name ?? '');
    if (name === undefined) return undefined;
    return { setting, path, text: await readPrivateText(path, setting, 'pem', signal) };
  };
  const ca = await file(options.tlsCa, '--tls-ca', 'ca');
  const certificate = await file(options.tlsCert, '--tls-cert', 'certificate');
  const key = await file(options.tlsKey, '--tls-key', 'key');
  if (ca || certificate || key) (await import('./tls-files.ts')).requireUsable(ca, certificate, key);
  const serverName = options.tlsServerName ?? own?.serverName;
  const verify = options.insecure === true ? false : (own?.verify ?? true);
  const texts = { ca: ca?.text, certificate: certificate?.text, key: key?.text };
  const value = { ...given({ ...texts, serverName }), verify };
  return { value, origin: verify ? on : options.insecure === true ? '--insecure' : ofProfile };
}

const tlsFlags = [
  ['tlsCa', '--tls-ca'],
  ['tlsCert', '--tls-cert'],
  ['tlsKey', '--tls-key'],
  ['tlsServerName', '--tls-server-name'],
  ['insecure', '--insecure'],
] as const;

function addedTls(config: ProfileConfig): ProfileConfig['tls'] {
  const { certificate, key } = config.tls ?? {};
  const overTls = destinationOf(config).urls.some(asksForTls);
  if (config.tls === undefined && !overTls) return undefined;
  return given({ certificate, key });
}

/** A setting with where it came from: `--url`, `REDIS_URL`, `profile prod`, `default`, … */
export interface Sourced<T> {
  readonly value: T;
  readonly origin: string;
}

/** The first value that is there; the last candidate is the default, and always there. */
export function firstOf<T extends string | number | Destination | null>(
  ...candidates: readonly (readonly [T | undefined, string])[]
): Sourced<T> {
  for (const [value, origin] of candidates) if (value !== undefined) return { value, origin };
  throw new Error('there is no default');
}

/** The same for values that have to be read; one that is a function is only read when its turn comes. */
async function firstRead(
  ...candidates: readonly (readonly [Readable | (() => Promise<Readable>), string])[]
): Promise<Sourced<string | null>> {
  for (const [candidate, origin] of candidates) {
    const value = typeof candidate === 'function' ? await candidate() : candidate;
    if (value !== undefined) return { value, origin };
  }
  return { value: null, origin: 'none' };
}
type Readable = string | null | undefined;

export const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

/** The longest file of passwords or certificates that is read. */
const maxBytes = 1 << 20;

/** How long a pipe may be silent: its writer may have to ask a vault. */
const pipeMillis = 5000;
const hints = {
  password: 'name a UTF-8 file whose first line is the password, or use --ask-password',
  pem: 'name a PEM file',
} as const;

/**
 * The text of a file or a pipe that a setting names, without the byte order mark that editors put before it.
 * @param what The setting, for messages.
 * @throws InputError saying why it cannot be used; AbortError once the signal is aborted
 */
export async function readPrivateText(
  path: string,
  what: string,
  kind: keyof typeof hints,
  signal: AbortSignal,
): Promise<string> {
  const failure = (cause: string) =>
    new InputError(`${what} \`${path}\` cannot be read: ${cause}`, hints[kind]);
  const late = AbortSignal.timeout(pipeMillis);
  try {
    const bytes = await readNamedFile(path, AbortSignal.any([signal, late]), failure, maxBytes);
    return textOf(bytes, failure);
  } catch (error) {
    if (signal.aborted || !late.aborted || error instanceof InputError) throw error;
    throw failure(`nothing came from this pipe within ${pipeMillis / 1000} s`);
  }
}

function textOf(bytes: Buffer, failure: (cause: string) => InputError): string {
  const [first, second] = bytes;
  const isMarked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  if (isMarked || bytes.includes(0)) throw failure('it is UTF-16 or binary, not UTF-8 text');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw failure('it is not UTF-8 text');
  }
}
