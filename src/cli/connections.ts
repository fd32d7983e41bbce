import { setTimeout as pause } from 'node:timers/promises';
import { type OwnLookups, sumLookups } from '../redis/lookups.ts';
import type { RedisServer } from '../redis/server.ts';
import type { ConnectTarget } from '../redis/target.ts';
import type { Io } from './io.ts';
import { processFacts } from './process-facts.ts';

/** How long a result may wait for a remark that is still on its way. */
const remarkMillis = 200;

/** The servers that a run is connected to. */
export class Connections {
  private readonly open: RedisServer[] = [];
  private remark: Promise<void> | undefined;

  constructor(private readonly io: Io) {}

  /** What the run has looked up, on all of them. */
  get lookups(): OwnLookups {
    return sumLookups(this.nodes.map(({ lookups }) => lookups));
  }

  /** @throws RedisError */
  async connect(target: ConnectTarget, signal = this.io.signal): Promise<RedisServer> {
    // What needs no server does not load what talks to one.
    const { connect } = await import('../redis/connect.ts');
    const server = await connect(target, signal);
    this.open.push(server);
    return server;
  }

  /** Says once that the rest of a cluster is not seen, while the command is at work already. Its failure fails nothing else. */
  async remarkOnCluster(server: RedisServer, warn: (text: string) => void): Promise<void> {
    const { countPrimaries } = await import('../redis/cluster.ts');
    this.remark ??= (async () => {
      if (server.cluster !== undefined) return;
      const primaries = await countPrimaries(server.nodes[0]).catch(() => null);
      if (primaries === null || primaries < 2) return;
      warn(
        `${server.address} is one node of a cluster of ${primaries} primaries: --cluster covers all of them`,
      );
    })();
  }

  /** Waits for a remark that is on its way, for a moment. */
  async settle(): Promise<void> {
    await Promise.race([this.remark, pause(remarkMillis, undefined, { ref: false })]);
  }

  /** Keeps what was looked up; a failure to do so fails nothing else, and `stats` and `check` say what they have. */
  async close(command: string): Promise<void> {
    if (this.nodes.some(({ lookups }) => lookups.hits + lookups.misses + lookups.lost > 0)) {
      const { ledgerFolder, rememberLookups } = await import('../health/lookups/ledger.ts');
      const { variables, now } = this.io;
      const terms = { command, folder: ledgerFolder(variables), processes: processFacts(), now };
      await rememberLookups(this.nodes, terms).catch(() => undefined);
    }
    for (const server of this.open) server.close();
  }

  private get nodes() {
    return this.open.flatMap((server) => server.nodes);
  }
}
