import type { ByteString } from '../support/bytes.ts';
import { RedisError } from './errors.ts';
import { Connection } from './connection.ts';
import { LookupTally } from './lookups.ts';
import { askInTurn, askOnce, nodeOnDemand, type OpenNode, openNode } from './node.ts';
import { type Reply, ReplyError, replyText } from './reply.ts';
import type { RedisCluster, RedisNode, RedisServer } from './server.ts';
import { slotCount, slotOf, uncoveredSlots, type SlotRange } from './slots.ts';
import { addressOf, type ConnectTarget, type Place, publicUrlOf, targetAt } from './target.ts';

/** The primaries of a cluster, as reported by one of its nodes. */
interface Told {
  readonly by: Place;
  readonly primaries: readonly Primary[];
}

/**
 * Asks the seeds in turn for the topology. The primaries themselves are connected to when they are first used, with the
 * same user, password and TLS. @throws RedisError
 */
export async function connectCluster(
  target: ConnectTarget,
  seeds: readonly Place[],
  signal?: AbortSignal,
): Promise<RedisServer> {
  return new Cluster(target, seeds, await askForPrimaries(target, seeds, signal), signal);
}

/**
 * How many primaries the cluster of this node has; null where the user may not ask. A server that is no cluster would count the
 * question as an error of a client. @throws RedisError
 */
export async function countPrimaries(node: RedisNode): Promise<number | null> {
  const [slots] = await node.batch([['CLUSTER', 'SLOTS']]);
  if (slots === undefined || slots instanceof ReplyError) return null;
  return parseClusterSlots(slots, '').length;
}

class Cluster implements RedisServer, RedisCluster {
  readonly cluster = this;
  private members = new Map<string, { readonly place: Place; readonly node: OpenNode }>();
  private primaries!: readonly [RedisNode, ...RedisNode[]];
  owners: readonly RedisNode[] = [];
  private toldBy!: Place;
  /** By primary, the node that has had slots of it since, and none before. */
  private readonly successors = new Map<RedisNode, RedisNode>();

  constructor(
    private readonly target: ConnectTarget,
    private readonly seeds: readonly Place[],
    told: Told,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.follow(told);
  }

  get address(): string {
    const count = this.primaries.length;
    const url = publicUrlOf({ ...this.target, topology: { kind: 'cluster', seeds: [this.toldBy] } });
    return `${url} (cluster of ${count} ${count === 1 ? 'primary' : 'primaries'})`;
  }

  get nodes(): readonly [RedisNode, ...RedisNode[]] {
    return this.primaries;
  }

  nodeFor(key: ByteString): RedisNode {
    return this.owners[slotOf(key)] ?? this.primaries[0];
  }

  async refresh(): Promise<void> {
    const members = [...this.members.values()].map(({ place }) => place);
    // The one that was asked before goes first: results name it.
    const places = [this.toldBy, ...members, ...this.seeds];
    this.follow(await askForPrimaries(this.target, places, this.signal));
  }

  successorOf(node: RedisNode): RedisNode | undefined {
    return this.primaries.includes(node) ? undefined : this.successors.get(node);
  }

