import { DeclinedError, InterruptedError, type Prompts } from '../commands/context.ts';
import type { Io } from './io.ts';
import { wrapped } from '../render/wrap.ts';
import { isInteractive } from './terminal.ts';

/** Questions on stderr, so that stdout holds the result alone. inquirer is loaded with the first question. */
export function terminalPrompts(io: Io, beforeQuestion: () => void = () => undefined): Prompts {
  const interactive = isInteractive(io);
  const ask = async <T>(question: Record<string, unknown>): Promise<T> => {
    if (!interactive)
      throw new DeclinedError('there is no terminal to ask at', 'add --yes to go ahead without a question');
    beforeQuestion();
    const { default: inquirer } = await import('inquirer');
    // Ctrl-D on an empty line, or a terminal that goes away, ends the reading without a word to the question.
    const closed = new AbortController();
    const close = () => closed.abort();
    io.stdin.once('pause', close);
    try {
      const prompt = inquirer.createPromptModule({
        output: io.stderr as NodeJS.WritableStream,
        input: io.stdin,
        signal: AbortSignal.any([io.signal, closed.signal]),
      });
      const answers = (await prompt([{ ...question, name: 'answer' }] as never)) as Record<string, unknown>;
      return answers['answer'] as T;
    } catch (error) {
      // Ctrl-C and Ctrl-D at a prompt.
      if (error instanceof Error && /^(ExitPromptError|AbortPromptError)$/.test(error.name)) {
        throw new InterruptedError('the question was left unanswered; nothing was changed');
      }
      throw error;
    } finally {
      io.stdin.off('pause', close);
    }
  };
  const fitted = (message: string, answerWidth = 1) =>
    questionLines(message, io.stderr.columns || 80, answerWidth);
  return {
    interactive,
    confirm: (message) =>
      ask({ type: 'confirm', message: fitted(message, '(y/N) yes'.length), default: false }),
    confirmByTyping: async (message, expected) =>
      (await ask<string>({ type: 'input', message: fitted(message, expected.length) })).trim() === expected,
    select: (message, choices) => ask({ type: 'select', message: fitted(message), choices, pageSize: 12 }),
    input: (message) => ask({ type: 'input', message: fitted(message) }),
    password: (message) => ask({ type: 'password', message: fitted(message) }),
  };
}

/**
 * The question in lines that break no word, as inquirer breaks them: with its mark in front of it, and room for what follows in the
 * last line.
 */
function questionLines(message: string, width: number, answerWidth: number): string {
  const answer = '\u2588'.repeat(Math.min(answerWidth, width - 1));
  const [first = '', ...lines] = wrapped(`? ${message} ${answer}`, width);
  return [first.slice(2), ...lines].join('\n').replace(/ ?\u2588+$/, '');
}
