import { processIo } from './cli/io.ts';
import { runCli } from './cli/program.ts';

const exitCode = await runCli(process.argv.slice(2), processIo());
// A result that could not be written has already set one.
process.exitCode ??= exitCode;
