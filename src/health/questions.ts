interface Question {
  readonly title: string;
  readonly asks: string;
  /** True where a cache may well be run so: `check` does not ask. */
  readonly gradeOnly?: true;
}

/**
 * What `check` and the grade of `stats` ask, in the order of reports: the name of each question, stable since people name it in
 * pipelines, with its title and its words. How it is answered is in checks/; `check --help` needs the questions alone.
 */
export const questions = {
  connect: {
    title: 'Connection',
    asks: 'can a connection be opened, and does it hold?',
  },
  login: {
    title: 'Login',
    asks: 'are the credentials accepted?',
  },
  database: {
    title: 'Database',
    asks: 'is the database that was asked for selected?',
  },
  loading: {
    title: 'Dataset loaded',
    asks: 'has the server read its dataset, so that it answers?',
  },
  permissions: {
    title: 'Permissions',
    asks: 'may this user call what the checks need?',
  },
  'round-trip': {
    title: 'Round trip',
    asks: 'does a key that is written come back byte for byte?',
  },
  latency: {
    title: 'Latency',
    asks: 'does the server answer within the limit?',
  },
  memory: {
    title: 'Memory',
    asks: 'is there room below maxmemory?',
  },
  fragmentation: {
    title: 'Fragmentation',
    asks: 'does the process take about the memory that its data needs?',
  },
  'keys-without-ttl': {
    title: 'Keys without a TTL',
    asks: 'do the keys end, or can they be evicted?',
    gradeOnly: true,
  },
  'hit-rate': {
    title: 'Hit rate',
    asks: 'does the cache answer from memory often enough?',
  },
  evictions: {
    title: 'Evictions',
    asks: 'does the server throw out keys before their time?',
  },
  clients: {
    title: 'Clients',
    asks: 'is there room for more connections?',
  },
  role: {
    title: 'Role',
    asks: 'is it a primary, or a replica with a link to its primary?',
  },
  'replication-lag': {
    title: 'Replication lag',
    asks: 'are the replicas close behind their primary?',
  },
  persistence: {
    title: 'Persistence',
    asks: 'did the last writes to disk succeed?',
  },
} as const satisfies Readonly<Record<string, Question>>;

export type QuestionId = keyof typeof questions;

/** Those of `check`. */
export const checkQuestions: readonly (readonly [string, Question])[] = Object.entries<Question>(
  questions,
).filter(([, { gradeOnly }]) => gradeOnly !== true);
