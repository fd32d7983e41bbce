import type { LogHistogram } from '../../support/log-histogram.ts';

/** With fewer gaps that are followed on, each for several that are not, what becomes of them is chance: they end the curve. */
const fewestFollowed = 20;
const mostWeight = 2;

interface Step {
  readonly gap: number;
  /** Share of all gaps that end here, and of those that are longer. */
  readonly share: number;
  readonly longer: number;
  /** Variance of `longer` that comes in here, over its square. */
  readonly variance: number;
}

/**
 * How long keys are over until they are read, in milliseconds: from gaps that a read ended, and gaps that were still open when
 * the window ended or the key was written again. The product-limit estimate (Kaplan and Meier, Nonparametric Estimation from Incomplete
 * Observations, 1958), with the variance of Greenwood. It takes for granted only that how long a gap becomes has nothing
 * to do with when it begins; keys may be read as differently as they like.
 */
export class ReadGaps {
  /** Gaps that a read ended. */
  readonly ended: number;
  /** The longest gap that the window shows, and the share of gaps that are longer. */
  readonly longest: number = 0;
  readonly longerShare: number = 1;
  /** How much longer those are on average, if they end at the rate at which all did. */
  readonly meanRest: number;
  private readonly steps: Step[] = [];

  constructor(ended: LogHistogram, open: LogHistogram) {
    const total = ended.count + open.count;
    let [followed, exposure] = [total, 0];
    for (const [gap, ends, stays] of ended.bucketsWith(open)) {
      exposure += gap * (ends + stays);
      if (followed < fewestFollowed && this.longerShare / followed > mostWeight / total) continue;
      // Those that stay open are followed through half of their bucket.
      const atRisk = followed - stays / 2;
      const share = (this.longerShare * ends) / atRisk;
      this.longest = gap;
      this.longerShare -= share;
      const variance = ends < atRisk ? ends / (atRisk * (atRisk - ends)) : 0;
      this.steps.push({ gap, share, longer: this.longerShare, variance });
      followed -= ends + stays;
    }
    this.ended = ended.count;
    this.meanRest = exposure / ended.count;
  }

  /**
   * The mean of a function of the gaps, with its standard error.
   * @param beyond what to take it for over the gaps that are longer than the window shows
   */
  mean(of: (gapMillis: number) => number, beyond: number): { readonly mean: number; readonly error: number } {
    let [mean, variance] = [this.longerShare * beyond, 0];
    // `mean` is the part of it that longer gaps have.
    for (const { gap, share, longer, variance: own } of this.steps.toReversed()) {
      const here = of(gap);
      variance += (longer * here - mean) ** 2 * own;
      mean += share * here;
    }
    return { mean, error: Math.sqrt(variance) };
  }
}
