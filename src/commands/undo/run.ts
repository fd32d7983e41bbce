import { ArchiveError } from '../../records/archive/format.ts';
import { type ArchiveReader, readArchive } from '../../records/archive/reader.ts';
import { UnpackFault } from '../../records/compression.ts';
import { InputError } from '../../support/failure.ts';
import { FileFault } from '../../records/fixtures/record.ts';
import { type FixtureSource, openFile } from '../../records/fixtures/source.ts';
import { RedisError } from '../../redis/errors.ts';
import type { RedisServer } from '../../redis/server.ts';
import { given } from '../../support/collections.ts';
import type { KeySet } from '../../support/key-set.ts';
import type { Journal } from '../../changes/earlier-runs.ts';
import { readStaying } from '../../changes/journal.ts';
import { type Undoing, undoJournal } from '../../changes/undo.ts';
import { silentProgress } from '../../support/progress.ts';
import { type Block, caveats, fact, notes } from '../../render/blocks.ts';
import { counted, formatSeconds } from '../../render/units.ts';
import {
  askConsent,
  type ConsentInput,
  lacksReplicas,
  problemTable,
  type ReplicaInput,
} from '../planned-change.ts';
import { type Context, type Execution, InterruptedError, type Outcome } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { isSamePlace, keptJournals, requireSamePlace } from '../backup.ts';
import { blankOf } from '../blank.ts';

interface UndoInput extends ConsentInput, ReplicaInput {
  /** A file. */
  readonly journal?: string | undefined;
  /** In place of a file: the latest journal of the server. */
  readonly last?: true;
  readonly replace?: true;
  readonly otherServer?: true;
  readonly allowEvictions?: true;
  readonly dryRun?: true;
}

export interface UndoResult extends Undoing {
  readonly journal: string;
  /** What the journal is of, in words. */
  readonly action: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly dryRun: boolean;
  /** Keys of the journal: always `restored + skipped + failed`. */
  readonly keys: number;
  /** `rewritten + expired + withoutValue + notAttempted`. */
  readonly skipped: number;
  /** True where the journal ends without its closing record: its writer was killed, or it was cut off. What is before that counts. */
  readonly journalTruncated: boolean;
  readonly durationSeconds: number;
}

/** `undo` from its input to its result. */
export function undoExecution(input: UndoInput): Execution<UndoResult> {
  return {
    blank: blankOf<UndoResult>()(`
      journal action createdAt dryRun keys restored ttlsRestored skipped rewritten expired withoutValue
      notAttempted failed evictedKeys replicasAcknowledged journalTruncated durationSeconds problems[]
    `),
    writes: input.dryRun !== true,
    run: (context) => undo(context, input),
    view: viewUndo,
  };
}

async function undo(context: Context, input: UndoInput): Promise<Outcome<UndoResult>> {
  const file = await fileOf(context, input);
  const journal = await openFile(file, context.environment.workingDirectory, context.signal);
  try {
    return await undoFrom(journal, context, input);
  } finally {
    await journal.close();
  }
}

/** @throws InputError where none is named, or the server has none */
async function fileOf(context: Context, { journal, last }: UndoInput): Promise<string> {
  if ((journal === undefined) !== (last === true))
    throw new InputError(
      last ? 'a journal and --last exclude each other' : 'name a journal, or --last for the latest one',
      '`cachectl undo --list` lists them',
    );
  if (journal !== undefined) return journal;
  const server = await context.connect();
  const here = ({ header }: Journal) => isSamePlace(server, header);
  const latest = (await keptJournals(context)).findLast(here);
  if (latest !== undefined) return latest.path;
  throw new InputError(
    `there is no journal of ${server.address}`,
    '`cachectl undo --list` lists those of all servers',
  );
}

