import type { Protections } from '../commands/context.ts';
import type { ProfileConfig } from '../config/schema.ts';
import type { JudgedConfig } from '../config/trust.ts';
import { RedisError } from '../redis/errors.ts';
import { isHere, namesOfPlace, namesOfServer, runIdOf } from '../redis/places.ts';
import type { RedisServer } from '../redis/server.ts';
import { type ConnectTarget, type Place, targetAt } from '../redis/target.ts';
import { parseRedisUrl } from '../redis/url.ts';
import { destinationOf } from '../config/destination.ts';
import { strictness } from './destination.ts';
import { type ResolvedSettings, resolveSettings } from './settings.ts';

/** The server that is connected to, by what a profile's server is compared with. */
interface Connected {
  readonly address: string;
  readonly names: ReadonlySet<string>;
  /** Null where INFO does not report it. */
  readonly runId: string | null;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Why the protections of a profile hold for the connected server, or what is to be warned of; neither: it leads elsewhere. */
interface Verdict {
  readonly because?: string;
  readonly warning?: string;
}

/**
 * What protects the connected server: the profile in force, and every profile that leads to the same server under another
 * address, whatever the database: by a place that both have, or by the same `run_id` behind a tunnel or a mapped port. A
 * profile that was named is held to its own protections alone. Of a profile that cannot be compared the protections hold too,
 * unless the server is on this host and the profile's is not: that is a warning, as is a server at another address that
 * does not answer.
 * @throws RedisError where the connection is lost
 */
export async function protectionsOf(
  server: RedisServer,
  { profile, isNamed }: Pick<ResolvedSettings, 'profile' | 'isNamed'>,
  loaded: JudgedConfig | null,
  { variables, signal }: { readonly variables: Variables; readonly signal: AbortSignal },
  warn: (text: string) => void,
): Promise<Protections | null> {
  const guards: Guard[] = [];
  if (profile !== null) guards.push({ ...profile, because: null });
  const others = Object.entries(loaded?.config.profiles ?? {}).filter(
    ([name, config]) => strictness(config) > 0 && name !== profile?.name,
  );
  if (!isNamed && loaded !== null && others.length > 0) {
    const { address } = server;
    const connected = { address, names: await namesOfServer(server), runId: await runIdOf(server) };
    const verdicts = await Promise.all(
      others.map(([name, config]) => compare(name, config, loaded, connected, { variables, signal })),
    );
    for (const [index, [name, config]] of others.entries()) {
      const { because, warning } = verdicts[index] ?? {};
      const guard = { name, protected: config.protected === true, readOnly: config.readOnly === true };
      if (because !== undefined) guards.push({ ...guard, because });
      if (warning !== undefined) warn(warning);
    }
  }
  const protectedBy = guards.find((guard) => guard.protected) ?? null;
  const readOnlyBy = guards.find((guard) => guard.readOnly) ?? null;
  const name = (protectedBy ?? readOnlyBy ?? guards[0])?.name;
  return name === undefined ? null : { name, protectedBy, readOnlyBy };
}

interface Guard {
  readonly name: string;
  readonly protected: boolean;
  readonly readOnly: boolean;
  readonly because: string | null;
}

async function compare(
  name: string,
  config: ProfileConfig,
  loaded: JudgedConfig,
  { address, names, runId }: Connected,
  given: { readonly variables: Variables; readonly signal: AbortSignal },
): Promise<Verdict> {
  const same = { because: `${address} is the server of profile \`${name}\`` };
  /** @param isElsewhere All that is known of the profile's place is that it is not this host. */
  const unknown = (why: string, isElsewhere: boolean): Verdict =>
    isElsewhere && [...names].every(isHere)
      ? { warning: `${why}; it was not compared with ${address}` }
      : { because: `${why}, so ${address} may be the server of this profile` };
  let places = placesOfUrls(config);
  if (config.sentinel !== undefined) {
    const primary = await primaryPlace(name, loaded, given.signal);
    if (typeof primary === 'string') {
      const sentinels = (await Promise.all(places.map(namesOfPlace))).flat();
      return unknown(primary, !sentinels.some((each) => each && isHere(each)));
    }
    places = [primary];
  }
  const ports = new Set([...names].map((each) => each.slice(each.lastIndexOf(':') + 1)));
  let unresolved: string | undefined;
  for (const place of places) {
    // Another port is another server, whatever the host; no name has to be looked up for that.
    if (place.socketPath === undefined && !ports.has(String(place.port))) continue;
    const own = await namesOfPlace(place);
    if (own === null) unresolved ??= place.host;
    else if (own.some((each) => names.has(each))) return same;
  }
  if (unresolved !== undefined)
    return unknown(`\`${unresolved}\`, the host of profile \`${name}\`, does not resolve`, true);
  if (runId === null) return {};
  const answer = await askProcesses(name, config, loaded, places, runId, given);
  if (typeof answer === 'boolean') return answer ? same : {};
  return {
    warning: `the server of profile \`${name}\` ${answer}; whether ${address} leads to it is not known`,
  };
}

const inquiryMillis = 1000;

/**
 * Asks the places of a profile which processes answer there, as whom the profile itself would be connected to: of the
 * environment only the variable that the profile names is used. For a map that is not trusted only this host is asked, without
 * user and password. A place that refuses connections has no server.
 * @returns Whether one of them is the process; why it is not known, as it reads after the name of the profile.
 */
async function askProcesses(
  name: string,
  config: ProfileConfig,
  loaded: JudgedConfig,
  places: readonly Place[],
  runId: string,
  { variables, signal }: { readonly variables: Variables; readonly signal: AbortSignal },
): Promise<boolean | string> {
  const { refusal } = loaded.trust;
  let target: Omit<ConnectTarget, keyof Place> = { database: 0, timeoutMillis: inquiryMillis };
  if (refusal === null) {
    try {
      const { passwordEnv } = config;
      const ofProfile = passwordEnv === undefined ? {} : { [passwordEnv]: variables[passwordEnv] };
      const found = await settingsOfProfile(name, loaded, { HOME: variables['HOME'], ...ofProfile }, signal);
      // Without the password of a profile no change elsewhere repeats a warning.
      if (found.obstacle !== null) return false;
      target = found.target;
    } catch (error) {
      return `cannot be asked for its run_id (${messageOf(error)})`;
    }
  } else {
    // Strangers do not decide which hosts are connected to; of this one it gives nothing away.
    const names = await Promise.all(places.map(namesOfPlace));
    if (!names.every((each) => each?.every(isHere))) return `is not asked for its run_id: ${refusal.reason}`;
  }
  const late = AbortSignal.any([signal, AbortSignal.timeout(inquiryMillis)]);
  const { askOnce } = await import('../redis/node.ts');
  const answers = await Promise.all(
    places.map((place) =>
      askOnce(
        { ...targetAt(place, { ...place, ...target }), database: 0, timeoutMillis: inquiryMillis },
        (node) => runIdOf({ nodes: [node] }),
        late,
      ).catch((error: unknown) => error),
    ),
  );
  if (answers.includes(runId)) return true;
  const failed = answers.find((answer) => answer instanceof Error && !isAbsent(answer));
  if (failed === undefined) return false;
  return late.aborted
    ? `did not answer within ${inquiryMillis / 1000} s`
    : `cannot be asked for its run_id (${messageOf(failed)})`;
}

const isAbsent = (error: unknown) =>
  error instanceof RedisError && ['ECONNREFUSED', 'ENOENT'].includes(error.code);

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** @throws InputError where the profile cannot be used */
function settingsOfProfile(
  name: string,
  loaded: JudgedConfig,
  variables: Variables,
  signal: AbortSignal,
): Promise<ResolvedSettings> {
  const surroundings = { workingDirectory: '/', stdoutIsTerminal: false, signal };
  return resolveSettings({ profile: name, color: false }, variables, loaded, surroundings);
}

function placesOfUrls(config: ProfileConfig): Place[] {
  return destinationOf(config).urls.flatMap((url) => {
    try {
      return [parseRedisUrl(url)];
    } catch {
      // A broken URL of a profile that is not in use is reported by `config validate`.
      return [];
    }
  });
}

const sentinelMillis = 2000;

/**
 * Where the Sentinels of a profile say that its primary is, or why they cannot be asked. They are asked with what the map
 * itself says of them, and without any secret of the environment: no one chose this profile.
 */
async function primaryPlace(
  name: string,
  loaded: JudgedConfig,
  signal: AbortSignal,
): Promise<Place | string> {
  const { refusal } = loaded.trust;
  if (refusal !== null) return `the Sentinels of profile \`${name}\` are not asked: ${refusal.reason}`;
  try {
    const { target } = await settingsOfProfile(name, loaded, {}, signal);
    const { topology } = target;
    if (topology?.kind !== 'sentinel') throw new Error('the profile has no Sentinels');
    const { findPrimary } = await import('../redis/sentinel.ts');
    return await findPrimary({ ...target, timeoutMillis: sentinelMillis }, topology);
  } catch (error) {
    return `the Sentinels of profile \`${name}\` cannot be asked (${messageOf(error)})`;
  }
}
