import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { InputError } from '../../src/support/failure.ts';
import { connect } from '../../src/redis/connect.ts';
import { readInfo } from '../../src/redis/info.ts';
import { type SandboxServer, startSandboxServer } from '../../src/sandbox/server.ts';
import { send } from '../server/redis.ts';
import { bundled } from '../server/program.ts';
import { until } from '../server/until.ts';
import { requireTool } from '../server/tools.ts';
import { temporaryFolder } from '../server/own.ts';

const host = fileURLToPath(new URL('sandbox-host.ts', import.meta.url));
const path = process.env['PATH'] ?? '';

async function started(variables: Record<string, string> = { PATH: path }): Promise<SandboxServer> {
  const server = await startSandboxServer({ variables });
  onTestFinished(() => server.stop());
  return server;
}

/** What INFO and CONFIG say of the server: its process, its folder. */
async function factsOf(server: SandboxServer): Promise<{ pid: number; folder: string }> {
  const redis = await connect(server.target);
  onTestFinished(() => redis.close());
  const [, folder] = (await send(redis, 'CONFIG', 'GET', 'dir')) as string[];
  return { pid: Number((await readInfo(redis.nodes[0]))['process_id']), folder: String(folder) };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function isListening(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket(Number(new URL(url).port), '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** A folder with shell scripts in it, as programs to be found on PATH. */
function programs(scripts: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

const sandboxFolders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('cachectl-sandbox-'));

describe('a sandbox server', () => {
  test('is a real server on 127.0.0.1 that keeps nothing', async () => {
    requireTool('redis-server');
    const server = await started();
    expect(server.product).toBe('redis-server');
    expect(server.url).toMatch(/^redis:\/\/127\.0\.0\.1:\d+\/0$/);

    const redis = await connect(server.target);
    onTestFinished(() => redis.close());
    expect(await send(redis, 'SET', 'greeting', 'hello')).toBe('OK');
    expect(await send(redis, 'CONFIG', 'GET', 'save')).toEqual(['save', '']);
    expect(await send(redis, 'CONFIG', 'GET', 'appendonly')).toEqual(['appendonly', 'no']);
    expect(await send(redis, 'CONFIG', 'GET', 'bind')).toEqual(['bind', '127.0.0.1']);
  });

  test('is gone without a trace when it is stopped, and may be stopped twice', async () => {
    requireTool('redis-server');
    const server = await started();
    const { pid, folder } = await factsOf(server);
    expect(existsSync(folder)).toBe(true);

    await server.stop();
    await server.stop();
    await server.ended;

    expect(isAlive(pid)).toBe(false);
    expect(existsSync(folder)).toBe(false);
    expect(await isListening(server.url)).toBe(false);
  });

  test('that is killed from outside ends, leaves no folder, and stop has nothing to do', async () => {
    requireTool('redis-server');
    const server = await started();
    const { pid, folder } = await factsOf(server);

    process.kill(pid, 'SIGKILL');
    await server.ended;

    expect(existsSync(folder)).toBe(false);
    await server.stop();
  });

  test('that ignores SIGTERM is ended by force', { timeout: 30_000 }, async () => {
    const redisServer = requireTool('redis-server');
    // The script ignores the signal, and so does the server that takes its place.
    const stubborn = join(
      programs({ 'redis-server': `trap '' TERM; exec '${redisServer}' "$@"` }),
      'redis-server',
    );
    const server = await started({ PATH: path, CACHECTL_REDIS_SERVER: stubborn });
    const { pid, folder } = await factsOf(server);
    // The server sets a handler of its own again, so it is the stopped process that cannot obey.
    process.kill(pid, 'SIGSTOP');

    await server.stop();

    expect(isAlive(pid)).toBe(false);
    expect(existsSync(folder)).toBe(false);
  });

  test('has a port of its own beside others', async () => {
    requireTool('redis-server');
    const servers = await Promise.all([started(), started(), started()]);
    expect(new Set(servers.map(({ url }) => url)).size).toBe(3);
  });
});

describe('the choice of the program', () => {
  test('a port that somebody took in between is given up for another', async () => {
    const redisServer = requireTool('redis-server');
    const folder = programs({});
    writeFileSync(
      join(folder, 'server'),
      `#!/bin/sh
echo "$2" >>'${folder}/ports'
if [ "$(wc -l <'${folder}/ports')" -lt 3 ]; then
  echo "1:M 05 Mar 2026 10:20:30.000 # Warning: Could not create server TCP listening socket 127.0.0.1:$2: bind: Address already in use"
  exit 1
fi
exec '${redisServer}' "$@"
`,
      { mode: 0o755 },
    );
    const server = await started({ PATH: path, CACHECTL_REDIS_SERVER: join(folder, 'server') });
    const ports = readFileSync(join(folder, 'ports'), 'utf8').trim().split('\n');
    expect(ports).toHaveLength(3);
    expect(server.url).toContain(`:${ports[2] ?? ''}/`);
  });

  test('a stranger on the port is not taken for the server', async () => {
    const redisServer = requireTool('redis-server');
    // A server that works in another folder than ours: what answers is not what was started.
    const folder = programs({});
    const serve = `'${redisServer}' --port "$2" --bind 127.0.0.1 --save '' --dir '${folder}' --pidfile '${folder}/pid'`;
    const script = `#!/bin/sh\n${serve} --daemonize yes\nexec sleep 60\n`;
    onTestFinished(() => void process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8'))));
    writeFileSync(join(folder, 'server'), script, { mode: 0o755 });
    const aborting = AbortSignal.timeout(1500);
    const variables = { PATH: path, CACHECTL_REDIS_SERVER: join(folder, 'server') };
    const failure = startSandboxServer({ variables, signal: aborting });
    await expect(failure).rejects.toThrow('before the sandbox server was ready');
  });

  test('valkey-server is taken where there is no redis-server', async () => {
    const redisServer = requireTool('redis-server');
    const server = await started({ PATH: programs({ 'valkey-server': `exec '${redisServer}' "$@"` }) });
    expect(server.product).toBe('valkey-server');
  });

  test('a container is taken where there is no server program, on a port of 127.0.0.1 only', async () => {
    const redisServer = requireTool('redis-server');
    // Stands in for the docker program: takes the port from --publish, and serves what it would serve.
    const docker = programs({
      docker: `
printf '%s\\n' "$@" >"$(dirname "$0")/arguments"
while [ "$1" != --publish ]; do shift; done
port=\${2#127.0.0.1:}
exec '${redisServer}' --port "\${port%:6379}" --bind 127.0.0.1 --save ''`,
    });
    const server = await started({
      PATH: `${docker}:${systemToolsWithoutRedis()}`,
    });
    expect(server.product).toBe('container');
    const words = readFileSync(join(docker, 'arguments'), 'utf8').split('\n');
    expect(words.slice(0, 3)).toEqual(['run', '--rm', '--name']);
    expect(words).toContain(`127.0.0.1:${new URL(server.url).port}:6379`);
  });

  test('a program that ends at once is reported with its own last words, and nothing is left', async () => {
    const before = sandboxFolders();
    const folder = programs({
      'redis-server': "echo 'first line'; echo '7:M 05 Mar 2026 10:20:30.000 # Fatal error, no luck'; exit 1",
    });
    const failure = startSandboxServer({ variables: { PATH: folder } });
    await expect(failure).rejects.toThrow(
      'the sandbox server did not start: `redis-server` ended at once: Fatal error, no luck',
    );
    await expect(failure).rejects.toBeInstanceOf(InputError);
    expect(sandboxFolders().filter((name) => !before.includes(name))).toEqual([]);
  });

  test('a variable that names nothing is named in the error', async () => {
    const failure = startSandboxServer({
      variables: { PATH: path, CACHECTL_REDIS_SERVER: '/no/such/program' },
    });
    await expect(failure).rejects.toThrow(
      'CACHECTL_REDIS_SERVER names `/no/such/program`, which is not an executable file',
    );
  });

  test('without any program the hint names bin/setup', async () => {
    const failure = startSandboxServer({ variables: { PATH: programs({}) } });
    await expect(failure).rejects.toMatchObject({
      message: 'there is no `redis-server`, `valkey-server`, `docker` or `podman` on PATH',
      hint: expect.stringContaining('bin/setup') as string,
    });
  });

  test.each([0, 100])('an abort %d ms into its start leaves nothing', async (millis) => {
    const before = sandboxFolders();
    const aborting = new AbortController();
    const failure = startSandboxServer({
      variables: { PATH: programs({ 'redis-server': 'exec sleep 60' }) + `:${path}` },
      signal: aborting.signal,
    });
    setTimeout(() => aborting.abort('SIGINT'), millis);
    await expect(failure).rejects.toBeInstanceOf(InputError);
    expect(sandboxFolders().filter((name) => !before.includes(name))).toEqual([]);
  });
});

/** A folder with what the scripts above need of the system, and no server program in it. */
function systemToolsWithoutRedis(): string {
  return programs({ dirname: `exec '${requireTool('dirname')}' "$@"` });
}

describe('the program that has a sandbox', () => {
  /** Starts it as the leader of a process group, as a shell does at a terminal. */
  async function startHost(): Promise<{
    child: ChildProcessWithoutNullStreams;
    pid: number;
    facts: { url: string; folder: string };
  }> {
    requireTool('redis-server');
    const child = spawn(process.execPath, [await bundled(host)], { detached: true });
    const { pid } = child;
    if (pid === undefined) throw new Error('no process');
    onTestFinished(() => void child.kill('SIGKILL'));
    let said = '';
    child.stderr.on('data', (chunk) => (said += String(chunk)));
    const [line] = (await Promise.race([
      once(createInterface(child.stdout), 'line'),
      once(child, 'close').then(() => Promise.reject(new Error(said))),
    ])) as [string];
    return { child, pid, facts: JSON.parse(line) as { url: string; folder: string } };
  }

  test('takes it along when it is killed', async () => {
    const { child, facts } = await startHost();
    expect(await isListening(facts.url)).toBe(true);

    child.kill('SIGKILL');

    await until('the server is gone', async () => !(await isListening(facts.url)));
    await until('the folder is gone', () => !existsSync(facts.folder));
  });

  test('alone gets Ctrl-C, and finds the server alive to stop it in order', async () => {
    const { child, pid, facts } = await startHost();
    const next = once(createInterface(child.stdout), 'line');

    // What a terminal does on Ctrl-C: the signal goes to the whole process group.
    process.kill(-pid, 'SIGINT');

    expect(JSON.parse(String((await next)[0]))).toEqual({ afterSignal: 'PONG' });
    await once(child, 'close');
    expect(await isListening(facts.url)).toBe(false);
    expect(existsSync(facts.folder)).toBe(false);
  });

  test('leaves no process behind in either case', async () => {
    const { child, facts } = await startHost();
    child.kill('SIGKILL');
    await until('the folder is gone', () => !existsSync(facts.folder));
    await until('no process names the folder', () => {
      return !commandLines().some((line) => line.includes(facts.folder));
    });
  });
});

/** The command lines of all processes: from /proc, for `ps` is not on every machine, or from `ps` where there is no /proc. */
function commandLines(): string[] {
  if (!existsSync('/proc')) return execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n');
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        // It has ended since.
        return '';
      }
    });
}
