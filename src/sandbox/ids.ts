/** Ids that every generated data set holds, so that examples and tests may name them. */
export const namedUsers = [1, 12, 123] as const;

/** The database id of the n-th user, scenario, …: `first` come first, then 1, 2, 3, … without those. */
export function nthId(rank: number, first: readonly number[] = namedUsers): number {
  const named = first[rank];
  if (named !== undefined) return named;
  let id = rank - first.length + 1;
  for (const taken of [...first].sort((left, right) => left - right)) if (id >= taken) id++;
  return id;
}

/** Telegram ids of those who tried the bot before it was public. */
export const firstTelegramIds = [...namedUsers, 555] as const;

/** A prime below the number of nine-digit ids, so that the step below meets each id once. */
const telegramIds = 899_999_963;

/** The first Telegram ids, then nine-digit ones, none twice. */
export function telegramId(rank: number): number {
  return firstTelegramIds[rank] ?? 100_000_000 + ((rank * 314_159_269) % telegramIds);
}

/** The index as one choice from each list, in an order that mixes them; all combinations come before any comes twice. */
export function combination(index: number, sizes: readonly number[]): number[] {
  const total = combinations(sizes);
  // 7919 is prime and larger than each list, so the step visits every combination.
  let rest = (index * 7919) % total;
  return sizes.map((size) => {
    const choice = rest % size;
    rest = Math.floor(rest / size);
    return choice;
  });
}

/** How many combinations there are. */
export function combinations(sizes: readonly number[]): number {
  return sizes.reduce((product, size) => product * size, 1);
}
