import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits for an event: looks every few milliseconds until the condition holds, on a busy machine too.
 * @throws Error that names the event, after `timeoutMillis`
 */
export async function until(
  event: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMillis = 30_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMillis;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMillis} ms: ${event}`);
    await sleep(5);
  }
}
