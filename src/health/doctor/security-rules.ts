import { count, say } from '../../support/phrase.ts';
import { isApplication } from './server-facts.ts';
import { Missing, ofNodes, type Rule, symptom } from './rule.ts';

const docs = 'https://redis.io/docs/latest/operate/oss_and_stack/management/security';

/** Rules about who may do what: CC401 and on. */
export const securityRules: readonly Rule[] = [
  {
    number: 'CC401',
    id: 'open-default-user',
    severity: 'critical',
    question: 'does the server ask for a password?',
    remedy:
      'create a user for each application, then `ACL SETUSER default off`, or set `requirepass`; do the same in the configuration file',
    source: `${docs}/`,
    assess: ofNodes('users', ({ openDefaultUser }, { settings }) => {
      if (openDefaultUser === null) return new Missing(say`\`ACL GETUSER\` is refused`);
      if (!openDefaultUser) return [];
      const known = settings instanceof Missing ? null : settings;
      const bind = known?.get('bind') ?? null;
      const isProtected = known?.get('protected-mode') === 'yes';
      const isLocal =
        bind !== null && bind.split(' ').every((each) => /^-?(127\.|::1$|localhost$)/.test(each));
      const [reach, severity] = isProtected
        ? ([say`; \`protected-mode\` keeps out all but this machine`, 'notice'] as const)
        : isLocal
          ? ([say`; it listens on this machine alone`, 'notice'] as const)
          : known === null
            ? ([say`; from where it can be reached is not known`, 'warning'] as const)
            : ([say`, from wherever it can be reached`, 'critical'] as const);
      return [
        symptom(
          [...say`the default user needs no password`, ...reach],
          { bind, protectedMode: known === null ? null : isProtected },
          { severity },
        ),
      ];
    }),
  },
  {
    number: 'CC402',
    id: 'dangerous-commands',
    severity: 'notice',
    question: 'may applications only do what they need?',
    remedy:
      '`ACL SETUSER name -@dangerous +info` for applications; `cachectl acl` prints the least rights for this program',
    source: `${docs}/acl/`,
    assess: ofNodes('users', ({ dangerous }, { clients }) => {
      if (clients instanceof Missing) return clients;
      return dangerous.flatMap(({ user, commands }) => {
        const own = clients.filter((each) => each['user'] === user && isApplication(each));
        if (own.length === 0) return [];
        const connections = own.length;
        return symptom(
          say`${count(connections, 'connection')} as \`${user}\`, who may call ${commands.join(', ')}`,
          { user, commands: commands.join(' '), connections },
          { subject: user },
        );
      });
    }),
  },
];
