import { version } from './cli/version.ts';

/** @returns the exit code */
async function run(argv: readonly string[]): Promise<number> {
  const { keepCompiledCode } = await import('./cli/compiled-code.ts');
  keepCompiledCode(argv[0]);
  const { processIo, runCli } = await import('./cli/program.ts');
  return runCli(argv, processIo());
}

const argv = process.argv.slice(2);
if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) process.stdout.write(`${version}\n`);
else
  void run(argv).then((exitCode) => {
    // A result that could not be written has already set one.
    process.exitCode ??= exitCode;
  });
