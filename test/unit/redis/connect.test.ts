import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { connect } from '../../../src/redis/connect.ts';
import { RedisError } from '../../../src/redis/errors.ts';
import { Connection } from '../../../src/redis/connection.ts';
import type { ConnectTarget } from '../../../src/redis/target.ts';
import { makeCertificates } from '../../server/certificates.ts';
import { freePort, type RedisProcess } from '../../server/redis-process.ts';
import { send, startPrivateServer, targetOf } from '../../server/redis.ts';
import { open as openServer, proxyTo, startRedis, startServer, temporaryFolder } from '../../server/own.ts';

/** A general connection and a connection of our own must fail alike. */
const ways = [
  ['connect', async (target: ConnectTarget) => (await connect(target)).close()],
  ['Connection.open', async (target: ConnectTarget) => (await Connection.open(target)).close()],
] as const;

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function failureOf(way: (typeof ways)[number][1], target: ConnectTarget): Promise<RedisError> {
  const error: unknown = await way(target).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof RedisError)) throw new Error(`expected a RedisError, not ${String(error)}`);
  return error;
}

describe.each(ways)('%s', (_name, way) => {
  let redis: RedisProcess;
  const password = 'correct horse/battery@staple';

  beforeAll(async () => {
    redis = await startPrivateServer({
      config: [
        `requirepass "${password}"`,
        'user ann on >annspass ~* +@all',
        'user bob on >bobspass ~* +get',
        'user off off >x',
      ],
    });
  });
  afterAll(() => redis.stop());

  test('logs in with the password alone, and as a user', async () => {
    await expect(way(targetOf(redis.url, { password }))).resolves.toBeUndefined();
    await expect(
      way(targetOf(redis.url, { username: 'ann', password: 'annspass', database: 3 })),
    ).resolves.toBeUndefined();
  });

  test('a wrong password is a failure of the login, and is not repeated', async () => {
    const error = await failureOf(way, targetOf(redis.url, { password: 'wr0ng' }));
    expect(error).toMatchObject({ failure: 'login', code: 'WRONGPASS' });
    expect(`${error.message} ${error.hint ?? ''}`).not.toContain('wr0ng');
    expect(error.message).toContain(`127.0.0.1:${redis.port}`);
  });

  test('a disabled user is a failure of the login', async () => {
    expect(await failureOf(way, targetOf(redis.url, { username: 'off', password: 'x' }))).toMatchObject({
      failure: 'login',
      code: 'WRONGPASS',
    });
  });

  test('a missing password is a failure of the login that says how to give one', async () => {
    const error = await failureOf(way, targetOf(redis.url, { database: 1 }));
    expect(error).toMatchObject({ failure: 'login', code: 'NOAUTH' });
    expect(error.message).toContain('NOAUTH Authentication required.');
    expect(error.hint).toContain('REDISCLI_AUTH');
  });

  test('a password that the server does not ask for is passed over', async () => {
    const needless = await startRedis();
    const server = await openServer(needless.url, { password });
    const connection = await server.nodes[0].openConnection();
    onTestFinished(() => connection.close());
    expect(await connection.exchange([['PING']])).toEqual(['PONG']);
  });

  test('a user who may not SELECT is refused another database', async () => {
    const error = await failureOf(
      way,
      targetOf(redis.url, { username: 'bob', password: 'bobspass', database: 2 }),
    );
    expect(error).toMatchObject({ failure: 'refused', code: 'NOPERM' });
    expect(error.message).toMatch(/SELECT|selecting database 2/);
  });

  test('a user who may do next to nothing can still log in', async () => {
    await expect(
      way(targetOf(redis.url, { username: 'bob', password: 'bobspass' })),
    ).resolves.toBeUndefined();
  });

  test('a database out of range is refused', async () => {
    const error = await failureOf(way, targetOf(redis.url, { password, database: 99 }));
    expect(error).toMatchObject({ failure: 'refused', code: 'ERR' });
    expect(error.message).toContain('DB index is out of range');
  });

  test('a port on which nothing listens cannot be connected to', async () => {
    const port = await freePort();
    const error = await failureOf(way, targetOf(`redis://127.0.0.1:${port}`));
    expect(error).toMatchObject({ failure: 'connect', code: 'ECONNREFUSED' });
    expect(error.message).toBe(`cannot connect to 127.0.0.1:${port}: nothing listens there`);
  });

  test('a host name that does not exist cannot be connected to', async () => {
    const error = await failureOf(way, targetOf('redis://no-such-host.invalid'));
    expect(error).toMatchObject({ failure: 'connect' });
    expect(error.message).toContain('the host name does not resolve');
  });

  test('a socket file leads to the server', async () => {
    await expect(way(targetOf(`unix://${redis.socketPath}/1`, { password }))).resolves.toBeUndefined();
  });

  test('a socket file that is not there cannot be connected to', async () => {
    const error = await failureOf(way, targetOf(`unix://${redis.directory}/none.sock`));
    expect(error).toMatchObject({ failure: 'connect', code: 'ENOENT' });
    expect(error.message).toContain('there is no such socket file');
  });

  test('a server that takes the connection and says nothing is given up after the time limit', async () => {
    const proxy = await proxyTo(redis.port);
    proxy.stall();
    const error = await failureOf(way, targetOf(proxy.url, { password, timeoutMillis: 300 }));
    expect(error.code).toBe('ETIMEDOUT');
  });

  test.each(['%1\r\n+a\r\n:1\r\n', '_\r\n', 'SSH-2.0-OpenSSH_9.2\r\n', '\x00\x01\r\n'])(
    'an answer of %j over redis:// is not told to use redis://',
    async (answer) => {
      const port = await listen(createServer((socket) => socket.once('data', () => socket.write(answer))));
      const error = await failureOf(
        way,
        targetOf(`redis://127.0.0.1:${port}`, { password, timeoutMillis: 1000 }),
      );
      expect(error).toMatchObject({ failure: 'connect', code: 'EPROTO' });
      expect(error.hint).not.toContain('in place of rediss://');
    },
  );

  test('a port that speaks another protocol is told apart from a lost connection', async () => {
    const http = createHttpServer();
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void http.close());
    const { port } = http.address() as AddressInfo;
    const error = await failureOf(
      way,
      targetOf(`redis://127.0.0.1:${port}`, { password, timeoutMillis: 1000 }),
    );
    expect(error.message).toBe(
      `127.0.0.1:${port} is a web server (HTTP), not Redis: it answered \`HTTP/1.1 400 Bad Request\``,
    );
  });
});

