import { type RemovalMode, removeKeys } from '../../changes/apply.ts';
import type { EarlierRuns } from '../../changes/earlier-runs.ts';
import type { pruneIndexes } from '../../changes/index-members.ts';
import type { WrittenSince } from '../../changes/written-since.ts';
import type { RedisServer } from '../../redis/server.ts';
import type { ByteString } from '../../support/bytes.ts';
import type { ChangeInput } from '../backup.ts';
import type { Context, Outcome } from '../context.ts';
import { carryOut } from '../planned-change.ts';
import type { InvalidateResult } from './result.ts';
import { amountText, planBlocks } from './view.ts';

/** How a plan is carried out, as the options of `invalidate` and `apply` say it. */
export interface CarryOutInput extends ChangeInput {
  readonly mode: RemovalMode;
  /** The window of soft mode, in seconds. */
  readonly over: number;
}

/** What is carried out. */
interface RemovalRun {
  readonly keys: readonly ByteString[];
  /** For the journal. */
  readonly action: string;
  readonly patterns: readonly string[];
  /** Of a saved plan: sees what was written since, which stays. */
  readonly writtenSince?: WrittenSince | null;
  /** A saved plan, and what earlier runs of it have done. */
  readonly plan?: EarlierRuns & { readonly id: string };
  readonly tidyUp?: () => ReturnType<typeof pruneIndexes>;
}

const outcomes = {
  unlink: ['removed', 'partlyRemoved'],
  soft: ['shortened', 'partlyShortened'],
  generation: ['generationsRaised', 'generationsPartlyRaised'],
} as const;

/** From so many keys, or from such a share of a keyspace that is no toy, a yes is too quickly said. */
const manyKeys = 100000;
const largeShare = 0.25;
const smallKeyspace = 1000;

function isMuch({ matched, keyspaceKeys, mode }: InvalidateResult): boolean {
  if (mode === 'generation') return false;
  if (matched >= manyKeys) return true;
  return keyspaceKeys !== null && keyspaceKeys >= smallKeyspace && matched / keyspaceKeys >= largeShare;
}

/** Asks, does to the keys what the draft has planned, and reports it. @throws InputError where the journal cannot be made */
export function removePlanned<Result extends InvalidateResult>(
  context: Context,
  server: RedisServer,
  input: CarryOutInput,
  draft: Result,
  { keys, action, patterns, writtenSince = null, plan, tidyUp }: RemovalRun,
): Promise<Outcome<Result>> {
  const { mode } = input;
  const verb = { unlink: 'remove', soft: 'shorten the TTL of', generation: 'increment' }[mode];
  const what = `${verb} ${amountText(draft)}`;
  return carryOut(context, server, input, draft, {
    consent: {
      plan: planBlocks(draft),
      action: what,
      question: `${draft.noUndoBecause === null ? '' : 'This cannot be undone. '}${what.charAt(0).toUpperCase()}${what.slice(1)} ${mode === 'unlink' ? 'from' : 'on'} ${server.address}?`,
      otherwise: `nothing was ${mode === 'unlink' ? 'removed' : 'changed'}`,
      keysToType: isMuch(draft) ? draft.matched : null,
    },
    // A counter that was incremented is not set back: readers may have filled the new generation already.
    journal:
      mode === 'generation' ? null : { command: 'invalidate', action, patterns, ...(plan && { plan }) },
    apply: (options) =>
      removeKeys(server, keys, {
        ...{ ...options, mode, overMillis: input.over * 1000, writtenSince },
        ...(plan && { shortenedBefore: plan.touched }),
      }),
    outcomes: outcomes[mode],
    countsOf: ({ unchanged, notAttempted }) => {
      const rewritten = writtenSince?.spared ?? 0;
      return { gone: unchanged - rewritten, rewritten, skipped: unchanged + notAttempted };
    },
    ...(tidyUp && { tidyUp }),
  });
}
