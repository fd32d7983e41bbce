import { setTimeout as pause } from 'node:timers/promises';
import { type OwnLookups, sumLookups } from '../redis/lookups.ts';
import type { RedisServer } from '../redis/server.ts';
import type { ConnectTarget } from '../redis/target.ts';
import { fileFailureText } from '../support/failure.ts';
import type { Io } from './io.ts';
import { counted } from '../render/units.ts';
import { processFacts } from './process-facts.ts';

/** How long a result may wait for a remark that is still on its way. */
const remarkMillis = 200;

/** Fewer lookups change no rate that is judged, for that takes 100 reads. */
const fewestNamed = 100;

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
    // The client library is the heaviest thing the program loads; what needs no server never pays for it.
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

  /** Remembers what was looked up. Where that fails the command does not, and a warning says so. */
  async close(command: string, warn: (text: string) => void): Promise<void> {
    const { hits, misses, lost } = this.lookups;
    const made = hits + misses + lost;
    if (made > 0) {
      const { ledgerFolder, rememberLookups } = await import('../health/lookups/ledger.ts');
      const { variables, now } = this.io;
      const terms = { command, folder: ledgerFolder(variables), processes: processFacts(), now };
      await rememberLookups(this.nodes, terms).catch((error: unknown) => {
        if (made >= fewestNamed)
          warn(
            `${counted(made, 'lookup')} of this run could not be remembered, so the hit rate of \`stats\` and \`check\` may include them: ${fileFailureText(error)}`,
          );
      });
    }
    for (const server of this.open) server.close();
  }

  private get nodes() {
    return this.open.flatMap((server) => server.nodes);
  }
}
