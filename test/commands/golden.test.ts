import { mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { connect } from '../../src/redis/connect.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli } from '../run-cli.ts';
import type { RedisProcess } from '../server/redis-process.ts';
import { sendAll, startPrivateServer, targetOf } from '../server/redis.ts';
import { requireTool } from '../server/tools.ts';
import { goldenCases, type GoldenCase, goldenFiles } from './golden-cases.ts';
import {
  alone,
  database,
  fill,
  guardedMapFor,
  mapFor,
  now,
  prepareKeyspace,
  readOnlyMapFor,
  ttlPatienceMillis,
} from './golden-keyspace.ts';
import { normalized } from './golden-text.ts';
import { windowOf } from './hits-runs.ts';

/*
 * What every command prints, byte for byte but for the rules of golden-text.ts. A server of its own, for INFO, hit rates and
 * observations are those of a whole server.
 */

const goldens = new URL('../goldens/', import.meta.url).pathname;
let redis: RedisProcess;
let server: RedisServer;
let url: string;
let folder: string;

beforeAll(async () => {
  redis = await startPrivateServer();
  if (!isTheServer()) process.stderr.write(`skipped: ${complaint()}\n`);
  url = `${redis.url}/${database}`;
  server = await connect(targetOf(url));
  await prepareKeyspace(server);
});
afterAll(async () => {
  server.close();
  await redis.stop();
  if (folder) rmSync(folder, { recursive: true });
});

/** Sizes of keys, encodings and what a lookup counts are another in each release. */
const product = 'Redis 7.0';
const isTheServer = () => redis.version.startsWith('7.0.');
const complaint = () => `the goldens are of ${product}, and the server is ${redis.version}`;

const program = buildProgram(
  { stdout: new PassThrough(), stderr: new PassThrough(), variables: {} } as unknown as Io,
  () => Promise.resolve(),
);
const pathsOf = ({ commands }: CommandUnknownOpts): string[] =>
  commands.flatMap((each) => [each.name(), ...pathsOf(each).map((path) => `${each.name()} ${path}`)]);

/** Lines on one keyspace; once more where a busy machine took so long that TTLs, or the reads in a window, are others. */
async function sectionsOf(group: readonly GoldenCase[]): Promise<string[]> {
  for (let attempt = 1; ; attempt++) {
    await startOver();
    const filledAt = performance.now();
    const sections: string[] = [];
    let isStale = false;
    for (const each of group) {
      const { text, isLate } = await sectionOf(each);
      sections.push(text);
      isStale ||= isLate || (showsTtls(each) && performance.now() - filledAt > ttlPatienceMillis);
    }
    if (!isStale || attempt === 10) return sections;
  }
}

/** A fresh keyspace, and a fresh folder with nothing in it but the map and the files of the cases. */
async function startOver(): Promise<void> {
  if (folder) rmSync(folder, { recursive: true });
  // Not in TMPDIR: the length of a path decides where lines break.
  folder = mkdtempSync(join(realpathSync('/tmp'), 'cachectl-golden-'));
  const write = (name: string, content: string) =>
    writeFileSync(join(folder, name), content, { mode: 0o644 });
  for (const [name, content] of Object.entries(goldenFiles)) write(name, content);
  write('cachectl.config.json', `${JSON.stringify(mapFor(url), null, 2)}\n`);
  write('guarded.json', JSON.stringify(guardedMapFor(url)));
  write('read-only.json', JSON.stringify(readOnlyMapFor(url)));
  await fill(server);
}

/** @returns also whether the traffic came when its window may have been over */
async function sectionOf({
  line,
  input,
  withTraffic,
}: GoldenCase): Promise<{ text: string; isLate: boolean }> {
  const [, columns, command = ''] = /^(?:(\d+): )?(.*)$/s.exec(line) ?? [];
  const begun = withTraffic && (await windowOf(server, / --mode counters/.test(line) ? 2 : undefined));
  const startedAt = performance.now();
  const run = cli(command.split(' '), {
    url,
    cwd: folder,
    // The map is found, and named where its profiles connect.
    env: {
      HOME: folder,
      NO_COLOR: '1',
      CACHECTL_REDIS_SERVER: requireTool('redis-server'),
      XDG_STATE_HOME: join(folder, 'state'),
      ...(!/^config trust|^config show -o json/.test(command) && { CACHECTL_CONFIG: 'cachectl.config.json' }),
    },
    ...(input !== undefined && { input }),
    ...(columns !== undefined && { columns: Number(columns) }),
    // What measures needs a running clock; the others see a fixed moment.
    now: measures(command) ? () => now + performance.now() - startedAt : () => now,
    random: () => 0.5,
  });
  let isLate = false;
  if (begun) {
    await begun();
    const begunAt = performance.now();
    await sendAll(server, traffic);
    isLate = performance.now() - begunAt > 80;
  }
  const { exitCode, stdout, stderr } = await run;
  await alone(server);
  const terminal = columns === undefined ? '' : `    # terminal of ${columns} columns`;
  const text =
    `$ cachectl ${command}${terminal}\n${block('stdin', input)}--- exit code ${exitCode}\n` +
    normalized(block('stdout', stdout) + block('stderr', stderr), command);
  return { text, isLate };
}

const block = (title: string, text = '') =>
  text === '' ? '' : `--- ${title}\n${text.replace(/[^\n]$/, '$&\n')}`;

const showsTtls = ({ line }: GoldenCase) =>
  /^(?:\d+: )?(?:inspect|keys|get|ttl|export|config init) (?!--help|.*-o junit|.*99$)/.test(line);
const measures = (command: string) => /^(?:watch|hits|stats --(?:hits|no-namespaces --window))/.test(command);

const traffic = [
  ...Array.from({ length: 120 }, (_, index) => ['GET', `user:${1 + (index % 50)}:profile`]),
  ...Array.from({ length: 30 }, (_, index) => ['GET', `user:${1000 + (index % 3)}:profile`]),
  ...Array.from({ length: 40 }, (_, index) => ['GET', `stats:${1 + index}:daily:2026-01-15`]),
  ...['weekly_report:1:2026-01-12', 'weekly_report:2:2026-01-12'].map((key) => ['UNLINK', key]),
  ...Array.from({ length: 10 }, (_, index) => ['GET', `weekly_report:${1 + index}:2026-01-12`]),
];

test.for(Object.entries(goldenCases))('%s prints what it has printed', async ([name, cases], context) => {
  if (!isTheServer()) context.skip(complaint());
  const helps = pathsOf(program).filter((path) => path.split(' ')[0] === name);
  const groups = [helps.map((path) => `${path} --help`), ...cases.map((entry) => [entry].flat())];
  const sections: string[] = [];
  for (const group of groups) {
    sections.push(
      ...(await sectionsOf(group.map((entry) => (typeof entry === 'string' ? { line: entry } : entry)))),
    );
  }
  await expect(sections.join('\n')).toMatchFileSnapshot(join(goldens, `${name}.txt`));
});

test('each command has a golden file, and each file a command', () => {
  const commands = program.commands.map((each) => each.name()).filter((name) => name !== 'complete');
  const names = [...commands, 'program'].sort();
  expect(Object.keys(goldenCases).sort()).toEqual(names);
  const files = new Set(names.map((name) => `${name}.txt`));
  expect(readdirSync(goldens).filter((file) => !files.has(file))).toEqual([]);
});
