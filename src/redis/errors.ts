import { isIP } from 'node:net';
import type { PeerCertificate } from 'node:tls';
import type { ReplyError } from './reply.ts';
import { firstWordsAt, notRedisHint, speaksTls, strangerIn } from './strangers.ts';
import { addressOf, type ConnectTarget } from './target.ts';

/**
 * Why a server could not be used: `connect` (no connection), `login` (credentials), `lost` (a connection that broke),
 * `refused` (the server answered with an error: permissions, read-only, loading, out of memory, …).
 */
export type RedisFailure = 'connect' | 'login' | 'lost' | 'refused';

/** A failure of the server or of the way to it. The message never holds a password. */
export class RedisError extends Error {
  override readonly name = 'RedisError';

  constructor(
    readonly failure: RedisFailure,
    /** The error code as the server or the system gave it: `NOPERM`, `ECONNREFUSED`, … */
    readonly code: string,
    message: string,
    /** What to do next; may name a command. */
    readonly hint?: string,
    /** What the server refused (a command in backticks, or a step such as `logging in`), and its own words. */
    readonly refused?: { readonly subject: string; readonly answer: string },
  ) {
    super(message);
  }
}

/** Bytes that are no RESP2, or a reply beyond every limit: what follows it cannot be read either. */
export class ReplyFault extends Error {
  override readonly name = 'ReplyFault';

  constructor(
    /** As it reads in `the server answered with …`. */
    message: string,
    /** The beginning of what is no reply of any Redis protocol: something else answers there. */
    readonly foreign: string | null = null,
  ) {
    super(message);
  }
}

/** The beginning of what came from `start` on, as a message quotes it. */
export const firstOf = (buffer: Buffer, start: number): string =>
  buffer
    .toString('latin1', start, Math.min(buffer.length, start + 40))
    .replaceAll('\r\n', ' ')
    .trim();

const longestQuote = 200;

/**
 * What the server said, as a message shows it: its first line, without the arguments that some errors repeat.
 * @param password That was sent before, and may be in it
 */
export function shown(said: string, password?: string): string {
  const [line = ''] = said.trimStart().split(/[\r\n]/, 1);
  const plain = line.replace(/, with args beginning with:.*/, '');
  const text = password === undefined || password === '' ? plain : plain.replaceAll(password, '…');
  return text.length > longestQuote ? `${text.slice(0, longestQuote).trimEnd()}…` : text;
}

/** In place of the code of `ERR max number of clients reached` (of a cluster: `… clients + cluster connections …`). */
const maxClients = 'MAXCLIENTS';
const codeOf = ({ code, message }: ReplyError) =>
  code === 'ERR' && message.startsWith('ERR max number of clients') ? maxClients : code;

export const grantHint =
  'an administrator can grant it: `cachectl acl` prints the rights that a command needs';

const replyHints: Readonly<Record<string, string>> = {
  NOAUTH:
    'set REDISCLI_AUTH, use --password-file FILE or --ask-password, or put the password into the URL in REDIS_URL',
  WRONGPASS: 'check the user in the URL and the password in REDISCLI_AUTH or --password-file',
  DENIED: 'the server is in protected mode: connect from its own host, or set a password on it',
  NOPERM: grantHint,
  READONLY: 'this node is a replica: connect to the primary (`cachectl stats` shows its address)',
  OOM: '`maxmemory` is reached and nothing can be evicted: `cachectl stats` shows memory and policy',
  LOADING: 'the server is reading its dataset from disk: try again shortly',
  MISCONF: 'the server cannot save to disk and refuses writes: `cachectl check` shows the last error',
  BUSY: 'a script blocks the server: wait, or stop it with `SCRIPT KILL`',
  [maxClients]:
    '`maxclients` is reached: end clients that are not needed, or raise it; `CLIENT LIST` on a connection that is open shows them',
  CLUSTERDOWN: 'the cluster has no majority or misses slots: see `CLUSTER INFO`',
  MASTERDOWN: 'this replica has lost its primary and refuses to answer',
  MOVED:
    'this server is one node of a cluster, and the key lives on another: --cluster goes to the right one',
};

/** What error replies are about, by their codes. NOPERM is about a command or a key, which only its text says. */
const about: Readonly<Record<'login' | 'server' | 'writes' | 'keys', ReadonlySet<string>>> = {
  login: new Set(['NOAUTH', 'WRONGPASS', 'DENIED']),
  server: new Set(['LOADING', 'BUSY', 'CLUSTERDOWN', 'MASTERDOWN']),
  writes: new Set(['READONLY', 'OOM', 'MISCONF', 'NOREPLICAS']),
  keys: new Set(['MOVED', 'ASK', 'CROSSSLOT', 'TRYAGAIN', 'WRONGTYPE']),
};

