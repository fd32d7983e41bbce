import type { RedisServer } from '../../redis/server.ts';
import { askConsent } from '../consent.ts';
import { type Context, DeclinedError } from '../context.ts';
import type { InvalidateResult } from './result.ts';
import { amountText, planBlocks } from './view.ts';

/** From so many keys, or from such a share of a keyspace that is no toy, a yes is too quickly said. */
const manyKeys = 100_000;
const largeShare = 0.25;
const smallKeyspace = 1000;

/**
 * Asks for a yes, and for the number of keys to be typed where it is a large one.
 * @returns True where the plan was shown to the person. @throws DeclinedError, InterruptedError
 */
export async function askForRemoval(
  context: Context,
  server: RedisServer,
  draft: InvalidateResult,
  { yes, confirm }: { readonly yes: boolean; readonly confirm: string | undefined },
): Promise<boolean> {
  const verb = { unlink: 'remove', soft: 'shorten the TTL of', generation: 'increment' }[draft.mode];
  const amount = amountText(draft);
  const shown = await askConsent(context, server, {
    plan: planBlocks(draft),
    action: `${verb} ${amount}`,
    question: `${draft.noUndoBecause === null ? '' : 'This cannot be undone. '}${verb.charAt(0).toUpperCase()}${verb.slice(1)} ${amount} ${draft.mode === 'unlink' ? 'from' : 'on'} ${draft.server.address}?`,
    otherwise: `nothing was ${draft.mode === 'unlink' ? 'removed' : 'changed'}`,
    yes,
    confirm,
  });
  if (shown && !yes && isMuch(draft)) {
    const number = String(draft.matched);
    if (
      !(await context.prompts.confirmByTyping(
        `That is a lot. Type the number of keys (${number}) to continue:`,
        number,
      ))
    )
      throw new DeclinedError('the typed number is not that of the keys; nothing was changed');
  }
  return shown;
}

function isMuch({ matched, keyspaceKeys, mode }: InvalidateResult): boolean {
  if (mode === 'generation') return false;
  if (matched >= manyKeys) return true;
  return keyspaceKeys !== null && keyspaceKeys >= smallKeyspace && matched / keyspaceKeys >= largeShare;
}
