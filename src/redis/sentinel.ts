import { bytesOf } from '../support/bytes.ts';
import { RedisError } from './errors.ts';
import { askInTurn, askOnce, type OpenNode, openNode } from './node.ts';
import { ReplyError, replyText } from './reply.ts';
import type { RedisNode } from './server.ts';
import { addressOf, type ConnectTarget, type Place, targetAt, type Topology } from './target.ts';

type SentinelTopology = Extract<Topology, { kind: 'sentinel' }>;

/**
 * Asks the Sentinels in turn for the primary, and connects to it. One that names a server which is gone or is a replica
 * by now has not heard of a failover yet: then the next one is asked.
 * @see https://redis.io/docs/latest/develop/reference/sentinel-clients/
 * @throws RedisError
 */
export async function openPrimary(
  target: ConnectTarget,
  topology: SentinelTopology,
  signal?: AbortSignal,
): Promise<{ readonly node: OpenNode; readonly place: ConnectTarget }> {
  const ask = async (sentinel: Place) => {
    const place = targetAt(await askForPrimary(sentinel, target, topology, signal), target);
    return { node: await openAsPrimary(place, addressOf(sentinel), topology.name, signal), place };
  };
  return askInTurn(topology.sentinels, ask, `Sentinels leads to the primary of \`${topology.name}\``);
}

/** Where the first Sentinel that answers says that the primary is; nothing is sent there. @throws RedisError */
export async function findPrimary(target: ConnectTarget, topology: SentinelTopology): Promise<Place> {
  let failure: unknown;
  for (const sentinel of topology.sentinels) {
    try {
      return await askForPrimary(sentinel, target, topology, undefined);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/** @throws RedisError */
async function askForPrimary(
  sentinel: Place,
  target: ConnectTarget,
  { name, username, password }: SentinelTopology,
  signal: AbortSignal | undefined,
): Promise<Place> {
  const { username: _username, password: _password, ...access } = targetAt(sentinel, target);
  const credentials = {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  };
  const ask = (node: RedisNode) => readPrimary(node, name);
  try {
    return await askOnce({ ...access, ...credentials, database: 0 }, ask, signal);
  } catch (error) {
    throw error instanceof RedisError ? explained(error, addressOf(sentinel)) : error;
  }
}

/** @throws RedisError */
async function readPrimary(node: RedisNode, name: string): Promise<Place> {
  const reply = await node.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', bytesOf(name));
  if (Array.isArray(reply)) return { host: replyText(reply[0]), port: Number(replyText(reply[1])) };
  throw new RedisError(
    'connect',
    'ENOPRIMARY',
    `the Sentinel at ${node.address} watches no primary named \`${name}\``,
    'check "name" in the profile; `SENTINEL MASTERS` lists the names',
  );
}

/** What a refusal means that comes from a Sentinel, or from what was taken for one. */
function explained(error: RedisError, address: string): RedisError {
  if (error.failure === 'login') {
    const hint = 'name the password of the Sentinels with "sentinelPasswordEnv" in the profile';
    return new RedisError('login', error.code, `${error.message} (a Sentinel)`, hint, error.refused);
  }
  if (!/unknown command/i.test(error.refused?.answer ?? '')) return error;
  return new RedisError(
    'connect',
    'ENOSENTINEL',
    `${address} is no Sentinel: it does not know the command \`SENTINEL\``,
    'check the ports in "nodes" of the profile; a Sentinel listens on 26379 by default',
  );
}

/** @throws RedisError */
async function openAsPrimary(
  target: ConnectTarget,
  sentinel: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<OpenNode> {
  let node: OpenNode;
  try {
    node = await openNode(target, signal);
  } catch (error) {
    if (!(error instanceof RedisError) || error.failure !== 'connect') throw error;
    const { code, message, hint } = error;
    const by = `; the Sentinel at ${sentinel} named it as the primary of \`${name}\``;
    throw new RedisError('connect', code, message + (code === 'EINTR' ? '' : by), hint);
  }
  const [reply] = await node.batch([['ROLE']]);
  // A user who may not ask takes the Sentinel's word for it.
  if (reply === undefined || reply instanceof ReplyError || !Array.isArray(reply) || reply[0] === 'master')
    return node;
  node.close();
  throw new RedisError(
    'connect',
    'ENOPRIMARY',
    `${node.address}, which the Sentinel at ${sentinel} named as the primary of \`${name}\`, is a replica`,
    'a failover may be under way: run it again in a few seconds',
  );
}
