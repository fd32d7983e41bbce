import type { Command } from '@commander-js/extra-typings';
import type { Runner } from '../runner.ts';

/** Adds one subcommand to `config`. */
export type AddSubcommand = (config: Command, run: Runner) => void;
