import { eachArgument } from '../arguments.ts';
import { type DefineCommand, examples } from '../runner.ts';

export const defineAcl: DefineCommand = (program, run) => {
  program
    .command('acl')
    .summary('the least rights that commands need, as an ACL line')
    .description(
      'Prints the ACL SETUSER line of a user that may do what the commands do, and no more, and what each right is for. ' +
        'Asks the server which commands it has; where none answers, the line is for Redis 7.0. Options that ' +
        'change what a command needs follow it: check --no-write.',
    )
    .argument('<commands...>', 'commands of cachectl, with their options')
    .allowUnknownOption()
    .option('--user <name>', 'name of the user', 'cachectl')
    .option(
      '--keys <pattern>',
      'keys that it may touch, as the server matches them; several times',
      eachArgument,
    )
    .option('--required-only', 'leave out rights without which a command runs and shows less')
    .addHelpText(
      'after',
      examples(
        ['cachectl acl stats inspect hits', 'a user that looks, and writes nothing'],
        ["cachectl acl invalidate --keys 'user:*'", 'for one prefix'],
        ['cachectl acl check --no-write', 'without the key that check writes'],
        ['cachectl acl hits --user observer | redis-cli', 'sets it up; the password comes after'],
      ),
    )
    .action((words, options, self) =>
      run(self, async () => (await import('./run.ts')).aclExecution({ words, ...options })),
    );
};
