import type { CommandUnknownOpts, Option } from '@commander-js/extra-typings';
import { eachArgument, listArgument } from '../commands/arguments.ts';
import { InputError } from '../support/failure.ts';

/** True for options that collect what they are given each time. */
export const isRepeatable = ({ parseArg, variadic }: Option) =>
  variadic || parseArg === listArgument || parseArg === eachArgument;

/**
 * Refuses every option of the command and its subcommands that is given twice, or together with its opposite: commander would
 * take the last, and half of what was asked for would be done. Options that collect are left alone.
 */
export function refuseRepetition(command: CommandUnknownOpts): void {
  const seen = new Map<string, string>();
  for (const option of command.options) {
    if (isRepeatable(option)) continue;
    const flag = option.long ?? option.flags;
    command.on(`option:${option.name()}`, () => {
      const before = seen.get(option.attributeName());
      seen.set(option.attributeName(), flag);
      if (before === undefined) return;
      throw before === flag
        ? new InputError(
            `\`${flag}\` was given twice`,
            'give it once: it takes one value, and the last would win',
          )
        : new InputError(`\`${before}\` and \`${flag}\` contradict each other`, 'give one of them');
    });
  }
  for (const each of command.commands) refuseRepetition(each);
}
