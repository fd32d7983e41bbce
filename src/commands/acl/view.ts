import { type Block, note, notes } from '../../render/blocks.ts';
import { fieldsOf, tableOf } from '../../render/table.ts';

/** The result of `acl`, as JSON shows it. */
export interface AclResult {
  readonly user: string;
  /** Of the keys that the user may touch. */
  readonly patterns: readonly string[];
  /** Each with its options. */
  readonly commandLines: readonly string[];
  readonly line: string;
  /** For the Sentinels, which have users of their own; null where the profile names none. */
  readonly sentinelLine: string | null;
  /** Product and version are null where no server answered. */
  readonly server: {
    readonly address: string;
    readonly product: string | null;
    readonly version: string | null;
  };
  /** Commands that servers of this version have, and this one has not, or hides. */
  readonly missingCommands: readonly string[];
  readonly rights: readonly {
    readonly right: string;
    readonly command: string;
    /** Null: required. */
    readonly loses: string | null;
  }[];
}

const { text } = fieldsOf<AclResult['rights'][number]>();
const lineFields = fieldsOf<Pick<AclResult, 'line'>>();

/** A program gets the line alone, ready for `redis-cli`. */
export function viewOf(result: AclResult, isPerson: boolean): Block[] {
  if (!isPerson) return [tableOf('rights', [result], [lineFields.text('line', 'LINE')])];
  const { user, server, patterns, missingCommands, sentinelLine } = result;
  const { product, version, address } = server;
  const scans = result.rights.some(({ right }) => right === '+scan') && !patterns.includes('*');
  return [
    { kind: 'text', name: 'line', title: 'For an administrator', text: result.line },
    ...(sentinelLine === null
      ? []
      : [{ kind: 'text' as const, name: 'sentinelLine', title: 'For the Sentinels', text: sentinelLine }]),
    tableOf('rights', result.rights, [
      text('right', 'RIGHT'),
      text('command', 'FOR'),
      text('loses', 'LOST WITHOUT IT', ({ loses }) => loses ?? 'required: it fails'),
    ]),
    ...notes(
      'warning',
      missingCommands.length > 0 &&
        `${address} does not have ${missingCommands.map((name) => `\`${name}\``).join(', ')}, which these commands send`,
    ),
    ...notes('dim', version !== null && `for ${product ?? ''} ${version} at ${address}`),
    note(
      'dim',
      `the line sets no password: until it has one, no one can log in as \`${user}\`; \`ACL SETUSER ${user} >PASSWORD\` in redis-cli sets it`,
    ),
    ...notes('dim', scans && 'SCAN shows the names of all keys, whatever the patterns'),
  ];
}
