/** One command of the server that a command of ours sends. */
export interface Right {
  /** As ACL rules and COMMAND INFO name it: `memory|usage`. */
  readonly command: string;
  /** What is not there without it; null: what asks for it fails. */
  readonly loses: string | null;
  /** Options of ours: with one of these alone it is sent. */
  readonly only?: readonly string[];
  /** With one of these it is not sent. */
  readonly never?: readonly string[];
  /** The keys that it is sent for, where these are our own. */
  readonly on?: string;
}

const all = (loses: string | null, names: string, terms: Partial<Right> = {}): Right[] =>
  names.split(' ').map((command) => ({ command, loses, ...terms }));
const need = (names: string, terms?: Partial<Right>) => all(null, names, terms);
const helps = (loses: string, names: string, terms?: Partial<Right>) => all(loses, names, terms);
const under = (terms: Partial<Right>, rights: readonly Right[]) =>
  rights.map((right) => ({ ...right, ...terms }));

const named = helps('its name in `CLIENT LIST`', 'client|setname');
const connected = [...named, ...helps('idle times: reading counts as a use', 'client|no-touch')];
const clusterWarning = helps('the warning of a single cluster node', 'info');
const cpu = helps('what it cost the server', 'info');
const keyCount = helps('the number of all keys', 'dbsize');
const bytes = helps('bytes', 'memory|usage');

/** Values in one piece, and long ones in several. */
const values = need(
  'get getrange strlen hgetall hscan hlen lrange llen smembers sscan scard zrange zscan zcard xrange xlen',
);
const valueDetails = [
  ...helps('reading short values in one piece', 'memory|usage'),
  ...helps('TTLs of hash fields', 'hpexpiretime'),
  ...helps('the remark on consumer groups', 'xinfo|groups'),
];
const members = need('hmget sismember zscore');

/** What is read of each key in addition to its size. */
const detailsOfKeys: readonly Right[] = [
  ...helps('types', 'type'),
  ...helps('TTLs', 'pttl'),
  ...helps('encodings', 'object|encoding'),
  ...helps('idle times', 'object|idletime object|refcount'),
  ...helps('access frequencies under an LFU policy', 'object|freq'),
];

/** What the rules of `doctor` about the server read. */
const serverRules: readonly Right[] = [
  ...helps('nearly all rules about the server', 'info'),
  ...helps('settings: CC118', 'config|get'),
  ...helps('slow commands: CC310', 'slowlog|get'),
  ...helps('latency events: CC107', 'latency|latest'),
  ...helps('rules about clients', 'client|list'),
  ...helps('whether the default user is open: CC401', 'acl|getuser'),
  ...helps('what users may call: CC402', 'acl|dryrun'),
];

/** What keys are judged by, in each command that takes the options of a selection. */
const judging: readonly Right[] = [
  ...need('memory|usage', { only: ['--size'] }),
  ...need('type', { only: ['--type', '--elements'] }),
  ...need('pttl', { only: ['--ttl'] }),
  ...need('object|idletime object|refcount', { only: ['--idle'] }),
  ...need('llen hlen scard zcard xlen', { only: ['--elements'] }),
  ...helps('fewer lookups', 'memory|usage', { only: ['--idle'] }),
];

const withKeys = { never: ['--no-keys'] };

/** What all rules of `doctor` read, but for the traffic. */
const examining: readonly Right[] = [
  ...serverRules,
  ...helps('rules about keys', 'scan', withKeys),
  ...under(withKeys, [
    ...keyCount,
    ...bytes,
    ...helps('types', 'type'),
    ...helps('rules about TTLs', 'pttl'),
    ...helps('jitter: CC205', 'object|idletime object|refcount'),
    ...helps('hot keys under an LFU policy: CC211', 'object|freq'),
    ...helps('large collections: CC207', 'llen hlen scard zcard xlen'),
    ...helps('pickles: CC208', 'getrange'),
  ]),
  ...helps('`--latency-budget`', 'ping'),
];

const baselines = ['--baseline', '--save-baseline'];
const gatesOnKeys = [
  '--max-keys',
  '--max-bytes',
  '--max-without-ttl',
  '--max-unmapped',
  '--forbid',
  ...baselines,
];
const marks = 'cachectl:mark:*';
const noEvents = ['--mode counters'];
const wholeOnly = 'all but the counters of the whole server';

