/** Of two words that differ in more edits than this, none is meant for the other. */
const mostEdits = 2;

/** `did you mean `user`? ` in front of a hint; empty where no name is like the word. */
export function meantText(word: string, names: Iterable<string>): string {
  const meant = meantName(word, names);
  return meant === undefined ? '' : `did you mean \`${meant}\`? `;
}

/** The name that is most like the word; undefined where none is. */
export function meantName(word: string, names: Iterable<string>): string | undefined {
  const [meant] = [...new Set(names)]
    .map((name) => ({ name, edits: editsBetween(word.toLowerCase(), name.toLowerCase()) }))
    // A word of which half is another is another word.
    .filter(({ name, edits }) => edits <= mostEdits && 2 * edits < Math.max(word.length, name.length))
    .sort((left, right) => left.edits - right.edits);
  return meant?.name;
}

/** Letters to insert, remove, replace, or swap with the next: the optimal string alignment distance. */
function editsBetween(left: string, right: string): number {
  let [before, row] = [[] as number[], Array.from({ length: right.length + 1 }, (_, column) => column)];
  for (let line = 1; line <= left.length; line++) {
    const next = [line];
    for (let column = 1; column <= right.length; column++) {
      const isSame = left[line - 1] === right[column - 1];
      const isSwapped = left[line - 1] === right[column - 2] && left[line - 2] === right[column - 1];
      next[column] = Math.min(
        (row[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (row[column - 1] ?? 0) + (isSame ? 0 : 1),
        isSwapped && line > 1 && column > 1 ? (before[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [before, row] = [row, next];
  }
  return row[right.length] ?? 0;
}
