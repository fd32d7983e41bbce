import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configFileName } from '../src/config/find.ts';
import { type LoadedConfig, parseConfig } from '../src/config/load.ts';
import type { ConfigFile } from '../src/config/schema.ts';
import type { JudgedConfig } from '../src/config/trust.ts';

/** A map as it is when the user has named it. */
export function namedMap(file: string, config: ConfigFile): JudgedConfig {
  return { file, config, source: '--config', trust: { state: 'named', refusal: null } };
}

/** A map that is a file; reading it does not wait, which tests of what is in it need not. @throws ConfigError */
export function mapAt(file: string): LoadedConfig {
  return { file, config: parseConfig(readFileSync(file, 'utf8'), file) };
}

/** The environment of a user who names the map of the folder, where there is one: its profiles connect. */
export function naming(folder: string | undefined): Readonly<Record<string, string>> {
  return folder !== undefined && existsSync(join(folder, configFileName))
    ? { CACHECTL_CONFIG: configFileName }
    : {};
}
