/** Where and as whom to connect. Files are already read; the password lives nowhere else. */
export interface ConnectTarget {
  readonly host: string;
  readonly port: number;
  /** Path of a Unix socket; takes the place of host and port. */
  readonly socketPath?: string;
  readonly database: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: TlsTarget;
  /** Limit for the connection and for each wait for an answer, in milliseconds. */
  readonly timeoutMillis: number;
}

export interface TlsTarget {
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly serverName?: string;
  /** False accepts any certificate; only for tests. */
  readonly verify: boolean;
}

/** `host:port`, or the path of the socket. */
export function addressOf(target: ConnectTarget): string {
  if (target.socketPath !== undefined) return target.socketPath;
  return `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
}

/** The URL of the target without user and password, as messages show it. */
export function publicUrlOf(target: ConnectTarget): string {
  const scheme = target.socketPath !== undefined ? 'unix' : target.tls ? 'rediss' : 'redis';
  return `${scheme}://${addressOf(target)}/${target.database}`;
}

/** @throws Error naming what is wrong with the URL, without its password. */
export function parseRedisUrl(text: string): Omit<ConnectTarget, 'timeoutMillis'> {
  const scheme = /^(rediss?|unix|redis\+unix):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    throw new Error(
      `it must start with redis://, rediss:// or unix://, for example redis://127.0.0.1:6379/0`,
    );
  }
  let url: URL;
  try {
    // A special scheme makes the parser treat the host as one.
    url = new URL(text.replace(/^[a-z+]+:/i, 'http:').replace(/^http:\/\/\//, 'http://socket/'));
  } catch {
    throw new Error(
      'it is not a valid URL; write special characters of a password as %40 for @, %2F for /, %3A for :',
    );
  }
  const credentials = {
    ...(url.username !== '' && { username: decodeURIComponent(url.username) }),
    ...(url.password !== '' && { password: decodeURIComponent(url.password) }),
  };
  if (scheme === 'unix' || scheme === 'redis+unix') {
    const named = url.searchParams.get('db');
    // unix:///var/run/redis.sock, with the database as ?db=2 or as a last numeric segment.
    const match = /^(.*?)(?:\/(\d+))?$/.exec(decodeURIComponent(url.pathname));
    const socketPath = match?.[1] ?? '';
    if (socketPath === '') throw new Error('it names no socket path, for example unix:///run/redis.sock');
    return { host: '', port: 0, socketPath, database: databaseOf(named ?? match?.[2] ?? ''), ...credentials };
  }
  // `new URL` drops the default port of http.
  const port = /:80(?:[/?#]|$)/.test(text) ? 80 : url.port === '' ? 6379 : Number(url.port);
  return {
    host: url.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1',
    port,
    database: databaseOf(url.searchParams.get('db') ?? url.pathname.slice(1)),
    ...credentials,
    ...(scheme === 'rediss' && { tls: { verify: true } }),
  };
}

function databaseOf(text: string): number {
  if (text === '') return 0;
  if (!/^\d{1,9}$/.test(text)) throw new Error(`\`${text}\` is not a database number; the URL ends like /0`);
  return Number(text);
}
