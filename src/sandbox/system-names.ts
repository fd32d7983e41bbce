/** The example systems. Each has a folder of this name in `examples/`, with its map and its fixtures. */
export const systemNames = ['education', 'content', 'subjunctive', 'boardroom', 'honzik'] as const;

export type SystemName = (typeof systemNames)[number];

export const systemDescriptions: Readonly<Record<SystemName, string>> = {
  education:
    'agent-based teaching: language model answers, database queries, simulations, sessions, OAuth states',
  content: 'course generation: JSON envelopes under digests, and keys that no process finds after a restart',
  subjunctive: 'Spanish practice: keys with quotes, braces and spaces, and a second deployment beside it',
  boardroom: 'meeting assistant: HTTP responses under digests, pickled objects, an id that is a wildcard',
  honzik:
    'Czech tutor in a chat: profiles, statistics until midnight, speech, quotas and other state to protect',
};
