import type { CostLimit } from '../../traffic/observe.ts';
import type { ObservationCost, TrafficReport } from '../../traffic/report.ts';
import type { ObservedTraffic } from '../../watch/observer.ts';

/** How long nothing is observed once the server had more to do than the budget allows. */
const pauseMillis = 300_000;

/** Observes while the server has no more to do than `--max-cost` allows, and again after a while. */
export class BudgetedTraffic implements ObservedTraffic {
  private pausedUntil = 0;

  private constructor(
    private source: ObservedTraffic | null,
    private readonly open: () => Promise<ObservedTraffic>,
    private readonly limit: CostLimit | null,
    private readonly now: () => number,
  ) {}

  static async open(
    open: () => Promise<ObservedTraffic>,
    limit: CostLimit | null,
    now: () => number,
  ): Promise<BudgetedTraffic> {
    return new BudgetedTraffic(await open(), open, limit, now);
  }

  /** Null while nothing is observed. */
  async next(): Promise<TrafficReport | null> {
    if (this.source === null) {
      if (this.now() >= this.pausedUntil) this.source = await this.open();
      return null;
    }
    const report = await this.source.next();
    if (
      report === null ||
      this.limit === null ||
      !exceeds(report.serverCost, report.windowSeconds, this.limit)
    )
      return report;
    await this.close();
    this.pausedUntil = this.now() + pauseMillis;
    return { ...report, endedBy: 'max-cost' };
  }

  async close(): Promise<void> {
    const { source } = this;
    this.source = null;
    await source?.close();
  }
}

function exceeds(
  { serverCpuSeconds, commands }: ObservationCost,
  seconds: number,
  limit: CostLimit,
): boolean {
  return limit.kind === 'cpu'
    ? (serverCpuSeconds ?? 0) > limit.share * seconds
    : (commands ?? 0) > limit.perSecond * seconds;
}
