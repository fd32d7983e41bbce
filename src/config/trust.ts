import { createHash } from 'node:crypto';
import { readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { InputError } from '../support/failure.ts';
import { replaceFile, makeStateFolder, stateFolder } from '../support/files.ts';
import type { ProcessFacts } from '../support/processes.ts';
import type { FoundConfig } from './find.ts';
import type { LoadedConfig } from './load.ts';
import type { ConfigFile } from './schema.ts';

/** Whether a map may decide where a connection goes, as whom, and how it is verified. */
export interface MapTrust {
  readonly state: 'named' | 'trusted' | 'not trusted' | 'writable by others';
  /** Why its profiles are not used to connect, as a sentence about the file, and what to do; null where they are. */
  readonly refusal: { readonly reason: string; readonly hint: string } | null;
  /** The command that it was trusted with; left out where none was needed, or none was used. */
  readonly by?: TrustingCommand;
}

export type TrustingCommand = 'config trust' | 'config init';

/** A map together with how far it is believed. */
export interface JudgedConfig extends LoadedConfig {
  readonly source: FoundConfig['source'];
  readonly trust: MapTrust;
}

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Judges a map by how it was found. What a user names, or keeps in the folder of their own configuration, is theirs; what was
 * discovered may come from strangers, and is trusted once it was read: see `trustMap`. In each case a file that others can
 * write is not to be trusted.
 * @param owners Users who may own the file; null where files have no owners.
 */
export function judgeMap(
  { file, config }: LoadedConfig,
  source: FoundConfig['source'],
  variables: Variables,
  owners: readonly number[] | null,
): MapTrust {
  const writers = othersWhoWrite(file, owners);
  if (writers !== null) return { state: 'writable by others', refusal: writers };
  if (source !== 'discovered') return { state: 'named', refusal: null };
  const note = readTrust(trustFile(file, variables), placeOf(file));
  if (note?.sha256 === digestOf(config)) return { state: 'trusted', refusal: null, by: note.by };
  return {
    state: 'not trusted',
    refusal: {
      reason: `\`${file}\` was found here and is not trusted`,
      hint: `read its profiles, then \`cachectl config trust\`; or name the map with --config, or the server with --url`,
    },
  };
}

/** Null where no one else can write the file. A file that cannot be looked at is everybody's. */
export function othersWhoWrite(file: string, owners: readonly number[] | null): MapTrust['refusal'] {
  if (owners === null) return null;
  const { mode, uid } = statSync(file);
  if (!owners.includes(uid)) {
    return {
      reason: `\`${file}\` belongs to another user, who can change it (uid ${uid})`,
      hint: 'use a copy of your own, or name the server with --url',
    };
  }
  if ((mode & 0o022) === 0) return null;
  return {
    reason: `\`${file}\` can be changed by others (mode ${(mode & 0o777).toString(8)})`,
    hint: `\`chmod go-w ${file}\`, or name the server with --url`,
  };
}

/**
 * Notes that the profiles of the map at this place are trusted as they are now. Later changes of them end it; changes of
 * namespaces and the like do not, for these are used in any case.
 * @throws InputError where the environment names no home; Error as the system gives it
 */
export function trustMap(
  file: string,
  config: ConfigFile,
  { variables, processes }: { readonly variables: Variables; readonly processes: ProcessFacts },
  { now, by }: { readonly now: number; readonly by: TrustingCommand },
): void {
  const note = trustFile(file, variables);
  if (note === null) {
    throw new InputError(
      'there is no folder to keep it in: neither XDG_STATE_HOME nor HOME is set',
      `name the map instead: --config ${file}`,
    );
  }
  const trustedAt = new Date(now).toISOString();
  const content = { path: placeOf(file), sha256: digestOf(config), trustedAt, by };
  makeStateFolder(dirname(note));
  replaceFile(note, `${JSON.stringify(content)}\n`, processes);
}

/** @returns False where it was not trusted. @throws Error as the system gives it */
export function revokeTrust(file: string, variables: Variables): boolean {
  const note = trustFile(file, variables);
  if (note === null || readTrust(note, placeOf(file)) === null) return false;
  rmSync(note, { force: true });
  return true;
}

/** The file as it is found, with links in its folder followed: a link to a trusted map is another place. */
function placeOf(file: string): string {
  return join(realpathSync(dirname(file)), basename(file));
}

function trustFile(file: string, variables: Variables): string | null {
  const folder = stateFolder(variables, 'trusted-maps');
  if (folder === null) return null;
  return join(folder, `${createHash('sha256').update(placeOf(file)).digest('hex').slice(0, 32)}.json`);
}

/** What was trusted at the place, and by which command, or null. */
function readTrust(note: string | null, place: string): { sha256: string; by: TrustingCommand } | null {
  if (note === null) return null;
  try {
    const { path, sha256, by } = JSON.parse(readFileSync(note, 'utf8')) as Readonly<Record<string, unknown>>;
    if (path !== place || typeof sha256 !== 'string') return null;
    return { sha256, by: by === 'config init' ? by : 'config trust' };
  } catch {
    return null;
  }
}

/** Of all that the map says about connections. */
function digestOf({ defaultProfile, profiles }: ConfigFile): string {
  return createHash('sha256')
    .update(JSON.stringify([defaultProfile ?? null, profiles ?? {}]))
    .digest('hex');
}
