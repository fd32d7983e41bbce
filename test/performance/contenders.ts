import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A command line that reads the whole keyspace of a server, or samples it. */
export interface Contender {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

export interface Contenders {
  readonly list: readonly Contender[];
  /** What takes part, with versions, and what does not and why; a line each. */
  readonly remarks: readonly string[];
}

export const cachectl = fileURLToPath(new URL('../../bin/cachectl', import.meta.url));
/** The variable that names a `valkey-cli` outside PATH. */
const valkeyVariable = 'CACHECTL_VALKEY_CLI';

export const redisMemkeys = 'redis-cli --memkeys';
export const valkeyMemkeys = 'valkey-cli --memkeys --count 1000';

/** A command of ours on the server at `url`, with JSON on stdout. */
export function ours(url: string, commandLine: string): Contender {
  const args = [...commandLine.split(' '), '--url', url, '--output', 'json', '--quiet'];
  return { name: `cachectl ${commandLine}`, command: cachectl, args };
}

/** A client of the servers' own that can run here. */
export interface Client {
  readonly program: Program;
  readonly command: string;
  /** `redis-cli 7.0.15` */
  readonly version: string;
  /** `--count` sets the size of its SCAN pages; else they ask for ten keys. */
  readonly takesCount: boolean;
}

const programs = ['redis-cli', 'valkey-cli'] as const;
type Program = (typeof programs)[number];

/**
 * Those of the peers' command lines that can run here. They may come from PATH or, for valkey-cli, from a variable.
 * @param names such as `redis-cli --memkeys`
 */
export function findPeers(port: number, names: readonly string[], skipSlow: boolean): Contenders {
  const list: Contender[] = [];
  const { clients, remarks } = findClients(
    programs.filter((program) => names.some((name) => name.startsWith(`${program} `))),
  );
  for (const { program, command, version, takesCount } of clients) {
    const wanted = names.filter((name) => name.startsWith(`${program} `));
    const slow = skipSlow ? wanted.filter((name) => !name.includes('--count')) : [];
    for (const name of slow) remarks.push(`left out by --skip-slow: ${name}`);
    const running = wanted.filter((name) => !slow.includes(name));
    for (const name of running)
      list.push({ name, command, args: ['-p', String(port), ...name.split(' ').slice(1)] });
    const pages = takesCount ? 'its default' : 'fixed';
    if (running.length > 0) remarks.push(`${version}: SCAN COUNT 10 (${pages}) unless --count is given`);
  }
  return { list, remarks };
}

/** The clients that are here, and a line for each that is not. */
export function findClients(wanted: readonly Program[] = programs): {
  readonly clients: readonly Client[];
  readonly remarks: string[];
} {
  const remarks: string[] = [];
  const clients: Client[] = [];
  for (const program of wanted) {
    const command = (program === 'valkey-cli' && process.env[valkeyVariable]) || program;
    const version = outputOf(command, '--version');
    if (version === null) {
      const way = program === 'valkey-cli' ? `; ${valkeyVariable} can name it` : '';
      remarks.push(`left out: ${program}, which is not on PATH${way}`);
      continue;
    }
    // Asked of the program itself: redis-cli 7.0 knows no --count, valkey-cli does.
    const takesCount = outputOf(command, '--help')?.includes('--count <') === true;
    clients.push({ program, command, version, takesCount });
  }
  return { clients, remarks };
}

/** What the program answers to the option; null where there is no such program. */
export function outputOf(command: string, option: string): string | null {
  const { error, stdout, stderr } = spawnSync(command, [option], { encoding: 'utf8' });
  return error === undefined ? (stdout + stderr).trim() : null;
}
