import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** The walls: who may import what. Each entry forbids, outside its home, what only that home may know. */
const homes = [
  { home: ['src/redis/**'], names: ['ioredis'], why: 'only src/redis knows the client library' },
  {
    home: ['src/render/**'],
    names: ['chalk', 'cli-table3', 'd3-hierarchy'],
    why: 'only src/render chooses colors and draws tables and pictures',
  },
  {
    home: ['src/cli/**'],
    names: ['inquirer', 'ora'],
    why: 'only src/cli talks to the person at the terminal',
  },
  {
    home: ['src/cli/**', 'src/commands/**', 'src/main.ts'],
    names: ['commander', '@commander-js/extra-typings'],
    why: 'only src/cli and src/commands know the command framework',
  },
  {
    home: ['src/config/**'],
    names: ['jsonc-parser'],
    why: 'only src/config reads the map',
  },
  {
    home: ['src/config/**', 'src/commands/**'],
    names: ['zod'],
    why: 'only the map, and what an agent sends, is validated by a schema',
  },
];

/**
 * The rooms of src, each above those before it: a room imports only what comes before it. So there is no circle between rooms.
 * `render` is apart: it knows blocks and units alone.
 */
const rooms = [
  ...['support', 'curves', 'redis', 'keyspace', 'records', 'traffic', 'config', 'changes'],
  ...['bench', 'health', 'watch', 'sandbox', 'render', 'commands', 'cli'],
];
const forbiddenTo = (room) =>
  room === 'render'
    ? rooms.filter((other) => other !== 'render' && other !== 'support')
    : rooms.slice(rooms.indexOf(room) + 1);

const directions = rooms.map((room) => ({
  files: [`src/${room}/**`],
  patterns: [
    {
      group: forbiddenTo(room).map((other) => `**/${other}/**`),
      message: `src/${room} must not know these; ARCHITECTURE.md has the order of the rooms`,
    },
  ].filter(({ group }) => group.length > 0),
}));

const importRule = (files) => {
  const direction = directions.find((entry) => entry.files.some((glob) => files.includes(glob)));
  const paths = homes
    .filter(({ home }) => !home.some((glob) => files.includes(glob)))
    .flatMap(({ names, why }) => names.map((name) => ({ name, message: why })));
  return ['error', { paths, patterns: direction?.patterns ?? [] }];
};

const folders = [['src/main.ts'], ...rooms.map((room) => [`src/${room}/**`])];

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'coverage', 'completions'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked.map((config) => ({ ...config, files: ['**/*.ts'] })),
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      'no-console': 'error',
      // Escaping control characters is a part of the job.
      'no-control-regex': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true, argsIgnorePattern: '^_' }],
      'max-lines': ['error', { max: 400 }],
    },
  },
  ...folders.map((files) => ({
    files,
    rules: { '@typescript-eslint/no-restricted-imports': importRule(files) },
  })),
  {
    files: ['src/**'],
    ignores: ['src/cli/**', 'src/main.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        { name: 'process', message: 'only src/cli and src/main.ts touch the process' },
      ],
      '@typescript-eslint/no-restricted-types': 'off',
    },
  },
  {
    files: ['src/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'exit',
          message: 'cuts off buffered output: set process.exitCode once, in main',
        },
      ],
    },
  },
  {
    files: ['*.mjs', '*.js', 'test/libraries/*.mjs'],
    languageOptions: { globals: { URL: 'readonly', fetch: 'readonly', process: 'readonly' } },
  },
);
