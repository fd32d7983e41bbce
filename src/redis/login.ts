import { bytesOf } from '../support/bytes.ts';
import { isAboutConnection, RedisError, refusal, shown } from './errors.ts';
import { type Reply, ReplyError } from './reply.ts';
import type { RedisCommand } from './server.ts';
import { notRedisHint } from './strangers.ts';
import { addressOf, clientName, type ConnectTarget } from './target.ts';

/**
 * Logs in, selects the database, gives the connection the program's name and sends `courtesies`, all in one batch: a
 * connection on which nothing was answered yet may be one to something else.
 * @returns the replies to the courtesies, which may be refusals: by an older server, or of a restricted user
 * @throws RedisError
 */
export async function logIn(
  exchange: (commands: readonly RedisCommand[]) => Promise<Reply[]>,
  target: ConnectTarget,
  courtesies: readonly RedisCommand[] = [],
): Promise<Reply[]> {
  const { username, password, database, clientName: name = clientName } = target;
  const who = username === undefined ? [] : [bytesOf(username)];
  const required: RedisCommand[] = [
    ...(password === undefined ? [] : [['AUTH', ...who, bytesOf(password)] as const]),
    ...(database === 0 ? [] : [['SELECT', database] as const]),
  ];
  const replies = await exchange([...required, ['CLIENT', 'SETNAME', bytesOf(name)], ...courtesies]);
  for (const [index, [command]] of required.entries()) {
    const reply = replies[index];
    if (!(reply instanceof ReplyError) || isAboutNeedlessPassword(reply)) continue;
    if (command === 'SELECT' && !isAboutConnection(reply))
      throw refusal(reply, '`SELECT`', addressOf(target));
    throw turnedAway(reply, target);
  }
  const named = replies[required.length];
  if (named instanceof ReplyError && isAboutConnection(named)) throw turnedAway(named, target);
  return replies.slice(required.length + 1);
}

/** For an answer that was not asked for: so a server turns a connection away, and so some servers greet that are no Redis. */
export function unasked(reply: Reply, target: ConnectTarget, failure: 'connect' | 'lost'): RedisError {
  if (reply instanceof ReplyError && isAboutConnection(reply)) return turnedAway(reply, target);
  const words = reply instanceof ReplyError ? reply.message : Array.isArray(reply) ? 'a list' : String(reply);
  const said = shown(words, target.password);
  const message = `${addressOf(target)} sent an answer that was not asked for: \`${said}\``;
  return new RedisError(failure, 'EPROTO', message, notRedisHint);
}

/** Whatever the words of a server that lets no one in: the login has failed. */
function turnedAway(reply: ReplyError, target: ConnectTarget): RedisError {
  const error = refusal(reply, 'logging in', addressOf(target), target.password);
  const { failure, code, message, hint, refused } = error;
  return failure === 'refused' ? new RedisError('login', code, message, hint, refused) : error;
}

/** The default user needs no password, and so is logged in; a server that has no AUTH asks for none. */
const isAboutNeedlessPassword = ({ message }: ReplyError) =>
  /^ERR .*AUTH.*(?:without any password configured|no password is set)|^ERR unknown command .AUTH\b/i.test(
    message,
  );
