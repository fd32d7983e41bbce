import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import Module from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';
import { Script } from 'node:vm';

/** What Node 22.1 and newer have, and the types of Node 20 do not know. */
type EnableCompileCache = (folder: string) => unknown;

/**
 * Keeps what V8 made of the program's code, for the next run of the same command: of what a short one takes
 * beyond Node's own start, compiling is a quarter. Node does it from 22.1 on; for Node 20 it is done here, for the `.cjs` files of the bundle. Where there is no folder for
 * it, or one that another user can write to, each run compiles again. NODE_DISABLE_COMPILE_CACHE=1 switches it off.
 */
export function keepCompiledCode(command = ''): void {
  const folder = cacheFolder();
  if (folder === null || process.env['NODE_DISABLE_COMPILE_CACHE'] === '1') return;
  const { enableCompileCache } = Module as { enableCompileCache?: EnableCompileCache };
  if (enableCompileCache) enableCompileCache(folder);
  else
    keepInFile(join(folder, `${process.version}-${process.arch}`, /^[a-z]+$/.exec(command)?.[0] ?? 'help'));
}

/** Code that another user put there would run as this one. */
function cacheFolder(): string | null {
  const { XDG_CACHE_HOME: cache, HOME: home } = process.env;
  const base = cache !== undefined && isAbsolute(cache) ? cache : home && join(home, '.cache');
  if (!base) return null;
  const folder = join(base, 'cachectl');
  try {
    makeFolder(base);
    makeFolder(folder);
    const { uid, mode } = statSync(folder);
    return uid === process.getuid?.() && (mode & 0o022) === 0 ? folder : null;
  } catch {
    return null;
  }
}

/** One file for each command, which holds only the functions that it uses: V8 reads all that is kept. */
function keepInFile(file: string): void {
  const kept = read(file);
  const scripts = new Map<string, Script>();
  let isWhole = true;
  const compile = (module: NodeJS.Module, path: string) => {
    const cachedData = kept.get(path);
    const script = new Script(Module.wrap(readFileSync(path, 'utf8')), {
      filename: path,
      ...(cachedData && { cachedData }),
    });
    scripts.set(path, script);
    isWhole &&= cachedData !== undefined && script.cachedDataRejected === false;
    const run = script.runInThisContext() as (...scope: unknown[]) => void;
    run.call(module.exports, module.exports, module.require.bind(module), module, path, dirname(path));
  };
  (Module as unknown as { _extensions: Record<string, typeof compile> })._extensions['.cjs'] = compile;
  process.on('exit', (exitCode) => {
    if (isWhole || exitCode === 2) return;
    try {
      makeFolder(dirname(file));
      const draft = `${file}.${process.pid}`;
      const code = [...scripts].map(([path, script]) => [path, script.createCachedData()] as const);
      const lengths = code.map(([path, data]) => [path, data.length]);
      const head = Buffer.from(`${JSON.stringify(lengths)}\n`);
      writeFileSync(draft, Buffer.concat([head, ...code.map(([, data]) => data)]), { mode: 0o600 });
      renameSync(draft, file);
    } catch {
      // The next run compiles again.
    }
  });
}

function makeFolder(path: string): void {
  if (!existsSync(path)) mkdirSync(path, { mode: 0o700 });
}

/** A line of JSON with the paths and their lengths, then the data. Empty where there is no such file, or it was cut off. */
function read(file: string): ReadonlyMap<string, Buffer> {
  try {
    const bytes = readFileSync(file);
    let at = bytes.indexOf(0x0a) + 1;
    const lengths = JSON.parse(bytes.toString('utf8', 0, at)) as [path: string, length: number][];
    const code = lengths.map(([path, length]) => [path, bytes.subarray(at, (at += length))] as const);
    return new Map(at === bytes.length ? code : []);
  } catch {
    return new Map();
  }
}
