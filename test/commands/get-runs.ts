import { type ByteString, bytesOf } from '../../src/support/bytes.ts';
import type { Argument } from '../../src/redis/server.ts';
import { cli, type CliOptions } from '../run-cli.ts';
import { testUrl } from '../server/redis.ts';
import { json } from './reading.ts';
import { emptyServer } from '../server/own.ts';

export const get = (args: readonly string[], options: CliOptions = {}) =>
  cli(['get', ...args], { url: testUrl(), ...options });
export const getJson = (args: readonly string[], options: CliOptions = {}) =>
  json(['get', ...args], { url: testUrl(), ...options });
export const getTable = async (args: readonly string[], options: CliOptions = {}) =>
  (await get(['--no-color', ...args], { terminal: true, ...options })).stdout;

export async function write(...commands: readonly (readonly Argument[])[]): Promise<void> {
  const server = await emptyServer();
  await server.nodes[0].batch(commands);
}

export const set = (key: string, value: string | ByteString): readonly Argument[] => [
  'SET',
  bytesOf(key),
  value as ByteString,
];
