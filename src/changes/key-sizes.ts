import type { ByteString } from '../support/bytes.ts';
import type { Lane } from '../redis/lane.ts';
import { type Reply, ReplyError } from '../redis/reply.ts';
import type { RedisNode } from '../redis/server.ts';
import { isAboutOneKey } from '../redis/columns.ts';

/** Bytes of a key with the allocator's overhead; `unknown` where the server does not tell, which may hide a missing key. */
export type KeySize = number | 'missing' | 'unknown';

const mostInOneWrite = 1000;

/** Reads the sizes of keys with MEMORY USAGE, which leaves no trace, over a connection of its own. The caller closes it. */
export class KeySizes {
  /** The server's words where it refused the command altogether; from then on every size is unknown. */
  refused: string | null = null;
  /** Keys that this user may not read. */
  unreadableKeys = 0;

  private constructor(private readonly lane: Lane) {}

  static async open(node: RedisNode): Promise<KeySizes> {
    return new KeySizes(await node.openLane());
  }

  get commandsSent(): number {
    return this.lane.commandsSent;
  }

  get bytesReceived(): number {
    return this.lane.bytesReceived;
  }

  /** The sizes in the order of the keys. @throws RedisError when the connection is lost. */
  async read(keys: readonly ByteString[]): Promise<KeySize[]> {
    const sizes: KeySize[] = [];
    for (let start = 0; start < keys.length; start += mostInOneWrite) {
      const batch = keys.slice(start, start + mostInOneWrite);
      const replies: readonly Reply[] =
        this.refused === null
          ? await this.lane.exchange(batch.map((key) => ['MEMORY', 'USAGE', key] as const))
          : [];
      for (let index = 0; index < batch.length; index++) sizes.push(this.sizeOf(replies[index]));
    }
    return sizes;
  }

  close(): void {
    this.lane.close();
  }

  private sizeOf(reply: Reply | undefined): KeySize {
    if (typeof reply === 'number') return reply;
    if (reply === null) return 'missing';
    if (reply instanceof ReplyError) {
      if (isAboutOneKey(reply)) this.unreadableKeys++;
      else this.refused ??= reply.message;
    }
    return 'unknown';
  }
}
