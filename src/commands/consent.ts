import type { Block } from '../render/blocks.ts';
import type { RedisServer } from '../redis/server.ts';
import { type Context, DeclinedError } from './context.ts';
import { confirmProtected, isProtectedServer } from './protection.ts';

/** What a person is asked before keys are changed. */
interface Consent {
  readonly plan: readonly Block[];
  /** As it reads after "to": `remove 4 keys`. */
  readonly action: string;
  readonly question: string;
  /** How it stands after a no: `nothing was removed`. */
  readonly otherwise: string;
  /** `--yes` */
  readonly yes: boolean;
  /** The value of `--confirm`. */
  readonly confirm: string | undefined;
}

/**
 * Asks for a yes, with the plan before the question. `--yes` answers it, and for a protected profile `--confirm` does;
 * without it a protected profile asks for its name as well.
 * @returns True where the plan was shown to the person.
 * @throws DeclinedError, InterruptedError
 */
export async function askConsent(context: Context, server: RedisServer, consent: Consent): Promise<boolean> {
  const { prompts } = context;
  const isProtected = await isProtectedServer(context, server);
  const { plan, action, question, otherwise, yes, confirm } = consent;
  if (confirm !== undefined) await confirmProtected(context, server, confirm, action);
  const named = isProtected && confirm !== undefined;
  const asksForName = isProtected && confirm === undefined;
  if ((yes && !asksForName) || named) return false;
  if (!prompts.interactive && !asksForName) {
    throw new DeclinedError(
      `there is no terminal to ask at; ${otherwise}`,
      `add --yes to ${action}, or --dry-run for the plan alone`,
    );
  }
  if (prompts.interactive) await context.show(plan);
  if (prompts.interactive && !yes && !(await prompts.confirm(question))) {
    throw new DeclinedError(`not confirmed; ${otherwise}`);
  }
  if (asksForName) await confirmProtected(context, server, undefined, action);
  return true;
}
