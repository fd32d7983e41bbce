import { firstAbove } from '../support/collections.ts';
import type { SeededRandom } from '../support/random.ts';

/** Which keys are used how often. */
export type Distribution =
  | { readonly kind: 'uniform' }
  /** The key of rank n is used in proportion to 1 / n to the power of the exponent. */
  | { readonly kind: 'zipf'; readonly exponent: number }
  /** One after the other, each connection from a place of its own. */
  | { readonly kind: 'sequential' };

/** YCSB's constant for requests. */
const usualExponent = 0.99;

/** `uniform`, `zipf`, `zipf:1.2` or `sequential`. @throws Error for anything else */
export function parseDistribution(text: string): Distribution {
  const [, kind = '', exponent] = /^([a-z]+)(?::(\d+(?:\.\d+)?))?$/.exec(text.trim()) ?? [];
  if (kind === 'zipf' && Number(exponent ?? usualExponent) > 0)
    return { kind, exponent: Number(exponent ?? usualExponent) };
  if ((kind === 'uniform' || kind === 'sequential') && exponent === undefined) return { kind };
  throw new Error(`\`${text}\` is no distribution; write uniform, zipf, zipf:1.2 or sequential`);
}

export const distributionText = (distribution: Distribution): string =>
  distribution.kind === 'zipf' ? `zipf:${distribution.exponent}` : distribution.kind;

/** Chooses one key after the other. */
export type KeyChoice = () => number;

type Choices = (random: Pick<SeededRandom, 'below' | 'fraction'>, firstShare: number) => KeyChoice;

/** Makes choices among the keys of all parts, of each by its weight; what they have in common is computed once. */
export function keyChoices(
  distribution: Distribution,
  parts: readonly { readonly keys: number; readonly weight: number }[],
): Choices {
  const each = parts.map(({ keys }) => choicesAmong(distribution, keys));
  const [only] = each;
  if (only !== undefined && each.length === 1) return only;
  const [starts, sums]: [number[], number[]] = [[], []];
  let [keys, weights] = [0, 0];
  for (const part of parts) {
    starts.push(keys);
    keys += part.keys;
    sums.push((weights += part.weight));
  }
  return (random, firstShare) => {
    const chosen = each.map((choices) => choices(random, firstShare));
    return () => {
      const part = firstAbove(sums, random.fraction() * weights);
      return (starts[part] ?? 0) + (chosen[part]?.() ?? 0);
    };
  };
}

function choicesAmong(distribution: Distribution, count: number): Choices {
  switch (distribution.kind) {
    case 'uniform':
      return (random) => () => random.below(count);
    case 'sequential':
      return (_random, firstShare) => {
        let next = Math.floor(firstShare * count);
        return () => next++ % count;
      };
    case 'zipf': {
      const sums = zipfSums(count, distribution.exponent);
      const all = sums[count - 1] ?? 0;
      return (random) => () => firstAbove(sums, random.fraction() * all);
    }
  }
}

function zipfSums(count: number, exponent: number): Float64Array {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank++) sums[rank] = sum += (rank + 1) ** -exponent;
  return sums;
}
