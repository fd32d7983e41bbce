import { isIPv6 } from 'node:net';

/** Where one process listens. */
export interface Place {
  readonly host: string;
  readonly port: number;
  /** Path of a Unix socket; takes the place of host and port. */
  readonly socketPath?: string;
}

/** Where and as whom to connect. Files are already read; the password lives nowhere else. */
export interface ConnectTarget extends Place {
  /** Who tells where the servers are, the place above being the first to ask. Absent: the server itself stands there. */
  readonly topology?: Topology;
  readonly database: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: TlsTarget;
  /** Limit for the connection and for each wait for an answer, in milliseconds. */
  readonly timeoutMillis: number;
}

export type Topology =
  | {
      readonly kind: 'cluster';
      /** Any of its nodes, asked in turn for the others. */
      readonly seeds: readonly Place[];
    }
  | {
      readonly kind: 'sentinel';
      /** The name under which the Sentinels watch the primary. */
      readonly name: string;
      readonly sentinels: readonly Place[];
      /** As whom to log in to the Sentinels themselves. */
      readonly username?: string;
      readonly password?: string;
    };

export interface TlsTarget {
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly serverName?: string;
  /** False accepts any certificate; only for tests. */
  readonly verify: boolean;
}

/** `host:port`, or the path of the socket. */
export function addressOf(place: Place): string {
  if (place.socketPath !== undefined) return place.socketPath;
  return `${place.host.includes(':') ? `[${place.host}]` : place.host}:${place.port}`;
}

/** The place of such an address. */
export function placeAt(address: string): Place {
  if (address.startsWith('/')) return { host: '', port: 0, socketPath: address };
  return hostAndPortOf(address);
}

/** The URL of the target without user and password, as messages show it; those of all seeds or Sentinels, with commas. */
export function publicUrlOf(target: ConnectTarget): string {
  const { topology, tls, database } = target;
  const urlOf = (place: Place) =>
    `${place.socketPath !== undefined ? 'unix' : tls ? 'rediss' : 'redis'}://${addressOf(place)}`;
  switch (topology?.kind) {
    case 'cluster':
      return topology.seeds.map(urlOf).join(',');
    case 'sentinel':
      return topology.sentinels.map(urlOf).join(',');
    case undefined:
      return `${urlOf(target)}/${database}`;
  }
}

/** The same access to one other process: what the topology said no longer matters. */
export function targetAt({ host, port, socketPath }: Place, as: ConnectTarget): ConnectTarget {
  const { topology: _topology, socketPath: _socketPath, ...access } = as;
  return { ...access, host, port, ...(socketPath !== undefined && { socketPath }) };
}

const scheme = /^(rediss?|unix|redis\+unix):\/\//i;

/**
 * Reads `redis://`, `rediss://` and `unix://` URLs: `redis://user:password@host:port/database`. The database may also
 * stand in `?db=`.
 * @throws Error naming what is wrong with the URL; none of it that could be a password is repeated
 */
export function parseRedisUrl(text: string): Omit<ConnectTarget, 'timeoutMillis'> {
  const kind = scheme.exec(text)?.[1]?.toLowerCase();
  if (kind === undefined) {
    throw new Error(
      'it must start with redis://, rediss:// or unix://, for example redis://127.0.0.1:6379/0',
    );
  }
  const [, authority = '', rest = ''] = /^([^/?#]*)(.*)$/s.exec(text.replace(scheme, '')) ?? [];
  const [, path = '', query = ''] = /^([^?#]*)(?:\?([^#]*))?/.exec(rest) ?? [];
  const overUnix = kind.endsWith('unix');
  // An unescaped `/`, `?` or `#` in a password ends the authority early, and what follows would be taken for a path.
  if (rest.includes('@') && (!overUnix || authority !== '')) {
    throw new Error(
      'special characters of a password must be escaped: %40 for @, %2F for /, %3A for :, %23 for #',
    );
  }
  const at = authority.lastIndexOf('@');
  const place = authority.slice(at + 1);
  const credentials = credentialsOf(authority.slice(0, Math.max(at, 0)));
  const named = new URLSearchParams(query).get('db');
  if (overUnix) {
    if (place !== '') throw new Error('a socket path begins with a third slash: unix:///run/redis.sock');
    // unix:///run/redis.sock, with the database as ?db=2 or as a last numeric segment.
    const [, socketPath = '', segment] = /^(.*?)(?:\/(\d+))?$/s.exec(decoded(path, 'path')) ?? [];
    if (socketPath === '') throw new Error('it names no socket path, for example unix:///run/redis.sock');
    return { host: '', port: 0, socketPath, database: databaseOf(named ?? segment ?? ''), ...credentials };
  }
  return {
    ...hostAndPortOf(place),
    database: databaseOf(named ?? path.slice(1)),
    ...credentials,
    ...(kind === 'rediss' && { tls: { verify: true } }),
  };
}

function credentialsOf(text: string): { username?: string; password?: string } {
  const colon = text.indexOf(':');
  const username = decoded(colon < 0 ? text : text.slice(0, colon), 'user');
  const password = colon < 0 ? '' : decoded(text.slice(colon + 1), 'password');
  return { ...(username !== '' && { username }), ...(password !== '' && { password }) };
}

function hostAndPortOf(place: string): { host: string; port: number } {
  const [, bracketed, name, port] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(place) ?? [place];
  if (bracketed === undefined && name === undefined) {
    throw new Error(
      'its host and port cannot be read; an IPv6 address stands in brackets: redis://[::1]:6379',
    );
  }
  if (bracketed !== undefined && !isIPv6(bracketed))
    throw new Error('what stands in its brackets is not an IPv6 address');
  const host = bracketed ?? decoded(name ?? '', 'host');
  if (!/^[^\s/\\]*$/.test(host)) throw new Error('its host holds characters that no host name has');
  const number = port === undefined ? 6379 : Number(port);
  if (number < 1 || number > 65_535)
    throw new Error(`its port ${number} is out of range; ports go from 1 to 65535`);
  return { host: host === '' ? '127.0.0.1' : host, port: number };
}

function decoded(text: string, part: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error(`its ${part} holds a % that begins no escape; write %25 for the character itself`);
  }
}

function databaseOf(text: string): number {
  if (text === '') return 0;
  if (!/^\d{1,9}$/.test(text)) throw new Error(`\`${text}\` is not a database number; the URL ends like /0`);
  return Number(text);
}
