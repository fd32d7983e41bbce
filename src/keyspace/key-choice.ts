import type { Draw } from '../support/random.ts';
import type { ByteString } from '../support/bytes.ts';
import { inferPattern } from './infer.ts';
import { z95 } from '../support/intervals.ts';
import type { NamespaceMap } from './map.ts';

/** A namespace with so many of the keys is a large one. */
const largeShare = 0.1;
/** Namespaces that are told apart, about 100 bytes of memory each; the keys of all others are chosen as if of one. */
const mostNamespaces = 1000;
/** Of every namespace these are read, before its size can be foreseen. */
const firstKeys = 250;
/** How many keys are chosen is left to chance too. */
const margin = 1.1;

/** Of so many keys, chosen at random, any share is known to within `precision`, with a certainty of 95 %. */
function keysFor(precision: number): number {
  return Math.ceil(margin * 0.25 * (z95 / precision) ** 2);
}

/**
 * Chooses keys, while a walk meets them, for what costs a lookup: all of a namespace with few keys, of a large one as many
 * as its shares need. Each key has a chance that depends on how many keys were met so far and on nothing else, so it
 * makes no difference in which order a server gives them.
 */
export class KeyChoice {
  private readonly enough: number;
  private readonly met = new Map<string, number>();
  private all = 0;
  /** Keys that were not chosen. */
  passedOver = 0;

  /** @param precision half-width of the 95 % intervals of the shares of a large namespace */
  constructor(
    private readonly map: NamespaceMap,
    precision: number,
    private readonly draw: Draw,
  ) {
    this.enough = keysFor(precision);
  }

  /**
   * One over the chance of each key; 0 where it is not chosen.
   * @param walked share of the walk that is done with these keys, from 0 to 1
   */
  weigh(keys: readonly ByteString[], walked: number): number[] {
    return keys.map((key) => {
      const chance = this.chanceOf(key, walked);
      if (chance >= 1 || this.draw.fraction() < chance) return 1 / chance;
      this.passedOver++;
      return 0;
    });
  }

  private chanceOf(key: ByteString, walked: number): number {
    const namespace = this.namespaceOf(key);
    const met = (this.met.get(namespace) ?? 0) + 1;
    this.met.set(namespace, met);
    this.all++;
    // Ten large namespaces at most, and as many keys again for all small ones together.
    const fair = this.enough / largeShare / this.met.size;
    const wanted = met >= largeShare * this.all ? this.enough : Math.min(this.enough, fair);
    const foreseen = met / Math.max(walked, 1e-9);
    if (met <= Math.min(firstKeys, wanted) || foreseen <= wanted) return 1;
    // With the correction for a finite population.
    return wanted / (foreseen + wanted);
  }

  private namespaceOf(key: ByteString): string {
    const { map } = this;
    const name = (map.isEmpty ? null : map.classify(key)?.name) ?? inferPattern(key, map.delimiters);
    return this.met.size < mostNamespaces || this.met.has(name) ? name : '';
  }
}
