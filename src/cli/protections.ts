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
  readonly names: ReadonlySet<string>;
  /** Null where INFO does not report it. */
  readonly runId: string | null;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** A profile's server and the one that is connected to; `unknown`: why they could not be compared. */
type Comparison =
  | { readonly kind: 'same' }
  | { readonly kind: 'other' }
  /** Its address is another, and its server did not answer which process it is. */
  | { readonly kind: 'unasked'; readonly why: string }
  /** `isElsewhere`: what is known of the profile's place is that it is not this host. */
  | { readonly kind: 'unknown'; readonly why: string; readonly isElsewhere: boolean };

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
    const connected = { names: await namesOfServer(server), runId: await runIdOf(server) };
    const { names } = connected;
    const comparisons = await Promise.all(
      others.map(([name, config]) => compare(name, config, loaded, connected, { variables, signal })),
    );
    for (const [index, [name, config]] of others.entries()) {
      const comparison = comparisons[index] ?? { kind: 'other' };
      const guard = { name, protected: config.protected === true, readOnly: config.readOnly === true };
      if (comparison.kind === 'same')
        guards.push({ ...guard, because: `${server.address} is the server of profile \`${name}\`` });
      else if (comparison.kind === 'unasked')
        warn(`${comparison.why}; whether ${server.address} leads to it is not known`);
      else if (comparison.kind === 'unknown') {
        const { why, isElsewhere } = comparison;
        if (isElsewhere && [...names].every(isHere))
          warn(`${why}; it was not compared with ${server.address}`);
        else
          guards.push({
            ...guard,
            because: `${why}, so ${server.address} may be the server of this profile`,
          });
      }
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
  { names, runId }: Connected,
  given: { readonly variables: Variables; readonly signal: AbortSignal },
): Promise<Comparison> {
  let places = placesOfUrls(config);
  if (config.sentinel !== undefined) {
    const primary = await primaryPlace(name, loaded, given.signal);
    if (typeof primary === 'string') {
      const names = await Promise.all(places.map(namesOfPlace));
      return {
        kind: 'unknown',
        why: primary,
        isElsewhere: !names.flat().some((each) => each && isHere(each)),
      };
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
    else if (own.some((each) => names.has(each))) return { kind: 'same' };
  }
  if (unresolved !== undefined)
    return {
      kind: 'unknown',
      why: `\`${unresolved}\`, the host of profile \`${name}\`, does not resolve`,
      isElsewhere: true,
    };
  return runId === null ? { kind: 'other' } : compareProcesses(name, config, loaded, places, runId, given);
}

const inquiryMillis = 1000;

/**
 * Asks the places of a profile which processes answer there, as whom the profile itself would be connected to: of the
 * environment only the variable that the profile names is used. For a map that is not trusted only this host is asked, without
 * user and password. A place that refuses connections has no server.
 */
async function compareProcesses(
  name: string,
  config: ProfileConfig,
  loaded: JudgedConfig,
  places: readonly Place[],
  runId: string,
  { variables, signal }: { readonly variables: Variables; readonly signal: AbortSignal },
): Promise<Comparison> {
  const unasked = (why: string): Comparison => ({
    kind: 'unasked',
    why: `the server of profile \`${name}\` ${why}`,
  });
  const { refusal } = loaded.trust;
  let target: Omit<ConnectTarget, keyof Place> = { database: 0, timeoutMillis: inquiryMillis };
  if (refusal === null) {
    try {
      const { passwordEnv } = config;
      const ofProfile = passwordEnv === undefined ? {} : { [passwordEnv]: variables[passwordEnv] };
      const found = await settingsOfProfile(name, loaded, { HOME: variables['HOME'], ...ofProfile }, signal);
      // Without the password of a profile no change elsewhere repeats a warning.
      if (found.obstacle !== null) return { kind: 'other' };
      target = found.target;
    } catch (error) {
      return unasked(`cannot be asked for its run_id (${messageOf(error)})`);
    }
  } else {
    // Strangers do not decide which hosts are connected to; of this one it gives nothing away.
    const names = await Promise.all(places.map(namesOfPlace));
    if (!names.every((each) => each?.every(isHere)))
      return unasked(`is not asked for its run_id: ${refusal.reason}`);
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
  if (answers.includes(runId)) return { kind: 'same' };
  const failed = answers.find((answer) => answer instanceof Error && !isAbsent(answer));
  if (failed === undefined) return { kind: 'other' };
  return unasked(
    late.aborted
      ? `did not answer within ${inquiryMillis / 1000} s`
      : `cannot be asked for its run_id (${messageOf(failed)})`,
  );
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
