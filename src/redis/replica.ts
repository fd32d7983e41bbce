import { asBytes } from '../support/bytes.ts';
import { RedisError } from './errors.ts';
import { parseInfo } from './info.ts';
import type { RedisServer } from './server.ts';

/**
 * Refuses replicas that take no writes, before anything is planned for them. Where INFO is not permitted, the first write
 * finds out. @param subject What would write. @throws RedisError
 */
export async function requirePrimaries(server: RedisServer, subject: string): Promise<void> {
  for (const node of server.nodes) {
    const [reply] = await node.batch([['INFO', asBytes('replication')]]);
    if (typeof reply !== 'string') continue;
    const {
      role,
      slave_read_only: readOnly,
      master_host: host = '',
      master_port: port = '',
    } = parseInfo(reply);
    if (role !== 'slave' || readOnly === '0') continue;
    const primary = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    throw new RedisError(
      'refused',
      'READONLY',
      `${node.address} is a replica of ${primary}, and ${subject} writes; nothing was changed`,
      `connect to the primary, ${primary}`,
    );
  }
}
