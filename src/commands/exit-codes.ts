/** The exit codes of every command; part of the contract, and printed by `--help`. */
export const exitCodes = {
  success: 0,
  negative: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
  declined: 5,
  bug: 70,
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const exitCodeHelp: readonly (readonly [code: ExitCode, meaning: string])[] = [
  [0, 'success; also when nothing matched, or the reader of a pipe went away'],
  [
    1,
    'the answer is negative: a check failed, a threshold was missed, a key that was named is not there, some items failed',
  ],
  [2, 'usage or configuration'],
  [3, 'cannot connect or log in'],
  [4, 'refused by the server: permissions, read-only, loading, out of memory'],
  [5, 'declined or not confirmed'],
  [70, 'a bug in cachectl'],
  [130, 'interrupted by Ctrl-C (143: by SIGTERM, 129: by SIGHUP, as when the terminal is closed)'],
];

export const exitCodeLines = exitCodeHelp
  .map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`)
  .join('\n');
