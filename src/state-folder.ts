import { join } from 'node:path';

/** Where state of this kind is kept; null where the environment names no home. */
export function stateFolder(
  variables: Readonly<Record<string, string | undefined>>,
  kind: 'journals' | 'notifications' | 'lookups',
): string | null {
  const { XDG_STATE_HOME: state, HOME: home } = variables;
  if (state) return join(state, 'cachectl', kind);
  return home ? join(home, '.local', 'state', 'cachectl', kind) : null;
}
