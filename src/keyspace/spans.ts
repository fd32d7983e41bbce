/** Upper bounds of the histograms of times, in seconds; the last is open. */
export const spanBoundsSeconds: readonly number[] = [
  60,
  300,
  3600,
  86_400,
  604_800,
  Number.POSITIVE_INFINITY,
];

/** Upper bounds of the histogram of LFU counters (0 to 255): a new key starts at 5, and decays to 0. */
export const frequencyBounds: readonly number[] = [0, 1, 5, 10, 50, 255];

/** The labels of the histogram's spans: their upper bounds. */
export const labelsOf = (bounds: readonly number[]): readonly string[] => bounds.map(String);

const secondsLabels = labelsOf(spanBoundsSeconds);
const frequencyLabels = labelsOf(frequencyBounds);

/** The label of the span that a time belongs to. */
export function spanOfSeconds(seconds: number): string {
  return labelAt(spanBoundsSeconds, secondsLabels, seconds);
}

/** The label of the span that an LFU counter belongs to. */
export function spanOfFrequency(frequency: number): string {
  return labelAt(frequencyBounds, frequencyLabels, frequency);
}

function labelAt(bounds: readonly number[], labels: readonly string[], value: number): string {
  return labels[bounds.findIndex((bound) => value <= bound)] ?? labels[labels.length - 1] ?? '';
}