  async isMovingSlots(): Promise<boolean> {
    const replies = await Promise.all(this.primaries.map((node) => node.batch([['CLUSTER', 'NODES']])));
    // In the line of the node itself: `[93->-ID]` for a slot that it gives away, `[93-<-ID]` for one that it takes.
    return replies.some(([reply]) =>
      /^\S+ \S+ \S*myself\b.*\[\d+-[<>]-/m.test(typeof reply === 'string' ? reply : ''),
    );
  }

  nodeNamed(redirection: ReplyError, by: RedisNode): RedisNode | null {
    const [, host = '', port] = /^(?:MOVED|ASK) \d+ (.*):(\d+)$/.exec(redirection.message) ?? [];
    if (port === undefined) return null;
    // An empty host is that of the node which answered.
    const own = this.members.get(by.address)?.place.host ?? this.toldBy.host;
    return this.member({ host: host === '' || host === '?' ? own : host, port: Number(port) });
  }

  close(): void {
    for (const { node } of this.members.values()) node.close();
  }

  /** @throws RedisError where slots have no owner: what is in them would silently be missing from every result */
  private follow({ by, primaries }: Told): void {
    const gaps = uncoveredSlots(primaries.flatMap(({ ranges }) => ranges));
    const [first, ...others] = primaries;
    if (gaps.length > 0 || first === undefined) throw uncovered(addressOf(by), gaps);
    this.toldBy = by;
    const owners = new Array<RedisNode>(slotCount);
    for (const { place, ranges } of primaries)
      for (const range of ranges) owners.fill(this.member(place), range.first, range.last + 1);
    const before = new Set(this.owners);
    for (const [slot, node] of this.owners.entries()) {
      const owner = owners[slot] as RedisNode;
      if (!before.has(owner)) this.successors.set(node, owner);
    }
    this.owners = owners;
    this.primaries = [this.member(first.place), ...others.map(({ place }) => this.member(place))];
  }

  private member(place: Place): RedisNode {
    const address = addressOf(place);
    const known = this.members.get(address);
    if (known) return known.node;
    const seed = addressOf(this.toldBy);
    const explained = (failure: RedisError) => (address === seed ? failure : unreachable(failure, seed));
    const target = targetAt(place, this.target);
    const lookups = new LookupTally();
    const explain = (error: unknown): never => {
      throw error instanceof RedisError && error.failure === 'connect' ? explained(error) : error;
    };
    const node: OpenNode = nodeOnDemand({
      place: () => target,
      lookups,
      open: () => openNode(target, this.signal, lookups).catch(explain),
      openConnection: () => Connection.open(target, lookups, this.signal).catch(explain),
      signal: this.signal,
      findSuccessor: async () => {
        await this.refresh();
        return this.successorOf(node);
      },
    });
    this.members.set(address, { place, node });
    return node;
  }
}

/** @throws RedisError */
function askForPrimaries(
  target: ConnectTarget,
  places: readonly Place[],
  signal: AbortSignal | undefined,
): Promise<Told> {
  const ask = async (place: Place): Promise<Told> => {
    const read = (node: RedisNode) => readTopology(node, place.host || '127.0.0.1');
    return { by: place, primaries: await askOnce(targetAt(place, target), read, signal) };
  };
  return askInTurn(places, ask, 'seeds of the cluster answers');
}

/** @throws RedisError */
async function readTopology(node: RedisNode, askedHost: string): Promise<readonly Primary[]> {
  try {
    return parseClusterSlots(await node.call('CLUSTER', 'SLOTS'), askedHost);
  } catch (error) {
    const answer = error instanceof RedisError ? error.refused?.answer : undefined;
    if (answer === undefined || !/cluster support disabled/.test(answer)) throw error;
    throw new RedisError(
      'connect',
      'ENOCLUSTER',
      `${node.address} is not part of a cluster: it answered \`${answer}\``,
      'leave out --cluster, or use a profile with "url" in place of "cluster"',
    );
  }
}

function uncovered(seed: string, gaps: Parameters<typeof rangesText>[0]): RedisError {
  const slots = gaps.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  return new RedisError(
    'connect',
    'CLUSTERDOWN',
    `the cluster at ${seed} has no owner for ${rangesText(gaps)}: ${slots} of its ${slotCount} slots are out of reach`,
    `\`redis-cli --cluster check ${seed}\` shows which node is missing`,
  );
}

function unreachable({ failure, code, message }: RedisError, seed: string): RedisError {
  return new RedisError(
    failure,
    code,
    `${message}; the seed ${seed} announced this node of the cluster`,
    code === 'ECONNREFUSED'
      ? 'start that node, or let a replica of it take over; `CLUSTER NODES` shows the state of each'
      : 'every primary must be reachable from here under the address it announces (`cluster-announce-ip`)',
  );
}

/** A primary of a cluster with the slots that it owns. */
export interface Primary {
  readonly place: Place;
  readonly ranges: readonly SlotRange[];
}

/**
 * The primaries in a reply to CLUSTER SLOTS: `[first, last, [host, port, id, …], …replicas]` for each range. Where a node
 * names no host of its own (null, an empty one, or `?`), it is the host at which the cluster was asked: `askedHost`.
 * @throws RedisError for anything else
 */
export function parseClusterSlots(reply: Reply, askedHost: string): Primary[] {
  const byPlace = new Map<string, { place: Place; ranges: SlotRange[] }>();
  for (const entry of listOf(reply)) {
    const [first, last, primary] = listOf(entry);
    const { host, port } = nodePlace(primary, askedHost);
    const known = byPlace.get(`${host} ${port}`) ?? { place: { host, port }, ranges: [] };
    known.ranges.push({ first: Number(replyText(first)), last: Number(replyText(last)) });
    byPlace.set(`${host} ${port}`, known);
  }
  return [...byPlace.values()];
}

/** Every node in a reply to CLUSTER SLOTS, replicas too. @throws RedisError for anything else */
export function parseClusterMembers(reply: Reply, askedHost: string): Place[] {
  return listOf(reply).flatMap((entry) =>
    listOf(entry)
      .slice(2)
      .map((node) => nodePlace(node, askedHost)),
  );
}

function nodePlace(node: Reply | undefined, askedHost: string): Place {
  const [host, port] = listOf(node);
  const told = replyText(host);
  return { host: told === '' || told === '?' ? askedHost : told, port: Number(replyText(port)) };
}

/** `slot 5`, `slots 0-5460, 5462`; of many ranges the first few. */
export function rangesText(ranges: readonly SlotRange[]): string {
  const shown = ranges
    .slice(0, 8)
    .map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));
  const [only] = ranges;
  const word = ranges.length === 1 && only?.first === only?.last ? 'slot' : 'slots';
  return `${word} ${shown.join(', ')}${ranges.length > shown.length ? ', …' : ''}`;
}

function listOf(reply: Reply | undefined): Reply[] {
  if (Array.isArray(reply)) return reply;
  throw new RedisError('connect', 'EPROTO', 'the answer to `CLUSTER SLOTS` is no list of slots and nodes');
}
