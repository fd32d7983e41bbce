import { parseArgs } from 'node:util';

export interface ProgramArguments {
  readonly numbers: readonly number[];
  /** Leave out the peers that page by ten keys. */
  readonly skipSlow: boolean;
  /** The server to start. */
  readonly server: string;
}

/** The numbers of the command line in place of the defaults, `--skip-slow` and `--server PROGRAM`. @throws Error for anything else */
export function programArguments(...defaults: readonly number[]): ProgramArguments {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      'skip-slow': { type: 'boolean', default: false },
      server: { type: 'string', default: process.env['CACHECTL_TEST_REDIS_BIN'] ?? 'redis-server' },
    },
  });
  if (positionals.length > defaults.length)
    throw new Error(`at most ${defaults.length} numbers are expected, and ${positionals.length} were given`);
  const numbers = defaults.map((value, index) => {
    const text = positionals[index];
    if (text === undefined) return value;
    const number = Number(text);
    if (!(Number.isFinite(number) && number > 0)) throw new Error(`\`${text}\` is no positive number`);
    return number;
  });
  return { numbers, skipSlow: values['skip-slow'], server: values.server };
}
