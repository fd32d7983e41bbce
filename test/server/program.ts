import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
const bundles = new Map<string, Promise<string>>();

/**
 * A program of the tests as one JavaScript file with all that it imports: a loader that compiles TypeScript takes a second of
 * computing at each start.
 */
export function bundled(source: string): Promise<string> {
  const path = bundles.get(source) ?? bundle(source);
  bundles.set(source, path);
  return path;
}

async function bundle(source: string): Promise<string> {
  const made = await rolldown({ cwd: packageRoot, input: source, platform: 'node' });
  const { output } = await made.generate({ format: 'esm', codeSplitting: false });
  await made.close();
  const folder = join(packageRoot, 'node_modules', '.cache', 'cachectl-test');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${basename(source, '.ts')}.mjs`);
  // Another worker may run what it made a moment ago.
  writeFileSync(`${path}.${process.pid}`, output[0].code);
  renameSync(`${path}.${process.pid}`, path);
  return path;
}