export const isAboutLogin = ({ code }: ReplyError): boolean => about.login.has(code);

/** True for what a server answers to any command of a connection that it does not want. */
export const isAboutConnection = (reply: ReplyError): boolean =>
  isAboutLogin(reply) || codeOf(reply) === maxClients;

/** True where every other key would be refused for the same reason. */
export const concernsEveryKey = (reply: ReplyError): boolean =>
  [about.login, about.server, about.writes].some((codes) => codes.has(reply.code)) || isAboutCommand(reply);

/** True where other keys may be answered all the same. */
export const concernsSomeKeys = (reply: ReplyError): boolean =>
  about.keys.has(reply.code) || isAboutOneKey(reply);

/** True where the same command may succeed a little later. */
export const mayPass = ({ code }: Pick<ReplyError, 'code'>): boolean =>
  about.server.has(code) || code === 'TRYAGAIN';

/** True where another node of the cluster is named. */
export const isRedirection = ({ code }: Pick<ReplyError, 'code'>): boolean =>
  code === 'MOVED' || code === 'ASK';

/** True where the user lacks the command, not the key. */
export const isAboutCommand = ({ code, message }: ReplyError): boolean =>
  code === 'NOPERM' && /\bcommand\b/.test(message);

/**
 * True where the user lacks the key, not the command: `NOPERM … access one of the keys`, and its wording in 7.0 and
 * later: `No permissions to access a key`.
 */
export const isAboutOneKey = (reply: ReplyError): boolean =>
  reply.code === 'NOPERM' && /\bkeys?\b/.test(reply.message) && !isAboutCommand(reply);

/** True for `An LFU maxmemory policy is selected …` and the like: the policy keeps no such figure, found out behind the lookup. */
export const isAboutPolicy = (message: string): boolean => /\bLFU\b/.test(message);

/** Turns an error reply into an exception about `subject` (a command, in backticks where it is one). */
export function refusal(reply: ReplyError, subject: string, address: string, password?: string): RedisError {
  const code = codeOf(reply);
  const answer = shown(reply.message, password);
  return new RedisError(
    code === maxClients ? 'connect' : isAboutLogin(reply) ? 'login' : 'refused',
    code,
    `${subject} on ${address}: the server answered \`${answer}\``,
    replyHints[code],
    { subject, answer },
  );
}

/** Without TLS, whatever turned it on. */
const plain =
  'redis:// in place of rediss://, and no option that turns TLS on (--tls-…, --insecure, "tls" in the profile)';

const refusedCertificate = [
  'it does not accept the client certificate',
  'give one of an authority that the server knows with --tls-cert FILE and --tls-key FILE',
] as const;

const systemCauses: Readonly<Record<string, readonly [cause: string, hint: string]>> = {
  ECONNREFUSED: [
    'nothing listens there',
    'start the server, or name another with --url or REDIS_URL; `cachectl sandbox` starts a throw-away one',
  ],
  ENOTFOUND: ['the host name does not resolve', 'check the host in --url, REDIS_URL or the profile'],
  EAI_AGAIN: [
    'the host name does not resolve at the moment',
    'check the network and the host in --url or REDIS_URL',
  ],
  ETIMEDOUT: ['no answer in time', 'check the host, the port and any firewall; --timeout 20s waits longer'],
  ECONNRESET: [
    'the server closed the connection',
    'if the port speaks TLS, use rediss:// in place of redis://',
  ],
  ENOENT: ['there is no such socket file', 'check the path in --url'],
  EACCES: ['no permission to open the socket', 'check who owns the socket file'],
};

const unknownAuthority = [
  'its certificate is signed by an authority unknown here',
  'name the authority with --tls-ca FILE, or accept any certificate with --insecure',
] as const;
const noTls = ['the port does not speak TLS', `use ${plain}`] as const;
const olderTls = [
  'it speaks no version of TLS from 1.2 on',
  'let the server take TLS 1.2 or 1.3 (`tls-protocols`)',
] as const;
const noCommonCipher = [
  'it refused the TLS handshake: no cipher that both sides know, or no client certificate',
  'check `tls-ciphers` of the server, and give a client certificate with --tls-cert FILE and --tls-key FILE where it asks for one',
] as const;
const otherName = [
  'it has no certificate for this host name',
  'name a host that it knows with --tls-server-name HOST',
] as const;

