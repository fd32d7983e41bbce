import type { Protections } from '../commands/context.ts';
import type { ProfileConfig } from '../config/schema.ts';
import type { JudgedConfig } from '../config/trust.ts';
import { isHere, namesOfPlace, namesOfServer } from '../redis/places.ts';
import type { RedisServer } from '../redis/server.ts';
import type { Place } from '../redis/target.ts';
import { parseRedisUrl } from '../redis/url.ts';
import { destinationOf, strictness } from './destination.ts';
import { type ResolvedSettings, resolveSettings } from './settings.ts';

/** A profile's server and the one that is connected to; `unknown`: why they could not be compared. */
type Comparison =
  | { readonly kind: 'same' }
  | { readonly kind: 'other' }
  /** `isElsewhere`: what is known of the profile's place is that it is not this host. */
  | { readonly kind: 'unknown'; readonly why: string; readonly isElsewhere: boolean };

/**
 * What protects the connected server: the profile in force, and every profile that leads to the same server under another
 * address, whatever the database. A profile that was named is held to its own protections alone. Of a profile that cannot
 * be compared the protections hold too, unless the server is on this host and the profile's is not: that is a warning.
 * @throws RedisError where the connection is lost
 */
export async function protectionsOf(
  server: RedisServer,
  { profile, isNamed }: Pick<ResolvedSettings, 'profile' | 'isNamed'>,
  loaded: JudgedConfig | null,
  signal: AbortSignal,
  warn: (text: string) => void,
): Promise<Protections | null> {
  const guards: Guard[] = [];
  if (profile !== null) guards.push({ ...profile, because: null });
  const others = Object.entries(loaded?.config.profiles ?? {}).filter(
    ([name, config]) => strictness(config) > 0 && name !== profile?.name,
  );
  if (!isNamed && loaded !== null && others.length > 0) {
    const names = await namesOfServer(server);
    for (const [name, config] of others) {
      const comparison = await compare(name, config, loaded, names, signal);
      const guard = { name, protected: config.protected === true, readOnly: config.readOnly === true };
      if (comparison.kind === 'same')
        guards.push({ ...guard, because: `${server.address} is the server of profile \`${name}\`` });
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
  names: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Comparison> {
  let places = placesOfUrls(config);
  if (config.sentinel !== undefined) {
    const primary = await primaryPlace(name, loaded, signal);
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
  return unresolved === undefined
    ? { kind: 'other' }
    : {
        kind: 'unknown',
        why: `\`${unresolved}\`, the host of profile \`${name}\`, does not resolve`,
        isElsewhere: true,
      };
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
    const surroundings = { workingDirectory: '/', stdoutIsTerminal: false, signal };
    const { target } = await resolveSettings({ profile: name, color: false }, {}, loaded, surroundings);
    const { topology } = target;
    if (topology?.kind !== 'sentinel') throw new Error('the profile has no Sentinels');
    const { findPrimary } = await import('../redis/sentinel.ts');
    return await findPrimary({ ...target, timeoutMillis: sentinelMillis }, topology);
  } catch (error) {
    return `the Sentinels of profile \`${name}\` cannot be asked (${error instanceof Error ? error.message : String(error)})`;
  }
}
