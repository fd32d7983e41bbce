import { Connection } from '../../src/redis/connection.ts';
import { infoNumber, type Info, parseInfo } from '../../src/redis/info.ts';
import { ReplyError, replyText } from '../../src/redis/reply.ts';
import type { RedisCommand } from '../../src/redis/server.ts';
import { asBytes } from '../../src/support/bytes.ts';
import type { ServerGrowth } from './truth.ts';

/** What the load asks the server besides its traffic; none of it is a lookup of a key. */
export class ServerProbe {
  private constructor(private readonly connection: Connection) {}

  static async open(port: number): Promise<ServerProbe> {
    return new ServerProbe(
      await Connection.open({ host: '127.0.0.1', port, database: 0, timeoutMillis: 60_000 }),
    );
  }

  async info(): Promise<Info> {
    return parseInfo(await this.ask(['INFO']));
  }

  async evictedKeys(): Promise<number> {
    return infoNumber(await this.info(), 'evicted_keys') ?? 0;
  }

  /** @returns the digest by which EVALSHA calls it */
  loadScript(text: string): Promise<string> {
    return this.ask(['SCRIPT', 'LOAD', asBytes(text)]);
  }

  /** From now on each new key costs an older one. */
  async limitMemory(): Promise<void> {
    const used = infoNumber(await this.info(), 'used_memory') ?? 0;
    await this.ask(['CONFIG', 'SET', 'MAXMEMORY-POLICY', 'ALLKEYS-RANDOM']);
    await this.ask(['CONFIG', 'SET', 'MAXMEMORY', used]);
  }

  async liftLimit(): Promise<void> {
    await this.ask(['CONFIG', 'SET', 'MAXMEMORY', 0]);
  }

  close(): void {
    this.connection.close();
  }

  private async ask(command: RedisCommand): Promise<string> {
    const [reply] = await this.connection.exchange([command]);
    if (reply === undefined || reply instanceof ReplyError)
      throw new Error(`\`${String(command[0])}\`: ${reply?.message ?? 'no answer'}`);
    return replyText(reply);
  }
}

/** What the counters of the whole server grew by. */
export function growthOf(before: Info, after: Info): ServerGrowth {
  const grown = (field: string) => (infoNumber(after, field) ?? 0) - (infoNumber(before, field) ?? 0);
  return {
    hits: grown('keyspace_hits'),
    misses: grown('keyspace_misses'),
    expiredKeys: grown('expired_keys'),
    evictedKeys: grown('evicted_keys'),
    commands: grown('total_commands_processed'),
    cpuSeconds: grown('used_cpu_user') + grown('used_cpu_sys'),
  };
}
