import { expireAtMidnight } from './ttl-rule.ts';
import type { DraftNamespace } from './namespaces.ts';
import type { ObservedEncoding } from './values.ts';

const integer = new Intl.NumberFormat('en-US');

/** What a person should look at before the draft of a namespace is relied on, in sentences without a full stop. */
export function remarksOn(
  namespace: DraftNamespace,
  encoding: ObservedEncoding | undefined,
  now: number,
): string[] {
  const { kind, statistics, ttl } = namespace;
  const { ttlKnown, withoutTtl, ttlMaxSeconds } = statistics;
  const remarks: string[] = [];
  if (kind === 'cache' && encoding?.encoding === 'integer') {
    remarks.push('holds integers: if the application counts with them, make it "state"');
  }
  if (withoutTtl > 0 && withoutTtl === ttlKnown) {
    if (kind === 'cache') remarks.push('no key has a TTL: if it cannot be computed again, make it "state"');
  } else if (withoutTtl > 0) {
    remarks.push(`${integer.format(withoutTtl)} of ${integer.format(ttlKnown)} keys have no TTL`);
  }
  if (typeof ttl === 'string' && expireAtMidnight(statistics, now)) {
    const time = new Date(now + ttlMaxSeconds * 1000).toISOString().slice(11, 16);
    remarks.push(
      `all keys expire at ${time} UTC: if that is midnight somewhere, write { "untilMidnight": time zone }`,
    );
  }
  return remarks;
}
