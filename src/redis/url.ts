import { characterName, type ConnectTarget, decoded, hostAndPortOf } from './target.ts';

/** What a URL says of the target. */
export interface ParsedUrl extends Omit<ConnectTarget, 'timeoutMillis'> {
  /** What of the text was left out, each as the end of a sentence about the URL; absent where all was used. */
  readonly ignored?: readonly string[];
}

/** Schemes by what they mean; those with a `+` and `valkey` are written by other clients. */
const schemes: Readonly<Record<string, 'plain' | 'tls' | 'unix'>> = {
  ...{ redis: 'plain', valkey: 'plain' },
  ...{ rediss: 'tls', valkeys: 'tls', 'redis+ssl': 'tls', 'redis+tls': 'tls' },
  ...{
    unix: 'unix',
    'redis+unix': 'unix',
    'valkey+unix': 'unix',
    'redis-socket': 'unix',
    'redis+socket': 'unix',
  },
};

/** The database in a query, as redis-py, Lettuce and Celery write it. */
const databaseParameters: readonly string[] = ['db', 'database', 'virtual_host'];

/**
 * Reads `redis://user:password@host:port/database` with the scheme `redis`, `rediss` (TLS), `valkey` or `valkeys`, a host
 * or `host:port` without a scheme, and `unix:///path`. Quotes and blanks around the URL, as `.env` files leave them, are taken off.
 * @throws Error naming what is wrong with the URL; none of it that could be a password is repeated
 */
