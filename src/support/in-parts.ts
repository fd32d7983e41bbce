/** Long work that stops after each of its parts, so that signals come through and the work can be given up. */
export type InParts<Result> = Generator<undefined, Result, undefined>;

/** Does all of it at once. */
export function finished<Result>(work: InParts<Result>): Result {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}
