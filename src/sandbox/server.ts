import { mkdtempSync, readFileSync, realpathSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError } from '../support/failure.ts';
import { asBytes, bytesOf } from '../support/bytes.ts';
import { RedisError } from '../redis/errors.ts';
import { Lane } from '../redis/lane.ts';
import type { ConnectTarget } from '../redis/target.ts';
import { type GuardedProcess, startGuarded } from './guard.ts';
import { type SandboxProduct, type ServerProgram, serverPrograms, serverVariable } from './programs.ts';

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
  readonly variables: Readonly<Record<string, string | undefined>>;
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
  variables: SandboxServerOptions['variables'],
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
    // Between our look at the port and the server's own, somebody else may have taken it.
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
    // A stranger may listen on the port: a container is known by having got it, a program by its folder.
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
  let lane: Lane | undefined;
  try {
    lane = await Lane.open({ ...target, timeoutMillis: 1000 });
    const [pong, directory] = await lane.exchange([['PING'], ['CONFIG', 'GET', asBytes('dir')]]);
    if (pong !== 'PONG') return false;
    return (
      folder === undefined || (Array.isArray(directory) && directory[1] === bytesOf(realpathSync(folder)))
    );
  } catch (error) {
    if (error instanceof RedisError) return false;
    throw error;
  } finally {
    lane?.close();
  }
}

/** The last line of the log that is not empty, without the server's process number and time. */
function lastLineOf(file: string): string {
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
