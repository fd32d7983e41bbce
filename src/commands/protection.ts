import { type Context, DeclinedError } from './context.ts';

/**
 * Lets a command change a protected profile only where the person has named it: with `--confirm NAME`, or by typing the
 * name at the terminal. A profile that is not protected, or no profile at all, needs neither.
 *
 * A `--confirm` that names another profile than the one in force is refused in any case: whoever wrote it had another
 * server in mind.
 * @param confirmOption The value of `--confirm`.
 * @param action What is about to happen, as it reads after "to": `write 1,204 records`.
 * @throws DeclinedError
 */
export async function confirmProtected(
  context: Context,
  confirmOption: string | undefined,
  action: string,
): Promise<void> {
  const { profile, prompts } = context;
  if (confirmOption !== undefined && confirmOption !== profile?.name) {
    throw new DeclinedError(
      profile === null
        ? `\`--confirm ${confirmOption}\` names a profile, and none is in force; nothing was changed`
        : `\`--confirm ${confirmOption}\` is not the profile in force, \`${profile.name}\`; nothing was changed`,
      profile === null
        ? `add --profile ${confirmOption}`
        : `check --profile, or add --confirm ${profile.name}`,
    );
  }
  if (profile?.protected !== true || confirmOption !== undefined) return;
  const hint = `add --confirm ${profile.name} to ${action}`;
  if (!prompts.interactive) {
    throw new DeclinedError(`profile \`${profile.name}\` is protected; nothing was changed`, hint);
  }
  const question = `Profile ${profile.name} is protected. Type its name to ${action}:`;
  if (!(await prompts.confirmByTyping(question, profile.name))) {
    throw new DeclinedError(
      `the typed name is not \`${profile.name}\`, a protected profile; nothing was changed`,
      hint,
    );
  }
}
