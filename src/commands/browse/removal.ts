import type { ChosenTarget } from '../../changes/selection.ts';
import type { KeyConditions } from '../../redis/key-conditions.ts';
import { InputError } from '../../support/failure.ts';
import { type Context, DeclinedError, InterruptedError } from '../context.ts';
import { requireWritable } from '../protection.ts';

/** What `d` removes, or why it stays. */
export type Removal =
  | (Omit<ChosenTarget, 'kind'> & { readonly conditions: KeyConditions })
  | { readonly name: string; readonly stays: string };

/** What became of it. */
export interface Removed {
  readonly keys: number;
  /** All of it is gone. */
  readonly isWhole: boolean;
  /** Why nothing was removed, where the person has said no. */
  readonly declined?: string | undefined;
}

export type RemovalContext = Pick<
  Context,
  'connect' | 'prompts' | 'protectionsOf' | 'runExecution' | 'signal'
>;

/** @throws InputError with what keeps it from being removed, before a screen makes room for the question; RedisError */
export async function requireRemovable(context: RemovalContext, removal: Removal): Promise<void> {
  if ('stays' in removal) throw new InputError(removal.stays);
  if (!context.prompts.interactive)
    throw new InputError('removing asks first, which needs a terminal on stdin and stderr, and no CI');
  requireWritable(await context.protectionsOf(await context.connect()), '`invalidate`');
}

/** Runs `invalidate` on the terminal, with its plan and its question, and waits until the person has read what came of it. */
export async function removeChosen(context: RemovalContext, removal: Removal): Promise<Removed> {
  let removed: Removed = { keys: 0, isWhole: false };
  if ('stays' in removal) return removed;
  const { invalidateExecution } = await import('../invalidate/run.ts');
  const { name, selection, conditions } = removal;
  const execution = invalidateExecution({
    ...{ entity: undefined, ids: [], mode: 'unlink', ...conditions },
    chosen: { kind: 'chosen', name, selection },
  });
  await context.runExecution('invalidate', {
    ...execution,
    run: async (within) => {
      const outcome = await execution.run(within);
      const { result } = outcome;
      const isWhole = ['removed', 'nothingMatched'].includes(result.outcome) && result.excluded === 0;
      const declined = outcome.error instanceof DeclinedError ? outcome.error.message : undefined;
      removed = { keys: result.removed, isWhole, declined };
      return outcome;
    },
  });
  // Who has said no has nothing to read.
  if (removed.declined !== undefined) return removed;
  try {
    await context.prompts.input('Press Enter to go back');
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
  }
  return removed;
}
