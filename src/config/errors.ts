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
    const lines = problems.map(
      ({ path, line, column, message }) => `  ${line}:${column}  ${path || '(file)'}  ${message}`,
    );
    super([`\`${file}\` is not a valid map:`, ...lines].join('\n'));
  }
}
