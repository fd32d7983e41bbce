import { type Destination, destinationOf } from '../config/destination.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { ProfileConfig } from '../config/schema.ts';
import { InputError } from '../support/failure.ts';
import { maskedUrl } from '../support/masked.ts';
import type { Place, Topology } from '../redis/target.ts';
import { type ParsedUrl, parseRedisUrl } from '../redis/url.ts';
import { printable } from '../render/printable.ts';

/** A destination, read. */
export interface Route {
  /** The server itself, or the first seed or Sentinel. */
  readonly place: Place;
  readonly topology: Topology | null;
  readonly database: number;
  /** As the URLs say; those of a Sentinel are for the Sentinel, and stand in the topology. */
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly overTls: boolean;
  /** What of the URLs is not used, a sentence each. */
  readonly remarks: readonly string[];
}

export interface NamedProfile {
  readonly name: string;
  readonly config: ProfileConfig;
  readonly origin: string;
}

/**
 * Reads the URLs of a destination, which came from `origin`.
 * @param sentinelPassword The password of Sentinels whose URLs name none.
 * @throws InputError naming the URL that cannot be used
 */
export function routeOf(
  destination: Destination,
  origin: string,
  sentinelPassword: string | undefined,
): Route {
  const parsed = destination.urls.map((url) => parseUrl(url, origin));
  const [first] = parsed;
  if (first === undefined) throw new Error('the schema asks for at least one URL');
  const username = parsed.find((each) => each.username !== undefined)?.username;
  const password = parsed.find((each) => each.password !== undefined)?.password;
  const places = parsed.map(placeOf);
  const [place = placeOf(first)] = places;
  const overTls = parsed.some(({ tls }) => tls !== undefined);
  const { kind } = destination;
  const remarks = [...new Set(parsed.flatMap(({ ignored = [] }) => ignored))].map(
    (each) => `the URL (from ${origin}) ${each}`,
  );
  if (kind === 'server')
    return { place, topology: null, database: first.database, username, password, overTls, remarks };
  const numbered = parsed.find(({ database }) => database !== 0);
  if (numbered !== undefined && kind === 'sentinel') {
    throw new InputError(
      `the URL of a Sentinel (from ${origin}) ends in database ${numbered.database}: Sentinels have none`,
      `write "database": ${numbered.database} next to "nodes"`,
    );
  }
  if (kind === 'cluster') {
    const topology = { kind, seeds: places } as const;
    return { place, topology, database: numbered?.database ?? 0, username, password, overTls, remarks };
  }
  const ownPassword = password ?? sentinelPassword;
  return {
    place,
    topology: {
      kind,
      name: destination.name,
      sentinels: places,
      ...(username !== undefined && { username }),
      ...(ownPassword !== undefined && { password: ownPassword }),
    },
    database: destination.database,
    ...{ username: undefined, password: undefined, overTls, remarks },
  };
}

export const sameAddress = 'same address';

/** The profiles of which a URL leads where the destination leads, whatever the database; the most protective first. */
export function profilesAt(places: readonly Place[], loaded: LoadedConfig | null): NamedProfile[] {
  const wanted = new Set(places.map(placeName));
  return Object.entries(loaded?.config.profiles ?? {})
    .filter(([, config]) => destinationOf(config).urls.some((url) => leadsTo(url, wanted)))
    .map(([name, config]) => ({ name, config, origin: sameAddress }))
    .sort((left, right) => strictness(right.config) - strictness(left.config));
}

/** Every place that is asked: the server, or all seeds or Sentinels. */
export function placesOf({ place, topology }: Route): readonly Place[] {
  switch (topology?.kind) {
    case 'cluster':
      return topology.seeds;
    case 'sentinel':
      return topology.sentinels;
    case undefined:
      return [place];
  }
}

function leadsTo(url: string, wanted: ReadonlySet<string>): boolean {
  try {
    return wanted.has(placeName(parseRedisUrl(url)));
  } catch {
    // A broken URL of a profile that is not in use is reported by `config validate`.
    return false;
  }
}

/** Equal for URLs that lead to one server, as far as that can be seen without a connection. */
function placeName({ host, port, socketPath }: Place): string {
  if (socketPath !== undefined) return socketPath;
  const name = host.toLowerCase().replace(/\.$/, '');
  return `${/^(localhost|127(\.\d+){3}|::1)$/.test(name) ? 'localhost' : name}:${port}`;
}

/** More where more is forbidden; 0: nothing is. */
export const strictness = (config: ProfileConfig) =>
  (config.protected === true ? 2 : 0) + (config.readOnly === true ? 1 : 0);

function placeOf({ host, port, socketPath }: Place): Place {
  return { host, port, ...(socketPath !== undefined && { socketPath }) };
}

function parseUrl(url: string, origin: string): ParsedUrl {
  try {
    return parseRedisUrl(url);
  } catch (error) {
    throw new InputError(
      printable(`the URL \`${maskedUrl(url)}\` (from ${origin}) cannot be used: ${(error as Error).message}`),
    );
  }
}
