import { existsSync } from 'node:fs';
import type { TestProject } from 'vitest/node';
import { connect } from '../../src/redis/connect.ts';
import { databasesOf, productOf, readInfo } from '../../src/redis/info.ts';
import { publicUrlOf } from '../../src/redis/target.ts';
import { buildBundle } from './build.ts';
import { targetOf } from './redis.ts';
import { startRedisProcess } from './redis-process.ts';
import { findRedisServer } from './tools.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The shared test server, without a database number. */
    redisUrl: string;
    /** What the bundler said when it failed, or null. */
    buildFailure: string | null;
  }
}

interface FoundServer {
  readonly url: string;
  readonly origin: string;
  readonly stop: () => Promise<void>;
}

/** Builds the bundle and finds one real Redis for the whole run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [buildFailure, server] = await Promise.all([buildBundle(), findServer()]);
  if (buildFailure !== null) process.stderr.write(`the bundle could not be built:\n${buildFailure}\n`);
  try {
    const product = await inspect(server.url);
    process.stderr.write(
      `test server: ${product} at ${publicUrlOf(targetOf(server.url))} (${server.origin})\n`,
    );
  } catch (error) {
    await server.stop();
    throw error;
  }
  project.provide('redisUrl', server.url);
  project.provide('buildFailure', buildFailure);
  return () => server.stop();
}

async function findServer(): Promise<FoundServer> {
  const url = process.env['CACHECTL_TEST_REDIS_URL'];
  if (url !== undefined && url !== '')
    return { url, origin: 'CACHECTL_TEST_REDIS_URL', stop: () => Promise.resolve() };
  const program = findRedisServer();
  if (program !== null) {
    const server = await startRedisProcess(program);
    return { url: server.url, origin: program, stop: () => server.stop() };
  }
  if (process.env['DOCKER_HOST'] !== undefined || existsSync('/var/run/docker.sock')) return startContainer();
  throw new Error(
    'the tests need a real Redis: run `bin/setup`, which installs one, or name one in CACHECTL_TEST_REDIS_URL ' +
      '(its databases 1 to 15 must be empty) or its program in CACHECTL_TEST_REDIS_BIN, or start Docker',
  );
}

async function startContainer(): Promise<FoundServer> {
  const { GenericContainer, Wait } = await import('testcontainers');
  const image = 'redis:7-alpine';
  const container = await new GenericContainer(image)
    .withCommand(['redis-server', '--save', '', '--appendonly', 'no', '--enable-debug-command', 'yes'])
    .withExposedPorts(6379)
    .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
    .start();
  const url = `redis://${container.getHost()}:${container.getMappedPort(6379)}`;
  return { url, origin: `container of ${image}`, stop: () => container.stop().then(() => undefined) };
}

/** The server's product and version. @throws Error where the tests would remove keys that are not theirs */
async function inspect(url: string): Promise<string> {
  const server = await connect(targetOf(url, { database: 0 }));
  try {
    const info = await readInfo(server.nodes[0]);
    const taken = databasesOf(info)?.find(({ database }) => database >= 1 && database <= 15);
    if (taken) {
      throw new Error(
        `database ${taken.database} of ${server.address} holds ${taken.keys} keys, and the tests empty databases 1 to 15: ` +
          'name another server in CACHECTL_TEST_REDIS_URL, or empty these databases',
      );
    }
    const { product, version } = productOf(info);
    return `${product} ${version}`;
  } finally {
    server.close();
  }
}
