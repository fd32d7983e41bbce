import type { Unit } from './blocks.ts';
import { counted, formatCell } from './units.ts';

/** A number inside a sentence. */
interface ShownQuantity {
  readonly value: number;
  readonly unit: Unit;
  /** What a count counts. */
  readonly noun?: { readonly singular: string; readonly plural: string };
}

/** A sentence with its numbers as people read them. Texts stand as they are: a server may have said them. */
export function phraseText(phrase: readonly (string | ShownQuantity)[]): string {
  return phrase
    .map((part) => {
      if (typeof part === 'string') return part;
      const { value, unit, noun } = part;
      return noun === undefined ? formatCell(value, unit) : counted(value, noun.singular, noun.plural);
    })
    .join('');
}
