/** `npm run test:long` looks four times as long for what random inputs and samples may find. */
export const isLong = process.env['CACHECTL_TEST_LONG'] !== undefined;

/** Rounds of a property or a simulation: a quarter in the short run, which every change goes through. */
export function rounds(inTheLongRun: number): number {
  return isLong ? inTheLongRun : Math.ceil(inTheLongRun / 4);
}
