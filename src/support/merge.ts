/**
 * Gives the items of all sources as they come, and runs the sources side by side: one that was taken an item from goes to
 * work on the next when the reader asks for another. Sources are ended with the first that fails, or when the reader leaves.
 * @returns what each source returned, in their order
 */
export async function* merge<Item, End>(
  sources: readonly AsyncGenerator<Item, End>[],
): AsyncGenerator<Item, End[]> {
  const ends: End[] = [];
  const next = async (index: number) => ({
    index,
    step: await (sources[index] as AsyncGenerator<Item, End>).next(),
  });
  const pending = new Map(sources.map((_, index) => [index, next(index)]));
  try {
    while (pending.size > 0) {
      const { index, step } = await Promise.race(pending.values());
      pending.delete(index);
      if (step.done === true) {
        ends[index] = step.value;
        continue;
      }
      yield step.value;
      pending.set(index, next(index));
    }
    return ends;
  } finally {
    // A source that is at work comes to its next item first, and is not to be left with an unhandled rejection.
    await Promise.allSettled([
      ...pending.values(),
      ...sources.map((source) => source.return(undefined as End)),
    ]);
  }
}
