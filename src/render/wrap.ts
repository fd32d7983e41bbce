import { displayWidth } from './width.ts';

/** A command to copy, in backticks in the middle of a text, with what joins it to the sentence. */
const commandSpan = / ?\(?`((?:(?:[^\s`]*\/)?cachectl|redis-cli|chmod|export|iconv) [^`]+)`\)?[,;:.]? ?/;

/** The lines of a text; of one that is wider than `width` columns, each command to copy is on a line of its own. */
function linesOf(text: string, width: number): { readonly text: string; readonly isCommand: boolean }[] {
  return text.split('\n').flatMap((line) => {
    if (displayWidth(line) <= width) return [{ text: line, isCommand: false }];
    const [indent = ''] = /^ */.exec(line) ?? [];
    return line
      .split(commandSpan)
      .map((piece, index) =>
        index % 2 === 1
          ? { text: `${indent}  ${piece}`, isCommand: true }
          : { text: index === 0 ? piece : indent + piece, isCommand: false },
      )
      .filter((piece) => piece.text.trim() !== '');
  });
}

/** The text in lines of at most `width` columns, broken at spaces; a command stays whole, and so does a longer word, to be copied. */
export function wrapped(text: string, width: number): string[] {
  return linesOf(text, width).flatMap((line) =>
    line.isCommand ? [line.text] : brokenAtSpaces(line.text, width),
  );
}

/** The text with its commands whole on their own lines where they would be broken, and all else as it is. */
export function commandsApart(text: string, width: number): string {
  return linesOf(text, width)
    .map((line) => line.text)
    .join('\n');
}

/** One line in lines of at most `width` columns with its indentation, whatever it has in backticks. */
function brokenAtSpaces(text: string, width: number): string[] {
  const [indent = ''] = /^ */.exec(text) ?? [];
  const [first = '', ...words] = text.slice(indent.length).split(' ');
  const lines = [indent + first];
  for (const word of words) {
    const longer = `${lines.at(-1) ?? ''} ${word}`;
    if (displayWidth(longer) > width) lines.push(indent + word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}
