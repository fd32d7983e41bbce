import type { KeyProblem } from '../../records/problems.ts';
import { costNotes, type ServerCost } from '../keyspace-report.ts';
import type { ExportForm } from './form.ts';
import type { OwnLookups } from '../../redis/lookups.ts';
import { type Block, caveats, fact, note, notes } from '../../render/blocks.ts';
import { counted, formatCell, formatBytes, formatSeconds } from '../../render/units.ts';
import { blankOf } from '../blank.ts';

export interface ExportResult {
  /** Null: stdout. After an early end, the file that holds what was read until then; null where there is none. */
  readonly file: string | null;
  readonly form: ExportForm;
  /** Keys that were written. */
  readonly keys: number;
  /** As they stand in the file, compressed where it is; on stdout, as they went out. */
  readonly fileBytes: number;
  /** Keys that vanished before they were read. */
  readonly skipped: number;
  readonly failed: number;
  /** Keys that the user may list but not read; among the failed. */
  readonly unreadableKeys: number;
  /** False where --limit, an interruption or a failure ended the export early. */
  readonly complete: boolean;
  /** Streams whose consumer groups are not in the file. */
  readonly streamsWithoutGroups: number;
  /**
   * Hashes of the whole database with TTLs of single fields, which are not in a file of records; null where the server does
   * not report them.
   */
  readonly hashesWithFieldTtls: number | null;
  /** Keys by Redis type. */
  readonly types: Readonly<Record<string, number>>;
  /** True on servers before 7.2, which take reading for a use of the key. */
  readonly idleTimesReset: boolean;
  /** The first 20 that failed. */
  readonly problems: readonly KeyProblem[];
  readonly serverCost: ServerCost;
}

export const blankExport = blankOf<ExportResult>()(`
  file form keys fileBytes skipped failed unreadableKeys complete streamsWithoutGroups hashesWithFieldTtls
  types idleTimesReset problems[] serverCost
`);

/** For --to: facts for programs, and sentences for people. */
export function viewExport(result: ExportResult, own: OwnLookups): Block[] {
  return [
    {
      kind: 'facts',
      name: 'export',
      facts: [
        fact('file', 'file', result.file, 'text'),
        fact('form', 'form', result.form, 'text'),
        fact('keys', 'keys', result.keys, 'count'),
        fact('fileBytes', 'bytes', result.fileBytes, 'bytes'),
        fact('skipped', 'skipped', result.skipped, 'count'),
        fact('failed', 'failed', result.failed, 'count'),
        fact('streamsWithoutGroups', 'streams losing groups', result.streamsWithoutGroups, 'count'),
      ],
    },
    ...exportNotes(result, own),
    // Last, where it is read: what the file has not.
    ...(result.streamsWithoutGroups > 0 ? [note('warning', groupsText(result.streamsWithoutGroups))] : []),
  ];
}

/** What is lost of streams in a form that is not an archive. */
export function groupsText(streams: number): string {
  return `${counted(streams, 'stream')} ${streams === 1 ? 'has' : 'have'} consumer groups, which no record holds; --form archive keeps them`;
}

/** The same in sentences alone: what is printed on stderr next to data. */
export function exportNotes(result: ExportResult, own: OwnLookups): Block[] {
  const { keys, fileBytes: bytes, skipped, complete, serverCost } = result;
  const seconds = serverCost.durationSeconds;
  const rate = keys >= 1000 && seconds > 0 ? `, ${formatCell(keys / seconds, 'perSecond')}` : '';
  const more = complete ? '' : '; there may be more';
  const tone = complete && result.failed === 0 ? 'good' : 'plain';
  const amount = `${counted(keys, 'key')} (${formatBytes(bytes)})`;
  return [
    ...(complete ? notes : caveats)(tone, `exported ${amount} in ${formatSeconds(seconds)}${rate}${more}`),
    ...notes(
      'plain',
      skipped > 0 && `${counted(skipped, 'key')} vanished before being read`,
      result.idleTimesReset &&
        keys > 0 &&
        'reading counts as a use of a key on this server: the idle times of these keys start anew',
    ),
    ...costNotes(serverCost, own),
  ];
}
