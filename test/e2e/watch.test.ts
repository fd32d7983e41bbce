import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { replyText } from '../../src/redis/reply.ts';
import { displayWidth } from '../../src/render/width.ts';
import { withMap } from '../commands/invalidate-setup.ts';
import { linesOf } from '../commands/reading.ts';
import { binary, packageRoot, startBinary } from '../server/binary.ts';
import { bundled } from '../server/program.ts';
import { send, sendAll, startPrivateServer } from '../server/redis.ts';
import type { TerminalOptions } from '../server/terminal.ts';
import { expectRestored, openShell as openRedisShell } from './screen-shell.ts';
import { shell } from './shell.ts';
import { proxyTo, startRedis, startServer } from '../server/own.ts';

const { redis, server } = await startServer({ args: ['--maxmemory', '64mb'] });
beforeAll(async () => {
  await sendAll(server, [
    ...Array.from({ length: 50 }, (_, index) => ['SET', `user:${index}:profile`, 'x'.repeat(300)]),
    ...Array.from({ length: 20 }, (_, index) => ['SET', `session:${index}`, 'x']),
    ...['1', '2'].map((id) => ['SET', `esc\x1b[41m\x1b]0;pwned\x07:${id}`, 'x']),
  ]);
});

const openShell = (options: TerminalOptions = {}, url = redis.url) => openRedisShell(url, options);

const watching = /hit rate +(-|[\d.]+ %)/;

test('what ends by itself leaves its last picture on the terminal', async () => {
  const { terminal, type } = await openShell();
  await type('watch -i 200ms --count 2; echo "code=$?"');
  const screen = await terminal.waitFor(/code=0/);
  expect(screen).toContain('what stood here');
  expect(screen).toMatch(/^hit rate +.*\n(.*\n)*^operations +.*\n(.*\n)*code=0$/m);
  expect(screen).not.toContain('q quit');
});

test('the screen is open before the first reading, and q ends it there', async () => {
  const proxy = await proxyTo(redis.port);
  proxy.rewriteInfo((line) => {
    if (line === '# Stats') proxy.stall();
    return line;
  });
  const { terminal, type } = await openShell({}, proxy.url);
  await type('watch -i 200ms');
  await terminal.waitFor(/q quit/);
  await terminal.send('-l', 'xyz');
  await terminal.send('q');
  expect(await expectRestored(terminal, type, 0)).not.toContain('xyz');
});

describe('the terminal is as it was', () => {
  test.each([
    ['q', 0],
    ['C-c', 130],
  ])('after %s', async (key, code) => {
    const { terminal, type } = await openShell();
    await type('watch -i 200ms');
    expect(await terminal.waitFor(watching)).not.toContain('what stood here');
    await terminal.send(key);
    await expectRestored(terminal, type, code);
  });

  test.each([
    ['TERM', 143],
    ['HUP', 129],
    ['QUIT', 131],
  ])('after kill -%s', async (signal, code) => {
    const { terminal, type } = await openShell();
    await type(`watch -i 200ms & echo $! >pid; fg >/dev/null`);
    await terminal.waitFor(watching);
    const pids = execFileSync('pgrep', ['-f', `${binary} watch -i 200ms`], { encoding: 'utf8' });
    const ours = linesOf(pids).filter((pid) => environmentOf(pid).includes(redis.url));
    for (const pid of ours) process.kill(Number(pid), `SIG${signal}`);
    await terminal.waitFor(/what stood here/);
    await expectRestored(terminal, type, code);
  });

  test.each(['throw', 'reject'])(
    'after an exception that nobody catches (%s), which is shown',
    async (how) => {
      const { terminal, type } = await openShell({ rows: 50 });
      const script = await bundled(join(packageRoot, 'test', 'e2e', 'crashing-screen.ts'));
      await type(`"${process.execPath}" "${script}" ${how}`);
      expect(await terminal.waitFor(/drawn on the screen/)).not.toContain('what stood here');
      expect(await terminal.waitFor(/(thrown|rejected) by the test/)).not.toContain('drawn on');
      await expectRestored(terminal, type, 1);
    },
  );

  test('while it is suspended with Ctrl-Z, and the view comes back with fg', async () => {
    const { terminal, type } = await openShell();
    await type('watch -i 200ms');
    await terminal.waitFor(watching);
    await terminal.send('C-z');
    expect(await terminal.waitFor(/Stopped/)).toContain('what stood here');
    await type('stty -a >after; cmp before after && echo same');
    await terminal.waitFor(/^same$/m);
    await type('fg');
    expect(await terminal.waitFor(watching)).not.toContain('what stood here');
    await terminal.send('q');
    await expectRestored(terminal, type, 0);
  });
});

