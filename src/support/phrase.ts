/** A number inside a sentence; the renderer decides how it reads. */
export interface Quantity {
  readonly value: number;
  /** Of a range, whose lower end is the value. */
  readonly upTo?: number;
  /** As in the blocks of a view: `ratio` is from 0 to 1, `millis` and `seconds` are durations. */
  readonly unit: 'count' | 'bytes' | 'ratio' | 'seconds' | 'millis' | 'number';
  /** What a count counts, in the singular. */
  readonly noun?: string;
}

/** A sentence whose numbers are still numbers. */
export type Phrase = readonly (string | Quantity)[];

/** Tags a template: say`${ratio(0.931)} of ${count(1204, 'lookup')} hit`. */
export function say(texts: TemplateStringsArray, ...parts: readonly (string | Quantity)[]): Phrase {
  return texts
    .flatMap((text, index) => [text, parts[index] ?? ''])
    .filter((part) => typeof part !== 'string' || part !== '');
}

const quantity =
  (unit: Quantity['unit']) =>
  (value: number): Quantity => ({ value, unit });

export const ratioRange = (low: number, high: number): Quantity => ({
  value: low,
  upTo: high,
  unit: 'ratio',
});

export const bytes = quantity('bytes');
export const ratio = quantity('ratio');
export const seconds = quantity('seconds');
export const millis = quantity('millis');
export const number = quantity('number');

export const count = (value: number, noun?: string): Quantity => ({
  value,
  unit: 'count',
  ...(noun !== undefined && { noun }),
});
