import { displayWidth } from './width.ts';

/** A command to copy, in backticks in the middle of a text, with what joins it to the sentence. */
const commandSpan = / ?\(?`((?:(?:[^\s`]*\/)?cachectl|redis-cli|chmod|export|iconv) [^`]+)`\)?[,;:.]? ?/;

/** In place of the blanks of a command that stays in its sentence, and of those that `inOnePiece` names. */
const fixedBlank = '\0';

/** Between a number and its unit, the parts of a time, and in `< 0.1 %`. */
const inOnePiece =
  /(?<=\d) (?=(?:%|[kMGT]?B|ms|[µu]?s)(?![\w%]))|(?<=\d[dhm]) (?=\d+[hms]\b)|(?<=(?:^| )<) (?=\d)/g;

/** The lines of a text; of one that is wider than `width` columns, each long command to copy is on a line of its own. */
function linesOf(text: string, width: number): { readonly text: string; readonly isCommand: boolean }[] {
  return text.split('\n').flatMap((line) => {
    if (displayWidth(line) <= width) return [{ text: line, isCommand: false }];
    const [indent = ''] = /^ */.exec(line) ?? [];
    return withShortCommandsWhole(line, width)
      .split(commandSpan)
      .map((piece, index) =>
        index % 2 === 1
          ? { text: `${indent}  ${piece}`, isCommand: true }
          : { text: index === 0 ? piece : indent + piece, isCommand: false },
      )
      .filter((piece) => piece.text.trim() !== '');
  });
}

const withShortCommandsWhole = (line: string, width: number): string =>
  line.replaceAll(new RegExp(commandSpan, 'g'), (span, command: string) =>
    2 * displayWidth(command) > width
      ? span
      : span.replace(`\`${command}\``, (quoted) => quoted.replaceAll(' ', fixedBlank)),
  );

/** The text in lines of at most `width` columns, broken at spaces; a command stays whole, and so does a longer word, to be copied. */
export function wrapped(text: string, width: number): string[] {
  return linesOf(text, width)
    .flatMap((line) => (line.isCommand ? [line.text] : brokenAtSpaces(line.text, width)))
    .map((line) => line.replaceAll(fixedBlank, ' '));
}

/** One line in lines of at most `width` columns with its indentation, whatever it has in backticks. */
function brokenAtSpaces(text: string, width: number): string[] {
  const [indent = ''] = /^ */.exec(text) ?? [];
  const [first = '', ...words] = text.slice(indent.length).replaceAll(inOnePiece, fixedBlank).split(' ');
  const lines = [indent + first];
  for (const word of words) {
    const longer = `${lines.at(-1) ?? ''} ${word}`;
    if (displayWidth(longer) > width) lines.push(indent + word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}
