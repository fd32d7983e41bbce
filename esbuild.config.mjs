import { readFileSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
const root = new URL('.', import.meta.url).pathname;

rmSync(new URL('dist', import.meta.url), { recursive: true, force: true });

await build({
  absWorkingDir: root,
  entryPoints: ['src/main.ts'],
  outdir: 'dist',
  bundle: true,
  // Splitting keeps what a command loads lazily (ioredis, inquirer, ora, chalk) out of `--help` and `--version`.
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
  logLevel: 'warning',
});
