import { type Command, type CommandUnknownOpts, Option } from '@commander-js/extra-typings';
import { countArgument, durationArgument, isCollector } from '../commands/arguments.ts';
import { type OutputFormat, outputFormats, type ReportFormat, reportFormats } from '../commands/context.ts';
import { InputError } from '../support/failure.ts';

/** Options that every command takes, before or after its name. */
export interface GlobalOptions {
  readonly url?: string;
  readonly profile?: string;
  /** The URL is a seed of a cluster. */
  readonly cluster?: true;
  readonly db?: number;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly askPassword?: true;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsServerName?: string;
  readonly insecure?: true;
  readonly timeout?: number;
  readonly retryFor?: number;
  readonly config?: string;
  readonly output?: OutputFormat | ReportFormat;
  /** Where the output comes from, where it is not an option. */
  readonly outputOrigin?: string;
  /** False with --no-color. */
  readonly color: boolean;
  readonly quiet?: true;
  readonly verbose?: true;
  /** A file. */
  readonly log?: string;
}

export function addGlobalOptions(program: Command): void {
  const adderFor = (group: string) => (flags: string, description: string) => {
    const option = new Option(flags, description).helpGroup(group);
    program.addOption(option);
    return option;
  };
  const connection = adderFor('Connection:');
  connection(
    '-u, --url <url>',
    'server to use: HOST:PORT, redis://, rediss:// or unix:// (env: CACHECTL_URL, REDIS_URL)',
  );
  connection('-p, --profile <name>', 'profile of the map to use (env: CACHECTL_PROFILE)');
  connection('--cluster', 'the server is a node of a cluster: use all of its primaries');
  connection('-n, --db <number>', 'database number').argParser(countArgument(0));
  connection('--username <name>', 'ACL user');
  connection(
    '--password-file <file>',
    'file whose first line is the password (env: REDISCLI_AUTH holds one)',
  );
  connection('--ask-password', 'ask for the password at the terminal');
  connection('--tls-ca <file>', 'certificate authority, PEM');
  connection('--tls-cert <file>', 'client certificate, PEM');
  connection('--tls-key <file>', 'key of the client certificate, PEM');
  connection('--tls-server-name <host>', 'host name to expect in the certificate');
  connection('--insecure', 'accept any certificate');
  connection(
    '--timeout <duration>',
    'longest wait for the connection and for each answer (default: 10s)',
  ).argParser(durationArgument);
  connection(
    '--retry-for <duration>',
    'how long a server that is lost or not ready is tried again, and its successor after a failover (default: 30s); where it is given, also one that does not answer at the start',
  ).argParser(durationArgument);
  connection(
    '-c, --config <file>',
    'map to use (env: CACHECTL_CONFIG; default: cachectl.config.json, searched upwards)',
  );
  const output = adderFor('Output:');
  output(
    '-o, --output <format>',
    'form of the result (env: CACHECTL_OUTPUT; default: table on a terminal, tsv in a pipe)',
  ).choices([...outputFormats, ...Object.keys(reportFormats)]);
  output('--no-color', 'no colors (env: NO_COLOR)');
  output('--verbose', 'show each command sent to a server, with its time, on stderr');
  output('--log <file>', 'write the same to the end of a file');
  output('-q, --quiet', 'no progress, no warnings, and no line about what the command cost the server');
}

/** True for options that collect what they are given each time. */
export const isRepeatable = ({ parseArg, variadic }: Option) => variadic || isCollector(parseArg);

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
