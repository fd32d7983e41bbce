import { existsSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

const schemaFile = join('schema', 'cachectl.config.schema.json');

/**
 * The path from a map to the JSON Schema, where this package is installed in the map's own project: a path that leads
 * out of it would be true on this machine only.
 */
export function schemaReference(mapFile: string, packageRoot: string): string | undefined {
  const folder = dirname(mapFile);
  for (let at = folder; ; at = dirname(at)) {
    const own = `${at}${at.endsWith(sep) ? '' : sep}` === packageRoot || at === packageRoot;
    const candidate = own ? join(at, schemaFile) : join(at, 'node_modules', 'cachectl', schemaFile);
    if (existsSync(candidate)) {
      const path = relative(folder, candidate);
      return path.startsWith('.') ? path : `./${path}`;
    }
    if (dirname(at) === at) return undefined;
  }
}
