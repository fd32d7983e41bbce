import { spawn } from 'node:child_process';

/** A process that does not outlive this one, whatever this one dies of. */
export interface GuardedProcess {
  /** Resolves when the process is gone. Its folder stays, for what stands in the log, until `stop`. */
  readonly gone: Promise<void>;
  /** Resolves when nothing is left, the folder included. */
  readonly ended: Promise<void>;
  /** Asks it to end, after 5 s ends it by force, and removes its folder. */
  stop(): Promise<void>;
}

/**
 * The guard is a shell in a session of its own, so that Ctrl-C at the terminal reaches neither it nor the server. Its
 * stdin is a pipe from us: when that closes, because we said so or because we are dead (`kill -9` included), it ends the
 * server and removes the folder. When the server ends by itself it closes its stdout, and waits for us to read the log.
 */
const guardScript = `
# For sleep and rm, where PATH is set to something narrower.
PATH=\${PATH:+$PATH:}/usr/bin:/bin
folder=$1
shift
exec 3<&0
"$@" </dev/null >"$folder/server.log" 2>&1 3<&- &
server=$!
{
  read -r _ <&3
  kill -TERM "$server"
  tries=0
  while kill -0 "$server" && [ "$tries" -lt 50 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
  kill -KILL "$server"
} >/dev/null 2>&1 &
killer=$!
wait "$server"
kill "$killer" 2>/dev/null
exec >&-
read -r _ <&3
rm -rf "$folder"
`;

/** Runs a command under a guard. Its output goes to `server.log` in `folder`, which belongs to the guard from now on. */
export function startGuarded(
  command: readonly string[],
  folder: string,
  variables: Readonly<Record<string, string | undefined>>,
): GuardedProcess {
  const guard = spawn('/bin/sh', ['-c', guardScript, 'cachectl-sandbox', folder, ...command], {
    detached: true,
    env: { ...variables },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  // A guard that is killed breaks the pipe.
  guard.stdin.on('error', () => undefined);
  guard.stdout.resume();
  const ended = new Promise<void>((resolve) => {
    guard.once('close', () => resolve());
    guard.once('error', () => resolve());
  });
  return {
    gone: Promise.race([ended, new Promise<void>((resolve) => guard.stdout.once('end', () => resolve()))]),
    ended,
    stop() {
      guard.stdin.end();
      return ended;
    },
  };
}
