import type { RedisServer } from '../../redis/server.ts';
import { type Draft, draftMap, withEvidence } from './draft.ts';
import type { Evidence } from './kind.ts';
import { type Remark, remarksOn } from './remarks.ts';
import { sampleValues, type Survey, surveyKeys, type SurveyOptions, usedCommands } from './survey.ts';
import { type ObservedEncoding, observedEncoding } from './values.ts';

export interface FirstMap extends Omit<Survey, 'keys'> {
  /** Keys looked at. */
  readonly keys: number;
  readonly draft: Draft;
  /** By the namespace's name, as far as its values agree. */
  readonly encodings: ReadonlyMap<string, ObservedEncoding>;
  /** By the namespace's name: what a person should look at. */
  readonly remarks: ReadonlyMap<string, readonly Remark[]>;
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
  const samples = await sampleValues(server, drafted.exampleKeys);
  const encodings = new Map<string, ObservedEncoding>();
  const evidence = new Map<string, Evidence>();
  for (const { name, layout } of drafted.namespaces) {
    const sampled = samples.get(name) ?? [];
    const encoding = observedEncoding(sampled.flatMap(({ value }) => (value === null ? [] : [value])));
    // A library writes values of many kinds.
    if (encoding !== null && layout === null) encodings.set(name, encoding);
    evidence.set(name, { samples: sampled, encoding, commands });
  }
  const draft = withEvidence(drafted, evidence);
  return {
    ...survey,
    keys: survey.keys.length,
    draft,
    encodings,
    remarks: new Map(
      draft.namespaces.map((each) => [each.name, remarksOn(each, encodings.get(each.name), now)]),
    ),
  };
}
