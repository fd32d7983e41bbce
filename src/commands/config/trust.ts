import { resolve } from 'node:path';
import { configFileName, discoverConfigFile } from '../../config/find.ts';
import { loadConfig } from '../../config/load.ts';
import type { ConfigFile, ProfileConfig } from '../../config/schema.ts';
import { othersWhoWrite, revokeTrust, trustMap } from '../../config/trust.ts';
import { fileFailureText, InputError } from '../../support/failure.ts';
import { type Block, note } from '../../render/blocks.ts';
import { fieldsOf, tableOf } from '../../render/table.ts';
import { counted } from '../../render/units.ts';
import { type Context, DeclinedError, type Execution, type Outcome } from '../context.ts';
import { profileAddress } from './show.ts';

export interface TrustInput {
  /** The file as it was named; undefined: the one that is found from the working directory upwards. */
  readonly file: string | undefined;
  readonly revoke: boolean;
}

interface TrustResult {
  readonly file: string;
  readonly trusted: boolean;
  /** What the trust is about. */
  readonly profiles: readonly TrustedProfile[];
}

interface TrustedProfile {
  readonly name: string;
  /** Without user and password. */
  readonly url: string;
  readonly username: string | null;
  /** Where its password is taken from. */
  readonly passwordFrom: string;
  readonly tls: string | null;
  readonly isDefault: boolean;
}

export function trustExecution(input: TrustInput): Execution<TrustResult> {
  return {
    blank: { file: null, trusted: null, profiles: [] },
    rows: 'profiles',
    standalone: true,
    run: (context) => trust(context, input),
    view,
  };
}

async function trust(context: Context, input: TrustInput): Promise<Outcome<TrustResult>> {
  const { environment, prompts, now } = context;
  const { variables, workingDirectory } = environment;
  const file =
    input.file === undefined ? discoverConfigFile(workingDirectory) : resolve(workingDirectory, input.file);
  if (file === null) {
    throw new InputError(
      `there is no ${configFileName} in \`${workingDirectory}\` or above it`,
      'name the map: `cachectl config trust FILE`',
    );
  }
  const { config } = await loadConfig(file, context.signal);
  const result = { file, trusted: !input.revoke, profiles: profilesOf(config) };
  if (input.revoke) {
    if (!keep(() => revokeTrust(file, variables))) context.warn(`\`${file}\` was not trusted`);
    return { result };
  }
  const writers = othersWhoWrite(file, environment.owners);
  if (writers !== null) throw new InputError(`${writers.reason}: it cannot be trusted`, writers.hint);
  if (input.file === undefined) {
    if (!prompts.interactive) {
      throw new DeclinedError(
        'there is no terminal to ask at; nothing was trusted',
        `read the map, then \`cachectl config trust ${file}\``,
      );
    }
    await context.remark([profileTable(result)]);
    if (!(await prompts.confirm(`Let the profiles of ${file} connect?`)))
      throw new DeclinedError('not confirmed; nothing was trusted');
  }
  keep(() => trustMap(file, config, environment, { now: now(), by: 'config trust' }));
  return { result };
}

function keep<T>(change: () => T): T {
  try {
    return change();
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(
      `the state folder cannot be written: ${fileFailureText(error)}`,
      'name another with XDG_STATE_HOME',
    );
  }
}

function profilesOf({ profiles = {}, defaultProfile }: ConfigFile): TrustedProfile[] {
  return Object.entries(profiles).map(([name, profile]) => ({
    name,
    url: profileAddress(profile).url,
    username: profile.username ?? null,
    passwordFrom: passwordSource(profile),
    tls: profile.tls === undefined ? null : profile.tls.verify === false ? 'not verified' : 'own settings',
    isDefault: name === defaultProfile,
  }));
}

function passwordSource({ passwordEnv, passwordFile, sentinelPasswordEnv }: ProfileConfig): string {
  const own =
    passwordFile === undefined ? (passwordEnv ?? 'its URL, or REDISCLI_AUTH') : `the file ${passwordFile}`;
  return sentinelPasswordEnv === undefined ? own : `${own}; ${sentinelPasswordEnv} for the Sentinels`;
}

function profileTable({ file, profiles }: TrustResult): Block {
  const { text } = fieldsOf<TrustedProfile>();
  const fields = [
    ...[
      text('name', 'PROFILE'),
      text('url', 'URL'),
      text('username', 'USER'),
      text('passwordFrom', 'PASSWORD FROM'),
    ],
    ...[text('tls', 'TLS'), text('isDefault', 'DEFAULT')],
  ];
  return tableOf('profiles', profiles, fields, {
    title: `${counted(profiles.length, 'profile')} of ${file}`,
  });
}

function view(result: TrustResult): Block[] {
  return [
    ...(result.profiles.length === 0 ? [] : [profileTable(result)]),
    result.trusted
      ? note('good', `trusted until its profiles change; \`cachectl config trust --revoke\` ends it`)
      : note('good', `${result.file} is not trusted any more`),
  ];
}
