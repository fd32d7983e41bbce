import { InputError } from '../support/failure.ts';
import { readNamedFile } from '../support/named-file.ts';
import { crossCheck } from './cross-check.ts';
import { ConfigError, type ConfigProblem } from './find.ts';
import { locate, type LocatedRemark, readJson } from './places.ts';
import { type ConfigFile, configSchema } from './schema.ts';

export interface LoadedConfig {
  readonly file: string;
  readonly config: ConfigFile;
}

/**
 * Reads and validates a map. Comments and trailing commas are allowed.
 * @throws ConfigError; InputError where it cannot be read; AbortError once the signal is aborted
 */
export async function loadConfig(file: string, signal: AbortSignal): Promise<LoadedConfig> {
  return { file, config: parseConfig(await readMapText(file, signal), file) };
}

/** @throws InputError where it cannot be read; AbortError once the signal is aborted */
export async function readMapText(file: string, signal: AbortSignal): Promise<string> {
  const failure = (cause: string) =>
    new InputError(
      `\`${file}\` cannot be read: ${cause}`,
      'name another map with --config FILE; `cachectl config init` writes one',
    );
  return (await readNamedFile(file, signal, failure)).toString();
}

/** Validates the text of a map. `file` is for messages. @throws ConfigError */
export function parseConfig(text: string, file: string): ConfigFile {
  const value = readJson(text, file);
  const result = configSchema.safeParse(value);
  const remarks = crossCheck(value);
  const stop = (all: readonly LocatedRemark[]) => {
    const byPlace = (left: ConfigProblem, right: ConfigProblem) =>
      left.line - right.line || left.column - right.column;
    if (all.length > 0) throw new ConfigError(file, locate(text, all).sort(byPlace));
  };
  if (result.success) {
    stop(remarks);
    return result.data;
  }
  const problems = result.error.issues.flatMap((issue): LocatedRemark[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          path: [...issue.path, key],
          message: unknownField(key, issue.path),
          atName: true,
        }))
      : [{ path: issue.path, message: messageOf(issue, partAt(value, issue.path) === undefined) }],
  );
  // A part with a problem of its own is not worth a second one.
  const broken = new Set(problems.map(({ path }) => path.join('.')));
  const others = remarks.filter(
    ({ path }) => !path.some((_, index) => broken.has(path.slice(0, index + 1).join('.'))),
  );
  stop([...problems, ...others]);
  throw result.error;
}

function partAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (part, step) => (part as Record<PropertyKey, unknown> | undefined)?.[step],
    value,
  );
}

interface Issue {
  readonly code?: string | undefined;
  readonly message: string;
  readonly errors?: readonly (readonly Issue[])[];
}

/** A union reports each branch; what a parser of ours says about a text is the message worth reading. */
function messageOf(issue: Issue, isMissing: boolean): string {
  const message =
    parserMessage(issue) ?? issue.message.replace(/^(Invalid (input|option)|Too (big|small)): /, '');
  const expected = message.replace(/, received undefined$/, '').replaceAll('"|"', '", "');
  return isMissing ? `is missing: ${expected}` : expected;
}

function parserMessage(issue: Issue): string | undefined {
  if (issue.code === 'custom') return issue.message;
  return issue.errors
    ?.flat()
    .map(parserMessage)
    .find((message) => message !== undefined);
}

/** Fields that stand in other parts of the map, which is the most common reason for an unknown one. */
const homes: Readonly<Record<string, string>> = {
  patterns: 'a namespace has `pattern`, an entity has `patterns`',
  pattern: 'a namespace has `pattern`, an entity has `patterns`',
  password: 'name the password with `passwordEnv` or `passwordFile`',
  ttlSeconds: 'a namespace has `ttl`, in seconds or as "1h"',
};

function unknownField(key: string, path: readonly PropertyKey[]): string {
  const hint = path.length > 0 && Object.hasOwn(homes, key) ? homes[key] : undefined;
  return hint === undefined ? 'is not a known field' : `is not a known field here: ${hint}`;
}
