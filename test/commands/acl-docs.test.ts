import { readFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { describe, expect, test } from 'vitest';
import { grantedTo, optionsFor } from '../../src/commands/acl/line.ts';
import { rightsOf } from '../../src/commands/acl/rights.ts';
import { cli } from '../run-cli.ts';
import { startServer, temporaryFolder } from '../server/own.ts';
import { sendAll } from '../server/redis.ts';

const path = new URL('../../docs/permissions.md', import.meta.url).pathname;
const families = ['info', 'config', 'memory', 'object', 'client', 'monitor'];

/** What a command of ours loses without a command of the server and all its subcommands, with whatever options. */
function lossOf(command: string, family: string): string {
  const options = optionsFor(command).filter(
    (option) => !/^--(no-|mode (?!soft)|form|only-missing)/.test(option),
  );
  const plain = grantedTo({ command, options: [] });
  const isNeeded = (name: string) => plain.some((right) => right.command === name && right.loses === null);
  const rights = [
    ...plain,
    ...options.flatMap((option) =>
      grantedTo({ command, options: [option] }).filter((right) => !isNeeded(right.command)),
    ),
  ];
  const own = rights.filter((right) => right.command.split('|')[0] === family);
  const texts = own.map(({ loses, only = [] }) => {
    const by = only.length === 0 ? '' : ` (${only.map((option) => `\`${option}\``).join(', ')})`;
    return `${loses ?? '**required**'}${by}`;
  });
  return [...new Set(texts)].join('; ') || '–';
}

test('docs/permissions.md has the table of rights; -u writes it', async () => {
  const rows = Object.keys(rightsOf).map((command) => [
    `\`${command === 'config' ? 'config init' : command}\``,
    ...families.map((family) => lossOf(command, family)),
  ]);
  const table = [
    ['without', ...families.map((family) => family.toUpperCase())],
    ['', ...families].map(() => '---'),
    ...rows,
  ];
  const text = table.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  const page = readFileSync(path, 'utf8').replace(
    /(<!-- rights: .*? -->)[\s\S]*(<!-- end of rights -->)/,
    (_, start: string, end: string) => `${start}\n\n${text}\n\n${end}`,
  );
  const formatted = await format(page, { ...(await resolveConfig(path)), filepath: path });
  await expect(formatted).toMatchFileSnapshot(path);
});

/** Services by what they block of the commands that are sent. Those of the subcommands alone cannot be renamed. */
const services: readonly (readonly [name: string, ...blocked: string[]])[] = [
  ['ElastiCache, MemoryDB, Azure', 'CONFIG', 'DEBUG', 'MIGRATE'],
  ['ElastiCache Serverless', 'CONFIG', 'MONITOR', 'MEMORY'],
  ['Memorystore', 'ACL', 'CLIENT', 'CLUSTER', 'COMMAND', 'CONFIG', 'MONITOR', 'OBJECT'],
  ['one that hides INFO', 'INFO', 'CONFIG'],
];

const lines = [
  ...[
    'stats',
    'watch --count 1 -i 100ms',
    'hits --for 100ms',
    'inspect',
    'keys *',
    'get page:1',
    'ttl page:1',
  ],
  ...[
    'check',
    'doctor',
    'bench --operations 100 --keys 10 --warmup 10ms',
    'export * --to all.ndjson',
    'diff all.ndjson',
  ],
  ...['invalidate --pattern page:* --yes', 'config init --file -'],
];

describe('a server without the commands that a service blocks, which are renamed', () => {
  test.each(services)('like %s runs every command that requires none of them', async (_name, ...blocked) => {
    const { redis, server } = await startServer({
      config: blocked.map((command) => `rename-command ${command} ""`),
    });
    const cwd = temporaryFolder();
    for (const line of lines) {
      await sendAll(server, [['MSET', 'page:1', 'a', 'page:2', 'b']]);
      const words = line.split(' ');
      const result = await cli(words, { url: redis.url, cwd, env: { XDG_STATE_HOME: cwd } });
      const [command = ''] = words;
      const isRefused = (rightsOf[command] ?? []).some(
        ({ command: name, loses, only }) =>
          loses === null && only === undefined && blocked.includes((name.split('|')[0] ?? '').toUpperCase()),
      );
      expect(result.exitCode, `${line}: ${result.stderr}`).toBe(isRefused ? 4 : 0);
    }
    const { stdout } = await cli(['acl', ...Object.keys(rightsOf)], { url: redis.url });
    if (!blocked.includes('COMMAND'))
      for (const name of blocked) expect(stdout).not.toContain(`+${name.toLowerCase()}|`);
  });
});
