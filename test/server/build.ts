import { execFile } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const ingredients = ['src', 'package.json', 'package-lock.json', 'build.mjs'];

/** Builds the bundle where it is older than what it is made of. @returns what the bundler said when it failed, or null */
export function buildBundle(): Promise<string | null> {
  const built = changedAt('dist/main.cjs');
  if (built > 0 && ingredients.every((path) => changedAt(path) < built)) return Promise.resolve(null);
  return new Promise((resolve) => {
    execFile(process.execPath, ['build.mjs'], { cwd: root }, (error, stdout, stderr) => {
      resolve(error ? `${stdout}${stderr}`.trim() || error.message : null);
    });
  });
}

/** When a file, or the newest file of a folder, was last written: milliseconds since the epoch; 0 where there is none. */
function changedAt(path: string): number {
  const stats = statSync(join(root, path), { throwIfNoEntry: false });
  if (stats === undefined) return 0;
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(stats.mtimeMs, ...readdirSync(join(root, path)).map((name) => changedAt(join(path, name))));
}
