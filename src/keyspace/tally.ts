import type { ByteString } from '../support/bytes.ts';

/** The place of a key in a sample. */
export interface SamplePlace {
  /** Of the random groups that the pages of the sample are dealt into, from 0. */
  readonly group: number;
  /** What the key counts for: one over the keys of its page, and more in a database that has grown. */
  readonly weight: number;
  /** Keys of so many bytes are remembered one by one, for one of them may decide an estimate; left out: none are. */
  readonly largeFrom?: number;
  /** Of a key that large: pages overlap, and it may come again. */
  readonly key?: ByteString;
}

/** A large key of a sample. */
export interface LargeSample {
  readonly memoryBytes: number;
  readonly group: number;
  readonly weight: number;
  readonly key?: ByteString | undefined;
}

/**
 * Random groups for the variance of a sample: their number is a compromise between a steady variance and memory.
 * @see Wolter, Introduction to Variance Estimation (2007), chapter 2
 */
export const sampleGroups = 32;

/**
 * Sums over keys that were chosen one by one, each with a chance of its own and with the weight w = 1 / chance: of w, w²,
 * w × bytes, (w × bytes)² and w × bytes², then the largest w.
 */
export type ChosenSums = [number, number, number, number, number, number];

/** What a tally holds: of one that is no sample of pages JSON gives the same back. */
export type TallyFields = Pick<Tally, 'keys' | 'memoryBytes' | 'bytesSquared' | 'largestBytes'> &
  Partial<Pick<Tally, 'groups' | 'large' | 'chosen'>>;

/** Counts a set of keys and their bytes, in constant memory; in a sample also by random group. */
export class Tally {
  keys = 0;
  /** Of the keys whose memory was read. */
  memoryBytes = 0;
  bytesSquared = 0;
  largestBytes = 0;
  /** Weighted keys of each group, then weighted bytes of each group; undefined where nothing was sampled. */
  groups: Float64Array | undefined;
  /** Of a sample; undefined where there are none. */
  large: LargeSample[] | undefined;
  /** Undefined where keys were not chosen one by one. */
  chosen: ChosenSums | undefined;

  /** @param chosenWeight of a key that was chosen with a chance: one over the chance */
  add(memoryBytes: number | null, place: SamplePlace | null, chosenWeight: number | null = null): void {
    this.keys++;
    if (memoryBytes !== null) {
      this.memoryBytes += memoryBytes;
      this.bytesSquared += memoryBytes * memoryBytes;
      if (memoryBytes > this.largestBytes) this.largestBytes = memoryBytes;
    }
    if (chosenWeight !== null) {
      const bytes = memoryBytes ?? 0;
      const weighted = chosenWeight * bytes;
      this.addChosen([
        chosenWeight,
        chosenWeight ** 2,
        weighted,
        weighted ** 2,
        weighted * bytes,
        chosenWeight,
      ]);
    }
    if (place === null) return;
    this.groups ??= new Float64Array(2 * sampleGroups);
    const { group, weight, largeFrom = Number.POSITIVE_INFINITY, key } = place;
    if (memoryBytes !== null && memoryBytes >= largeFrom)
      (this.large ??= []).push({ memoryBytes, group, weight, key });
    this.groups[group] = (this.groups[group] ?? 0) + weight;
    const at = sampleGroups + group;
    this.groups[at] = (this.groups[at] ?? 0) + weight * (memoryBytes ?? 0);
  }

  merge(other: TallyFields): void {
    this.keys += other.keys;
    this.memoryBytes += other.memoryBytes;
    this.bytesSquared += other.bytesSquared;
    this.largestBytes = Math.max(this.largestBytes, other.largestBytes);
    if (other.chosen !== undefined) this.addChosen(other.chosen);
    if (other.large !== undefined) (this.large ??= []).push(...other.large);
    if (other.groups === undefined) return;
    const groups = (this.groups ??= new Float64Array(2 * sampleGroups));
    other.groups.forEach((sum, at) => (groups[at] = (groups[at] ?? 0) + sum));
  }

  private addChosen([w, ww, wb, wwbb, wbb, largest]: ChosenSums): void {
    const sums = (this.chosen ??= [0, 0, 0, 0, 0, 0]);
    sums[0] += w;
    sums[1] += ww;
    sums[2] += wb;
    sums[3] += wwbb;
    sums[4] += wbb;
    sums[5] = Math.max(sums[5], largest);
  }
}

/** The sum of tallies. */
export function sumOf(tallies: Iterable<Tally>): Tally {
  const sum = new Tally();
  for (const tally of tallies) sum.merge(tally);
  return sum;
}

/** What a breakdown holds, also as JSON gives it back. */
export interface BreakdownFields {
  readonly parts: Iterable<readonly [label: string, TallyFields]>;
}

/** Disjoint parts of a set of keys, by a label: types, encodings, spans of time. */
export class Breakdown {
  readonly parts = new Map<string, Tally>();

  add(
    label: string,
    memoryBytes: number | null,
    place: SamplePlace | null,
    weight: number | null = null,
  ): void {
    let part = this.parts.get(label);
    if (part === undefined) this.parts.set(label, (part = new Tally()));
    part.add(memoryBytes, place, weight);
  }

  merge(other: BreakdownFields): void {
    for (const [label, tally] of other.parts) {
      const part = this.part(label);
      part.merge(tally);
      this.parts.set(label, part);
    }
  }

  toJSON(): BreakdownFields {
    return { parts: [...this.parts] };
  }

  /** All keys that have a label. */
  get whole(): Tally {
    return sumOf(this.parts.values());
  }

  /** The tally of a label, empty where no key had it. */
  part(label: string): Tally {
    return this.parts.get(label) ?? new Tally();
  }
}
