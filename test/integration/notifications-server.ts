import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { processFacts } from '../../src/cli/process-facts.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import {
  acquireNotifications,
  type LeaseTerms,
  NotificationRefusal,
} from '../../src/traffic/notifications/switch-on.ts';
import type { NotificationLease } from '../../src/traffic/notifications/put-back.ts';
import type { RestoreOutcome } from '../../src/traffic/notifications/put-back.ts';
import { bundled } from '../server/program.ts';
import { send } from '../server/redis.ts';
import { temporaryFolder } from '../server/own.ts';

/** Terms with a folder of the test's own; it is not made yet. */
export function testTerms(changes: Partial<LeaseTerms> = {}): LeaseTerms & { readonly folder: string } {
  const parent = temporaryFolder();
  return { processes: processFacts(), now: Date.now, ...changes, folder: join(parent, 'notifications') };
}

/** What CONFIG GET answers. */
export async function flagsOn(server: RedisServer): Promise<unknown> {
  const reply = await send(server, 'CONFIG', 'GET', 'notify-keyspace-events');
  return Array.isArray(reply) ? reply[1] : reply;
}

export async function setFlags(server: RedisServer, flags: string): Promise<void> {
  await send(server, 'CONFIG', 'SET', 'notify-keyspace-events', flags);
}

/** A lease, where it must be one. */
export async function acquire(server: RedisServer, terms: LeaseTerms): Promise<NotificationLease> {
  const lease = await acquireNotifications(server.nodes[0], terms);
  if (lease instanceof NotificationRefusal) throw lease;
  return lease;
}

export const notesIn = (folder: string): string[] =>
  readdirSync(folder).filter((name) => name.endsWith('.json'));

export function readNoteText(folder: string): string {
  const [name] = notesIn(folder);
  if (name === undefined) throw new Error(`no note in ${folder}`);
  return readFileSync(join(folder, name), 'utf8');
}

/** Another process with a lease. */
export interface Host {
  readonly pid: number;
  readonly lease: Pick<NotificationLease, 'original' | 'value' | 'changed'>;
  /** Ends it as `kill -9` does. */
  kill(): Promise<void>;
  restore(): Promise<RestoreOutcome>;
}

const program = fileURLToPath(new URL('notifications-host.ts', import.meta.url));

export async function startHost(url: string, folder: string): Promise<Host> {
  const child: ChildProcessWithoutNullStreams = spawn(process.execPath, [
    await bundled(program),
    url,
    folder,
  ]);
  onTestFinished(() => void child.kill('SIGKILL'));
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += String(chunk)));
  const lines = createInterface(child.stdout);
  const closed = once(child, 'close');
  const nextLine = async () => {
    const failed = closed.then(() => Promise.reject(new Error(`the process ended: ${errors}`)));
    const [line] = (await Promise.race([once(lines, 'line'), failed])) as [string];
    return JSON.parse(line) as unknown;
  };
  const lease = (await nextLine()) as Host['lease'];
  return {
    pid: child.pid ?? 0,
    lease,
    kill: async () => {
      child.kill('SIGKILL');
      await closed;
    },
    restore: async () => {
      const outcome = nextLine();
      child.stdin.write('restore\n');
      return (await outcome) as RestoreOutcome;
    },
  };
}
