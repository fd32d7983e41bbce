/** Arithmetic mean; NaN for an empty list. */
export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard deviation of the population that the values are a sample of (Bessel's correction: n - 1). */
export function standardDeviationOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

/** Standard deviation as a share of the mean: how unsteady a quantity is, whatever its size. */
export function coefficientOfVariation(values: readonly number[]): number {
  return standardDeviationOf(values) / meanOf(values);
}