async function undoFrom(
  journal: FixtureSource,
  context: Context,
  input: UndoInput,
): Promise<Outcome<UndoResult>> {
  // A file that is no journal is reported before anything is asked of the server.
  const { server, staying } = await withJournal(journal, async ({ header, frames }) => {
    const connected = await context.connect();
    if (input.otherServer !== true)
      requireSamePlace(
        connected,
        header,
        `journal \`${journal.name}\` is of`,
        'connect to that server, or add --other-server to mean this one',
      );
    return { server: connected, staying: await readStaying(frames) };
  });
  const { signal, now } = context;
  const attempt = (dryRun: boolean, restoredBefore?: KeySet) =>
    withJournal(journal, async ({ header, frames, isCut }) => {
      const startedAt = now();
      const { stoppedBy, unconfirmed, ...undoing } = await undoJournal(server, header, frames, {
        ...{ staying, dryRun, signal, now, progress: dryRun ? silentProgress : context.progress },
        replace: input.replace === true,
        allowsEvictions: input.allowEvictions === true,
        ...given({ restoredBefore, waitReplicas: input.waitReplicas }),
      });
      if (dryRun && stoppedBy !== null) throw stoppedBy;
      const { restored, rewritten, expired, withoutValue, failed, notAttempted } = undoing;
      const skipped = rewritten + expired + withoutValue + notAttempted;
      const result: UndoResult = {
        ...{ journal: journal.name, action: header.action, createdAt: header.createdAt, dryRun },
        ...undoing,
        ...{ keys: restored + skipped + failed, skipped, journalTruncated: isCut() },
        durationSeconds: (now() - startedAt) / 1000,
      };
      return { result, stoppedBy, unconfirmed };
    });
  const { result: preview } = await attempt(true);
  if (input.dryRun || preview.restored === 0) {
    // A journal of names gives nothing back, and that is not what was asked for.
    const isFutile = preview.restored === 0 && preview.withoutValue > 0;
    return {
      result: { ...preview, dryRun: input.dryRun === true },
      ...((isFutile || preview.failed > 0) && { exitCode: exitCodes.negative }),
    };
  }
  await askConsent(context, server, input, {
    plan: viewUndo(preview),
    action: `restore ${whatText(preview)}`,
    question: `Restore ${whatText(preview)} on ${server.address}?`,
    otherwise: 'nothing was restored',
  });
  let { result, stoppedBy, unconfirmed } = await attempt(false);
  for (let times = 1; unconfirmed !== null && times < mostAttempts; times++)
    ({ result, stoppedBy, unconfirmed } = await attempt(false, unconfirmed));
  const error =
    stoppedBy ??
    (unconfirmed && notConfirmed(server)) ??
    (signal.aborted ? new InterruptedError('interrupted; run it again to continue') : null);
  const isUnconfirmed = error === null && lacksReplicas(context, input, result);
  const isEvicted = input.allowEvictions !== true && (result.evictedKeys ?? 0) > 0;
  if (isEvicted) {
    const end = result.notAttempted > 0 ? `; stopped with ${counted(result.notAttempted, 'key')} to go` : '';
    context.warnOfResult(
      `the server evicted ${counted(result.evictedKeys ?? 0, 'key')} meanwhile, which may be these or others${end}\n` +
        'hint: raise `maxmemory` and run it again; --allow-evictions continues anyway',
    );
  }
  return {
    result,
    ...((result.failed > 0 || isEvicted || isUnconfirmed) && { exitCode: exitCodes.negative }),
    ...(error && { error }),
  };
}

/** How often a journal is gone through where another server takes over each time. */
const mostAttempts = 4;

const notConfirmed = ({ address }: RedisServer) =>
  new RedisError(
    'lost',
    'EUNCONFIRMED',
    `whether the keys that were restored are there is not confirmed: ${address} was restarted, replaced, or cannot be asked`,
    'run it again once the servers are at rest',
  );

/** Reads the journal from its start, for as long as `use` takes. @throws InputError where it is none, or is damaged */
async function withJournal<T>(
  journal: FixtureSource,
  use: (archive: ArchiveReader) => Promise<T>,
): Promise<T> {
  const { name } = journal;
  const chunks = journal.read();
  try {
    const archive = await readArchive(chunks);
    if (archive.header.kind === 'journal') return await use(archive);
    throw new InputError(`\`${name}\` is an export, not a journal`, `load it with \`cachectl warm ${name}\``);
  } catch (error) {
    if (error instanceof ArchiveError || error instanceof UnpackFault || error instanceof FileFault)
      throw new InputError(`\`${name}\` cannot be used: ${error.message}`);
    throw error;
  } finally {
    await chunks.return(undefined);
  }
}

