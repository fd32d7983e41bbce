import type { ByteString } from '../support/bytes.ts';
import type { Connection } from './connection.ts';
import type { LookupTally, OwnLookups } from './lookups.ts';
import type { Reply, ReplyError } from './reply.ts';
import type { ConnectTarget } from './target.ts';

/** One argument of a command. Strings are byte strings: text goes through `bytesOf` first; ASCII words may stand as they are. */
export type Argument = ByteString | Uppercase<string> | number;

/** A command with its arguments: `['MEMORY', 'USAGE', key]`. */
export type RedisCommand = readonly Argument[];

/** One Redis process that holds keys: the whole of a standalone server, or one primary of a cluster. */
export interface RedisNode {
  /** `host:port` or the path of the socket, for messages. */
  readonly address: string;
  readonly database: number;
  /** How long what was reached before is tried again, in milliseconds. */
  readonly retryMillis: number;
  /** The network address at the other end of the connection; none for a socket file, and before it is connected to. */
  readonly peerAddress?: string | undefined;
  /** What this program has looked up there so far. */
  readonly lookups: OwnLookups & { readonly touched?: number; readonly commands?: number };
  /** @throws RedisError on an error reply or a lost connection. */
  call(...command: Argument[]): Promise<Reply>;
  /** Sends the commands in one batch; an error reply is a value in its place. @throws RedisError when the connection is lost. */
  batch(commands: readonly RedisCommand[]): Promise<Reply[]>;
  /** A connection of its own, for walks, bulk writes and measurements. The caller closes it. */
  openConnection(): Promise<Connection>;
  /** For connections of another thread: where and as whom it connects, and the tally of what it looks up. */
  handOver(): { readonly target: ConnectTarget; readonly lookups: LookupTally };
}

/** The name under which Sentinels watch a primary, and where they listen: the same whichever server is the primary. */
export interface Watched {
  readonly name: string;
  readonly sentinels: readonly string[];
}

/** What a profile or URL leads to. Every walk goes over `nodes` one by one. */
export interface RedisServer {
  /** The URL without its password, for messages. */
  readonly address: string;
  readonly nodes: readonly [RedisNode, ...RedisNode[]];
  /** The node that holds the key. */
  nodeFor(key: ByteString): RedisNode;
  /**
   * Asks again which servers hold the keys: `nodes` and `nodeFor` follow it. Of a server alone there is nothing to ask.
   * @throws RedisError, also while another server is about to take over
   */
  refresh(): Promise<void>;
  /** Behind Sentinels: its node leads to the primary, which may be another server each time that it is connected to. */
  readonly watched?: Watched;
  /** What only a cluster can do. */
  readonly cluster?: RedisCluster;
  close(): void;
}

/** The keys of a cluster's node lie in slots: one command may name keys of one slot only, and slots may move. */
export interface RedisCluster {
  /** The owner of each slot, by its number, as far as is known; another array after each `refresh` that found a change. */
  readonly owners: readonly RedisNode[];
  /** The node that has taken over from a primary; undefined where none has. */
  successorOf(node: RedisNode): RedisNode | undefined;
  /** True while a slot is on its way from one node to another. False for a user who may not ask. @throws RedisError */
  isMovingSlots(): Promise<boolean>;
  /** The node that a MOVED or ASK reply of another node names; null where it names none. */
  nodeNamed(redirection: ReplyError, by: RedisNode): RedisNode | null;
}
