import type { Refusal } from './facts.ts';

/** What the round trip needs. The server names only the first rule that is missing. */
const roundTripRules = ['+set', '+get', '+unlink', '~cachectl:check:*'];

/** How an administrator grants all that the refused commands need, in one command. */
export function grantRemedy(username: string | null, refusals: readonly Refusal[]): string {
  const rules = new Set(refusals.flatMap(rulesFor));
  return `an administrator grants it with \`ACL SETUSER ${username ?? 'default'} ${[...rules].join(' ')}\``;
}

function rulesFor({ command, error }: Refusal): readonly string[] {
  switch (command) {
    case 'SELECT':
      // Refused at the door, before anything else could be asked.
      return ['+select', '+ping', '+info', ...roundTripRules];
    case 'SET':
    case 'GET':
      return roundTripRules;
    default:
      return [
        /permissions to access/.test(error.message) ? '~cachectl:check:*' : `+${command.toLowerCase()}`,
      ];
  }
}
