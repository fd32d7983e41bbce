import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Writable } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CertificateSet, makeCertificates } from './certificates.ts';

export interface RedisProcessOptions {
  /** Further arguments: `['--requirepass', 'secret']`. */
  readonly args?: readonly string[];
  /** Lines of a configuration file, for what arguments cannot say well: `['user ann on >secret ~user:* +@all']`. */
  readonly config?: readonly string[];
  /** Speaks TLS alone, with certificates made for the occasion. */
  readonly tls?: boolean;
  /** `listening` does not wait until the dataset is loaded. Default: `ready`. */
  readonly until?: 'ready' | 'listening';
  /** A folder to use, and to leave in place: for a second start on the same data. Default: one that `stop` removes. */
  readonly directory?: string;
}

/** A Redis process that belongs to the tests. */
export interface RedisProcess {
  /** Without a user or password. */
  readonly url: string;
  readonly port: number;
  /** Its working folder: `dump.rdb`, `redis.sock`. */
  readonly directory: string;
  /** It also listens here, unless the arguments say otherwise. */
  readonly socketPath: string;
  /** Where it speaks TLS. */
  readonly certificates: CertificateSet | null;
  readonly product: 'redis' | 'valkey';
  readonly version: string;
  readonly pid: number;
  /** Sends a signal; SIGSTOP makes it hang, SIGKILL makes it crash. */
  kill(signal: NodeJS.Signals): void;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

const startMillis = 20_000;

/** Starts `program` on a free port of 127.0.0.1, saving nothing. @throws Error with the server's own words */
export async function startRedisProcess(
  program: string,
  options: RedisProcessOptions = {},
): Promise<RedisProcess> {
  // A port that is free now may be taken a moment later.
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(program, options);
    } catch (error) {
      if (attempt === 3 || !(error instanceof Error) || !/address already in use/i.test(error.message))
        throw error;
    }
  }
}

async function startOnce(program: string, options: RedisProcessOptions): Promise<RedisProcess> {
  const port = await freePort();
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'cachectl-redis-'));
  const socketPath = join(directory, 'redis.sock');
  const { product, version } = releaseOf(program);
  const certificates = options.tls ? makeCertificates(directory) : null;
  const configFile = join(directory, 'redis.conf');
  writeFileSync(configFile, (options.config ?? []).map((line) => `${line}\n`).join(''));
  const server = spawn(
    program,
    [
      configFile,
      ...(certificates
        ? ['--port', '0', '--tls-port', String(port), ...tlsArguments(certificates)]
        : ['--port', String(port)]),
      ...['--bind', '127.0.0.1', '--unixsocket', socketPath, '--dir', directory],
      ...['--save', '', '--appendonly', 'no', '--daemonize', 'no', '--logfile', ''],
      // A primary waits five seconds for further replicas otherwise.
      ...['--repl-diskless-sync-delay', '0'],
      // Before 7.0 DEBUG is open to all, and the option unknown.
      ...(Number.parseInt(version) >= 7 ? ['--enable-debug-command', 'local'] : []),
      ...(options.args ?? []),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const ended = new Promise<void>((resolve) => server.once('close', () => resolve()));
  const forget =
    server.pid === undefined ? null : watchOver(server.pid, options.directory === undefined ? directory : '');
  const stop = async () => {
    server.kill('SIGKILL');
    await ended;
    forget?.();
    if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
  };
  try {
    await waitUntil(options.until ?? 'ready', server);
    return {
      url: `${certificates ? 'rediss' : 'redis'}://127.0.0.1:${port}`,
      port,
      directory,
      socketPath,
      certificates,
      product,
      version,
      pid: server.pid ?? 0,
      kill: (signal) => void server.kill(signal),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Takes `+ pid folder` and `- pid`, line by line, and at its end kills and removes what is left. */
const watchdogScript = `
  while read -r sign pid folder; do
    if [ "$sign" = + ]; then set -- "$@" "$pid" "$folder"; continue; fi
    left=$#
    while [ $left -gt 0 ]; do
      [ "$1" = "$pid" ] || set -- "$@" "$1" "$2"
      shift 2; left=$((left - 2))
    done
  done
  while [ $# -gt 0 ]; do
    kill -9 "$1" 2>/dev/null
    test -z "$2" || rm -rf "$2"
    shift 2
  done`;

let watchdog: Writable | undefined;

/**
 * Kills the server when this process is gone, however it went: a worker of the test runner ends by a signal. One watchdog
 * has all servers of a process: to start another for each copies the memory of a large process once more.
 * @returns what ends the watch
 */
function watchOver(pid: number, folder: string): () => void {
  const input = (watchdog ??= startWatchdog());
  input.write(`+ ${pid} ${folder}\n`);
  return () => void input.write(`- ${pid}\n`);
}

function startWatchdog(): Writable {
  const child = spawn('sh', ['-c', watchdogScript], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Ctrl-C reaches the whole process group.
    detached: true,
  });
  child.unref();
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  (child.stdin as unknown as { unref?: () => void }).unref?.();
  return child.stdin;
}

type Release = Pick<RedisProcess, 'product' | 'version'>;
const releases = new Map<string, Release>();

/** `Redis server v=7.0.15 …`, `Valkey server v=8.0.1 …` */
function releaseOf(program: string): Release {
  let release = releases.get(program);
  if (release === undefined) {
    const text = execFileSync(program, ['--version'], { encoding: 'utf8' });
    const version = /\bv=(\d+\.[\d.]+)/.exec(text)?.[1] ?? '0';
    release = { product: /^valkey/i.test(text) ? 'valkey' : 'redis', version };
    releases.set(program, release);
  }
  return release;
}

function waitUntil(state: 'ready' | 'listening', server: ChildProcess): Promise<void> {
  const sign =
    state === 'ready'
      ? /Ready to accept connections|Sentinel ID is/
      : /Server initialized|Ready to accept connections/;
  let log = '';
  return new Promise((resolve, reject) => {
    const fail = (what: string) => {
      clearTimeout(timer);
      reject(new Error(`\`${server.spawnfile}\` ${what}\n${log.split('\n').slice(-15).join('\n')}`));
    };
    const timer = setTimeout(() => fail(`was not ready after ${startMillis / 1000} s`), startMillis);
    const read = (chunk: Buffer) => {
      log = (log + String(chunk)).slice(-16_384);
      if (!sign.test(log)) return;
      clearTimeout(timer);
      resolve();
    };
    server.stdout?.on('data', read);
    server.stderr?.on('data', read);
    server.once('error', (error) => fail(`cannot be started: ${error.message}`));
    server.once('close', (code) => fail(`ended with code ${code ?? 'none'} before it was ready:`));
  });
}

function tlsArguments({ caFile, certificateFile, keyFile }: CertificateSet): string[] {
  return [
    '--tls-ca-cert-file',
    caFile,
    '--tls-cert-file',
    certificateFile,
    '--tls-key-file',
    keyFile,
    '--tls-auth-clients',
    'optional',
  ];
}

/** A port of 127.0.0.1 on which nothing listens. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
