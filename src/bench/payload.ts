import { firstAbove } from '../support/collections.ts';
import { parseSize } from '../support/quantity.ts';
import type { SeededRandom } from '../support/random.ts';

/** How large the values are. */
export interface Payload {
  /** As it was written. */
  readonly text: string;
  readonly parts: readonly PayloadPart[];
  /** Rounded. */
  readonly meanBytes: number;
  readonly mostBytes: number;
}

/** Sizes from one to another, each as often. */
interface PayloadPart {
  readonly lowBytes: number;
  readonly highBytes: number;
  /** How often, next to the other parts. */
  readonly weight: number;
}

const examples = 'write 256B, 64B-4KiB, or sizes with weights: 64B:50%,1KiB:30%,16KiB:20%';

/**
 * `256B`, a range `64B-4KiB`, or a list of both with weights: `64B:50%,1KiB-4KiB:50%`. Weights are shares of their sum; those in
 * percent have to be all there is.
 * @throws Error for anything else
 */
export function parsePayload(text: string): Payload {
  const items = text.split(',').map((item) => item.trim());
  const parts = items.map((item): PayloadPart & { isPercent: boolean } => {
    const [, sizes = '', weight, percent] = /^([^:]*)(?::(\d+(?:\.\d+)?)(%?))?$/.exec(item) ?? [];
    if (sizes === '' || (items.length > 1 && weight === undefined) || Number(weight) === 0)
      throw new Error(`\`${text}\` is no size of values; ${examples}`);
    const [low = '', high = low, ...more] = sizes.split('-');
    const [lowBytes, highBytes] = [parseSize(low), parseSize(high)];
    if (more.length > 0 || lowBytes > highBytes) throw new Error(`\`${item}\` is no range; ${examples}`);
    return { lowBytes, highBytes, weight: Number(weight ?? 1), isPercent: percent === '%' };
  });
  const sum = parts.reduce((all, { weight }) => all + weight, 0);
  if (parts.every(({ isPercent }) => isPercent) && Math.abs(sum - 100) > 0.5)
    throw new Error(`the shares of \`${text}\` are ${Number(sum.toPrecision(4))} % together, and not 100 %`);
  return {
    text: items.join(','),
    parts: parts.map(({ lowBytes, highBytes, weight }) => ({ lowBytes, highBytes, weight })),
    meanBytes: Math.round(
      parts.reduce((all, part) => all + (part.weight * (part.lowBytes + part.highBytes)) / 2, 0) / sum,
    ),
    mostBytes: Math.max(...parts.map(({ highBytes }) => highBytes)),
  };
}

/** Null where all values have one size. */
export const payloadSizesOf = ({ parts, meanBytes, mostBytes, text }: Payload): string | null =>
  parts.every(({ lowBytes }) => lowBytes === mostBytes) && meanBytes === mostBytes ? null : text;

/** Gives the size of one value after the other. */
export function sizeChoice({ parts }: Payload, random: SeededRandom): () => number {
  const sums: number[] = [];
  for (const { weight } of parts) sums.push((sums.at(-1) ?? 0) + weight);
  const all = sums.at(-1) ?? 0;
  return () => {
    const { lowBytes, highBytes } = parts[firstAbove(sums, random.fraction() * all)] as PayloadPart;
    return random.between(lowBytes, highBytes);
  };
}
