import { expireAtMidnight } from './ttl-rule.ts';
import type { DraftNamespace } from './namespaces.ts';
import type { ObservedEncoding } from './values.ts';

const integer = new Intl.NumberFormat('en-US');

/** What a person should look at before the draft of a namespace is relied on, in sentences without a full stop. */
export interface Remark {
  readonly text: string;
  /** The same of several namespaces. */
  readonly ofMany: string;
}

export function remarksOn(
  namespace: DraftNamespace,
  encoding: ObservedEncoding | undefined,
  now: number,
): Remark[] {
  const { kind, statistics, ttl } = namespace;
  const { ttlKnown, withoutTtl, ttlMaxSeconds } = statistics;
  const remarks: Remark[] = [];
  const add = (text: string, ofMany = text) => remarks.push({ text, ofMany });
  if (kind === 'cache' && encoding?.encoding === 'integer') {
    add('holds integers: if the application counts with them, make it "state"');
  }
  if (withoutTtl > 0 && withoutTtl === ttlKnown) {
    if (kind === 'cache') add('no key has a TTL: if it cannot be computed again, make it "state"');
  } else if (withoutTtl > 0) {
    add(
      `${integer.format(withoutTtl)} of ${integer.format(ttlKnown)} keys have no TTL`,
      'some keys have no TTL',
    );
  }
  if (typeof ttl === 'string' && expireAtMidnight(statistics, now)) {
    const time = new Date(now + ttlMaxSeconds * 1000).toISOString().slice(11, 16);
    add(
      `all keys expire at ${time} UTC: if that is midnight somewhere, write { "untilMidnight": time zone }`,
    );
  }
  return remarks;
}
