import { accessSync, constants, statSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { InputError } from '../support/failure.ts';

export type SandboxProduct = 'redis-server' | 'valkey-server' | 'container';

/** A way to have a server. */
export interface ServerProgram {
  readonly product: SandboxProduct;
  /** The command that serves on `port` of 127.0.0.1 in the foreground, and ends on SIGTERM. */
  command(port: number, folder: string): string[];
  /** How long it may take until it answers, in milliseconds. */
  readonly startMillis: number;
}

type Variables = Readonly<Record<string, string | undefined>>;

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
  const found = (name: string, make: (path: string) => ServerProgram) => {
    const path = findOnPath(name, variables);
    return path === undefined ? [] : [make(path)];
  };
  return [
    ...found('redis-server', installed),
    ...found('valkey-server', installed),
    ...found('docker', container),
    ...found('podman', container),
  ];
}

const withoutPersistence = ['--save', '', '--appendonly', 'no', '--loglevel', 'warning'];

function installed(path: string): ServerProgram {
  return {
    product: basename(path).includes('valkey') ? 'valkey-server' : 'redis-server',
    startMillis: 10_000,
    command: (port, folder) => [
      path,
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      folder,
      ...withoutPersistence,
    ],
  };
}

function container(path: string): ServerProgram {
  return {
    product: 'container',
    // The image may have to be fetched first.
    startMillis: 120_000,
    command: (port, folder) => [
      path,
      'run',
      '--rm',
      '--name',
      basename(folder),
      '--publish',
      `127.0.0.1:${port}:6379`,
      containerImage,
      'redis-server',
      ...withoutPersistence,
    ],
  };
}

function findOnPath(name: string, variables: Variables): string | undefined {
  for (const folder of (variables['PATH'] ?? '').split(':')) {
    // An empty entry means the working directory, from which no program is started unasked.
    const path = folder === '' ? undefined : executableAt(join(folder, name));
    if (path !== undefined) return path;
  }
  return undefined;
}

function executableAt(path: string): string | undefined {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile() ? path : undefined;
  } catch {
    return undefined;
  }
}
