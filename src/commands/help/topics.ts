/** What all commands share, for `cachectl help TOPIC`. The texts are in `texts.ts`, and loaded on use. */
export const helpTopics = [
  ['patterns', 'which keys a pattern matches: *, <id>, <date>'],
  ['map', 'the file that names profiles, namespaces and entities'],
  ['exit-codes', 'what each exit code means to a script'],
  ['output', 'tables, tsv, csv and JSON, and which is the default'],
  ['connections', 'which server, which login, TLS, clusters and Sentinels'],
] as const;

export type HelpTopic = (typeof helpTopics)[number][0];

export const topicNamed = (word: string | undefined): HelpTopic | undefined =>
  helpTopics.find(([name]) => name === word)?.[0];