describe('watch --hits that is suspended', () => {
  const clientsOf = async () => linesOf(replyText(await send(server, 'CLIENT', 'LIST')));
  /** Readers that the server would keep its traffic for. */
  const readersOf = async () => (await clientsOf()).filter((line) => /flags=\S*[OP]/.test(line));
  const flags = async () => (await send(server, 'CONFIG', 'GET', 'notify-keyspace-events')) as string[];

  /** Hits until the test's end. */
  function keepReading(): void {
    const timer = setInterval(() => void send(server, 'GET', 'user:1:profile').catch(() => undefined), 20);
    onTestFinished(() => clearInterval(timer));
  }

  async function openObserving() {
    keepReading();
    await send(server, 'CONFIG', 'SET', 'notify-keyspace-events', 'Kx');
    // What another test has left is still being ended.
    await expect.poll(clientsOf, { timeout: 5000 }).toHaveLength(1);
    const before = { flags: await flags(), clients: (await clientsOf()).length };
    const { terminal, type } = await openShell({ columns: 100 });
    await type('watch --hits -i 1s');
    await terminal.waitFor(hitting);
    expect(await readersOf()).toHaveLength(2);
    return { terminal, type, before };
  }
  const hitting = /^. user\S+ +0\/s +100\.0 %/m;

  test.each(['Ctrl-Z', 'SIGTSTP'])(
    'with %s has left the server as it was, and observes anew after fg',
    async (how) => {
      const { terminal, type, before } = await openObserving();
      if (how === 'Ctrl-Z') await terminal.send('C-z');
      else {
        const pids = linesOf(
          execFileSync('pgrep', ['-f', `${binary} watch --hits -i 1s`], { encoding: 'utf8' }),
        );
        for (const pid of pids.filter((each) => environmentOf(each).includes(redis.url)))
          process.kill(Number(pid), 'SIGTSTP');
      }
      await terminal.waitFor(/Stopped/);
      expect(await readersOf()).toEqual([]);
      expect(await clientsOf()).toHaveLength(before.clients);
      expect(await flags()).toEqual(before.flags);
      await sleep(2500);
      await type('fg');
      // The first figures are of the whole time, and not of what was observed of it alone.
      const screen = await terminal.waitFor(/^watch sent \d+ commands in ([2-9]|\d\d)(\.\d+)? s/m);
      expect(Number(/ (\d+)\/s hit, 0\/s miss/.exec(screen)?.[1])).toBeGreaterThan(10);
      expect(screen).not.toMatch(/RECONNECTING|reconnecting|no answer/);
      expect(await readersOf()).toHaveLength(2);
      await terminal.waitFor(/^watch sent \d+ commands in (1(\.\d+)? s|9\d\d ms)/m);
      await terminal.waitFor(hitting);
      await terminal.send('q');
      await expectRestored(terminal, type, 0);
      expect(await flags()).toEqual(before.flags);
      expect(await readersOf()).toEqual([]);
    },
  );
});

/** The environment of a process, to tell ours from those of other tests. */
const environmentOf = (pid: string): string => {
  try {
    return execFileSync('cat', [`/proc/${pid}/environ`], { encoding: 'utf8' });
  } catch {
    return '';
  }
};