/** What an observation of live traffic sends. */
const observing: readonly Right[] = [
  ...helps(wholeOnly, 'ttl', { on: marks }),
  ...helps(wholeOnly, 'subscribe', { never: noEvents }),
  ...helps('hit rates: misses are left', 'monitor', { never: [...noEvents, '--mode misses-only'] }),
  ...helps('which reads are of cachectl itself', 'client|list', {
    never: [...noEvents, '--mode misses-only'],
  }),
  ...helps('namespaces, unless events are on', 'config|get'),
  ...helps('namespaces, unless events are on', 'config|set', { never: noEvents }),
  ...helps('whether `n` was on next to `A`', 'psubscribe', { never: noEvents }),
  ...helps('marks and counters at the same instant', 'multi exec'),
  ...helps('which reads no rule counts', 'command|info'),
  ...helps('how much memory evictions take', 'memory|usage', { never: noEvents }),
];

const removes = { never: ['--mode soft', '--mode generation'] };
const recentUse = helps('which keys were used a moment ago', 'object|idletime object|refcount');
const undo = helps('`undo`', 'dump pttl multi discard');
const undoBesidesTtl = undo.filter(({ command }) => command !== 'pttl');
const serverClock = helps('the clock of the server, for TTLs', 'time');
const planning = [...connected, ...clusterWarning, ...keyCount, ...bytes];
const removing = [
  ...need('unlink', removes),
  ...under({ never: ['--no-backup', ...removes.never] }, undo),
  ...under({ never: ['--no-backup', '--mode generation'] }, serverClock),
  ...need('pexpire pttl', { only: ['--mode soft'] }),
  ...need('incr', { only: ['--mode generation'] }),
];
const replicas = need('wait', { only: ['--wait-replicas'] });
const indexes = [
  ...need('type sscan zscan', { never: ['--mode generation'] }),
  ...need('srem zrem', removes),
];

/**
 * What each command of ours sends to the server, and for what; the options are those that change it. Held against what the
 * commands send by test/commands/acl-rights.test.ts; docs/permissions.md is made from it.
 */
