import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connect } from '../../../src/redis/connect.ts';
import { Connection } from '../../../src/redis/connection.ts';
import { RedisError } from '../../../src/redis/errors.ts';
import type { ConnectTarget } from '../../../src/redis/target.ts';
import { cli } from '../../run-cli.ts';
import { send, targetOf } from '../../server/redis.ts';
import { open, startRedis } from '../../server/own.ts';

const ways = [
  ['connect', async (target: ConnectTarget) => (await connect(target)).close()],
  ['Connection.open', async (target: ConnectTarget) => (await Connection.open(target)).close()],
] as const;

type Behavior = (socket: Socket) => void;

/** Speaks as soon as it is connected to, and closes the connection. */
const greets =
  (words: string | Buffer): Behavior =>
  (socket) =>
    void socket.end(words);

/** Answers whatever comes first, and closes the connection. */
const answers =
  (words: string | Buffer): Behavior =>
  (socket) =>
    void socket.once('data', () => socket.end(words));

/** Where something that is no Redis listens. */
async function serve(behavior: Behavior): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    behavior(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function failureOf(running: Promise<unknown>): Promise<RedisError> {
  const error = await running.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof RedisError)) throw new Error(`expected a RedisError, not ${String(error)}`);
  return error;
}

const denied =
  'DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default ' +
  `user. In this mode connections are only accepted from the loopback interface. ${'If you want to connect … '.repeat(40)}`;

const strangers: readonly (readonly [name: string, Behavior, message: RegExp, hint: RegExp])[] = [
  [
    'SSH',
    greets('SSH-2.0-OpenSSH_9.2\r\n'),
    /is an SSH server, not Redis: it answered `SSH-2.0-OpenSSH_9.2`$/,
    /ssh -L/,
  ],
  [
    'HTTP',
    answers('HTTP/1.1 400 Bad Request\r\nA: b\r\n\r\nno'),
    /is a web server \(HTTP\), not Redis: it answered `HTTP\/1.1 400 Bad Request`$/,
    /check the host and the port/,
  ],
  [
    'SMTP',
    greets('220 mail.example.com ESMTP\r\n'),
    /is a mail or FTP server, not Redis: it answered `220 mail/,
    /port/,
  ],
  ['memcached', answers('ERROR\r\n'), /is memcached, not Redis: it answered `ERROR`$/, /port/],
  [
    'PostgreSQL',
    answers(Buffer.from('E\0\0\0-SFATAL\0', 'latin1')),
    /is a PostgreSQL server, not Redis$/,
    /port/,
  ],
  [
    'MySQL',
    greets(Buffer.from('J\0\0\0\n8.0.36\0', 'latin1')),
    /is a MySQL or MariaDB server, not Redis$/,
    /port/,
  ],
  ['something else', greets('hello\x1b[31m\r\nworld'), /does not answer as a Redis server does/, /port/],
];

describe.each(ways)('%s', (_name, way) => {
  test.each(strangers)(
    'names %s, and what it said, whether it expects TLS there or not',
    async (_stranger, behavior, message, hint) => {
      const address = await serve(behavior);
      for (const url of [`redis://${address}`, `redis://:secret@${address}`, `rediss://${address}`]) {
        const error = await failureOf(way(targetOf(url)));
        expect(error).toMatchObject({ failure: 'connect', code: 'EPROTO' });
        expect(error.message).toMatch(message);
        expect(error.hint).toMatch(hint);
      }
    },
  );

  test.each(['', ':secret@'])(
    'shows the beginning of what protected mode says (login "%s")',
    async (login) => {
      const url = `redis://${login}${await serve(greets(`-${denied}\r\n`))}`;
      const error = await failureOf(way(targetOf(url)));
      expect(error).toMatchObject({ failure: 'login', code: 'DENIED' });
      expect(error.message).toMatch(/the server answered `DENIED Redis is running in protected mode .*…`$/);
      expect(error.message.length).toBeLessThan(300);
      expect(error.hint).toContain('connect from its own host');
    },
  );

  test.each(['', ':secret@'])('names the limit of clients (login "%s")', async (login) => {
    const redis = await startRedis({ args: login === '' ? [] : ['--requirepass', 'secret'] });
    const admin = await open(redis.url, login === '' ? {} : { password: 'secret' });
    await send(admin, 'CONFIG', 'SET', 'maxclients', '1');
    const error = await failureOf(way(targetOf(redis.url.replace('//', `//${login}`))));
    expect(error).toMatchObject({ failure: 'connect', code: 'MAXCLIENTS' });
    expect(error.message).toContain('the server answered `ERR max number of clients reached`');
    expect(error.hint).toContain('maxclients');
  });

  test('shows the last words of a proxy that closes the connection', async () => {
    const url = `redis://${await serve(answers('-ERR upstream failure\r\n'))}`;
    const used = async () => {
      const server = await connect(targetOf(url));
      await send(server, 'PING').finally(() => server.close());
    };
    const running = way === ways[0][1] ? used() : way(targetOf(url));
    expect((await failureOf(running)).message).toMatch(
      /the server closed the connection after it had answered `ERR upstream failure`$/,
    );
  });

  test('shows no password that a server repeats', async () => {
    const echo = "-ERR unknown command 'AUTX', with args beginning with: 'hunter2', 'hunter2'\r\n";
    for (const words of [echo, '-ERR hunter2 is no password\r\n', 'what is hunter2?\r\n']) {
      const error = await failureOf(way(targetOf(`redis://:hunter2@${await serve(answers(words))}`)));
      expect(`${error.message} ${error.hint ?? ''} ${error.refused?.answer ?? ''}`).not.toContain('hunter2');
    }
  });
});

test('a connection that was open names what the server sent without being asked', async () => {
  let socket: Socket | undefined;
  const address = await serve((opened) => {
    socket = opened;
    opened.once('data', () => opened.write('+OK\r\n'));
  });
  const server = await connect(targetOf(`redis://${address}`));
  socket?.once('data', () => socket?.end('-LOADING one\r\n-ERR gone for maintenance\r\n'));
  await send(server, 'PING').catch(() => undefined);
  expect((await failureOf(send(server, 'PING'))).message).toMatch(/`ERR gone for maintenance`$/);
  server.close();
});

test('the program exits 3, with control characters escaped', async () => {
  const { exitCode, stderr } = await cli(['keys'], {
    url: `redis://${await serve(greets('hi \x1b[31m\r\n'))}`,
  });
  expect(exitCode).toBe(3);
  expect(stderr).not.toContain('\x1b');
  expect(stderr).toContain('does not answer as a Redis server does');
});
