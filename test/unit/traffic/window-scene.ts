import { buildMap } from '../../../src/config/build-map.ts';
import type { NamespaceMap } from '../../../src/keyspace/map.ts';
import { buildReport, type ReportInput } from '../../../src/traffic/figures/build-report.ts';
import type { KeyEvent } from '../../../src/traffic/streams/event-reader.ts';
import { KeyHistory } from '../../../src/traffic/keys/key-history.ts';
import { KeyTable } from '../../../src/traffic/keys/key-table.ts';
import { NamespaceRows } from '../../../src/traffic/keys/namespace-rows.ts';
import type { Mark, MarkKind } from '../../../src/traffic/streams/mark.ts';
import { NodeTraffic, type SharedTraffic } from '../../../src/traffic/node-traffic.ts';
import type { TrafficReport } from '../../../src/traffic/report.ts';

export const sceneMap = buildMap({
  namespaces: {
    users: { pattern: 'user:*', hitRateTarget: 0.8 },
    pages: { pattern: 'page:*' },
  },
});

/** A node as a report knows it: its streams report what it does, and the test sets its counters. */
export class WindowScene {
  readonly shared: SharedTraffic;
  readonly traffic: NodeTraffic;
  hits = 1000;
  misses = 500;
  commands = 10_000;
  ownMisses = 1;
  private monitored = 0;

  constructor(
    readonly map: NamespaceMap = sceneMap,
    readonly tellsNewKeys = true,
    shared?: SharedTraffic,
  ) {
    this.shared = shared ?? {
      rows: new NamespaceRows(map, 0),
      history: new KeyHistory(new KeyTable(1024), 0, false),
      isReplica: false,
      tellsNewKeys,
    };
    this.traffic = new NodeTraffic(this.shared);
  }

  at(millis: number): this {
    this.traffic.nowMillis = millis;
    return this;
  }

  /** Shown by MONITOR; the counters of the server are another matter. */
  shows(key: string, times: number, kind: 'read' | 'write' = 'read'): this {
    const bytes = Buffer.from(key, 'latin1');
    for (let time = 0; time < times; time++) {
      this.monitored++;
      if (kind === 'read') this.traffic.read(0, bytes, 0, bytes.length, 1, 0);
      else this.traffic.write(0, bytes, 0, bytes.length, 0);
    }
    return this;
  }

  /** A read that MONITOR shows, and that the server made only as far as its command did not fail. */
  showsUncertain(key: string, reads: number, uncertain: number, made: number): this {
    const bytes = Buffer.from(key, 'latin1');
    this.traffic.read(0, bytes, 0, bytes.length, reads, uncertain);
    this.hits += made;
    return this;
  }

  tells(kind: KeyEvent, key: string, times = 1): this {
    const bytes = Buffer.from(key, 'latin1');
    for (let time = 0; time < times; time++) this.traffic.event(kind, 0, bytes, 0, bytes.length);
    return this;
  }

  /** Reads that the server counts, and MONITOR shows, and events tell of as far as they are misses. */
  reads(key: string, hits: number, misses: number): this {
    this.hits += hits;
    this.misses += misses;
    this.commands += hits + misses;
    return this.shows(key, hits + misses).tells('keymiss', key, misses);
  }

  /** Misses of a command that MONITOR shows, and that no rule explains. */
  missesUnexplained(key: string, times: number): this {
    this.misses += times;
    return this.tells('keymiss', key, times);
  }

  mark(atMillis: number, changes: Partial<Mark> = {}, kind: MarkKind = 'turn'): Mark {
    // The lookup that makes the mark is one of the server's misses.
    this.misses++;
    this.ownMisses++;
    const commands = this.traffic.cut('commands', kind);
    const events = this.traffic.cut('events', kind);
    return {
      atMillis,
      info: {
        keyspace_hits: String(this.hits),
        keyspace_misses: String(this.misses),
        total_commands_processed: String(this.commands),
        used_cpu_user: String(atMillis / 2000),
        used_cpu_sys: String(atMillis / 4000),
      },
      commands: commands.counts,
      events: events.counts,
      keys: [commands.keys, events.keys].filter((each) => each !== null),
      monitoredCommands: this.monitored,
      ...{
        monitorBytes: 0,
        cutLines: 0,
        eventCount: 0,
        eventBytes: 0,
        maxLagSeconds: 0.01,
        ownMisses: this.ownMisses,
      },
      ...changes,
    };
  }

  report(windows: ReportInput['windows'], changes: Partial<ReportInput> = {}): TrafficReport {
    return buildReport({
      ...this.shared,
      ...{ mode: 'exact', modeReason: 'asked for', windows, map: this.map },
      ...{ lost: [], remarks: [], endedBy: null, unknownReads: [], bytesPerKey: new Map() },
      ...changes,
    });
  }

  /** A window of two seconds during which something happens. */
  window(action: () => void, changes: Partial<ReportInput> = {}, mark: Partial<Mark> = {}): TrafficReport {
    const from = this.mark(1000, mark);
    action();
    return this.report([{ from, to: this.mark(3000, mark), bursts: [] }], changes);
  }
}
