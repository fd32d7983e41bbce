import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Place } from './target.ts';

export const notRedisHint =
  'what answers there may be no Redis server, or a proxy in front of it: check the address in --url or REDIS_URL';

/** What a server is that is no Redis, as the end of a sentence about its address, and the way out. */
export interface Stranger {
  readonly what: string;
  readonly hint: string;
}

const port = 'check the host and the port in --url or REDIS_URL: Redis listens on 6379 by default';

/** By what they say first, or answer to commands that they do not know. */
const strangers: readonly (readonly [RegExp, string, string])[] = [
  [
    /^SSH-\d/,
    'an SSH server',
    'name the port of Redis; through a tunnel (`ssh -L 6379:127.0.0.1:6379 HOST`) the server is at redis://127.0.0.1:6379',
  ],
  [
    /^HTTP\/\d|^<(?:!doctype|html)/i,
    'a web server (HTTP)',
    `${port}; hosted services list the address for Redis clients apart from that of their REST API`,
  ],
  [/^220[ -]/, 'a mail or FTP server', port],
  [/^(?:CLIENT_)?ERROR\b/, 'memcached', port],
  [/^E\0\0..?.?S[A-Z]/s, 'a PostgreSQL server', port],
  [/^..\0\0\n\d+\.\d/s, 'a MySQL or MariaDB server', port],
];

/** @param said The beginning of what it said */
export function strangerIn(said: string, overTls: boolean): Stranger {
  // A record of TLS: an alert in answer to what was no handshake, or a handshake.
  if (/^[\x15\x16]\x03/.test(said) && !overTls) {
    return { what: 'speaks TLS, and this connection does not', hint: 'use rediss:// in place of redis://' };
  }
  const [, name, hint] = strangers.find(([beginning]) => beginning.test(said)) ?? [];
  if (name !== undefined && hint !== undefined) return { what: `is ${name}, not Redis`, hint };
  const orTls = overTls ? '' : '; if it speaks TLS, use rediss:// in place of redis://';
  return {
    what: 'does not answer as a Redis server does',
    hint: `check the port in --url or REDIS_URL${orTls}`,
  };
}

const mostMillis = 2000;

/**
 * What a port that does not speak TLS says to a PING, which holds no secret: the beginning of it; empty where nothing
 * comes in time.
 */
export function firstWordsAt(place: Place): Promise<string> {
  const socket = connect(addressIn(place));
  return new Promise<string>((resolve) => {
    const end = (said = '') => {
      resolve(said);
      socket.destroy();
    };
    socket.setTimeout(mostMillis, end);
    socket.on('data', (chunk) => end(chunk.toString('latin1', 0, 200)));
    socket.on('error', () => end());
    socket.on('close', () => end());
    // The empty line ends a request of HTTP.
    socket.write('PING\r\n\r\n');
  });
}

/** True where a handshake comes to its end, or the port says in TLS why it does not. Nothing is sent. */
export function speaksTls(place: Place): Promise<boolean> {
  const socket = connectTls({ ...addressIn(place), rejectUnauthorized: false });
  return new Promise((resolve) => {
    const end = (speaks: boolean) => {
      resolve(speaks);
      socket.destroy();
    };
    socket.setTimeout(mostMillis, () => end(false));
    socket.on('secureConnect', () => end(true));
    socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => end(/^ERR_SSL_.*ALERT/.test(code)));
    socket.on('close', () => end(false));
  });
}

const addressIn = ({ host, port, socketPath }: Place) =>
  socketPath === undefined ? { host, port } : { path: socketPath };
