import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { groupBy } from '../support/collections.ts';

export const configFileName = 'cachectl.config.json';

/** A map's file, and how it came into use. */
export interface FoundConfig {
  readonly file: string;
  /** `discovered`: found from the working directory upwards, where strangers may have put it. */
  readonly source: '--config' | 'CACHECTL_CONFIG' | 'discovered' | 'user configuration';
}

/**
 * The file to use: the one that --config names, else CACHECTL_CONFIG, else the nearest `cachectl.config.json` from `cwd`
 * upwards, else the one in the XDG configuration folder, else null.
 */
export function findConfigFile(
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
  option?: string,
): FoundConfig | null {
  if (option !== undefined) return { file: resolve(cwd, option), source: '--config' };
  const variable = env['CACHECTL_CONFIG'];
  if (variable !== undefined && variable !== '')
    return { file: resolve(cwd, variable), source: 'CACHECTL_CONFIG' };
  const shared = sharedConfigFile(env);
  const discovered = discoverConfigFile(cwd);
  if (discovered !== null && discovered !== shared) return { file: discovered, source: 'discovered' };
  return existsSync(shared) ? { file: shared, source: 'user configuration' } : null;
}

/** The nearest map from `cwd` upwards. */
export function discoverConfigFile(cwd: string): string | null {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const candidate = join(folder, configFileName);
    if (existsSync(candidate)) return candidate;
    if (dirname(folder) === folder) return null;
  }
}

function sharedConfigFile(env: Readonly<Record<string, string | undefined>>): string {
  // A relative XDG_CONFIG_HOME is invalid by its specification, and ignored.
  const xdg = env['XDG_CONFIG_HOME']?.startsWith('/')
    ? env['XDG_CONFIG_HOME']
    : join(env['HOME'] ?? '/', '.config');
  return join(xdg, 'cachectl', configFileName);
}

/** One thing wrong with a configuration file. `path` is like `namespaces.user.ttl`; line and column count from 1. */
export interface ConfigProblem {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(
    readonly file: string,
    readonly problems: readonly ConfigProblem[],
  ) {
    const lines = problemLines(problems).map((line) => `  ${line}`);
    super([`\`${file}\` is not a valid map:`, ...lines].join('\n'));
  }
}

/** More parts of which the same is said share a line. */
const mostAlike = 5;
const mostNamed = 3;
const mostLines = 50;

/** For people: a line for each problem; a large map has the same one in thousands of places, which share a line. */
export function problemLines(problems: readonly ConfigProblem[]): string[] {
  const lineOf = ({ path, line, column, message }: ConfigProblem) =>
    `${line}:${column}  ${path || '(file)'}  ${message}`;
  const lines = [...groupBy(problems, ({ message }) => message).values()].flatMap((alike) => {
    const [first] = alike;
    if (first === undefined || alike.length <= mostAlike) return alike.map(lineOf);
    const named = alike
      .slice(1, 1 + mostNamed)
      .map(({ path, line, column }) => `${path} (${line}:${column})`);
    const more = (alike.length - 1).toLocaleString('en-US');
    return `${lineOf(first)}; and ${more} more, such as ${named.join(', ')}`;
  });
  if (lines.length <= mostLines) return lines;
  const left = (lines.length - mostLines).toLocaleString('en-US');
  return [
    ...lines.slice(0, mostLines),
    `and ${left} more lines; \`cachectl config validate -o json\` lists everything`,
  ];
}
