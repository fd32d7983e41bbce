/** Characters that take two columns: East Asian wide and full-width ones, and emoji. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f200}-\u{1f265}\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
/** Characters that stand on the one before them. */
const combining = /\p{Mn}|\p{Me}/u;

const plain = /^[\x20-\x7e]*$/;

function widthOf(character: string): number {
  return combining.test(character) ? 0 : wide.test(character) ? 2 : 1;
}

/** How many columns of a terminal the text takes. It must be printable: see `printable`. */
export function displayWidth(text: string): number {
  if (plain.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += widthOf(character);
  return width;
}

/** The longest start of the text that takes no more than `width` columns. */
export function startOf(text: string, width: number): string {
  let left = width;
  let end = 0;
  for (const character of text) {
    left -= widthOf(character);
    if (left < 0) break;
    end += character.length;
  }
  return text.slice(0, end);
}

/** The longest end of the text that takes no more than `width` columns. */
export function endOf(text: string, width: number): string {
  const characters = Array.from(text.slice(-2 * width - 16));
  let left = width;
  let start = characters.length;
  while (start > 0 && left >= widthOf(characters[start - 1] ?? ''))
    left -= widthOf(characters[--start] ?? '');
  return characters.slice(start).join('');
}
