import { dirname, relative, resolve } from 'node:path';
import type { ProfileConfig } from '../../config/schema.ts';
import { given } from '../../support/collections.ts';
import type { Setting } from '../context.ts';

/** The options of the connection, as far as a profile keeps them. */
export interface ConnectionFlags {
  readonly passwordFile?: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsServerName?: string;
  readonly insecure?: true;
}

/**
 * The connection in use as a profile, without its password: that is named by a variable or a file. Files are written
 * relative to the map. A server elsewhere is protected until someone says otherwise.
 */
export function currentProfile(
  settings: readonly Setting[],
  flags: ConnectionFlags,
  workingDirectory: string,
  mapFile: string | null,
): { readonly name: string; readonly config: ProfileConfig } {
  const valueOf = (name: string) => settings.find((setting) => setting.name === name)?.value ?? null;
  const folder = mapFile === null ? workingDirectory : dirname(mapFile);
  const fromMap = (path: string) => relative(folder, resolve(workingDirectory, path));
  const url = valueOf('url') ?? '';
  const username = valueOf('username');
  const urls = url.split(',');
  const isLocal = urls.every((each) => /^(unix:|rediss?:\/\/(127\.|localhost[:/]|\[::1\]))/.test(each));
  const file = (path: string | undefined) => (path === undefined ? undefined : fromMap(path));
  const tls = given({
    ca: file(flags.tlsCa),
    certificate: file(flags.tlsCert),
    key: file(flags.tlsKey),
    serverName: flags.tlsServerName,
    verify: flags.insecure === true ? false : undefined,
  });
  return {
    name: isLocal ? 'local' : 'default',
    config: {
      ...destinationOf(valueOf('topology') ?? '', urls, Number(valueOf('database') ?? 0)),
      ...(username !== null && { username }),
      ...passwordOf(valueOf('password') !== null, flags.passwordFile, fromMap),
      ...(Object.keys(tls).length > 0 && { tls }),
      ...(!isLocal && { protected: true }),
    },
  };
}

function destinationOf(
  topology: string,
  urls: readonly string[],
  database: number,
): Pick<ProfileConfig, 'url' | 'cluster' | 'sentinel'> {
  if (topology === 'cluster') return { cluster: [...urls] };
  const name = /^Sentinels of (.*)$/s.exec(topology)?.[1];
  if (name === undefined) return { url: urls.join(',') };
  return { sentinel: { name, nodes: [...urls], ...(database !== 0 && { database }) } };
}

function passwordOf(
  used: boolean,
  file: string | undefined,
  fromMap: (path: string) => string,
): Pick<ProfileConfig, 'passwordEnv' | 'passwordFile'> {
  if (!used) return {};
  return file === undefined ? { passwordEnv: 'REDISCLI_AUTH' } : { passwordFile: fromMap(file) };
}
