import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('.', import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['src/main.ts'],
  outdir: 'dist',
  bundle: true,
  // Splitting keeps what a command loads when it runs (ioredis, inquirer, ora, chalk) out of `--help` and `--version`.
  splitting: true,
  format: 'esm',
  platform: 'node',
  // jsonc-parser's main file is UMD, which cannot be bundled.
  mainFields: ['module', 'main'],
  target: 'node20',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  chunkNames: 'chunks/[name]-[hash]',
  define: { CACHECTL_VERSION: JSON.stringify(version) },
  // The CommonJS packages inside an ESM bundle still call `require` for Node's built-ins.
  banner: {
    js: "import { createRequire as $createRequire } from 'node:module'; const require = $createRequire(import.meta.url);",
  },
  metafile: true,
  logLevel: 'warning',
});

// What an earlier build left goes last, so that a program that runs meanwhile still finds its chunks.
const built = new Set(Object.keys(metafile.outputs));
for (const entry of readdirSync(join(root, 'dist'), { recursive: true, withFileTypes: true })) {
  const file = relative(root, join(entry.parentPath ?? entry.path, entry.name));
  if (entry.isFile() && !built.has(file)) rmSync(join(root, file));
}
