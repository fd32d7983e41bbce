import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGuarded } from '../../src/sandbox/server.ts';

const foreverSeconds = '1000000000';

/**
 * Does some work with a folder that is gone afterwards, whatever this process dies of: it belongs to a guard, as the
 * folder of a throw-away server does.
 */
export async function inTemporaryFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'cachectl-performance-'));
  const guarded = startGuarded(['sleep', foreverSeconds], folder, process.env);
  try {
    return await work(folder);
  } finally {
    await guarded.stop();
  }
}

/** The environment of a command of ours whose journals, configuration and own temporary files stay in the folder. */
export function environmentIn(folder: string): NodeJS.ProcessEnv {
  return { ...process.env, XDG_STATE_HOME: folder, XDG_CONFIG_HOME: folder, TMPDIR: folder };
}
