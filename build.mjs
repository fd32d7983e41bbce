import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('.', import.meta.url));
const dist = join(root, 'dist');
const packageOf = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** What is loaded together becomes a file each: for `--help`, for any command that runs, and for one that connects. */
const layers = ['src/cli/program.ts', 'src/cli/execute.ts', 'src/redis/connect.ts'];

/** For each layer the modules that its file imports without `import()`; those of main.ts are there already. */
const modulesOf = new Map();
const findLayers = {
  name: 'layers',
  buildEnd() {
    const reach = (id, seen = new Set()) => {
      if (seen.has(id)) return seen;
      seen.add(id);
      for (const imported of this.getModuleInfo(id)?.importedIds ?? []) reach(imported, seen);
      return seen;
    };
    const first = reach(join(root, 'src/main.ts'));
    for (const layer of layers)
      modulesOf.set(layer, new Set([...reach(join(root, layer))].filter((id) => !first.has(id))));
  },
};

/** commander loads it for subcommands that are programs of their own. There are none, and Node takes 10 ms for it. */
const withoutChildProcess = {
  name: 'without-child-process',
  resolveId: (source, importer) =>
    source === 'node:child_process' && importer?.includes('/commander/') ? '\0nothing' : null,
  load: (id) => (id === '\0nothing' ? 'module.exports = {};' : null),
};

/**
 * Commands are sent by `call` alone. For the 500 methods that ioredis makes of the names of commands V8 takes a third of the time
 * in which the file is read.
 */
const allCommands = 'commands_1.list.filter((command) => command !== "monitor")';
const withoutMethodsByName = {
  name: 'without-methods-by-name',
  transform(code, id) {
    if (!id.endsWith('/ioredis/built/utils/Commander.js')) return null;
    if (!code.includes(allCommands)) throw new Error(`${id} is not as expected: see build.mjs`);
    return code.replace(allCommands, '[]');
  },
};

async function bundled(input, plugins, codeSplitting) {
  const bundle = await rolldown({
    cwd: root,
    input,
    platform: 'node',
    // jsonc-parser's `main` is of UMD, whose own calls of require no bundler sees.
    resolve: { mainFields: ['module', 'main'] },
    preserveEntrySignatures: false,
    checks: { ineffectiveDynamicImport: false },
    transform: { target: 'node20', define: { CACHECTL_VERSION: JSON.stringify(packageOf(root).version) } },
    plugins,
  });
  const { output } = await bundle.write({
    dir: dist,
    // On Node 20, only of CommonJS can be kept what V8 compiled: src/cli/compiled-code.ts.
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: 'chunks/[name]-[hash].cjs',
    minify: { compress: true, mangle: false, codegen: true },
    codeSplitting,
  });
  await bundle.close();
  return output;
}

const program = await bundled('src/main.ts', [findLayers, withoutChildProcess, withoutMethodsByName], {
  includeDependenciesRecursively: false,
  groups: layers.map((layer, index) => ({
    name: layer.replace(/.*\/|\.ts$/g, ''),
    priority: layers.length - index,
    test: (id) => modulesOf.get(layer).has(id),
  })),
});
// A file by itself: it is read by each thread, and shares nothing with the chunks, which lead to main.
const thread = await bundled({ 'bench-thread': 'src/bench/thread.ts' }, [], false);
const output = [...program, ...thread];
writeFileSync(join(dist, 'LICENSES.txt'), licenses(output.flatMap(({ moduleIds = [] }) => moduleIds)));

// What an earlier build left goes last, so that a program that runs meanwhile still finds its chunks.
const built = new Set(['LICENSES.txt', ...output.map(({ fileName }) => fileName)]);
for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  const file = relative(dist, join(entry.parentPath ?? entry.path, entry.name));
  if (entry.isFile() && !built.has(file)) rmSync(join(dist, file));
}

/** The licenses of the packages that are in the bundle, as their terms ask for. */
function licenses(moduleIds) {
  const folders = moduleIds.flatMap((id) => /^\/.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id) ?? []);
  return [...new Set(folders)]
    .sort()
    .map((folder) => {
      const { name, version, license } = packageOf(folder);
      const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
      return `${name} ${version} (${license})\n\n${file ? readFileSync(join(folder, file), 'utf8').trim() : ''}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}
