import { spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, isAbsolute, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError } from '../support/failure.ts';
import { asBytes, bytesOf } from '../support/bytes.ts';
import { RedisError } from '../redis/errors.ts';
import { Connection } from '../redis/connection.ts';
import type { ConnectTarget } from '../redis/target.ts';

type Variables = Readonly<Record<string, string | undefined>>;

export interface SandboxServer {
  readonly url: string;
  readonly target: ConnectTarget;
  readonly product: SandboxProduct;
  /** Resolves when the server is gone, stopped or not. */
  readonly ended: Promise<void>;
  /** Ends the server and removes its folder; also right when it has ended already. */
  stop(): Promise<void>;
}

interface SandboxServerOptions {
  /** Environment variables: PATH, what the server program needs, and `CACHECTL_REDIS_SERVER`. */
  readonly variables: Variables;
  /** Aborted while the server starts: it is stopped. Once it has started the caller stops it. */
  readonly signal?: AbortSignal;
}

const portTries = 5;

/**
 * Starts a throw-away server on a free port of 127.0.0.1, without persistence, in a folder of its own. It outlives this
 * process under no circumstances.
 * @throws InputError when there is no server program here, when none of them starts, or on an abort.
 */
export async function startSandboxServer({
  variables,
  signal,
}: SandboxServerOptions): Promise<SandboxServer> {
  const reasons: string[] = [];
  for (const program of serverPrograms(variables)) {
    const server = await startOn(program, variables, signal);
    if (typeof server !== 'string') return server;
    reasons.push(server);
  }
  const [reason] = reasons;
  throw new InputError(
    reason === undefined
      ? 'there is no `redis-server`, `valkey-server`, `docker` or `podman` on PATH'
      : `the sandbox server did not start: ${reason}`,
    `bin/setup installs a Redis server; or name one with ${serverVariable}`,
  );
}

/** A running server, or the reason why this program gives none. */
async function startOn(
  program: ServerProgram,
  variables: Variables,
  signal: AbortSignal | undefined,
): Promise<SandboxServer | string> {
  let reason = '';
  for (let tries = 0; tries < portTries; tries++) {
    refuseIfAborted(signal);
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'cachectl-sandbox-'));
    const guarded = startGuarded(program.command(port, folder), folder, variables);
    const target: ConnectTarget = { host: '127.0.0.1', port, database: 0, timeoutMillis: 5000 };
    const outcome = await waitUntilReady(target, program, folder, guarded, signal);
    if (outcome === 'ready') {
      void guarded.gone.then(() => guarded.stop());
      return {
        url: `redis://127.0.0.1:${port}/0`,
        target,
        product: program.product,
        ended: guarded.ended,
        stop: () => guarded.stop(),
      };
    }
    await guarded.stop();
    refuseIfAborted(signal);
    reason = outcome;
    // Another process may have taken the port since we looked.
    if (!/address already in use|already allocated|port is in use/i.test(reason)) break;
  }
  return reason;
}

/** `ready`, or why not. */
async function waitUntilReady(
  target: ConnectTarget,
  { product, startMillis }: ServerProgram,
  folder: string,
  guarded: GuardedProcess,
  signal: AbortSignal | undefined,
): Promise<string> {
  const server = { gone: false };
  void guarded.gone.then(() => (server.gone = true));
  const deadline = performance.now() + startMillis;
  while (!server.gone && performance.now() < deadline && signal?.aborted !== true) {
    // Another server may listen on the port: a container is known by having got it, a program by its folder.
    if (await isReady(target, product === 'container' ? undefined : folder)) return 'ready';
    await sleep(20);
  }
  const said = lastLineOf(join(folder, 'server.log'));
  return `\`${product}\` ${server.gone ? 'ended at once' : `gave no answer within ${startMillis / 1000} s`}${said && `: ${said}`}`;
}

function refuseIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true)
    throw new InputError('stopped before the sandbox server was ready; nothing of it is left');
}

/** True when the server answers, and works in the folder where one is given. */
async function isReady(target: ConnectTarget, folder: string | undefined): Promise<boolean> {
  let connection: Connection | undefined;
  try {
    connection = await Connection.open({ ...target, timeoutMillis: 1000 });
    const [pong, directory] = await connection.exchange([['PING'], ['CONFIG', 'GET', asBytes('dir')]]);
    if (pong !== 'PONG') return false;
    return (
      folder === undefined || (Array.isArray(directory) && directory[1] === bytesOf(realpathSync(folder)))
    );
  } catch (error) {
    if (error instanceof RedisError) return false;
    throw error;
  } finally {
    connection?.close();
  }
}

