import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { configFileName } from '../src/config/find.ts';
import type { ConfigFile } from '../src/config/schema.ts';
import type { JudgedConfig } from '../src/config/trust.ts';

/** A map as it is when the user has named it. */
export function namedMap(file: string, config: ConfigFile): JudgedConfig {
  return { file, config, source: '--config', trust: { state: 'named', refusal: null } };
}

/** The environment of a user who names the map of the folder, where there is one: its profiles connect. */
export function naming(folder: string | undefined): Readonly<Record<string, string>> {
  return folder !== undefined && existsSync(join(folder, configFileName))
    ? { CACHECTL_CONFIG: configFileName }
    : {};
}
