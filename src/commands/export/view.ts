import type { OwnLookups } from '../../redis/lookups.ts';
import { type Block, type NoteBlock, note } from '../../render/blocks.ts';
import { counted, formatBytes, formatCell, formatSeconds } from '../../render/units.ts';
import { costNotes } from '../keyspace-report.ts';
import type { ExportResult } from './result.ts';

/** For --to: facts for programs, and sentences for people. */
export function viewExport(result: ExportResult, own: OwnLookups): Block[] {
  return [
    {
      kind: 'facts',
      name: 'export',
      facts: [
        { name: 'file', label: 'file', value: result.file, unit: 'text' },
        { name: 'form', label: 'form', value: result.form, unit: 'text' },
        { name: 'keys', label: 'keys', value: result.keys, unit: 'count' },
        { name: 'bytes', label: 'bytes', value: result.fileBytes, unit: 'bytes' },
        { name: 'skipped', label: 'skipped', value: result.skipped, unit: 'count' },
        { name: 'failed', label: 'failed', value: result.failed, unit: 'count' },
        {
          name: 'streamsWithoutGroups',
          label: 'without groups',
          value: result.streamsWithoutGroups,
          unit: 'count',
        },
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

/** The same in sentences alone: what stands on stderr beside data. */
export function exportNotes(result: ExportResult, own: OwnLookups): Block[] {
  const { keys, fileBytes: bytes, skipped, complete, serverCost } = result;
  const seconds = serverCost.durationSeconds;
  const rate = keys >= 1000 && seconds > 0 ? `, ${formatCell(keys / seconds, 'perSecond')}` : '';
  const more = complete ? '' : '; there may be more';
  const notes: NoteBlock[] = [
    note(
      complete && result.failed === 0 ? 'good' : 'plain',
      `exported ${counted(keys, 'key')} (${formatBytes(bytes)}) in ${formatSeconds(seconds)}${rate}${more}`,
    ),
  ];
  if (skipped > 0) notes.push(note('plain', `${counted(skipped, 'key')} vanished before they were read`));
  if (result.idleTimesReset)
    notes.push(
      note(
        'plain',
        'reading counts as a use of a key on this server: the idle times of these keys start anew',
      ),
    );
  return [...notes, ...costNotes(serverCost, own)];
}
