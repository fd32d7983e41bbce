/** Two bounds that contain the true figure with a probability of 95 %. */
export type Interval = readonly [low: number, high: number];

/** The 0.975 quantile of the normal distribution. */
export const z95 = 1.959964;

const tails = 0.025;

/**
 * The interval of Clopper and Pearson (1934) for a proportion, from `successes` of `trials`; both may be fractions, as
 * effective sizes of a sample are. It covers at least as often as it says.
 */
export function proportionInterval(successes: number, trials: number): Interval {
  if (trials <= 0) return [0, 1];
  const failures = Math.max(0, trials - successes);
  return [
    successes <= 0 ? 0 : betaQuantile(tails, successes, failures + 1),
    failures <= 0 ? 1 : betaQuantile(1 - tails, successes + 1, failures),
  ];
}

/**
 * The quantile of the beta distribution at `tails` or `1 - tails`, to 1e-12, which is closer than any sample: by Halley's
 * method from the bound of Wilson's interval (1927), and by bisection where that leaves the bounds.
 */
function betaQuantile(probability: number, a: number, b: number): number {
  const logBeta = logGamma(a) + logGamma(b) - logGamma(a + b);
  const z = probability < 0.5 ? -z95 : z95;
  let [low, high] = [0, 1];
  let x = (a + z ** 2 / 2 + z * Math.sqrt((a * b) / (a + b) + z ** 2 / 4)) / (a + b + z ** 2);
  for (let step = 0; step < 100 && high - low > 1e-12; step++) {
    const excess = betaDistribution(x, a, b, logBeta) - probability;
    if (excess < 0) low = x;
    else high = x;
    const newton = excess * Math.exp(logBeta - (a - 1) * Math.log(x) - (b - 1) * Math.log1p(-x));
    const bend = (a - 1) / x - (b - 1) / (1 - x);
    const next = x - newton / (1 - Math.max(-1, Math.min(1, newton * bend)) / 2);
    if (Math.abs(next - x) < 1e-13) return Math.max(low, Math.min(high, next));
    x = next > low && next < high ? next : (low + high) / 2;
  }
  return x;
}

/**
 * The regularized incomplete beta function, from its continued fraction by the method of Lentz.
 * @see NIST Digital Library of Mathematical Functions, 8.17.22
 */
function betaDistribution(x: number, a: number, b: number, logBeta: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logBeta);
  return x < (a + 1) / (a + b + 2)
    ? (front * continuedFraction(x, a, b)) / a
    : 1 - (front * continuedFraction(1 - x, b, a)) / b;
}

function continuedFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  const atLeast = (value: number) => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / atLeast(1 - ((a + b) * x) / (a + 1));
  let result = d;
  // The number of terms that are needed grows with the root of the larger parameter.
  const terms = 200 + 10 * Math.ceil(Math.sqrt(Math.max(a, b)));
  for (let m = 1; m <= terms; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / atLeast(1 + even * d);
    c = atLeast(1 + even / c);
    result *= c * d;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / atLeast(1 + odd * d);
    c = atLeast(1 + odd / c);
    result *= c * d;
    if (Math.abs(c * d - 1) < 1e-13) break;
  }
  return result;
}

/** Stirling's series, after raising small arguments. @see NIST Digital Library of Mathematical Functions, 5.11.1 */
function logGamma(x: number): number {
  let shift = 0;
  let z = x;
  for (; z < 10; z++) shift -= Math.log(z);
  const inverse = 1 / (z * z);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / z;
  return shift + (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + series;
}

/**
 * The 0.975 quantile of Student's t distribution, by the expansion of Cornish and Fisher: within 0.8 % from 3 degrees
 * of freedom on, within 0.01 % from 10 on. @see Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5
 */
export function t95(degreesOfFreedom: number): number {
  const n = Math.max(1, degreesOfFreedom);
  const z = z95;
  return (
    z +
    (z ** 3 + z) / (4 * n) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * n ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * n ** 3)
  );
}

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
