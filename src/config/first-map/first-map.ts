import type { RedisServer } from '../../redis/server.ts';
import { type Draft, draftMap, withEvidence } from './draft.ts';
import type { DraftNamespace } from './namespaces.ts';
import { sampleValues, type Survey, surveyKeys, type SurveyOptions, usedCommands } from './survey.ts';
import { expireAtMidnight } from './ttl-rule.ts';

export interface FirstMap extends Omit<Survey, 'keys'>, Omit<Draft, 'namespaces' | 'exampleKeys'> {
  /** Keys looked at. */
  readonly keys: number;
  readonly namespaces: readonly (DraftNamespace & { readonly remarks: readonly Remark[] })[];
}

/**
 * Looks at a live cache and drafts a map of it. `now` is in milliseconds since the epoch; `localTimeZone` is tried first
 * for keys that expire at midnight. @throws RedisError
 */
export async function drawFirstMap(
  server: RedisServer,
  options: SurveyOptions & { readonly now: () => number; readonly localTimeZone: string },
): Promise<FirstMap> {
  const survey = await surveyKeys(server, options);
  const now = options.now();
  const drafted = draftMap(survey.keys, { now, localTimeZone: options.localTimeZone });
  const commands = await usedCommands(server);
  const draft = withEvidence(drafted, await sampleValues(server, drafted.exampleKeys), commands);
  return {
    ...survey,
    ...draft,
    keys: survey.keys.length,
    namespaces: draft.namespaces.map((each) => ({ ...each, remarks: remarksOn(each, now) })),
  };
}

const integer = new Intl.NumberFormat('en-US');

/** What a person should look at before the draft of a namespace is relied on, in sentences without a full stop. */
interface Remark {
  readonly text: string;
  /** The same of several namespaces. */
  readonly ofMany: string;
}

function remarksOn({ kind, statistics, ttl, encoding }: DraftNamespace, now: number): Remark[] {
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
