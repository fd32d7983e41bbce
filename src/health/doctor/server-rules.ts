import { type Info, infoNumber, productOf } from '../../redis/info.ts';
import { bytes, count, millis, number, say, seconds } from '../../support/phrase.ts';
import { judgedFragmentationBytes, noLimitText } from '../checks/memory.ts';
import { judgeEvictions } from '../evictions.ts';
import { isApplication, isSentinelListener } from './server-facts.ts';
import { knownFaults } from './known-faults.ts';
import { Missing, ofCheck, ofInfo, ofNodes, type Rule, symptom, unreported } from './rule.ts';

const docs = 'https://redis.io/docs/latest';
const latencyDocs = `${docs}/operate/oss_and_stack/management/optimization/latency/`;
const memoryDocs = `${docs}/operate/oss_and_stack/management/optimization/memory-optimization/`;
const evictionDocs = `${docs}/develop/reference/eviction/`;
const clientDocs = `${docs}/develop/reference/clients/`;

/** The process holds less than it uses: the rest is not in memory. */
const swappedRatio = 0.9;

/** A fork that blocks the server longer than most clients wait without notice. */
export const noticedMillis = 100;

/** What waits for one client to read it. */
const longBufferBytes = 16 * 2 ** 20;

/** So few commands for each connection: it is opened anew for nearly each. */
const fewCommands = 10;
const fewestConnections = 1000;

/** Events of the latency monitor are judged for so long. */
export const recentSeconds = 86_400;

