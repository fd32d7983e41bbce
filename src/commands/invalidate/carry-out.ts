import { join, resolve } from 'node:path';
import type { ArchiveWriter } from '../../archive/writer.ts';
import { InputError } from '../../failure.ts';
import { type Removal, type RemovalMode, removeKeys } from '../../invalidation/apply.ts';
import type { EarlierRuns } from '../../invalidation/earlier-runs.ts';
import {
  journalFolder,
  journalName,
  makeJournalFolder,
  nextFreePath,
  openJournal,
} from '../../invalidation/journal.ts';
import type { ByteString } from '../../redis/bytes.ts';
import type { PaceLimits } from '../../redis/pace.ts';
import type { RedisServer } from '../../redis/server.ts';
import type { Context } from '../context.ts';
import { changedCounts } from './result.ts';

/** How a plan is carried out, as the options of `invalidate` and `apply` say it. */
export interface CarryOutInput {
  readonly mode: RemovalMode;
  /** The window of soft mode, in seconds. */
  readonly over: number;
  readonly journal: string | undefined;
  readonly keepsJournal: boolean;
  /** Keep the values in the journal. */
  readonly backup: boolean;
  /** Keys per second. */
  readonly maxRate: number | undefined;
  /** Seconds. */
  readonly latencyBudget: number | undefined;
}

/** What is carried out, as the journal says it. */
interface RunOf {
  readonly action: string;
  readonly patterns: readonly string[];
  /** A saved plan, and what earlier runs of it have done. */
  readonly plan?: { readonly id: string; readonly earlier: EarlierRuns };
}

interface CarriedOut {
  readonly removal: Removal;
  /** The journal's path; null where none was kept. */
  readonly journal: string | null;
}

/** Does to the keys what was planned, with a journal of it. @throws InputError where the journal cannot be made */
export async function carryOut(
  context: Context,
  server: RedisServer,
  keys: readonly ByteString[],
  input: CarryOutInput,
  about: RunOf,
): Promise<CarriedOut> {
  const journal = await startJournal(context, server, input, about);
  const removal = await removeKeys(server, keys, {
    mode: input.mode,
    overMillis: input.over * 1000,
    journal,
    withValues: input.backup,
    ...(about.plan !== undefined && { shortenedBefore: about.plan.earlier.touched }),
    limits: limitsOf(input),
    signal: context.signal,
    progress: context.progress,
    now: context.now,
    random: context.random,
  });
  const { gone, failed, notAttempted } = removal;
  // What was removed is removed; a disk that is full by now was told as the reason why the work stopped.
  await journal
    ?.finish({ ...changedCounts(input.mode, removal.changed), gone, failed, notAttempted })
    .catch(() => undefined);
  return { removal, journal: journal?.path ?? null };
}

/** @throws InputError where values are to be kept and there is no place or no use for them */
export function requireBackupPlace(
  { environment }: Context,
  { backup, mode, keepsJournal, journal }: CarryOutInput,
): void {
  if (!backup) return;
  if (mode !== 'unlink') {
    throw new InputError(
      `--backup keeps what is removed, and --mode ${mode} removes nothing`,
      mode === 'soft' ? 'the TTLs as they were are in the journal in any case' : 'leave --backup out',
    );
  }
  if (!keepsJournal)
    throw new InputError('--backup keeps values in the journal, and --no-journal keeps none');
  if (journal === undefined && journalFolder(environment.variables) === null) {
    throw new InputError(
      'there is no place for the backup: neither XDG_STATE_HOME nor HOME is set',
      'name a file with --journal FILE',
    );
  }
}

export function limitsOf({
  maxRate,
  latencyBudget,
}: Pick<CarryOutInput, 'maxRate' | 'latencyBudget'>): PaceLimits {
  return {
    ...(maxRate !== undefined && { maxKeysPerSecond: maxRate }),
    ...(latencyBudget !== undefined && { latencyBudgetMillis: latencyBudget * 1000 }),
  };
}

async function startJournal(
  context: Context,
  server: RedisServer,
  { mode, journal, keepsJournal, backup }: CarryOutInput,
  { action, patterns, plan }: RunOf,
): Promise<ArchiveWriter | null> {
  // A counter that was incremented is not set back: readers may have filled the new generation already.
  if (!keepsJournal || mode === 'generation') return null;
  const { environment, now, profile } = context;
  const folder = journalFolder(environment.variables);
  if (journal === undefined && folder === null) return null;
  const named = journal === undefined ? null : resolve(environment.workingDirectory, journal);
  const path =
    named === null
      ? join(folder ?? '', journalName('invalidate', now()))
      : // The journal of an earlier run of the plan stays as it is.
        plan?.earlier.journals.includes(named) === true
        ? nextFreePath(named)
        : named;
  if (named === null && folder !== null) makeJournalFolder(folder);
  return openJournal(path, {
    format: 'cachectl-archive',
    version: 1,
    kind: 'journal',
    createdAt: new Date(now()).toISOString(),
    server: server.address,
    database: server.nodes[0].database,
    profile: profile?.name ?? null,
    action: shortened(action),
    patterns: patterns.slice(0, mostPatternsInHeader).map(shortened),
    withValues: backup,
    ...(plan !== undefined && { plan: plan.id }),
  });
}

/** A header is one line that is read at one go: thousands of ids, or one of a megabyte, have no place in it. */
const mostPatternsInHeader = 20;
const mostCharacters = 500;

function shortened(text: string): string {
  return text.length > mostCharacters ? `${text.slice(0, mostCharacters)}…` : text;
}