describe.each(ways)('%s over TLS', (_name, way) => {
  let redis: RedisProcess;
  let ca: string;

  beforeAll(async () => {
    redis = await startPrivateServer({ tls: true });
    ca = redis.certificates?.ca ?? '';
  });
  afterAll(() => redis.stop());

  test('trusts the authority that is named', async () => {
    await expect(way(targetOf(redis.url, { tls: { verify: true, ca } }))).resolves.toBeUndefined();
  });

  test('refuses a certificate of an unknown authority, and says how to name it', async () => {
    const error = await failureOf(way, targetOf(redis.url, { tls: { verify: true } }));
    expect(error).toMatchObject({ failure: 'connect' });
    expect(error.message).toMatch(
      /its certificate (is signed by an authority unknown here|cannot be verified)/,
    );
    expect(error.hint).toContain('--tls-ca');
  });

  test('refuses the certificate when another authority is named', async () => {
    const folder = temporaryFolder();
    const error = await failureOf(
      way,
      targetOf(redis.url, { tls: { verify: true, ca: makeCertificates(folder).ca } }),
    );
    expect(error).toMatchObject({ failure: 'connect' });
    expect(error.message).toMatch(
      /its certificate (is not signed by the authority that was named|cannot be verified)/,
    );
  });

  test('refuses a certificate for another host name', async () => {
    const error = await failureOf(
      way,
      targetOf(redis.url, { tls: { verify: true, ca, serverName: 'cache.example.com' } }),
    );
    expect(error).toMatchObject({ failure: 'connect', code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  test('shows the certificate of a client where the server asks for one', async () => {
    const strict = await startRedis({ tls: true, args: ['--tls-auth-clients', 'yes'] });
    const {
      ca: authority,
      certificateFile,
      keyFile,
    } = strict.certificates ?? makeCertificates(strict.directory);
    const trust = { verify: true, ca: authority };
    const error = await failureOf(way, targetOf(strict.url, { tls: trust }));
    expect(error.hint).toContain('--tls-cert');

    const own = { certificate: readFileSync(certificateFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
    await expect(way(targetOf(strict.url, { tls: { ...trust, ...own } }))).resolves.toBeUndefined();
  });

  test('takes any certificate when it is told to', async () => {
    await expect(way(targetOf(redis.url, { tls: { verify: false } }))).resolves.toBeUndefined();
  });

  test('a plain connection to the TLS port is told to use rediss://, without waiting for the time limit', async () => {
    const from = performance.now();
    const error = await failureOf(
      way,
      targetOf(`redis://127.0.0.1:${redis.port}`, { timeoutMillis: 20_000 }),
    );
    expect(performance.now() - from).toBeLessThan(15_000);
    expect(error.message).toMatch(/: the port speaks TLS$/);
    expect(error.hint).toBe('use rediss:// in place of redis://');
  });

  test('a plain connection that is answered with an alert of TLS says so', async () => {
    const alert = Buffer.from([0x15, 0x03, 0x01, 0, 2, 2, 70]);
    const port = await listen(createServer((socket) => socket.once('data', () => socket.write(alert))));
    expect(await failureOf(way, targetOf(`redis://127.0.0.1:${port}`, { password: 'x' }))).toMatchObject({
      message: `127.0.0.1:${port} speaks TLS, and this connection does not`,
      hint: 'use rediss:// in place of redis://',
    });
  });

  test('a self-signed certificate is refused, with the options that name or accept it', async () => {
    const { selfSigned, keyFile } = redis.certificates ?? makeCertificates(redis.directory);
    const port = await listen(createTlsServer({ cert: selfSigned, key: readFileSync(keyFile) }));
    const error = await failureOf(way, targetOf(`rediss://127.0.0.1:${port}`, { tls: { verify: true } }));
    expect(error.message).toContain('its certificate is self-signed');
    for (const option of ['--tls-ca', '--tls-server-name', '--insecure'])
      expect(error.hint).toContain(option);
  });

  test('a TLS port of something else is not told to use rediss://', async () => {
    const { certificateFile, keyFile } = redis.certificates ?? makeCertificates(redis.directory);
    const https = createTlsServer(
      { cert: readFileSync(certificateFile), key: readFileSync(keyFile) },
      (socket) => socket.end('unknown command\r\n'),
    );
    const target = targetOf(`rediss://127.0.0.1:${await listen(https)}`, {
      tls: { verify: true, ca },
      password: 'x',
    });
    const error = await failureOf(way, target);
    expect(error.message).toMatch(/does not answer as a Redis server does: it answered `unknown command`$/);
    expect(error.hint).toBe('check the port in --url or REDIS_URL');
  });

  test('a TLS connection to a plain port is told to use redis://', async () => {
    const plain = await startRedis();
    const error = await failureOf(way, targetOf(`rediss://127.0.0.1:${plain.port}`, { timeoutMillis: 2000 }));
    expect(error.hint).toContain('redis://');
  });
});

describe('a connection', () => {
  test('names its address without the password', async () => {
    const redis = await startRedis({ args: ['--requirepass', 'secret'] });
    const { clientName: _ofTests, ...target } = targetOf(redis.url, { password: 'secret', database: 2 });
    const server = await connect(target);
    onTestFinished(() => server.close());
    expect(server.address).toBe(`redis://127.0.0.1:${redis.port}/2`);
    expect(await send(server, 'CLIENT', 'INFO')).toMatch(/\bname=cachectl\b.*\bdb=2\b/);
  });

  test('that breaks under a command fails with the loss, and is made again for the next', async () => {
    const redis = await startRedis();
    const proxy = await proxyTo(redis.port);
    const server = await openServer(proxy.url);
    proxy.stall();
    const reply = send(server, 'PING');
    reply.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 50));
    proxy.cut();

    await expect(reply).rejects.toMatchObject({ failure: 'lost', code: 'ECONNRESET' });
    expect(proxy.connections).toBe(1);
    proxy.resume();
    expect(await send(server, 'PING')).toBe('PONG');
    expect(proxy.connections).toBe(2);
  });

  test('that gets no answer in time fails with the time limit', async () => {
    const redis = await startRedis();
    const server = await openServer(redis.url, { timeoutMillis: 300 });
    redis.kill('SIGSTOP');
    await expect(send(server, 'PING')).rejects.toMatchObject({ failure: 'lost', code: 'ETIMEDOUT' });
  });

  test('shows an error reply with the command and without its arguments', async () => {
    const { server } = await startServer();
    await expect(send(server, 'CONFIG', 'SET', 'maxmemory', 'secret-value')).rejects.toMatchObject({
      message: expect.not.stringContaining('secret-value') as string,
      failure: 'refused',
    });
    await expect(send(server, 'GET')).rejects.toThrow(/^`GET` on 127\.0\.0\.1:\d+: the server answered/);
  });
});
