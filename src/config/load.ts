import { InputError } from '../support/failure.ts';
import { readNamedFile } from '../support/named-file.ts';
import { crossCheck } from './cross-check.ts';
import { ConfigError, type ConfigProblem } from './find.ts';
import { Places, readJson } from './places.ts';
import { type ConfigFile, configSchema } from './schema.ts';

export interface LoadedConfig {
  readonly file: string;
  readonly config: ConfigFile;
}

/** A valid map together with where its parts stand in the text. */
export interface LocatedConfig extends LoadedConfig {
  /** A remark about the part at `path`, or about its nearest parent where nothing stands there. */
  readonly problemAt: (path: readonly PropertyKey[], message: string) => ConfigProblem;
}

/**
 * Reads and validates a map. Comments and trailing commas are allowed.
 * @throws ConfigError; InputError where it cannot be read; AbortError once the signal is aborted
 */
export async function loadConfig(file: string, signal: AbortSignal): Promise<LoadedConfig> {
  return { file, config: (await locateConfig(file, signal)).config };
}

/** The same, with positions. @throws ConfigError; InputError where it cannot be read */
export async function locateConfig(file: string, signal: AbortSignal): Promise<LocatedConfig> {
  const failure = (cause: string) =>
    new InputError(
      `\`${file}\` cannot be read: ${cause}`,
      'name another map with --config FILE; `cachectl config init` writes one',
    );
  return parseLocated((await readNamedFile(file, signal, failure)).toString(), file);
}

/** Validates the text of a map. `file` is for messages. @throws ConfigError */
export function parseConfig(text: string, file: string): ConfigFile {
  return parseLocated(text, file).config;
}

function parseLocated(text: string, file: string): LocatedConfig {
  const value = readJson(text, file);
  // Of a large map the places take longer than all else, and most maps have no problem.
  let found: Places | undefined;
  const places = () => (found ??= new Places(text));
  const problemAt = (path: readonly PropertyKey[], message: string, atName = false): ConfigProblem => {
    const names = path.map(String);
    const node = places().nearestNode(names);
    return {
      path: names.join('.'),
      ...places().positionOf(((atName && node.parent) || node).offset),
      message,
    };
  };
  const stop = (problems: readonly ConfigProblem[]) => {
    if (problems.length === 0) return;
    throw new ConfigError(
      file,
      [...problems].sort((left, right) => left.line - right.line || left.column - right.column),
    );
  };
  const result = configSchema.safeParse(value);
  const remarks = crossCheck(value);
  if (!result.success) {
    const problems = result.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => problemAt([...issue.path, key], unknownField(key, issue.path), true))
        : [problemAt(issue.path, messageOf(issue, places().nodeAt(issue.path.map(String)) === undefined))],
    );
    // A part with a problem of its own is not worth a second one.
    const broken = new Set(problems.map(({ path }) => path));
    const others = remarks
      .filter(({ path }) => !path.some((_, index) => broken.has(path.slice(0, index + 1).join('.'))))
      .map(({ path, message }) => problemAt(path, message));
    stop([...problems, ...others]);
    throw result.error;
  }
  stop(remarks.map(({ path, message }) => problemAt(path, message)));
  return { file, config: result.data, problemAt };
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
