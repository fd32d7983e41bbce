import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { helpTopics, type HelpTopic, topicNamed } from '../commands/help/topics.ts';
import { InputError } from '../support/failure.ts';
import { meantText } from '../support/similar.ts';
import { readWords } from './words.ts';

/** What the line asks for: a topic, or a command line that commander answers with its help, or with what is wrong. */
export type HelpRequest = { readonly topic: HelpTopic } | { readonly argv: readonly string[] };

/**
 * `help config init` as `config init --help`, and `nope --help` as `nope`: commander would print the help of `config` for the one,
 * and the general help for the other, as if nothing were wrong. @throws InputError for a word that is like a topic
 */
export function helpRequest(program: CommandUnknownOpts, argv: readonly string[]): HelpRequest {
  const { operands, options } = readWords(program, argv);
  const isCommand = operands[0] === 'help';
  if (!isCommand && options['help'] !== true) return { argv };
  const asked = isCommand ? operands.slice(1) : operands;
  const topic = isCommand ? topicNamed(asked[0]) : undefined;
  if (topic !== undefined) return { topic };
  const path: string[] = [];
  for (let commands = program.commands; commands.length > 0 && path.length < asked.length;) {
    const word = asked[path.length] ?? '';
    if (word === 'help') break;
    const command = commands.find((each) => each.name() === word);
    if (command === undefined) {
      requireNoTopic(isCommand && path.length === 0, word);
      return { argv: [...path, word] };
    }
    path.push(word);
    commands = command.commands;
  }
  return { argv: [...path, '--help'] };
}

/** commander knows what is like a command, and no topics. */
function requireNoTopic(mayBeTopic: boolean, word: string): void {
  const meant = mayBeTopic
    ? meantText(
        word,
        helpTopics.map(([name]) => name),
      )
    : '';
  if (meant === '') return;
  const names = helpTopics.map(([name]) => name).join(', ');
  throw new InputError(`there is no topic \`${word}\``, `${meant}the topics are ${names}`);
}
