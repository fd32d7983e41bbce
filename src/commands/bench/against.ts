import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Baseline, parseBaseline } from '../../bench/baseline.ts';
import { InputError } from '../../support/failure.ts';
import { readNamedFile } from '../../support/named-file.ts';
import type { RedisServer } from '../../redis/server.ts';
import type { Context } from '../context.ts';
import { confirmProtected, requireWritable } from '../protection.ts';

/** What a run is compared with. */
export type Opponent =
  | { readonly kind: 'server'; readonly open: () => Promise<LoadedServer> }
  | { readonly kind: 'file'; readonly name: string; readonly baseline: Baseline };

/** A server that is put under load, and what it was named with; undefined: it is that of the run. */
export interface LoadedServer {
  readonly server: RedisServer;
  readonly named?: string;
}

/** @param argument A profile, a URL or a file. @throws InputError where it is none of them */
export async function opponentNamed(context: Context, argument: string): Promise<Opponent> {
  const target = await context.targetOf(argument);
  if (target !== null) {
    const open = async () => ({ server: await context.connectTo(target), named: argument });
    return { kind: 'server', open };
  }
  const path = resolve(context.environment.workingDirectory, argument);
  if (statSync(path, { throwIfNoEntry: false }) === undefined)
    throw new InputError(
      `--against: \`${argument}\` is no profile of the map, no address of a server and no file`,
      '`cachectl config show` names the map in force; an address is host:port, or a URL with redis://, rediss:// or unix://',
    );
  return opponentInFile(context, argument);
}

/** @throws InputError */
export async function opponentInFile(
  { environment, signal }: Context,
  file: string,
): Promise<Extract<Opponent, { kind: 'file' }>> {
  const failure = (cause: string) =>
    new InputError(
      `\`${file}\` cannot be compared with: ${cause}`,
      'make one with `cachectl bench --output json > FILE`',
    );
  const text = await readNamedFile(resolve(environment.workingDirectory, file), signal, failure);
  try {
    return { kind: 'file', name: file, baseline: parseBaseline(text.toString()) };
  } catch (error) {
    throw failure(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Asks for every server that is put under load; `--confirm` may be given for each.
 * @param isWriting False for a run that only sends PING, or reads.
 * @throws InputError for a read-only server, DeclinedError
 */
export async function confirmLoad(
  context: Context,
  servers: readonly LoadedServer[],
  confirmed: readonly string[],
  isWriting: boolean,
): Promise<void> {
  const names: (string | undefined)[] = [];
  for (const { server, named } of servers) {
    const protections = await context.protectionsOf(server, named);
    names.push(protections?.name);
    if (isWriting)
      requireWritable(
        protections,
        'this benchmark',
        'run `cachectl bench ping`, or read with --like NAMESPACE; ',
      );
  }
  // A name that is that of no server is refused with the first.
  const stray = confirmed.find((name) => !names.includes(name));
  for (const [index, { server }] of servers.entries()) {
    const own = confirmed.find((name) => name === names[index]);
    await confirmProtected(context, server, stray ?? own, 'put it under load');
  }
}
