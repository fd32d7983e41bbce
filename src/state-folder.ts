import { join } from 'node:path';

/**
 * Where the program keeps what it must remember between runs: journals, notes of changed settings, which maps are trusted. Null where the
 * environment names no home. A relative XDG_STATE_HOME is invalid by its specification, and ignored.
 */
export function stateFolder(
  variables: Readonly<Record<string, string | undefined>>,
  kind: 'journals' | 'notifications' | 'lookups' | 'trusted-maps',
): string | null {
  const { XDG_STATE_HOME: state, HOME: home } = variables;
  if (state?.startsWith('/') === true) return join(state, 'cachectl', kind);
  return home ? join(home, '.local', 'state', 'cachectl', kind) : null;
}
