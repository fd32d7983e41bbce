import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connect } from '../../src/redis/connect.ts';
import { startProxy } from './proxy.ts';
import { emptyDatabase, send, sendAll, startPrivateServer, targetOf, testServer, testUrl } from './redis.ts';
import { runTerminal } from './terminal.ts';

describe('the shared test server', () => {
  test('gives a database that is empty and not database 0', async () => {
    const server = await testServer();
    onTestFinished(() => server.close());

    expect(server.nodes[0].database).toBeGreaterThan(0);
    expect(await send(server, 'DBSIZE')).toBe(0);
    expect(testUrl()).toMatch(new RegExp(`/${server.nodes[0].database}$`));
  });

  test('is emptied of more keys than one page holds', async () => {
    const server = await testServer();
    onTestFinished(() => server.close());
    await sendAll(
      server,
      Array.from({ length: 3000 }, (_, index) => ['SET', `key:${index}`, index]),
    );

    await emptyDatabase(server);

    expect(await send(server, 'DBSIZE')).toBe(0);
  });
});

describe('a private server', () => {
  test('takes arguments and lines of configuration', async () => {
    const redis = await startPrivateServer({
      args: ['--maxmemory', '64mb'],
      config: ['user ann on >secret ~* +@all'],
    });
    onTestFinished(() => redis.stop());
    const server = await connect(targetOf(redis.url, { username: 'ann', password: 'secret' }));
    onTestFinished(() => server.close());

    expect(await send(server, 'ACL', 'WHOAMI')).toBe('ann');
    expect(await send(server, 'CONFIG', 'GET', 'maxmemory')).toEqual(['maxmemory', String(64 * 2 ** 20)]);
  });

  test('is gone with its folder once it is stopped', async () => {
    const redis = await startPrivateServer();
    expect(existsSync(redis.directory)).toBe(true);

    await redis.stop();

    expect(existsSync(redis.directory)).toBe(false);
    expect(() => process.kill(redis.pid, 0)).toThrow('ESRCH');
  });

  test('that cannot start tells why, in its own words', async () => {
    await expect(startPrivateServer({ args: ['--no-such-option', 'x'] })).rejects.toThrow('no-such-option');
  });
});

describe('the proxy', () => {
  test('delays, stalls and cuts', async () => {
    const proxy = await startProxy(Number(new URL(testUrl()).port));
    onTestFinished(() => proxy.stop());
    const server = await connect(targetOf(proxy.url));
    onTestFinished(() => server.close());

    proxy.delay(150);
    const before = performance.now();
    expect(await send(server, 'PING')).toBe('PONG');
    expect(performance.now() - before).toBeGreaterThan(140);

    proxy.delay(0);
    proxy.stall();
    let answered = false;
    const reply = send(server, 'PING').then(() => (answered = true));
    await sleep(100);
    expect(answered).toBe(false);
    proxy.resume();
    await reply;

    proxy.stall();
    const lost = send(server, 'PING');
    await sleep(20);
    proxy.cut();
    await expect(lost).rejects.toThrow('lost the connection');
  });
});

describe('the terminal', () => {
  test('shows what a program prints, takes keys and tells the exit code', async () => {
    const terminal = await runTerminal(
      ['sh', '-c', 'printf "name? "; read -r name; echo "hello $name, $(tput cols) columns"; exit 7'],
      {
        columns: 100,
      },
    );
    onTestFinished(() => terminal.close());

    await terminal.waitFor(/name\?/);
    await terminal.send('ann', 'Enter');

    expect(await terminal.waitFor(/hello .*/)).toContain('hello ann, 100 columns');
    expect(await terminal.exitCode()).toBe(7);
  });

  test('fails with the screen when a text does not appear', async () => {
    const terminal = await runTerminal(['sh', '-c', 'echo something else; sleep 5']);
    onTestFinished(() => terminal.close());
    await terminal.waitFor(/something/);

    await expect(terminal.waitFor(/hello/, 200)).rejects.toThrow(
      /did not appear within 200 ms.*\n.*something else/s,
    );
  });
});