export const rightsOf: Readonly<Record<string, readonly Right[]>> = {
  stats: [
    ...connected,
    ...helps('hit rate, memory report and grade', 'info'),
    ...keyCount,
    ...helps('namespaces', 'scan'),
    ...bytes,
    ...under({ only: ['--hits'] }, observing),
  ],
  watch: [
    ...connected,
    ...need('info'),
    ...keyCount,
    ...helps('namespaces', 'scan'),
    ...bytes,
    ...helps('latency', 'ping'),
    ...under({ only: ['--hits'] }, observing),
  ],
  metrics: [
    ...connected,
    ...need('info'),
    ...keyCount,
    ...helps('namespaces', 'scan'),
    ...bytes,
    ...helps('keys without TTL, and broken TTL rules', 'pttl', { only: ['--ttls'] }),
    ...under({ only: ['--hits'] }, observing),
  ],
  hits: [...connected, ...need('info'), ...observing],
  whatif: under({ never: ['--from'] }, [
    ...connected,
    ...need('info subscribe monitor config|get config|set'),
    ...need('ttl', { on: marks }),
    ...helps('whether `n` was on next to `A`', 'psubscribe'),
    ...helps('which reads are of cachectl itself', 'client|list'),
    ...helps('marks and counters at the same instant', 'multi exec'),
    ...helps('which reads no rule counts', 'command|info'),
    ...helps('sizes of keys: each counts as their mean', 'memory|usage'),
  ]),
  inspect: [
    ...connected,
    ...need('scan'),
    ...cpu,
    ...keyCount,
    ...bytes,
    ...detailsOfKeys,
    ...judging,
    ...need('type llen hlen scard zcard xlen', { only: ['--most-elements'] }),
    ...helps('`--latency-budget`', 'ping', { only: ['--latency-budget'] }),
  ],
  report: [
    ...connected,
    ...need('scan'),
    ...serverRules,
    ...keyCount,
    ...bytes,
    ...detailsOfKeys,
    ...helps('`--latency-budget`', 'ping'),
    ...under({ only: ['--hits'] }, [...need('info'), ...observing]),
  ],
  keys: [
    ...connected,
    ...need('scan'),
    ...helps('how many keys there are, where none fits', 'dbsize'),
    ...clusterWarning,
    ...helps('types', 'type', { only: ['--long'] }),
    ...helps('TTLs', 'pttl', { only: ['--long'] }),
    ...helps('bytes', 'memory|usage', { only: ['--long'] }),
    ...judging,
    ...need('memory|usage', { only: ['--larger-than'] }),
  ],
  get: [
    ...connected,
    ...clusterWarning,
    ...need('type getrange hscan lrange sscan zrevrange xrange'),
    ...helps('the length of a value', 'strlen hlen llen scard zcard xlen'),
    ...helps('its TTL', 'pttl'),
    ...helps('its memory', 'memory|usage'),
    ...helps('its encoding', 'object|encoding'),
    ...helps('its idle time', 'object|idletime object|refcount'),
    ...helps('TTLs of hash fields', 'hpexpiretime'),
  ],
  ttl: [...connected, ...clusterWarning, ...need('pttl')],
  invalidate: [
    ...planning,
    ...recentUse,
    ...need('scan', { never: ['--mode generation'] }),
    ...judging,
    ...indexes,
    ...removing,
    ...replicas,
  ],
  apply: [
    ...connected,
    ...clusterWarning,
    ...keyCount,
    ...recentUse,
    ...need('memory|usage unlink pexpire srem zrem'),
    // The options are those of its plan.
    ...judging,
    ...replicas,
    ...undo,
    ...serverClock,
  ],
  undo: [
    ...connected,
    ...helps('the number of evicted keys', 'info'),
    ...need('restore pexpireat persist'),
    ...replicas,
    ...helps('a look without a lookup', 'memory|usage'),
    ...helps('whether a TTL was changed since', 'pttl'),
    ...serverClock,
  ],
  prune: [
    ...planning,
    ...need('scan pttl pexpire unlink object|idletime object|refcount'),
    // Its `--idle` is no part of a selection.
    ...judging.filter(({ only }) => only?.includes('--idle') !== true),
    ...replicas,
    ...undoBesidesTtl,
    ...serverClock,
  ],
  warm: [
    ...connected,
    ...helps('the number of evicted keys', 'info'),
    ...need('set restore multi exec unlink hset rpush sadd zadd xadd pexpire persist'),
    ...need('rename', { never: ['--only-missing', '--merge'] }),
    ...need('renamenx', { only: ['--only-missing'] }),
    ...need('hpexpireat'),
    ...replicas,
    ...helps('the estimate of memory', 'memory|usage'),
    ...helps('the check that no key of another type is replaced', 'type'),
    ...under({ only: ['--verify'] }, [...need('type pttl'), ...values, ...members, ...valueDetails]),
  ],
  export: [
    ...connected,
    ...cpu,
    ...helps('progress in percent', 'dbsize'),
    ...need('scan pttl'),
    ...under({ never: ['--form archive'] }, [...need('type'), ...values, ...valueDetails]),
    ...helps('the number of keys by type', 'type', { only: ['--form archive'] }),
    ...helps('large values one by one', 'memory|usage', { only: ['--form archive'] }),
    ...need('dump', { only: ['--form archive'] }),
    ...judging,
  ],
  diff: [
    ...connected,
    ...clusterWarning,
    ...need('scan type pttl'),
    ...helps('how many keys there are, where none fits', 'dbsize'),
    ...values,
    ...members,
    ...valueDetails,
    ...judging,
  ],
  bench: [
    ...connected,
    ...helps('product, version and the work of the server', 'info'),
    ...helps('percentiles of the work of the server', 'latency|histogram'),
    ...helps('slow commands meanwhile', 'slowlog|get'),
    ...need('ping'),
    ...need('set get unlink', { on: 'cachectl:bench:*', never: ['--like', '--mix', 'latency'] }),
    ...need('set get unlink hgetall hset pexpire', { on: 'cachectl:bench:*', only: ['--shape'] }),
    ...need('multi exec memory|usage', { only: ['--shape'] }),
    ...helps('TTLs of the copies', 'pttl', { only: ['--shape'] }),
    ...need('scan type', { only: ['--like', '--mix'] }),
    ...helps('keys drawn at random', 'dbsize', { only: ['--like', '--mix'] }),
    ...helps('sizes, hashes and sets', 'memory|usage', { only: ['--like', '--mix'], never: ['--shape'] }),
    ...need('get hgetall lrange smembers zrange', { only: ['--like', '--mix'], never: ['--shape'] }),
    ...need('mget', { on: 'cachectl:bench:*', only: ['mget'] }),
    ...need('hget hset pexpire', { on: 'cachectl:bench:*', only: ['hget'] }),
    ...need('multi exec', { only: ['hget'] }),
  ],
  check: [
    ...connected,
    ...helps('all checks of the counters', 'info'),
    ...helps('latency', 'ping'),
    ...need('set get', { on: 'cachectl:check:*', never: ['--no-write'] }),
    ...helps('the removal of its key: it expires', 'unlink', {
      on: 'cachectl:check:*',
      never: ['--no-write'],
    }),
    ...need('scan', { only: gatesOnKeys }),
    ...helps('gates on bytes', 'memory|usage', { only: ['--max-bytes', ...baselines] }),
    ...helps('gates on TTLs', 'pttl', { only: ['--max-without-ttl', ...baselines] }),
    ...helps('the number of all keys', 'dbsize', { only: gatesOnKeys }),
    ...under({ only: ['--hits'] }, observing),
    ...under({ only: ['--doctor'] }, examining),
  ],
  doctor: [...connected, ...examining, ...under({ only: ['--hits'] }, observing)],
  config: [
    ...planning,
    ...need('scan'),
    ...helps('types, and what is state', 'type'),
    ...helps('encodings of values', 'getrange'),
    ...helps('TTL rules', 'pttl'),
    ...helps('TTLs drawn from idle times too', 'object|idletime object|refcount'),
  ],
};