describe('the view', () => {
  test('shows figures, namespaces and keys at 80 by 24, and what a key is called does nothing', async () => {
    const { terminal, type } = await openShell();
    await type('watch -i 200ms');
    const screen = await terminal.waitFor(/> user:<id>:profile/);
    expect(linesOf(screen)).toHaveLength(24);
    expect(screen).toMatch(/^operations /m);
    expect(screen).toMatch(/^memory +[\d.]+ [kM]B .* of 67\.1 MB$/m);
    expect(screen).toMatch(/^latency p99 +[\d.]+ (µs|ms|s) /m);
    expect(await terminal.screen(true)).not.toContain('\x1b[41m');
    await terminal.send('n');
    await terminal.waitFor(/^> <text>:<id>/m);
    await terminal.send('Down', 'Down', 'Enter');
    expect(await terminal.waitFor(/^user:<id>:profile$/m)).toMatch(/^keys +50 /m);
    await terminal.send('Escape');
    await terminal.waitFor(/NAMESPACE \(3\)▼/);
    await terminal.send('?');
    await terminal.waitFor(/any key leads back/);
    await terminal.send('x', '+');
    await terminal.waitFor(/every 500 ms/);
    await terminal.send('p');
    await terminal.waitFor(/PAUSED/);
    await terminal.send('q');
    await expectRestored(terminal, type, 0);
  });

  test('fits whatever the terminal becomes, and says where it is too small', async () => {
    const { terminal, type } = await openShell();
    await type('watch -i 200ms');
    await terminal.waitFor(/> user/);
    await terminal.resize(120, 40);
    await terminal.waitFor(/^cpu /m);
    await terminal.resize(30, 8);
    expect(linesOf(await terminal.waitFor(/^too small: 30x8/m))).toHaveLength(1);
    await terminal.resize(50, 12);
    const screen = await terminal.waitFor(/^hit rate /m);
    expect(linesOf(screen).length).toBeLessThanOrEqual(12);
    for (const line of linesOf(screen)) expect(displayWidth(line)).toBeLessThan(50);
    await terminal.send('q');
  });

  test('is ASCII without colors where that is all there is', async () => {
    const { terminal, type } = await openShell({ env: { LANG: 'C', NO_COLOR: '1' } });
    await type('LC_ALL=C watch -i 200ms');
    await terminal.waitFor(/^> user/m);
    expect(await terminal.screen()).toMatch(/^[\x20-\x7e\n]*$/);
    // The selected row has a mark, for it has no color.
    expect(await terminal.screen(true)).not.toMatch(/\x1b\[[0-9;]*3[0-9]m/);
    await terminal.send('q');
    await expectRestored(terminal, type, 0);
  });

  test('says that the server is away, goes on once it is back, and can be left meanwhile', async () => {
    const first = await startPrivateServer();
    const { terminal, type } = await openShell({}, first.url);
    await type('watch -i 200ms');
    await terminal.waitFor(/^operations +\d/m);
    await first.stop();
    await terminal.waitFor(/RECONNECTING[^]*reconnecting … .*127\.0\.0\.1/);
    const second = await startPrivateServer({ args: ['--port', String(first.port)] });
    await terminal.waitFor(/^operations +\d/m);
    expect(await terminal.screen()).not.toContain('RECONNECTING');
    await second.stop();
    await terminal.waitFor(/RECONNECTING/);
    await terminal.send('q');
    await expectRestored(terminal, type, 0);
  });

  test('is left at once while the server hangs', async () => {
    const hung = await startRedis();
    const { terminal, type } = await openShell({}, hung.url);
    await type('watch -i 200ms');
    await terminal.waitFor(/^operations +\d/m);
    hung.kill('SIGSTOP');
    await terminal.waitFor(/no answer for \d+ s/);
    await terminal.send('q');
    await expectRestored(terminal, type, 0);
    hung.kill('SIGCONT');
  });
});

describe('the keys of a namespace', () => {
  const back = /\? Press Enter to go back/;
  const question = /\? Remove \d+ keys? .*\(y\/N\)/s;

  async function openLooking(options: TerminalOptions = {}, line = 'watch -i 200ms') {
    const own = await startServer();
    await sendAll(own.server, [
      ...['1', '2', 'home'].map((id) => ['SET', `page:${id}`, `text ${id}`]),
      ['SET', 'session:1', 'x'],
    ]);
    const { terminal, type } = await openShell(options, own.redis.url);
    await type(line);
    await terminal.waitFor(/^> page:<id>[^]*Enter look into/m);
    return { ...own, terminal, type };
  }
  const keysIn = async (from: typeof server) =>
    ((await send(from, 'SCAN', '0', 'COUNT', 1000)) as unknown as [string, string[]])[1].sort();

  test('are an Enter away, and their values another one, while the intervals go on', async () => {
    const { terminal, type, server: own } = await openLooking();
    await terminal.send('Enter');
    await terminal.waitFor(/^page:<id>$[^]*Enter keys {2}d remove/m);
    await terminal.send('Enter');
    await terminal.waitFor(/^page:<id> {2}2 keys$[^]*^> page:1\n {2}page:2\n\n/m);
    await terminal.send('Down', 'Enter');
    await terminal.waitFor(/^Value \(text\)\ntext 2$/m);
    for (let count = 0; count < 4; count++) await send(own, 'GET', 'gone');
    await terminal.send('Escape');
    await terminal.waitFor(/^> page:2$/m);
    await terminal.send('Escape');
    await terminal.waitFor(/^page:<id>$[^]*Enter keys/m);
    await terminal.send('Escape');
    const screen = await terminal.waitFor(/^hit rate +.*NAMESPACE/ms);
    // The misses were of an interval that was spent with the keys, and no read of the value raised its rate.
    expect(screen).toMatch(/^hit rate +(0\.0 %|-) .*▁/m);
    await terminal.send('q');
    await expectRestored(terminal, type, 0);
  });

  test('d removes them with plan, question and journal, and the live view shows what is left', async () => {
    const { terminal, type, server: own } = await openLooking();
    await terminal.send('d');
    expect(await terminal.waitFor(question)).toMatch(/page:<id>/);
    await terminal.send('n', 'Enter');
    await terminal.waitFor(/^> page:<id>/m);
    expect(await keysIn(own)).toHaveLength(4);
    await terminal.send('d');
    await terminal.waitFor(question);
    await terminal.send('y', 'Enter');
    expect(await terminal.waitFor(back)).toMatch(/removed 2 keys/);
    await terminal.send('Enter');
    await terminal.waitFor(/^removed 2 keys: `cachectl undo --list` has the journal$/m);
    expect(await keysIn(own)).toEqual(['page:home', 'session:1']);
    const after = await terminal.waitFor(/NAMESPACE \(2\)/);
    expect(after).not.toMatch(/<id> +[\d.]+ k?B +2 /);
    await terminal.send('q');
    await terminal.waitFor(/^✔ Press Enter to go back\n\$/m);
    await type('cachectl undo --last --yes && echo undone');
    await terminal.waitFor(/^undone$/m);
    expect(await keysIn(own)).toHaveLength(4);
  });

  test('of a namespace of the map are those that its patterns match; state stays', async () => {
    const namespaces = {
      page: { pattern: 'page:*' },
      session: { pattern: 'session:*', kind: 'state' as const },
    };
    const own = await startServer();
    await sendAll(
      own.server,
      ['page:1', 'page:home', 'session:1'].map((key) => ['SET', key, 'x'.repeat(key.length * 20)]),
    );
    const { terminal, type } = await openShell({ env: withMap({ namespaces }) }, own.redis.url);
    await type('watch -i 200ms');
    await terminal.waitFor(/^> page /m);
    await terminal.send('Enter', 'Enter');
    await terminal.waitFor(/^page {2}2 keys$[^]*^> page:1\n {2}page:home\n\n/m);
    await terminal.send('Escape');
    await terminal.waitFor(/Enter keys/);
    await terminal.send('Down', 'd');
    await terminal.waitFor(/^`session` is state/m);
    await terminal.send('Enter');
    await terminal.waitFor(/^session {2}1 key$/m);
    await terminal.send('q');
    await expectRestored(terminal, type, 0);
    expect(await keysIn(own.server)).toHaveLength(3);
  });

  test('Ctrl-Z and Ctrl-C work there as in the live view, and leave nothing on the server', async () => {
    const { terminal, type, server: own } = await openLooking({ columns: 100 }, 'watch --hits -i 500ms');
    await terminal.send('Enter');
    await terminal.waitFor(/Enter keys/);
    await terminal.send('Enter');
    await terminal.waitFor(/^> page:1$/m);
    await terminal.send('C-z');
    await terminal.waitFor(/Stopped/);
    expect(linesOf(replyText(await send(own, 'CLIENT', 'LIST')))).toHaveLength(1);
    await type('fg');
    await terminal.waitFor(/^> page:1$/m);
    await terminal.send('Enter');
    await terminal.waitFor(/^Value \(text\)/m);
    await terminal.send('Escape');
    await terminal.waitFor(/^> page:1$/m);
    await terminal.send('Escape');
    await terminal.waitFor(/the look at keys was \d reads of these figures/);
    await terminal.send('Enter');
    await terminal.waitFor(/^> page:1$/m);
    await terminal.send('C-c');
    await expectRestored(terminal, type, 130);
    expect(await send(own, 'CONFIG', 'GET', 'notify-keyspace-events')).toEqual([
      'notify-keyspace-events',
      '',
    ]);
  });
});

describe('in a pipe', () => {
  test('a reader that goes away ends it with 0', async () => {
    const { exitCode, stdout, stderr } = await shell('cachectl watch -i 100ms | head -n 2', {
      REDIS_URL: redis.url,
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(linesOf(String(stdout)).map((line) => (JSON.parse(line) as { record: string }).record)).toEqual([
      'interval',
      'interval',
    ]);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends it with %d and a summary', async (signal, code) => {
    const { child, outcome } = startBinary(['watch', '-i', '100ms'], { env: { REDIS_URL: redis.url } });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill(signal);
    const { exitCode, stdout } = await outcome;
    expect(exitCode).toBe(code);
    expect(linesOf(stdout).at(-1)).toMatch(/^\{"record":"summary".*"kind":"interrupted"/);
  });
});
