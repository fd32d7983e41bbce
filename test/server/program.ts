import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
const bundles = new Map<string, string>();

/**
 * A program of the tests as one JavaScript file with all that it imports: a loader that compiles TypeScript takes a second of
 * computing at each start.
 */
export function bundled(source: string): string {
  const path = bundles.get(source) ?? bundle(source);
  bundles.set(source, path);
  return path;
}

function bundle(source: string): string {
  const { outputFiles } = buildSync({
    absWorkingDir: packageRoot,
    entryPoints: [source],
    write: false,
    bundle: true,
    format: 'esm',
    platform: 'node',
    mainFields: ['module', 'main'],
    target: 'node20',
    define: { CACHECTL_VERSION: '"test"' },
    // As in esbuild.config.mjs.
    banner: {
      js: "import { createRequire as $createRequire } from 'node:module'; const require = $createRequire(import.meta.url);",
    },
  });
  const folder = join(packageRoot, 'node_modules', '.cache', 'cachectl-test');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${basename(source, '.ts')}.mjs`);
  // Another worker may run what it made a moment ago.
  writeFileSync(`${path}.${process.pid}`, outputFiles[0]?.contents ?? '');
  renameSync(`${path}.${process.pid}`, path);
  return path;
}
