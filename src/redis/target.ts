import { isIPv6 } from 'node:net';
import type { Trace } from './trace.ts';

/** Where one process listens. */
export interface Place {
  readonly host: string;
  readonly port: number;
  /** Path of a Unix socket; takes the place of host and port. */
  readonly socketPath?: string;
}

/** Where and as whom to connect. Files are already read; the password lives nowhere else. */
export interface ConnectTarget extends Place {
  /** What reports where the servers are; the place above is asked first. Absent: the server itself is at that place. */
  readonly topology?: Topology;
  readonly database: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: TlsTarget;
  /** What connections are called in CLIENT LIST (default: `clientName`). */
  readonly clientName?: string;
  /** Limit for the connection and for each wait for an answer, in milliseconds. */
  readonly timeoutMillis: number;
  /** How long what was reached before is tried again, in milliseconds (default: it is not). */
  readonly retryMillis?: number;
  /** True: one that was never reached is tried again for as long. */
  readonly awaitsStart?: boolean;
  /** Gets everything that is sent, with its time. */
  readonly trace?: Trace;
}

/** Connections of this program have this name; `hits` leaves their reads out by it. */
export const clientName = 'cachectl';

export const retryMillisOf = ({ retryMillis = 0 }: ConnectTarget): number => retryMillis;

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

/** The options of node:tls. */
export function tlsOptionsOf({ ca, certificate, key, serverName, verify }: TlsTarget) {
  return {
    rejectUnauthorized: verify,
    ...(ca !== undefined && { ca }),
    ...(certificate !== undefined && { cert: certificate }),
    ...(key !== undefined && { key }),
    ...(serverName !== undefined && { servername: serverName }),
  };
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

/** Host and port as a URL writes them. @throws Error naming what is wrong, by its character */
export function hostAndPortOf(place: string): { host: string; port: number } {
  const [, bracketed, name, port] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(place) ?? [place];
  if (bracketed === undefined && name === undefined) {
    throw new Error(
      'its host and port cannot be read; write an IPv6 address in brackets: redis://[::1]:6379',
    );
  }
  if (bracketed !== undefined && !isIPv6(bracketed))
    throw new Error('what is in its brackets is not an IPv6 address');
  const host = bracketed ?? decoded(name ?? '', 'host');
  const [odd] = /[^\p{L}\p{N}._%~:-]/u.exec(host) ?? [];
  if (odd !== undefined) throw new Error(`its host contains ${characterName(odd)}`);
  const number = port === undefined ? 6379 : Number(port);
  if (number < 1 || number > 65_535)
    throw new Error(`its port ${number} is out of range; ports go from 1 to 65535`);
  return { host: host === '' ? '127.0.0.1' : host, port: number };
}

export function decoded(text: string, part: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error(`its ${part} holds a % that begins no escape; write %25 for the character itself`);
  }
}

/** A character as messages name it, which may be invisible: `"@" (U+0040)`. */
export function characterName(character: string): string {
  const code = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  const name = characterNames[character];
  if (name !== undefined) return `${name} (${code})`;
  return /[\p{L}\p{N}\p{P}\p{S}]/u.test(character) ? `${character} (${code})` : `the character ${code}`;
}

const characterNames: Readonly<Record<string, string>> = {
  ...{ ' ': 'a blank', '\t': 'a tab', '\n': 'a line feed', '\r': 'a carriage return' },
  ...{
    '\u00a0': 'a no-break space',
    '\ufeff': 'a byte order mark',
    '"': 'a double quote',
    "'": 'a single quote',
  },
};
