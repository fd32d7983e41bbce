import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { FileRecords } from '../../records/compare/file-records.ts';
import { InputError } from '../../support/failure.ts';
import { openFile } from '../../records/fixtures/source.ts';
import type { ByteString } from '../../support/bytes.ts';
import type { RedisServer } from '../../redis/server.ts';
import type { ConnectTarget } from '../../redis/target.ts';
import { decodeDump } from '../../records/values/decode-dump.ts';
import type { Context } from '../context.ts';

/** What an argument names, before anything is opened. */
export type SideName =
  | { readonly kind: 'server'; readonly target: ConnectTarget | null }
  | { readonly kind: 'file'; readonly name: string };

/** One side, opened; `name` is for messages. */
export type OpenSide =
  | { readonly kind: 'server'; readonly name: string; readonly server: RedisServer }
  | { readonly kind: 'file'; readonly name: string; readonly file: FileRecords };

/** @param argument Undefined: the server of the run. @throws InputError where it names nothing */
export async function sideNamed(context: Context, argument: string | undefined): Promise<SideName> {
  if (argument === undefined) return { kind: 'server', target: null };
  const target = await context.targetOf(argument);
  if (target !== null) return { kind: 'server', target };
  const path = resolve(context.environment.workingDirectory, argument);
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return { kind: 'file', name: argument };
  throw new InputError(
    `\`${argument}\` is no profile of the map, no Redis URL and no file`,
    '`cachectl config show` names the map in force; a URL starts with redis://, rediss:// or unix://',
  );
}

/** @throws RedisError, InputError */
export async function openSide(
  context: Context,
  side: SideName,
  accepts: (key: ByteString) => boolean,
): Promise<OpenSide> {
  if (side.kind === 'server') {
    const server = await (side.target === null ? context.connect() : context.connectTo(side.target));
    return { kind: 'server', name: server.address, server };
  }
  const { name } = side;
  const source = await openFile(name, context.environment.workingDirectory, context.signal);
  const file = await FileRecords.open(source, context.map, accepts, decodeDump, context.now);
  return { kind: 'file', name, file };
}
