/** The example systems. Each has a folder of this name in `examples/`, with its map and its fixtures. */
export const systemNames = ['education', 'content', 'subjunctive', 'boardroom', 'honzik'] as const;

export type SystemName = (typeof systemNames)[number];

export const systemDescriptions: Readonly<Record<SystemName, string>> = {
  education: 'agent-based teaching: model answers, queries, sessions',
  content: 'course generation: JSON envelopes under digests',
  subjunctive: 'Spanish practice: keys with quotes, braces and spaces',
  boardroom: 'meeting assistant: digests, pickles, a wildcard id',
  honzik: 'Czech tutor in a chat: profiles, speech, quotas',
};
