import { ReplyError } from '../../redis/reply.ts';
import { hidesNew, missingFlags, type WantedFlags, withFlags } from './notification-flags.ts';
import { type FlagsNode, setServerFlags } from './server-flags.ts';

/** What may be set, the first choice first: servers before 7.0 refuse a line with `n`. */
export function targetsOf(base: string, { required, optional }: WantedFlags): string[] {
  return [...new Set([withFlags(base, required + optional), withFlags(base, required)])];
}

export type Application =
  /** What was asked for is on. */
  | { readonly kind: 'on'; readonly value: string; readonly newKeys: boolean | null }
  | { readonly kind: 'refused'; readonly reply: ReplyError }
  /** The server answered with OK, and has something else. */
  | { readonly kind: 'ignored'; readonly value: string };

/**
 * Sets the first of the targets that the server accepts, and looks whether it took it.
 * @throws RedisError when the connection is lost: nothing is known then
 */
export async function applyFlags(
  node: FlagsNode,
  targets: readonly string[],
  wanted: WantedFlags,
): Promise<Application> {
  let refusal = new ReplyError('ERR nothing was asked for');
  for (const target of targets) {
    const answer = await setServerFlags(node, target);
    if (typeof answer === 'string')
      return missingFlags(answer, wanted.required) === ''
        ? { kind: 'on', value: answer, newKeys: newKeysOf(target, wanted) }
        : { kind: 'ignored', value: answer };
    refusal = answer;
    if (answer.code === 'NOPERM') break;
  }
  return { kind: 'refused', reply: refusal };
}

/** `n` is not shown beside `A`: what was asked for and taken is on, what was refused is off. */
function newKeysOf(target: string, wanted: WantedFlags): boolean | null {
  if (missingFlags(target, 'n') === '') return true;
  return hidesNew(target) && !wanted.optional.includes('n') ? null : false;
}