/** Rules about the server: CC101 and on. */
export const serverRules: readonly Rule[] = [
  {
    number: 'CC101',
    id: 'no-maxmemory',
    severity: 'warning',
    question: 'is there a limit to the memory?',
    remedy: '`CONFIG SET maxmemory 2gb`, and the same in the configuration file',
    source: evictionDocs,
    assess: ofInfo((info) => {
      const max = infoNumber(info, 'maxmemory');
      if (max === null) return unreported('maxmemory');
      const used = infoNumber(info, 'used_memory');
      return max > 0 ? [] : [symptom([noLimitText], { usedBytes: used })];
    }),
  },
  {
    number: 'CC102',
    id: 'memory-full',
    severity: 'critical',
    question: 'is there room below maxmemory?',
    remedy: 'raise `maxmemory`, or choose a policy that evicts: `CONFIG SET maxmemory-policy allkeys-lru`',
    source: evictionDocs,
    assess: ({ server, limits, ...rest }) =>
      // Without a limit there is nothing to be near to: CC101 says so.
      server.nodes.every(({ info }) => info?.['maxmemory'] === '0')
        ? []
        : ofCheck('memory')({ server, limits, ...rest }),
  },
  {
    number: 'CC103',
    id: 'noeviction',
    severity: 'warning',
    question: 'may a cache that is full evict?',
    remedy:
      '`CONFIG SET maxmemory-policy allkeys-lru`; where the server also holds state, `volatile-lru`, with a TTL on each key of the cache',
    source: evictionDocs,
    assess: ofInfo((info, _node, { map }) => {
      const [policy, max] = [info['maxmemory_policy'], infoNumber(info, 'maxmemory')];
      if (policy === undefined || max === null) return unreported('maxmemory_policy');
      const isState = !map.isEmpty && map.namespaces.every(({ kind }) => kind === 'state');
      return policy !== 'noeviction' || max === 0 || isState
        ? []
        : [
            symptom(say`the policy is \`noeviction\`: once ${bytes(max)} are used, writes fail`, {
              policy,
              maxBytes: max,
            }),
          ];
    }),
  },
  {
    number: 'CC104',
    id: 'fragmentation',
    severity: 'warning',
    question: 'does the process take about the memory that its data needs?',
    remedy: '`CONFIG SET activedefrag yes` packs the memory while the server runs',
    source: memoryDocs,
    assess: ofCheck('fragmentation'),
  },
  {
    number: 'CC105',
    id: 'swap',
    severity: 'critical',
    question: 'is all of the data in memory?',
    remedy:
      'lower `maxmemory` below the memory of the machine, or give it more; `free -m` shows what is swapped',
    source: latencyDocs,
    assess: ofInfo((info) => {
      const [used, resident] = [infoNumber(info, 'used_memory'), infoNumber(info, 'used_memory_rss')];
      if (used === null || resident === null) return unreported('used_memory_rss');
      const swapped = used - resident;
      return resident >= used * swappedRatio || swapped < judgedFragmentationBytes
        ? []
        : [
            symptom(
              say`${bytes(used)} are used and only ${bytes(resident)} are in memory: the rest is swapped, and each read of it waits for the disk`,
              { usedBytes: used, residentBytes: resident },
              { cost: { bytes: swapped } },
            ),
          ];
    }),
  },
  {
    number: 'CC106',
    id: 'slow-fork',
    severity: 'warning',
    question: 'does a fork for saving leave the server responsive?',
    remedy:
      'save on a replica, and turn it off here: `CONFIG SET save ""`; `cat /sys/kernel/mm/transparent_hugepage/enabled` should say never',
    source: latencyDocs,
    assess: ofInfo((info) => {
      const micros = infoNumber(info, 'latest_fork_usec');
      if (micros === null) return unreported('latest_fork_usec');
      return micros / 1000 < noticedMillis
        ? []
        : [
            symptom(say`the last fork stopped the server for ${millis(micros / 1000)}`, {
              forkMillis: micros / 1000,
            }),
          ];
    }),
  },
  {
    number: 'CC107',
    id: 'latency-events',
    severity: 'warning',
    question: 'has the latency monitor recorded a stall?',
    remedy: '`redis-cli LATENCY DOCTOR` explains each event, `LATENCY HISTORY EVENT` has its times',
    source: `${docs}/operate/oss_and_stack/management/optimization/latency-monitor/`,
    assess: ofNodes('latency', (events, { settings, info }) => {
      const threshold = settings instanceof Missing ? null : settings.get('latency-monitor-threshold');
      if (events.length === 0 && threshold === '0')
        return new Missing(
          say`the latency monitor is off: \`CONFIG SET latency-monitor-threshold 100\` turns it on`,
        );
      const now = nowSeconds(info instanceof Missing ? {} : info);
      return events
        .filter(({ maxMillis, atSeconds }) => maxMillis >= noticedMillis && !isOld(atSeconds, now))
        .map(({ event, latestMillis, maxMillis }) =>
          symptom(
            say`\`${event}\`: ${millis(maxMillis)} at most, ${millis(latestMillis)} the last time`,
            { event, maxMillis, latestMillis },
            { subject: event },
          ),
        );
    }),
  },
  {
    number: 'CC108',
    id: 'output-buffers',
    severity: 'warning',
    question: 'do clients read what they asked for?',
    remedy:
      '`CLIENT LIST` shows the client (`omem`), `CLIENT KILL ID …` ends it; `CONFIG SET client-output-buffer-limit` bounds it',
    source: `${clientDocs}#output-buffer-limits`,
    assess: ofNodes('clients', (clients) => {
      const slow = clients.filter(({ omem }) => Number(omem) >= longBufferBytes);
      const waiting = slow.reduce((sum, { omem }) => sum + Number(omem), 0);
      const [first] = slow;
      return first === undefined
        ? []
        : [
            symptom(
              say`${bytes(waiting)} of replies wait for ${count(slow.length, 'client')} to read them, last command \`${first['cmd'] ?? ''}\``,
              { clients: slow.length, outputBufferBytes: waiting, command: first['cmd'] ?? null },
              { cost: { bytes: waiting } },
            ),
          ];
    }),
  },
  {
    number: 'CC109',
    id: 'too-many-clients',
    severity: 'warning',
    question: 'is there room for more connections?',
    remedy:
      '`CLIENT LIST` shows who they are; look for a pool that leaks connections, then raise `maxclients`',
    source: `${clientDocs}#maximum-concurrent-connected-clients`,
    assess: ofCheck('clients'),
  },
  {
    number: 'CC110',
    id: 'rejected-connections',
    severity: 'critical',
    question: 'was every client let in?',
    remedy: '`CLIENT LIST` shows who takes the connections; then `CONFIG SET maxclients 20000`',
    source: `${clientDocs}#maximum-concurrent-connected-clients`,
    assess: ofInfo((info) => {
      const rejected = infoNumber(info, 'rejected_connections');
      if (rejected === null) return unreported('rejected_connections');
      return rejected === 0
        ? []
        : [
            symptom(
              say`${count(rejected, 'connection')} turned away since the start: \`maxclients\` was reached`,
              {
                rejectedConnections: rejected,
              },
            ),
          ];
    }),
  },
  {
    number: 'CC111',
    id: 'connection-churn',
    severity: 'warning',
    question: 'do clients keep their connections?',
    remedy:
      'let the application keep a pool of connections; `CLIENT LIST` shows by `age` which ones do not live long',
    source: `${docs}/develop/clients/pools-and-muxing/`,
    assess: ofInfo((info) => {
      const opened = infoNumber(info, 'total_connections_received');
      const commands = infoNumber(info, 'total_commands_processed');
      if (opened === null || commands === null) return unreported('total_connections_received');
      return opened < fewestConnections || commands >= opened * fewCommands
        ? []
        : [
            symptom(
              say`${count(opened, 'connection')} for ${count(commands, 'command')}: ${number(commands / opened)} each`,
              { connections: opened, commands },
            ),
          ];
    }),
  },
  {
    number: 'CC112',
    id: 'replica-link',
    severity: 'critical',
    question: 'is a replica linked to its primary?',
    remedy:
      '`INFO replication` on the replica; see that its primary runs and that `masterauth` is its password',
    source: `${docs}/operate/oss_and_stack/management/replication/`,
    assess: ofCheck('role'),
  },
  {
    number: 'CC113',
    id: 'replication-lag',
    severity: 'warning',
    question: 'are the replicas close behind their primary?',
    remedy: '`INFO replication` on both sides; look at the network between them',
    source: `${docs}/operate/oss_and_stack/management/replication/`,
    assess: ofCheck('replication-lag'),
  },
  {
    number: 'CC114',
    id: 'persistence-error',
    severity: 'critical',
    question: 'did the last writes to disk succeed?',
    remedy: 'look at the log of the server and at the space of its folder; `BGSAVE` tries again',
    source: `${docs}/operate/oss_and_stack/management/persistence/`,
    assess: ofCheck('persistence'),
  },
  {
    number: 'CC115',
    id: 'evictions',
    severity: 'warning',
    question: 'does the data fit into the memory?',
    remedy: 'raise `maxmemory`, or shorten TTLs: `cachectl inspect` shows what takes the memory',
    source: evictionDocs,
    assess: (examination) => {
      const found = ofCheck('evictions')(examination);
      const { server, limits } = examination;
      const past = limits.maxEvictedKeys === undefined ? judgeEvictions(server) : null;
      if (found instanceof Missing || found.length > 0 || !past?.why) return found;
      const message = [...say`${count(past.evicted, 'key')} evicted since the start`, past.why];
      const evidence = { evictedKeys: past.evicted, uptimeSeconds: past.uptimeSeconds };
      const remedy =
        '`cachectl stats --window 60s` shows whether it goes on: a peak may fill the memory again';
      return [symptom(message, evidence, { severity: 'notice', remedy })];
    },
  },
  {
    number: 'CC116',
    id: 'known-faults',
    severity: 'warning',
    question: 'is the version free of known faults?',
    remedy: 'install a fixed version; a distribution may have patched an older one',
    source: 'https://github.com/redis/redis/security/advisories/GHSA-4789-qfc9-5f9q',
    assess: ofInfo((info) => {
      const release = productOf(info);
      const faults = knownFaults.filter(({ isIn }) => isIn(release));
      return faults.map(({ what, id }) =>
        symptom(say`${release.product} ${release.version}: ${what}`, { ...release, fault: id }),
      );
    }),
  },
  {
    number: 'CC117',
    id: 'several-applications',
    severity: 'notice',
    question: 'does each application have a database, or a server, of its own?',
    remedy:
      'give each a server or a database of its own (`SELECT 1`); one `maxmemory` and one policy hold for all of them',
    source: `${docs}/commands/select/`,
    assess: ofNodes('clients', (clients) => {
      const names = new Map<string, Set<string>>();
      for (const { db = '0', name = '', user = '' } of clients.filter(isApplication)) {
        const who = applicationOf(name) || (user === 'default' ? '' : user);
        if (who !== '') names.set(db, (names.get(db) ?? new Set()).add(who));
      }
      return [...names]
        .filter(([, applications]) => applications.size > 1)
        .map(([db, applications]) => {
          const list = [...applications].sort();
          return symptom(
            say`${count(list.length)} applications use database ${db}: ${list.slice(0, 5).join(', ')}${list.length > 5 ? ', …' : ''}`,
            { database: Number(db), applications: list.length },
          );
        });
    }),
  },
  {
    number: 'CC118',
    id: 'events-left-on',
    severity: 'notice',
    question: 'does someone listen to the events that the server sends?',
    remedy:
      '`CONFIG SET notify-keyspace-events ""`; `cachectl hits --restore` where an observation was cut off',
    source: `${docs}/develop/pubsub/keyspace-notifications/`,
    assess: ofNodes('settings', (settings, { info, clients }) => {
      const flags = settings.get('notify-keyspace-events');
      if (flags === undefined) return unreported('notify-keyspace-events');
      if (info instanceof Missing) return info;
      const isWatched = !(clients instanceof Missing) && clients.some(isSentinelListener);
      const [channels, patterns] = [
        infoNumber(info, 'pubsub_channels') ?? 0,
        infoNumber(info, 'pubsub_patterns') ?? 0,
      ];
      const listeners = channels + patterns - (isWatched ? 1 : 0);
      return flags === '' || listeners > 0
        ? []
        : [
            symptom(
              say`\`notify-keyspace-events\` is \`${flags}\`, and no client is subscribed to anything`,
              {
                flags,
              },
            ),
          ];
    }),
  },
  {
    number: 'CC119',
    id: 'monitor-left-on',
    severity: 'warning',
    question: 'is no MONITOR running?',
    remedy: '`CLIENT LIST` shows it (`flags=O`), and `CLIENT KILL ID …` ends it',
    source: `${docs}/commands/monitor/`,
    assess: ofNodes('clients', (clients) => {
      const monitors = clients.filter(({ flags = '' }) => flags.includes('O'));
      const age = Math.max(0, ...monitors.map((each) => Number(each['age'])));
      return monitors.length === 0
        ? []
        : [
            symptom(
              say`${count(monitors.length, 'client')} with MONITOR, for ${seconds(age)}: each command is copied to it`,
              { clients: monitors.length, ageSeconds: age },
            ),
          ];
    }),
  },
];

/** The name of a client without what differs between its processes: `web-3` and `web-4` are of one application. */
const applicationOf = (name: string) =>
  name
    .toLowerCase()
    .replace(/[0-9a-f]{8,}|\d+/g, '')
    .replace(/[\W_]+$/, '');

/** The server's own clock, by which its logs are dated; null: not reported. */
export function nowSeconds(info: Info): number | null {
  const micros = infoNumber(info, 'server_time_usec');
  return micros === null ? null : micros / 1e6;
}

export const isOld = (atSeconds: number, now: number | null): boolean =>
  now !== null && now - atSeconds > recentSeconds;