/** Of TLS alone, by the names that node:tls gives them. @see https://docs.openssl.org/3.0/man3/SSL_alert_type_string/ */
const tlsCauses: Readonly<Partial<Record<string, readonly [cause: string, hint: string]>>> = {
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['its certificate cannot be verified', unknownAuthority[1]],
  DEPTH_ZERO_SELF_SIGNED_CERT: [
    'its certificate is self-signed',
    'name it with --tls-ca FILE, and with --tls-server-name HOST where it is for another host; --insecure accepts any certificate',
  ],
  CERT_SIGNATURE_FAILURE: [
    'its certificate is not signed by the authority that was named',
    'check the file behind --tls-ca',
  ],
  INVALID_CA: ['its certificate is signed by one that is no authority', 'check the file behind --tls-ca'],
  INVALID_PURPOSE: [
    'its certificate is not for servers',
    'give the server one that is, or accept any certificate with --insecure',
  ],
  CERT_HAS_EXPIRED: [
    'its certificate, or that of its authority, has expired',
    'renew the certificate, or correct the clock of this host; --insecure accepts any certificate',
  ],
  CERT_NOT_YET_VALID: [
    'its certificate is not valid yet',
    'correct the clock of this host, or that of the host which made the certificate; --insecure accepts any certificate',
  ],
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: [
    'it asks for a client certificate',
    'give one with --tls-cert FILE and --tls-key FILE',
  ],
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: refusedCertificate,
  ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR: refusedCertificate,
  ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: refusedCertificate,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: refusedCertificate,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: refusedCertificate,
  ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: refusedCertificate,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: [
    'it does not accept the client certificate, which was revoked',
    'give another with --tls-cert FILE and --tls-key FILE',
  ],
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: [
    'it does not accept the client certificate, which has expired',
    'renew the file behind --tls-cert',
  ],
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: noCommonCipher,
  ERR_SSL_TLSV1_ALERT_INSUFFICIENT_SECURITY: noCommonCipher,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: olderTls,
  ERR_SSL_UNSUPPORTED_PROTOCOL: olderTls,
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: otherName,
  ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR: [
    'it failed in the TLS handshake',
    'see the log of the server, or of the proxy in front of it; --tls-server-name HOST where it goes by the host name',
  ],
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
  ERR_SSL_RECORD_LAYER_FAILURE: noTls,
  EPROTO: ['the TLS handshake failed', `if the port does not speak TLS, use ${plain}`],
};

const isOfTls = /^ERR_(?:SSL|TLS)_/;

/** True for what is no better a little later. */
export const isAboutTls = (code: string): boolean => tlsCauses[code] !== undefined || isOfTls.test(code);

/** What the same code means on a connection that speaks, or ought to speak, TLS. */
const tlsHints: Readonly<Record<string, string>> = {
  ETIMEDOUT: `if the port does not speak TLS, use ${plain}; --timeout 20s waits longer`,
  ECONNRESET: `if the port does not speak TLS, use ${plain}`,
};

const mostNames = 5;

/** Where the certificate is for other hosts: its names are the server's word, and go into a command only where they are plain. */
function otherHost(error: Error & { readonly host?: string; readonly cert?: Partial<PeerCertificate> }) {
  const { host = 'this host', cert } = error;
  const alternative = [...(cert?.subjectaltname ?? '').matchAll(/(?:DNS|IP Address):([^,]+)/g)];
  const all =
    alternative.length > 0 ? alternative.map(([, name = '']) => name) : [cert?.subject?.CN ?? ''].flat();
  const names = all.filter((name) => /^[a-z0-9*][a-z0-9_.:*-]*$/i.test(name));
  const [more, own] = [names.length - mostNames, names.find((name) => !isIP(name) && !name.includes('*'))];
  const shown = names.slice(0, mostNames).map((name) => `\`${name}\``);
  const listed = [...shown, ...(more > 0 ? [`${more} more`] : [])].join(', ');
  return [
    `its certificate is for ${names.length === 0 ? 'another host name' : listed}, not for \`${host}\``,
    `use a host of the certificate in --url, or expect it with --tls-server-name ${own ?? 'HOST'}`,
  ] as const;
}

/**
 * Turns what a socket or the client library threw into an exception that names the cause and the way out. `lost` is for
 * a connection that worked before.
 * @param last The last reply before, where it was an error: it may be why the server closed the connection
 */
