/** The first of each list, then the second of each, and so on, up to `most`: a small sample that shows every list. */
export function dealFrom<T>(lists: readonly (readonly T[])[], most: number): T[] {
  const dealt: T[] = [];
  const rounds = Math.max(0, ...lists.map(({ length }) => length));
  for (let round = 0; round < rounds; round++) {
    for (const list of lists) {
      if (dealt.length >= most) return dealt;
      if (round < list.length) dealt.push(list[round] as T);
    }
  }
  return dealt;
}