/** The last line of the log that is not empty, without the server's process number and time. */
function lastLineOf(file: string): string {
  // Where it was stopped at once, none may have been begun.
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return '';
  const text = readFileSync(file, 'utf8').trimEnd();
  return text.slice(text.lastIndexOf('\n') + 1).replace(/^\d+:[A-Z] \d.*? [*#.-] /, '');
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

/** A process that does not outlive this one, whatever this one dies of. */
export interface GuardedProcess {
  /** Resolves when the process is gone. Its folder stays, for its log, until `stop`. */
  readonly gone: Promise<void>;
  /** Resolves when nothing is left, the folder included. */
  readonly ended: Promise<void>;
  /** Asks it to end, after 5 s ends it by force, and removes its folder. */
  stop(): Promise<void>;
}

/**
 * The guard is a shell in a session of its own, so that Ctrl-C at the terminal reaches neither it nor the server. Its
 * stdin is a pipe from us: when that closes, at our request or because we died (`kill -9` included), it ends the
 * server and removes the folder. When the server ends by itself it closes its stdout, and waits for us to read the log.
 */
const guardScript = `
# For sleep and rm, where PATH is set to something narrower.
PATH=\${PATH:+$PATH:}/usr/bin:/bin
folder=$1
shift
exec 3<&0
"$@" </dev/null >"$folder/server.log" 2>&1 3<&- &
server=$!
{
  read -r _ <&3
  kill -TERM "$server"
  tries=0
  while kill -0 "$server" && [ "$tries" -lt 50 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
  kill -KILL "$server"
} >/dev/null 2>&1 &
killer=$!
wait "$server"
kill "$killer" 2>/dev/null
exec >&-
read -r _ <&3
rm -rf "$folder"
`;

/** Runs a command under a guard. Its output goes to `server.log` in `folder`, which belongs to the guard from now on. */
export function startGuarded(
  command: readonly string[],
  folder: string,
  variables: Variables,
): GuardedProcess {
  const guard = spawn('/bin/sh', ['-c', guardScript, 'cachectl-sandbox', folder, ...command], {
    detached: true,
    env: { ...variables },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  // A guard that is killed breaks the pipe.
  guard.stdin.on('error', () => undefined);
  guard.stdout.resume();
  const ended = new Promise<void>((resolve) => {
    guard.once('close', () => resolve());
    guard.once('error', () => resolve());
  });
  return {
    gone: Promise.race([ended, new Promise<void>((resolve) => guard.stdout.once('end', () => resolve()))]),
    ended,
    stop() {
      guard.stdin.end();
      return ended;
    },
  };
}
export type SandboxProduct = 'redis-server' | 'valkey-server' | 'container';

/** A way to have a server. */
export interface ServerProgram {
  readonly product: SandboxProduct;
  /** The command that serves on `port` of 127.0.0.1 in the foreground, and ends on SIGTERM. */
  command(port: number, folder: string): string[];
  /** How long it may take until it answers, in milliseconds. */
  readonly startMillis: number;
}

/** The variable that names the server program. */
export const serverVariable = 'CACHECTL_REDIS_SERVER';
const containerImage = 'redis:7-alpine';

/**
 * The ways to have a server here, best first: the program that the variable names and no other, or `redis-server`,
 * `valkey-server`, `docker` and `podman`, as far as they are on PATH.
 * @throws InputError when the variable names no program.
 */
export function serverPrograms(variables: Variables): ServerProgram[] {
  const named = variables[serverVariable];
  if (named !== undefined && named !== '') {
    const path = isAbsolute(named) ? executableAt(named) : findOnPath(named, variables);
    if (path === undefined) {
      throw new InputError(
        `${serverVariable} names \`${named}\`, which is not an executable file`,
        'name a `redis-server` or `valkey-server` program, or unset the variable',
      );
    }
    return [installed(path)];
  }
  return Object.entries(programMakers).flatMap(([name, make]) => {
    const path = findOnPath(name, variables);
    return path === undefined ? [] : [make(path)];
  });
}

/** Best first. */
const programMakers = {
  ...{ 'redis-server': installed, 'valkey-server': installed },
  ...{ docker: container, podman: container },
};
const withoutPersistence = ['--save', '', '--appendonly', 'no', '--loglevel', 'warning'];

function installed(path: string): ServerProgram {
  return {
    product: basename(path).includes('valkey') ? 'valkey-server' : 'redis-server',
    startMillis: 10000,
    command: (port, folder) => [
      ...[path, '--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
      ...withoutPersistence,
    ],
  };
}

function container(path: string): ServerProgram {
  return {
    product: 'container',
    // The image may have to be fetched first.
    startMillis: 120000,
    command: (port, folder) => [
      ...[path, 'run', '--rm', '--name', basename(folder), '--publish', `127.0.0.1:${port}:6379`],
      ...[containerImage, 'redis-server', ...withoutPersistence],
    ],
  };
}

export function findOnPath(name: string, variables: Variables): string | undefined {
  for (const folder of (variables['PATH'] ?? '').split(':')) {
    // An empty entry means the working directory, from which no program is started unasked.
    const path = folder === '' ? undefined : executableAt(join(folder, name));
    if (path !== undefined) return path;
  }
  return undefined;
}

export function executableAt(path: string): string | undefined {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile() ? path : undefined;
  } catch {
    return undefined;
  }
}