/** `4 keys`, or `the TTLs of 4 keys` that were never gone. */
function whatText({ restored, ttlsRestored }: UndoResult): string {
  const values = restored - ttlsRestored;
  const parts = [
    ...(values > 0 || restored === 0 ? [counted(values, 'key')] : []),
    ...(ttlsRestored > 0
      ? [`the ${ttlsRestored === 1 ? 'TTL' : 'TTLs'} of ${counted(ttlsRestored, 'key')}`]
      : []),
  ];
  return parts.join(' and ');
}

function viewUndo(result: UndoResult): Block[] {
  const { keys, restored, withoutValue, dryRun, problems } = result;
  const counts = (...labels: readonly (readonly [keyof UndoResult, string])[]) =>
    labels.map(([name, label]) => fact(name, label, result[name] as number | null, 'count'));
  const blocks: Block[] = [
    {
      kind: 'facts',
      name: 'undo',
      title: `${result.action}, at ${result.createdAt}`,
      facts: counts(
        ['keys', 'keys'],
        ['restored', dryRun ? 'would return' : 'restored'],
        ['rewritten', 'there already'],
        ['expired', 'expired by now'],
        ['withoutValue', 'name only'],
        ['failed', 'failed'],
        ['notAttempted', 'not attempted'],
        ...(dryRun ? [] : [['evictedKeys', 'evicted meanwhile'] as const]),
      ),
    },
  ];
  if (problems.length > 0) blocks.push(problemTable(problems));
  if (result.journalTruncated)
    blocks.push(
      ...caveats(
        'warning',
        `the journal ends without its closing record: its run was cut short, or the file was truncated; ${counted(keys, 'key')} before that ${keys === 1 ? 'was' : 'were'} read`,
      ),
    );
  if (result.rewritten > 0 && restored > 0)
    blocks.push(
      ...caveats(
        'plain',
        `${counted(result.rewritten, 'key is', 'keys are')} there already, and ${result.rewritten === 1 ? 'stays' : 'stay'} as ${result.rewritten === 1 ? 'it is' : 'they are'}; --replace puts the old ${result.rewritten === 1 ? 'value' : 'values'} in place`,
      ),
    );
  if (withoutValue > 0)
    blocks.push(
      ...caveats(
        'warning',
        `of ${counted(withoutValue, 'key')} only the name was kept: values are kept unless a removal is large or ran with --no-backup`,
      ),
    );
  // That only names were kept is said already.
  if (restored === 0 ? withoutValue === 0 : !dryRun) blocks.push(...endNote(result));
  return blocks;
}

/** A ✓ is for a journal that came back as a whole, as far as its keys were not written again, or have expired. */
function endNote(result: UndoResult): Block[] {
  const { restored, rewritten, expired, failed, notAttempted, journalTruncated } = result;
  if (failed + notAttempted > 0)
    return caveats(
      'bad',
      `restored ${whatText(result)} in ${formatSeconds(result.durationSeconds)}; ` +
        `${failed.toLocaleString('en-US')} failed, ${notAttempted.toLocaleString('en-US')} not attempted`,
    );
  if (restored > 0)
    return notes(
      journalTruncated ? 'plain' : 'good',
      `restored ${whatText(result)} in ${formatSeconds(result.durationSeconds)}`,
    );
  const reasons = [
    ...(rewritten > 0 ? [counted(rewritten, 'key is there already', 'keys are there already')] : []),
    ...(expired > 0 ? [counted(expired, 'key has expired', 'keys have expired')] : []),
  ];
  // That everything was written again is not what a zero says.
  return caveats('plain', `nothing to restore: ${reasons.join(', ') || 'the journal names no key'}`);
}
