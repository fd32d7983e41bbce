/**
 * Gives the items of all sources as they come. So many sources run side by side, the next begins where one has ended; one that was
 * taken an item from goes to work on its next when the reader asks for another. All are ended with the first that fails, or when
 * the reader leaves.
 * @param taken called with each item before it is given
 * @returns what each source returned, in their order
 */
export async function* merge<Item, End>(
  sources: readonly AsyncGenerator<Item, End>[],
  atOnce = Number.POSITIVE_INFINITY,
  taken?: (item: Item) => void,
): AsyncGenerator<Item, End[]> {
  const ends: End[] = [];
  const waiting = sources.entries();
  const pending = new Map<number, Promise<{ index: number; step: IteratorResult<Item, End> }>>();
  const run = (index: number, source: AsyncGenerator<Item, End>) =>
    pending.set(
      index,
      source.next().then((step) => ({ index, step })),
    );
  const begin = () => {
    const [index, source] = waiting.next().value ?? [];
    if (source !== undefined) run(index as number, source);
  };
  try {
    for (let begun = 0; begun < Math.min(atOnce, sources.length); begun++) begin();
    while (pending.size > 0) {
      const { index, step } = await Promise.race(pending.values());
      pending.delete(index);
      if (step.done === true) {
        ends[index] = step.value;
        begin();
        continue;
      }
      taken?.(step.value);
      yield step.value;
      run(index, sources[index] as AsyncGenerator<Item, End>);
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
