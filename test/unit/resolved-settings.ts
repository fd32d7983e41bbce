import { join } from 'node:path';
import type { GlobalOptions } from '../../src/cli/options.ts';
import { resolveSettings } from '../../src/cli/settings.ts';
import type { ConfigFile } from '../../src/config/schema.ts';
import type { JudgedConfig } from '../../src/config/trust.ts';
import { namedMap } from '../named-map.ts';

export interface Given {
  readonly options?: Partial<GlobalOptions>;
  readonly env?: Readonly<Record<string, string>>;
  readonly config?: ConfigFile | null;
  readonly terminal?: boolean;
  /** In place of a map that the user has named. */
  readonly judged?: Partial<JudgedConfig>;
}

/** The settings of a run in the folder, with its map there. */
export async function resolveIn(
  folder: string,
  { options = {}, env = {}, config = null, terminal = false, judged = {} }: Given,
) {
  const loaded = config && { ...namedMap(join(folder, 'cachectl.config.json'), config), ...judged };
  const resolved = await resolveSettings({ color: true, ...options }, env, loaded, {
    workingDirectory: folder,
    stdoutIsTerminal: terminal,
    signal: new AbortController().signal,
  });
  const origin = (name: string) => resolved.settings.find((setting) => setting.name === name)?.origin;
  const value = (name: string) => resolved.settings.find((setting) => setting.name === name)?.value;
  return { ...resolved, origin, value };
}
