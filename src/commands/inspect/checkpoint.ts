import { resolve } from 'node:path';
import { InputError, fileFailureText } from '../../support/failure.ts';
import type { ReadingOptions, WalkState } from '../../keyspace/reading.ts';
import { readNamedJson } from '../../support/named-file.ts';
import { RedisError } from '../../redis/errors.ts';
import { readNodeFacts } from '../../redis/node-facts.ts';
import type { RedisServer } from '../../redis/server.ts';
import { removeIfPermitted, replaceFile } from '../../support/files.ts';
import { sealed, unsealed } from '../../support/sealed.ts';
import type { Context } from '../context.ts';
import { defaultTop, type InspectInput } from './result.ts';
import { scopeOf } from './snapshot.ts';

const format = 'cachectl-walk-3';

/** A walk half-way in a file. */
interface CheckpointFile {
  readonly format: typeof format;
  /** What the walk was asked to read; another question cannot go on with it. */
  readonly question: string;
  readonly database: number;
  readonly state: WalkState;
}

interface Checkpoint {
  /** @throws InputError when the saved walk cannot go on here */
  readingOptions(server: RedisServer): Promise<Pick<ReadingOptions, 'resume' | 'onState'>>;
  /** The walk has ended: says how it can go on, where it can, and removes the file of one that is complete. */
  finish(complete: boolean, failure: RedisError | null): void;
  /** The failure with the way to go on. */
  explain(failure: RedisError): RedisError;
}

/** `--checkpoint` and `--resume`. A resumed walk keeps its file up to date. @throws InputError for an unusable file */
export async function openCheckpoint(context: Context, input: InspectInput): Promise<Checkpoint> {
  const folder = context.environment.workingDirectory;
  const name = input.checkpoint ?? input.resume;
  if (name !== undefined && input.precision !== undefined) {
    throw new InputError(
      '--precision makes no sense with --checkpoint or --resume',
      'a sample is drawn within a second or two: only a walk over every key can be resumed',
    );
  }
  const question = questionOf(context, input);
  const loaded = input.resume === undefined ? null : await load(context, input.resume, question);
  let database = 0;
  const save = (state: WalkState) => {
    if (name === undefined) return;
    const file: CheckpointFile = { format, question, database, state };
    try {
      replaceFile(resolve(folder, name), JSON.stringify(sealed(file)), context.environment.processes);
    } catch (error) {
      throw new InputError(`checkpoint \`${name}\` cannot be written: ${fileFailureText(error)}`);
    }
  };
  return {
    async readingOptions(server) {
      database = server.nodes[0].database;
      if (loaded !== null) await requireSameServer(server, loaded, input.resume ?? '');
      if (name === undefined) return {};
      return { onState: save, ...(loaded && { resume: loaded.state }) };
    },
    finish(complete, failure) {
      if (name === undefined || failure?.code === 'ERESTART') return;
      if (complete) removeIfPermitted(resolve(folder, name));
      else context.warn(`resume the walk with \`--resume ${name}\``);
    },
    explain(failure) {
      if (name === undefined || failure.code === 'ERESTART') return failure;
      return new RedisError(failure.failure, failure.code, failure.message, `resume with --resume ${name}`);
    },
  };
}

/** All that decides which keys are read, how they are grouped and what is reported of them. */
function questionOf({ map }: Context, input: InspectInput): string {
  const { top = defaultTop, exact = false } = input;
  const namespaces = map.namespaces.map(({ name, patterns, ttl, guessedTtl }) => [
    name,
    patterns.map(({ text }) => text),
    ttl,
    guessedTtl,
  ]);
  return JSON.stringify({ scope: scopeOf(input), top, exact, namespaces });
}

async function load(
  { environment, signal }: Context,
  name: string,
  question: string,
): Promise<CheckpointFile> {
  const failure = (cause: string) => new InputError(`checkpoint \`${name}\` cannot be read: ${cause}`);
  const path = resolve(environment.workingDirectory, name);
  const file = unsealed(await readNamedJson(path, signal, failure)) as Partial<CheckpointFile> | null;
  if (file?.format !== format || file.state === undefined) {
    throw new InputError(
      `\`${name}\` is no checkpoint of \`inspect\`, or not as it was written`,
      'one is written with `cachectl inspect --checkpoint FILE`',
    );
  }
  if (file.question !== question) {
    throw new InputError(
      `checkpoint \`${name}\` is of another walk: its pattern, filters, depth, map or --exact were not these`,
      'give the same options as with --checkpoint',
    );
  }
  return file as CheckpointFile;
}

/** A cursor is worth nothing to another process of the server, nor in another database. */
async function requireSameServer(server: RedisServer, file: CheckpointFile, name: string): Promise<void> {
  const runIds = await Promise.all(server.nodes.map(async (node) => (await readNodeFacts(node)).runId));
  const saved = file.state.nodes;
  const same =
    saved.length <= runIds.length &&
    saved.every(({ runId }, index) => runId !== null && runId === runIds[index]) &&
    server.nodes[0].database === file.database;
  if (same) return;
  throw new InputError(
    `checkpoint \`${name}\` is of another server, or the server at ${server.nodes[0].address} was started anew since`,
    'start a new walk with --checkpoint: a cursor is worth nothing to another process',
  );
}