export function connectionFailure(
  cause: unknown,
  target: ConnectTarget,
  failure: 'connect' | 'lost' = 'connect',
  last: ReplyError | null = null,
): RedisError {
  if (cause instanceof RedisError) return cause;
  if (cause instanceof ReplyFault) return faultOf(cause, target, failure);
  const error = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause;
  const message = error instanceof Error ? error.message : String(error);
  const code = errorCode(error, message);
  if (code === 'ECONNRESET' && last !== null) return closedAfter(last, target, failure);
  const address = addressOf(target);
  const isForAnother = error instanceof Error && code === 'ERR_TLS_CERT_ALTNAME_INVALID';
  const [text, hint] = isForAnother
    ? otherHost(error)
    : (systemCauses[code] ??
      tlsCauses[code] ?? [isOfTls.test(code) ? handshakeFailure(error, message) : message]);
  if (failure === 'connect') {
    const wayOut = (target.tls ? tlsHints[code] : undefined) ?? hint;
    return new RedisError(failure, code, `cannot connect to ${address}: ${text}`, wayOut);
  }
  const remedy = 'run it again; `cachectl check` shows whether the server is healthy';
  return new RedisError(
    failure,
    code,
    `lost the connection to ${address}: ${text}`,
    code === 'ECONNRESET' ? remedy : hint,
  );
}

function closedAfter(last: ReplyError, target: ConnectTarget, failure: 'connect' | 'lost'): RedisError {
  const address = addressOf(target);
  if (failure === 'connect' && isAboutConnection(last))
    return refusal(last, 'logging in', address, target.password);
  const what = failure === 'connect' ? 'cannot connect' : 'lost the connection';
  const said = `the server closed the connection after it had answered \`${shown(last.message, target.password)}\``;
  return new RedisError(failure, 'ECONNRESET', `${what} to ${address}: ${said}`, replyHints[last.code]);
}

function faultOf(
  { message, foreign }: ReplyFault,
  target: ConnectTarget,
  failure: 'connect' | 'lost',
): RedisError {
  if (foreign !== null) return strangerAt(target, foreign, failure);
  return new RedisError(failure, 'EPROTO', `${addressOf(target)} answered with ${message}`, notRedisHint);
}

function strangerAt(target: ConnectTarget, said: string, failure: 'connect' | 'lost'): RedisError {
  const { what, hint } = strangerIn(said, target.tls !== undefined);
  const words = shown(said, target.password);
  const answered = /[\x00-\x1f]/.test(words) ? '' : `: it answered \`${words}\``;
  return new RedisError(failure, 'EPROTO', `${addressOf(target)} ${what}${answered}`, hint);
}

/** Without the place in the source of OpenSSL. */
const handshakeFailure = (error: unknown, message: string): string =>
  `the TLS handshake failed: ${(error as { readonly reason?: string }).reason ?? message}`;

/** Where only one side may speak TLS, the failure to connect with what the other turns out to speak. */
export async function seenPlainly(error: unknown, target: ConnectTarget): Promise<unknown> {
  if (!(error instanceof RedisError) || error.failure !== 'connect') return error;
  const { code } = error;
  const isSilent = code === 'ECONNRESET' || (code === 'ETIMEDOUT' && target.tls !== undefined);
  if (!isSilent && code !== 'ERR_SSL_WRONG_VERSION_NUMBER') return error;
  const message = `cannot connect to ${addressOf(target)}: `;
  if (target.tls === undefined)
    return (await speaksTls(target))
      ? new RedisError('connect', code, `${message}the port speaks TLS`, 'use rediss:// in place of redis://')
      : error;
  const said = await firstWordsAt(target);
  if (/^[+-]/.test(said)) return new RedisError('connect', code, message + noTls[0], noTls[1]);
  return isSilent || said === '' ? error : strangerAt(target, said, 'connect');
}

function errorCode(error: unknown, message: string): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return error.code === 'EPIPE' ? 'ECONNRESET' : error.code;
  }
  // The client library gives no codes of its own.
  if (/timed? ?out|ETIMEDOUT/i.test(message)) return 'ETIMEDOUT';
  return /connection is closed|max retries per request|isn't writeable/i.test(message)
    ? 'ECONNRESET'
    : 'EUNKNOWN';
}

/** @throws what is none */
export function onlyRedisError(error: unknown): RedisError {
  if (error instanceof RedisError) return error;
  throw error;
}