export function parseRedisUrl(given: string): ParsedUrl {
  const { text, ignored } = unwrapped(given);
  const [scheme, kind] = kindOf(text);
  const [, authority = '', rest = ''] = /^([^/?#]*)(.*)$/s.exec(text.slice(scheme.length)) ?? [];
  const [, path = '', query = '', fragment] = /^([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(rest) ?? [];
  // An unescaped `/`, `?` or `#` in a password ends the authority early, and what follows would be taken for a path.
  if (rest.includes('@') && (kind !== 'unix' || authority !== '')) {
    throw new Error(
      'special characters of a password must be escaped: %40 for @, %2F for /, %3A for :, %23 for #',
    );
  }
  const at = authority.lastIndexOf('@');
  const place = authority.slice(at + 1);
  const credentials = credentialsOf(authority.slice(0, Math.max(at, 0)));
  const parameters = new URLSearchParams(query);
  const named = databaseParameters.flatMap((name) => parameters.getAll(name));
  const unused = [
    ...ignored,
    ...[...new Set(parameters.keys())]
      .filter((name) => !databaseParameters.includes(name))
      .map(parameterText),
    ...(fragment === undefined ? [] : ['has a part after #, which is ignored']),
  ];
  const remarks = unused.length === 0 ? {} : { ignored: unused };
  if (kind === 'unix') {
    if (place !== '') throw new Error('a socket path begins with a third slash: unix:///run/redis.sock');
    // unix:///run/redis.sock, with the database as ?db=2 or as a last numeric segment.
    const [, socketPath = '', segment] = /^(.*?)(?:\/(\d+))?$/s.exec(decoded(path, 'path')) ?? [];
    if (socketPath === '') throw new Error('it names no socket path, for example unix:///run/redis.sock');
    if (socketPath.includes('\0')) throw new Error(`its path contains ${characterName('\0')}`);
    const database = databaseOf([...named, ...(segment === undefined ? [] : [segment])]);
    return { host: '', port: 0, socketPath, database, ...credentials, ...remarks };
  }
  const segments = path.split('/').filter((each) => each !== '');
  if (segments.length > 1)
    throw new Error('it has more than a database number after its host; it ends like /0');
  return {
    ...hostAndPortOf(place),
    database: databaseOf([...named, ...segments]),
    ...credentials,
    ...(kind === 'tls' && { tls: { verify: true } }),
    ...remarks,
  };
}

/** True for a text that names a scheme, which no name of a profile or of a user does; quotes and blanks may be around it. */
export function looksLikeUrl(text: string): boolean {
  return /^[\s"'`\ufeff]*[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

const isHostWithPort = (text: string) =>
  /^(?:[^/?#]*@)?(?:\[[^\]]*\]|[^:/?#@[\]\s]+):\d+(?:[/?#]|$)/.test(text);
const isHost = (text: string) =>
  /^(?:[^/?#]*@)?(?:\[[^\]]*\]|[\p{L}\p{N}][\p{L}\p{N}._-]*)(?:[/?#]|$)/u.test(text);

/** True for what can only be the address of a server where a file or a profile may be named too: a bare name may be either. */
export function looksLikeAddress(text: string): boolean {
  return (
    looksLikeUrl(text) ||
    isHostWithPort(text) ||
    /^(?:localhost|(?:\d+\.){3}\d+|\[.*\])(?:\/\d*)?$/i.test(text)
  );
}

/** True for a URL whose scheme asks for TLS. */
export function asksForTls(url: string): boolean {
  const [, name = ''] = /^[\s"'`\ufeff]*([a-z+-]+):\/\//i.exec(url) ?? [];
  return schemes[name.toLowerCase()] === 'tls';
}

/** The scheme with its slashes, and what it means. */
function kindOf(text: string): [scheme: string, kind: 'plain' | 'tls' | 'unix'] {
  const [scheme = '', name = ''] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text) ?? [];
  const kind = Object.hasOwn(schemes, name.toLowerCase()) ? schemes[name.toLowerCase()] : undefined;
  if (kind !== undefined) return [scheme, kind];
  if (scheme === '') {
    if (/^unix:\//i.test(text)) return [text.slice(0, 'unix:'.length), 'unix'];
    if (isHostWithPort(text) || isHost(text)) return ['', 'plain'];
    const [odd] = /^[^\p{L}\p{N}[/:.@_-]/u.exec(text) ?? [];
    if (odd !== undefined) throw new Error(`it begins with ${characterName(odd)}${closing(odd, text)}`);
  }
  if (/^redis[+-]sentinel$/i.test(name)) {
    throw new Error('Sentinels are named in the map, `"sentinel": {"name": …, "nodes": […]}` of a profile');
  }
  if (/cluster/i.test(name))
    throw new Error('a cluster is a redis:// URL of one of its nodes, with --cluster');
  throw new Error(
    'it is neither host:port nor a URL with redis://, rediss:// or unix://; write it like localhost:6379 or redis://127.0.0.1:6379/0',
  );
}

const quotes: readonly string[] = ['"', "'", '`'];

function closing(quote: string, text: string): string {
  return quotes.includes(quote) && !text.endsWith(quote) ? ', which is not closed' : '';
}

/** The text without what a file or a shell has left around it, and what that was. */
function unwrapped(given: string): { text: string; ignored: readonly string[] } {
  const left = new Set<string>();
  let text = given;
  for (;;) {
    const inner = text.replace(/^[\s\ufeff]+|[\s\ufeff]+$/gu, (blanks) => {
      for (const blank of blanks) left.add(blank);
      return '';
    });
    const [first = ''] = inner;
    const isQuoted = inner.length > 1 && quotes.includes(first) && inner.endsWith(first);
    if (isQuoted) left.add(first);
    text = isQuoted ? inner.slice(1, -1) : inner;
    if (!isQuoted) break;
  }
  if (left.size === 0) return { text, ignored: [] };
  return { text, ignored: [`has ${[...left].map(characterName).join(', ')} around it, which is left out`] };
}

/** The value may be a secret, and so may be what looks unlike a name. */
function parameterText(name: string): string {
  const shown = /^[a-z][a-z0-9_.-]{0,40}$/i.test(name) ? `the parameter \`${name}\`` : 'a parameter';
  const instead = parameterHints.find(([names]) => names.test(name))?.[1];
  return `has ${shown}, which is ignored${instead === undefined ? '' : `: ${instead}`}`;
}

const parameterHints: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:ssl|tls)_?(?:cert_?reqs|check_?hostname|verify)|insecure|verify_?peer/i,
    '--insecure accepts any certificate',
  ],
  [/^(?:ssl|tls)_?ca/i, 'use --tls-ca'],
  [/^(?:ssl|tls)_?cert/i, 'use --tls-cert'],
  [/^(?:ssl|tls)_?key/i, 'use --tls-key'],
  [/timeout/i, 'use --timeout'],
  [/^user(?:name)?$/i, 'use --username'],
  [/^(?:pass|auth)/i, 'use REDISCLI_AUTH or --password-file'],
];

function credentialsOf(text: string): { username?: string; password?: string } {
  const colon = text.indexOf(':');
  const username = decoded(colon < 0 ? text : text.slice(0, colon), 'user');
  const password = colon < 0 ? '' : decoded(text.slice(colon + 1), 'password');
  return { ...(username !== '' && { username }), ...(password !== '' && { password }) };
}

/** The one database of all places that may name it. */
function databaseOf(texts: readonly string[]): number {
  const [first, ...others] = texts.filter((text) => text !== '');
  if (first === undefined) return 0;
  for (const text of [first, ...others]) {
    if (!/^\d{1,9}$/.test(text))
      throw new Error(`\`${text}\` is not a database number; the URL ends like /0`);
  }
  const other = others.find((text) => Number(text) !== Number(first));
  if (other !== undefined) throw new Error(`it names two databases, ${other} and ${first}`);
  return Number(first);
}
