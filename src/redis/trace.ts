import { asBytes } from '../support/bytes.ts';
import { addressOf, type Place } from './target.ts';
import type { RedisCommand } from './server.ts';

/** Commands that were sent in one write, and what came of them. */
export interface TracedExchange {
  readonly address: string;
  /** `SCAN 0 MATCH user:* COUNT 1000`; `MEMORY USAGE key ×500` of many with the same name. Without any value, and without passwords. */
  readonly commands: string;
  /** Until the last answer. */
  readonly millis: number;
  /** The connection was lost before it was answered. */
  readonly isLost: boolean;
}

export type Trace = (exchange: TracedExchange) => void;

/** Sends the commands, and reports them with their time. */
export async function traced<T>(
  target: Place & { readonly trace?: Trace },
  commands: () => readonly RedisCommand[],
  send: () => Promise<T>,
): Promise<T> {
  const { trace } = target;
  if (trace === undefined) return send();
  const startedAt = performance.now();
  const report = (isLost: boolean) =>
    trace({
      address: addressOf(target),
      commands: textOf(commands()),
      millis: performance.now() - startedAt,
      isLost,
    });
  try {
    const answer = await send();
    report(false);
    return answer;
  } catch (error) {
    report(true);
    throw error;
  }
}

/** Those of which all arguments are shown: none is a value or a password. */
const open =
  /^(?:SCAN|INFO|DBSIZE|SELECT|TIME|PING|MONITOR|CLIENT|CLUSTER|CONFIG|COMMAND|LATENCY|SLOWLOG|ROLE|SENTINEL|WAIT)$/;
const subcommands = /^(?:MEMORY|OBJECT|XINFO)$/;
const mostCharacters = 60;

function textOf(commands: readonly RedisCommand[]): string {
  const kinds = new Map<string, { readonly text: string; count: number }>();
  for (const command of commands) {
    const [name = '', first = ''] = command.map(String);
    const title = subcommands.test(name) ? `${name} ${first}` : name;
    const known = kinds.get(title);
    if (known) known.count++;
    else kinds.set(title, { text: shown(command), count: 1 });
  }
  return [...kinds.values()].map(({ text, count }) => (count === 1 ? text : `${text} ×${count}`)).join(', ');
}

function shown([name = '', ...rest]: RedisCommand): string {
  const title = String(name);
  if (/^(?:AUTH|HELLO|ACL)$/.test(title)) return `${title} …`;
  // The rest are values, or ways of writing them.
  const most = open.test(title) ? rest.length : subcommands.test(title) ? 2 : 1;
  const words = rest.slice(0, most).map((word) => shortened(String(word)));
  return [title, ...words, ...(rest.length > most ? ['…'] : [])].join(' ');
}

const shortened = (text: string) =>
  text.length > mostCharacters ? `${text.slice(0, mostCharacters)}…` : text;

/** The commands of a payload as it is sent. */
export function decodeCommands(payload: string): RedisCommand[] {
  const commands: RedisCommand[] = [];
  let at = 0;
  const number = () => {
    const end = payload.indexOf('\r\n', at);
    const value = Number(payload.slice(at + 1, end));
    at = end + 2;
    return value;
  };
  while (at < payload.length) {
    const words = Array.from({ length: number() }, () => {
      const length = number();
      const word = payload.slice(at, at + length);
      at += length + 2;
      return asBytes(word);
    });
    commands.push(words);
  }
  return commands;
}
