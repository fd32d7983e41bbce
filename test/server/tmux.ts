import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A tmux server of its own, over one connection: a process for each command costs more than what is tested. */
export interface Tmux {
  /** Runs a command, and gives what it prints. @throws Error with tmux's own words */
  run(...words: readonly string[]): Promise<string>;
  /** Resolves when the next thing happens in the terminal. */
  nextChange(): Promise<void>;
  /** Ends the server and all in it. */
  stop(): Promise<void>;
}

interface Waiting {
  readonly resolve: (output: string) => void;
  readonly reject: (error: Error) => void;
}

/** Starts a server that runs these commands first, and attaches to the session that they make. */
export function startTmux(
  program: string,
  socketPath: string,
  env: Readonly<Record<string, string>>,
  first: readonly (readonly string[])[],
): Tmux {
  const commands = [...first, ['attach-session']].flatMap((words) => [';', ...words]).slice(1);
  const child = spawn(program, ['-u', '-C', '-S', socketPath, '-f', '/dev/null', ...commands], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const waiting: Waiting[] = [];
  const changes = new Set<() => void>();
  const ended = once(child, 'close').then(() => {
    for (const { reject } of waiting.splice(0)) reject(new Error('tmux has ended'));
  });
  child.stdin.on('error', () => undefined);
  createInterface(child.stdout).on(
    'line',
    lineReader(
      (output, isError) => {
        const command = waiting.shift();
        if (isError) command?.reject(new Error(output));
        else command?.resolve(output);
      },
      () => {
        for (const resolve of changes) resolve();
        changes.clear();
      },
    ),
  );
  const run = (...words: readonly string[]) =>
    new Promise<string>((resolve, reject) => {
      if (child.exitCode !== null) throw new Error('tmux has ended');
      waiting.push({ resolve, reject });
      child.stdin.write(`${words.map(quoted).join(' ')}\n`);
    });
  return {
    run,
    nextChange: () => new Promise((resolve) => void changes.add(resolve)),
    stop: async () => {
      await run('kill-server').catch(() => undefined);
      await ended;
    },
  };
}

const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;

/**
 * Reads what tmux writes in control mode: `%begin time number 1`, the lines that a command of ours prints, and `%end` or
 * `%error` with the same figures; between such blocks lines that say what has happened. Blocks of flag 0 are of other commands.
 */
function lineReader(answer: (output: string, isError: boolean) => void, change: () => void) {
  let block: { readonly figures: string; readonly lines: string[] } | null = null;
  return (line: string) => {
    const [, sign = '', figures = ''] = /^%(begin|end|error) (\d+ \d+ \d+)$/.exec(line) ?? [];
    if (block === null) {
      if (sign === 'begin') block = { figures, lines: [] };
      else change();
    } else if (figures === block.figures && sign !== 'begin') {
      const output = block.lines.map((each) => `${each}\n`).join('');
      block = null;
      if (figures.endsWith(' 1')) answer(output, sign === 'error');
    } else block.lines.push(line);
  };
}
