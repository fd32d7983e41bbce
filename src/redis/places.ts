import { lookup } from 'node:dns/promises';
import { stat } from 'node:fs/promises';
import { isIPv6, SocketAddress } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { RedisError } from './errors.ts';
import { infoOf, readInfoIfPermitted } from './info.ts';
import type { Reply } from './reply.ts';
import type { RedisNode, RedisServer } from './server.ts';
import { type Place, placeAt } from './target.ts';
import { parseClusterMembers } from './cluster.ts';

/**
 * A name of a place that is the same however the place is spelled: `192.0.2.7:6379`, `here:6379` for every address of this
 * host, `socket:DEVICE:INODE` for a socket file.
 */
type PlaceName = string;

const here = 'here';
const lookupMillis = 2000;

/** True for the loopback addresses and those of this host's own interfaces. */
export const isHere = (name: PlaceName) => name.startsWith(`${here}:`) || name.startsWith('socket:');

/** The names of a place, one for each address of its host; null where the host does not resolve within 2 s. */
export async function namesOfPlace({ host, port, socketPath }: Place): Promise<PlaceName[] | null> {
  if (socketPath !== undefined) return socketNames(socketPath);
  const late = pause(lookupMillis, null, { ref: false });
  const found = await Promise.race([lookup(host, { all: true }).catch(() => null), late]);
  return found && [...new Set(found.map(({ address }) => `${hostName(address)}:${port}`))];
}

/**
 * All names of a connected server: of the places that it was reached at, of its other ports and its socket file as far as it
 * reports them, and of the other nodes of its cluster.
 * @throws RedisError where the connection is lost
 */
export async function namesOfServer(server: RedisServer): Promise<ReadonlySet<PlaceName>> {
  const members = await memberPlaces(server);
  const names = new Set<PlaceName>();
  for (const place of [...server.nodes.map(({ address }) => placeAt(address)), ...members])
    for (const name of (await namesOfPlace(place)) ?? []) names.add(name);
  for (const { address, peerAddress } of server.nodes)
    if (peerAddress) names.add(`${hostName(peerAddress)}:${placeAt(address).port}`);
  if (server.cluster === undefined)
    for (const name of await otherWaysIn(server.nodes[0], [...names])) names.add(name);
  return names;
}

/**
 * The `run_id` of a server that reports it, which every proxy passes on. Those of a cluster are not asked for: the addresses of
 * its nodes come from itself.
 * @throws RedisError where the connection is lost
 */
export async function runIdOf({ cluster, nodes: [node] }: Pick<RedisServer, 'nodes' | 'cluster'>) {
  if (cluster !== undefined) return null;
  return (await readInfoIfPermitted(node, 'SERVER'))?.['run_id'] ?? null;
}

/** `::ffff:127.0.0.1`, `127.0.0.1`, `0.0.0.0` and an address of an interface are one host: this one. */
function hostName(address: string): string {
  const [bare = ''] = address.split('%', 1);
  const plain = isIPv6(bare) ? new SocketAddress({ address: bare, family: 'ipv6' }).address : bare;
  const host = plain.replace(/^::ffff:(?=\d+\.)/i, '');
  if (/^(127\.\d+\.\d+\.\d+|0\.0\.0\.0|::|::1)$/.test(host)) return here;
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return own.some((each) => each.address === host) ? here : host;
}

async function socketNames(path: string): Promise<PlaceName[]> {
  try {
    const { dev, ino } = await stat(path);
    return [`socket:${dev}:${ino}`];
  } catch {
    // Where there is no file, nothing was connected to by it.
    return [];
  }
}

/** The nodes of the server's cluster, replicas included; none where it is in no cluster, or may not be asked. */
async function memberPlaces(server: RedisServer): Promise<Place[]> {
  const [node] = server.nodes;
  try {
    const info = await readInfoIfPermitted(node, 'CLUSTER');
    if (info?.['cluster_enabled'] !== '1' && server.cluster === undefined) return [];
    const [slots] = await node.batch([['CLUSTER', 'SLOTS']]);
    return Array.isArray(slots) ? parseClusterMembers(slots, placeAt(node.address).host) : [];
  } catch (error) {
    // Of a cluster, the primaries are known without this node, which may be down.
    if (error instanceof RedisError && server.cluster !== undefined) return [];
    throw error;
  }
}

/** What else leads to the server: its port without TLS and with it, and on this host its socket file. */
async function otherWaysIn(node: RedisNode, names: readonly PlaceName[]): Promise<PlaceName[]> {
  const [info, ...settings] = await node.batch([
    ['INFO', 'SERVER'],
    ...(['PORT', 'TLS-PORT', 'UNIXSOCKET'] as const).map((name) => ['CONFIG', 'GET', name] as const),
  ]);
  const [port, tlsPort, socketPath] = settings.map(settingOf);
  const reported = infoOf(info)?.['tcp_port'];
  const ports = [port, tlsPort, reported].filter((each) => each !== undefined && each !== '0');
  const { port: usedPort, socketPath: usedSocket } = placeAt(node.address);
  // A port that the server does not know of is mapped to it (a container, a tunnel): its own ports lead elsewhere there.
  if (usedSocket === undefined && !ports.includes(String(usedPort))) return [];
  const hosts = usedSocket === undefined ? names.map((name) => name.replace(/:\d+$/, '')) : [here];
  const atPorts = hosts.flatMap((host) => ports.map((each) => `${host}:${each}`));
  const bySocket = socketPath && hosts.includes(here) ? await socketNames(socketPath) : [];
  return [...atPorts, ...bySocket];
}

/** Undefined where the server refuses CONFIG. */
function settingOf(reply: Reply): string | undefined {
  const value = Array.isArray(reply) ? reply[1] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}
