import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export const configFileName = 'cachectl.config.json';

/**
 * The file to use: `explicit` where given, else the nearest `cachectl.config.json` from `cwd` upwards, else the one in
 * the XDG configuration folder, else null.
 */
export function findConfigFile(
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
  explicit?: string,
): string | null {
  if (explicit !== undefined) return resolve(cwd, explicit);
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const candidate = join(folder, configFileName);
    if (existsSync(candidate)) return candidate;
    if (dirname(folder) === folder) break;
  }
  // A relative XDG_CONFIG_HOME is invalid by its specification, and ignored.
  const xdg = env['XDG_CONFIG_HOME']?.startsWith('/')
    ? env['XDG_CONFIG_HOME']
    : join(env['HOME'] ?? '/', '.config');
  const shared = join(xdg, 'cachectl', configFileName);
  return existsSync(shared) ? shared : null;
}
