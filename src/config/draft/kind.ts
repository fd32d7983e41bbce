/** Words that name what an application cannot compute again. */
const stateWords = new Set(
  (
    'session sessions quota quotas lock locks mutex semaphore lease leader queue queues job jobs task tasks worker ' +
    'workers state states oauth csrf nonce otp token tokens login rate ratelimit ratelimits limit limits limiter ' +
    'throttle counter counters sequence seq stream streams cart carts basket consent unlocked idempotency dedup ' +
    'presence subscription subscriptions bull celery sidekiq unacked'
  ).split(' '),
);

/** The word that makes the name of a namespace look like state, or null. */
export function stateWordIn(words: readonly string[]): string | null {
  return words.flatMap(wordsOf).find((word) => stateWords.has(word)) ?? null;
}

/** `userProfile`, `user_profile`, `user-profile` and `<token>` as lower-case words. */
export function wordsOf(segment: string): string[] {
  return segment
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '');
}
