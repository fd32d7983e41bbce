import { type PageSource, shareRead } from '../redis/page-source.ts';
import { driftOf, type PopulationCourse } from './drift.ts';
import type { SampleFrame } from './estimate.ts';
import { sampleGroups, type SamplePlace } from './tally.ts';

/** Where pages are drawn from: a node. */
export interface DrawnFrom {
  readonly source: Pick<PageSource, 'keys' | 'pages' | 'pageSize'>;
}

/** A page, and how many keys its node had when it was read, over those when the pages were laid out. */
export interface DrawnPage {
  readonly scannedKeys: number;
  readonly growth: number;
  readonly from: DrawnFrom;
}

/** The pages of a sample so far, and what estimates from them are made with. */
export class DrawnPages {
  pages = 0;
  scannedKeys = 0;
  private detailedPages = 0;
  private growthSum = 0;
  private detailedGrowthSum = 0;
  private readonly groupWeights: number[] = Array.from({ length: sampleGroups }, () => 0);
  /** Of each node, at its last page. */
  private readonly growth = new Map<DrawnFrom, number>();

  /** @param largeFrom see SamplePlace */
  constructor(
    private readonly population: number,
    private readonly sources: readonly DrawnFrom[],
    private readonly largeFrom = Number.POSITIVE_INFINITY,
  ) {}

  /**
   * A page counts for the keys that its node had when it was read.
   * @param detailed true where more than the size was read of its keys
   * @returns the place of its keys
   */
  add({ scannedKeys, growth, from }: DrawnPage, detailed: boolean): SamplePlace {
    const group = this.pages % sampleGroups;
    this.groupWeights[group] = (this.groupWeights[group] ?? 0) + growth;
    this.growthSum += growth;
    this.growth.set(from, growth);
    this.pages++;
    if (detailed) {
      this.detailedPages++;
      this.detailedGrowthSum += growth;
    }
    this.scannedKeys += scannedKeys;
    return { group, weight: growth / scannedKeys, largeFrom: this.largeFrom };
  }

  get course(): PopulationCourse {
    return this.courseOver(this.pages, this.growthSum);
  }

  /** @param drifting false: with the error of the sample alone, as if the keyspace had not changed meanwhile */
  frame(drifting: boolean): SampleFrame {
    return this.frameOf(this.course, this.pages, drifting);
  }

  /** Of what was read of the first pages only. */
  detailedFrame(drifting: boolean): SampleFrame {
    const course = this.courseOver(this.detailedPages, this.detailedGrowthSum);
    return this.frameOf(course, this.detailedPages, drifting);
  }

  private courseOver(pages: number, growthSum: number): PopulationCourse {
    const start = this.population;
    const grown = this.sources.map((each) => each.source.keys * ((this.growth.get(each) ?? 1) - 1));
    return {
      start,
      mean: pages === 0 ? start : (start * growthSum) / pages,
      end: grown.reduce((sum, keys) => sum + keys, start),
    };
  }

  private frameOf(course: PopulationCourse, drawn: number, drifting: boolean): SampleFrame {
    const numbers = this.sources.map(({ source }) => source.pages);
    const pages = numbers.includes(null) ? null : numbers.reduce<number>((sum, each) => sum + (each ?? 0), 0);
    const pageSize = Math.min(...this.sources.map(({ source }) => source.pageSize));
    return {
      population: course.mean,
      scannedKeys: this.scannedKeys,
      // The pages that were drawn are a smaller part of a table that has grown.
      fraction: shareRead({ pages, pageSize }, drawn) * Math.min(1, course.start / Math.max(1, course.mean)),
      groupWeights: this.groupWeights,
      ...(drifting && { drift: driftOf(course, pages === null) }),
    };
  }
}