/** What some connections need in addition. */
export const rightsWhere = {
  database: need('select'),
  cluster: [
    ...need('cluster|slots'),
    ...helps('keys of slots that move', 'cluster|nodes asking'),
    ...helps('samples slot by slot', 'cluster|countkeysinslot'),
  ],
  sentinel: helps('whether the server is a primary', 'role'),
  protections: helps('protections at other ports', 'config|get'),
} as const;

/** Of the user at the Sentinels. */
export const sentinelRights: readonly Right[] = [...need('sentinel|get-master-addr-by-name'), ...named];

const each = <Value>(value: Value, names: string) => names.split(' ').map((name) => [name, value] as const);

/** What a command may do to its keys, as the server has it: nothing that a permission names, read (R), write (W) or both. */
export const keyAccess: ReadonlyMap<string, '' | 'R' | 'W' | 'RW'> = new Map([
  ...each('' as const, 'type strlen llen hlen scard zcard xlen sismember memory|usage'),
  ...each('' as const, 'object|encoding object|idletime object|refcount object|freq'),
  ...each(
    'R' as const,
    'ttl pttl get mget hget getrange hgetall hmget hscan hpexpiretime lrange smembers sscan',
  ),
  ...each('R' as const, 'zrange zscan zscore xrange xinfo|groups dump'),
  ...each('W' as const, 'set unlink pexpire pexpireat persist restore hset rpush sadd zadd xadd srem zrem'),
  ...each('W' as const, 'hpexpireat'),
  ...each('RW' as const, 'incr rename renamenx'),
]);

/** Channels of events by name; a pattern of PSUBSCRIBE must be allowed as it is written. */
export const channelsOf: Readonly<Record<string, readonly string[]>> = {
  subscribe: ['__keyevent@*__:*'],
  psubscribe: ['__keyevent@*__:new', '__keyevent@*__:overwritten', '__keyevent@*__:type_changed'],
};

/** Commands that some servers from 7.0 on lack: the first versions that have them. For CLIENT NO-TOUCH see survivesNoTouch. */
export const since: Readonly<Record<string, Record<'redis' | 'valkey', readonly number[]>>> = {
  hpexpiretime: { redis: [7, 4], valkey: [9, 0] },
  hpexpireat: { redis: [7, 4], valkey: [9, 0] },
};
